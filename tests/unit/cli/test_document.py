"""`aims document`: drafts ask what an auditor asks, lint refuses them, and the list says what is there."""

import json
import re

import pytest
import yaml

from aims_mlflow.catalog.loader import kinds
from aims_mlflow.cli.main import cli, run_command
from aims_mlflow.errors import AimsError, ConfigError
from aims_mlflow.management.folder import FolderDocument, read_document
from aims_mlflow.records.documents import KINDS, key_of
from support.management_folder import POLICY, REGISTER_ENTRY, SYSTEM, assessment, write


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIMS_HOME", str(tmp_path / "home"))


def lint(*args):
    return cli.main(args=["document", "lint", *args], standalone_mode=False)


def about(kind):
    return () if KINDS[kind].ABOUT == "organisation" else ("--system", "income-screening")


@pytest.mark.parametrize("kind", [k for k, model in KINDS.items() if model.ABOUT == "organisation"])
def test_a_draft_about_the_organisation_is_about_no_one_system(kind, tmp_path):
    with pytest.raises(ConfigError, match=f"{kind} is about the whole organisation"):
        run_command("document", "new", kind, "--system", "income-screening")
    assert not [p for p in tmp_path.rglob("*") if p.suffix in (".md", ".yaml")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_of_each_kind_is_a_document_whose_gaps_are_refused(kind, tmp_path, capsys):
    run_command("document", "new", kind, *about(kind))
    path = next((tmp_path / "aims").iterdir())
    draft = read_document(path)
    assert isinstance(draft, FolderDocument), draft
    assert draft.written.kind == kind
    assert "TODO" in path.read_text()
    assert kinds()[kind].description not in draft.written.text, "what a kind is, no document states"
    assert f"# {kind}: {kinds()[kind].description}\n" in path.read_text()
    assert lint() == 1
    said = capsys.readouterr().out
    assert "D2 error: a gap is left: TODO" in said
    assert "''" not in said, "the value, and not how YAML writes it"


@pytest.mark.parametrize("kind", KINDS)
def test_the_entries_that_a_draft_shows_are_yaml_without_their_marks(kind):
    draft = run_command("document", "new", kind, *about(kind), "--print")
    fields = {key_of(name, field): field for name, field in KINDS[kind].model_fields.items()}
    for asked, shown in re.findall(r"^# TODO (\w+): .*\n((?:#   .*\n)+)", draft, re.MULTILINE):
        entries = yaml.safe_load(shown.replace("#   ", "", 1).replace("\n#   ", "\n"))
        is_several = str(fields[asked].annotation).startswith("tuple[")
        assert isinstance(entries, list if is_several else dict), "what lint would take"
        assert not is_several or len(entries) == 1, shown


def test_a_draft_shows_the_words_that_a_field_may_be():
    draft = run_command("document", "new", "impact-assessment", *about("impact-assessment"), "--print")
    assert "#   scope:  # what is assessed\n" in draft
    assert "# TODO decision: whether the system may be used (go, go with conditions or no go)\n" in draft
    assert "# harm or benefit\n" in draft, "what is said already is not said again"


def test_a_draft_knows_the_register_and_is_not_written_twice(tmp_path):
    write(tmp_path, system=SYSTEM + "intended_use: order applications\nusers: [clerks]\n")
    run_command("document", "new", "intended-use", "--system", "income-screening")
    text = (tmp_path / "aims" / "intended-use-income-screening.md").read_text()
    assert "use: order applications" in text
    assert "owner: olga" in text
    assert "# TODO not_for: what it is not for" in text
    with pytest.raises(ConfigError, match="such a file already"):
        run_command("document", "new", "intended-use", "--system", "income-screening")
    with pytest.raises(ConfigError, match="is no system of the register"):
        run_command("document", "new", "intended-use", "--system", "churn")
    with pytest.raises(ConfigError, match="about one system"):
        run_command("document", "new", "intended-use")


def test_a_draft_is_printed_where_no_folder_is_and_written_to_a_folder_that_is_named(tmp_path):
    printed = run_command("document", "new", "ai-policy", "--print")
    assert "kind: ai-policy" in printed
    assert not list(tmp_path.iterdir()), "printing writes nothing"
    with pytest.raises(AimsError, match="no such folder"):
        run_command("document", "new", "ai-policy", "--print", "--folder", "papers")
    run_command("document", "new", "ai-policy", "--folder", "papers")
    assert (tmp_path / "papers" / "ai-policy.md").read_text() == printed
    with pytest.raises(AimsError, match="cannot be made"):
        run_command("document", "new", "ai-policy", "--folder", "papers/ai-policy.md/more")


def test_the_list_and_the_view_say_what_is_there(tmp_path):
    write(tmp_path, policy=POLICY, system=SYSTEM)
    rows = json.loads(run_command("document", "list", "--json"))
    assert [(r["id"], r["kind"], r["state"]) for r in rows] == [
        ("ai-policy", "ai-policy", "draft"), ("income-screening", "system", "draft"),
    ]  # fmt: skip
    assert "ai-policy" in run_command("document", "list", "--kind", "ai-policy")
    shown = json.loads(run_command("document", "show", "ai-policy", "--json"))
    assert shown["fields"]["prohibited"] == ["scoring employees"]
    assert any(r["rule"] == "G1" for r in shown["lint"])
    assert "A.2.2" in run_command("document", "list", "--kinds")


def test_lint_of_one_file_shows_its_results_alone(tmp_path, capsys):
    root = write(tmp_path, policy=POLICY, system=SYSTEM)
    assert lint(str(root / "system.yaml"), "--format", "json") == 0
    assert {r["document"] for r in json.loads(capsys.readouterr().out)["results"]} == {"income-screening"}
    assert lint(str(root)) == 1


def test_a_rule_explains_itself():
    assert "why:" in run_command("rule", "g4")
    assert "X10" in run_command("rule")
    assert "fix: give the duty in role-assignment or roles" in run_command("rule", "k1")
    with pytest.raises(AimsError, match="there is no rule"):
        run_command("rule", "Z9")


def test_a_form_goes_into_the_document_that_is_there_and_its_table_says_what_is_open(tmp_path):
    write(tmp_path, system=REGISTER_ENTRY, aiia=assessment("0" * 36, "a" * 64))
    made = ("impact-assessment", "--system", "income-screening", "--form", "fria")
    with pytest.raises(ConfigError, match="has no legal form"):
        run_command("document", "show", "aiia", "--table")
    assert "aiia.md has 2 gaps" in run_command("document", "new", *made)
    table = run_command("document", "show", "aiia", "--table")
    assert "## Impact on fundamental rights (AI Act Art. 27)" in table
    assert "| oversight |  |  | who oversees it" in table
    assert "point oversight: open: who oversees it" in run_command("document", "show", "aiia")
    points = {p["point"]: p for p in json.loads(run_command("document", "show", "aiia", "--json"))["forms"]["fria"]}
    assert points["harms"]["person"][0]["document"] == "aiia"
    assert points["harms"]["machine"] == []
    assert [name for name, p in points.items() if p["open"]] == ["oversight", "who_must"]


def test_lint_takes_the_id_of_a_document_as_the_fixes_of_findings_print_it(capsys):
    for kind in ("ai-policy", "context"):
        run_command("document", "new", kind)
    capsys.readouterr()
    shown = {}
    for name in ("context", "document:context", "aims/context.yaml"):
        assert lint(name, "--format", "json") == 1
        shown[name] = {result["document"] for result in json.loads(capsys.readouterr().out)["results"]}
    assert set(map(frozenset, shown.values())) == {frozenset({"context"})}
    with pytest.raises(ConfigError, match="there is no document 'contxt'"):
        lint("contxt")
