"""What `aims document` answers to names that nothing has, to files in every state, and in which words."""

import json
import re

import click
import mlflow
import pytest

from aims_mlflow.cli.main import cli, run_command
from aims_mlflow.errors import ConfigError
from aims_mlflow.gates.person_statements import OF_MANAGEMENT
from aims_mlflow.management.findings.rules import LINT_RULES, RULES
from aims_mlflow.management.rules import rules
from support.commands import command
from support.management_folder import PEOPLE, POLICY, SYSTEM, write

LONG = (
    "The board of the bank binds everyone who builds or uses AI. People decide about people: a clerk grants or refuses a "
    "loan and can say why. Whoever builds a system answers for its data, whoever uses one may stop it at once, and the "
    "board hears of each incident within a week."
)
RULES_OF_BANK = POLICY.replace("The board of the bank binds everyone who builds or uses AI.", LONG)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIMS_HOME", str(tmp_path / "home"))


@pytest.fixture
def bank(tmp_path, monkeypatch):
    """A tracking database, and a keyring with rita, who writes, and max, who approves."""
    monkeypatch.setenv("AIMS_POLICY", str(tmp_path / "policy"))
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    run_command("gate", "init", str(tmp_path / "policy"))
    for name, role in (("rita", "trainer"), ("max", "top-management")):
        run_command("keys", "new", str(tmp_path / f"{name}.pem"))
        run_command("keys", "add", str(tmp_path / f"{name}.pub.pem"), "--owner", name, "--role", role)
    yield lambda name: monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{tmp_path}/{name}.pem")
    mlflow.set_tracking_uri(before)


@pytest.mark.parametrize("asked", [("findings", "--drafts"), ("list", "--drafts")])
def test_a_system_that_nothing_is_about_is_no_all_clear(tmp_path, asked):
    write(tmp_path, system=SYSTEM)
    with pytest.raises(
        ConfigError, match=r"the register has no system 'income-screenin', did you mean 'income-screening'\?"
    ) as told:
        command("document", *asked, "--system", "income-screenin")
    assert told.value.exit_status == 2
    command("document", *asked, "--system", "income-screening")


def test_a_kind_that_there_is_not_is_no_empty_list(tmp_path):
    write(tmp_path, system=SYSTEM)
    with pytest.raises(ConfigError, match="did you mean 'ai-policy'"):
        command("document", "list", "--drafts", "--kind", "ai-polcy")
    assert command("document", "list", "--drafts", "--kind", "ai-policy") == (0, "")


def test_a_rule_is_told_where_it_belongs_and_its_nearest(tmp_path):
    write(tmp_path, system=SYSTEM)
    with pytest.raises(ConfigError, match=r"D3 is a rule of lint\. Next: aims document lint"):
        command("document", "findings", "--drafts", "--rule", "d3")
    with pytest.raises(ConfigError, match=r"there is no rule 'nosuch'\. Next: `aims rule` lists all"):
        run_command("rule", "nosuch")
    with pytest.raises(ConfigError, match="there is no rule 'w77', did you mean 'W7'"):
        run_command("rule", "w77")
    assert set(rules()) & set(RULES) == set(LINT_RULES), "one id names one rule"
    assert command("document", "findings", "--drafts", "--rule", "d2")[0] in (0, 1)


def test_files_that_are_judged_as_if_published_are_not_called_unpublished(tmp_path, bank, capsys):
    write(tmp_path, policy=RULES_OF_BANK, people=PEOPLE)
    bank("rita")
    run_command("document", "publish", "ai-policy")
    capsys.readouterr()
    cli.main(args=["document", "findings", "--drafts"], standalone_mode=False)
    told = capsys.readouterr().err
    assert "the files were judged as if published (--drafts); what is published was not looked at" in told
    assert "none of them is published" not in told


def test_a_statement_that_is_a_draft_is_not_to_be_drafted_again(tmp_path, bank):
    run_command("document", "new", "soa")
    with pytest.raises(
        ConfigError, match=r"soa\.yaml is a draft\. Next: aims document soa --drafts, or aims document pub"
    ):
        command("document", "soa")
    with pytest.raises(ConfigError, match=r"there is no statement of applicability 'so', did you mean 'soa'\?"):
        command("document", "soa", "so", "--drafts")


def test_the_view_of_a_policy_says_what_met_needs_at_each_step(tmp_path, bank):
    write(tmp_path, policy=RULES_OF_BANK, people=PEOPLE)
    bank("rita")

    def shown():
        return run_command("document", "show", "aims/policy.md")

    approval = "  met still needs: approval by a key with the role top-management: aims approve document:ai-policy\n"
    assert "  about: the organisation\n" in shown()
    assert "system: not stated" not in shown()
    assert "  met still needs: publication: aims document publish ai-policy\n" + approval in shown()
    run_command("document", "publish", "aims/policy.md")
    assert approval in shown()
    assert "needs: publication" not in shown()
    bank("max")
    run_command("approve", "document:ai-policy")
    assert "met still needs" not in shown()
    write(tmp_path, policy=RULES_OF_BANK.replace("title: AI policy", "title: Policy"))
    assert "draft (version 1 approved) the organisation" in run_command("document", "list")
    (row,) = json.loads(run_command("document", "list", "--json", "--kind", "ai-policy"))
    assert (row["state"], row["published"]) == ("draft", {"version": "1", "state": "approved"})
    bank("rita")
    run_command("document", "withdraw", "ai-policy", "--reason", "a trial")
    _, out = command("document", "findings", "--json", "--rule", "w7")
    (fix,) = [f["fix"] for f in json.loads(out)["findings"] if f["about"] == "ai-policy"]
    assert fix == "publish it again: aims document publish ai-policy"


def test_counts_have_the_number_of_their_noun(tmp_path, capsys):
    write(tmp_path, system=SYSTEM)
    cli.main(args=["document", "list", "--drafts"], standalone_mode=False)
    cli.main(args=["system", "list"], standalone_mode=False)
    told = capsys.readouterr().err
    assert "1 document in " in told
    assert "; 0 files cannot be read" in told
    assert "1 system in the register" in told
    (tmp_path / "aims" / "more.yaml").write_text("kind: ai-policy\n", encoding="utf-8")
    cli.main(args=["document", "list", "--drafts"], standalone_mode=False)
    assert "; 1 file cannot be read" in capsys.readouterr().err
    _, out = command("document", "findings", "--drafts", "--rule", "I3")
    assert out.splitlines()[-1] == "1 finding, 0 major"


def test_coverage_counts_clauses_as_clauses_and_each_number_once(tmp_path):
    write(tmp_path, system=SYSTEM)
    _, out = command("document", "coverage", "--framework", "nist-ai-rmf")
    lines = [line for line in out.splitlines() if line.startswith("  ")]
    assert any(re.match(r"  0 of \d+ clauses met", line) for line in lines)
    assert any(re.match(r"  0 of \d+ controls met", line) for line in lines)
    assert all(line.count("not assessed here") <= 1 for line in lines)
    for line in lines:
        total, parts = int(line.split(" of ")[1].split()[0]), line.split("; ")[1:]
        assert sum(int(p.split()[0]) for p in parts) == total, line


def test_the_statement_says_how_what_is_judged_for_each_version_is_judged(tmp_path, capsys):
    run_command("document", "new", "soa")
    cli.main(args=["document", "soa", "--drafts"], standalone_mode=False)
    told = capsys.readouterr()
    assert "judged for each version: add --evidence models:/NAME/VERSION" in told.err
    assert "the organisation: judged for each" not in told.out


@pytest.mark.parametrize(("option", "word"), [("--role", "owner"), ("--stage", "dreaming")])
def test_a_role_or_stage_is_one_of_those_that_help_lists(option, word):
    with pytest.raises(click.BadParameter, match=word):
        run_command("system", "add", "churn", "--owner", "olga", option, word)
    shown = re.sub(r"\s+", "", run_command("system", "add", "--help"))
    assert "[provider|deployer|supplier|user]" in shown
    assert "[idea|development|verification|deployment|operation|retirement]" in shown


def test_help_names_the_kinds_that_top_management_approves():
    shown = re.sub(r"\s+", " ", run_command("approve", "--help")).replace("- ", "-")
    named = re.search(r"top-management for documents of the kinds ([^.]*)\.", shown)[1]
    assert set(re.split(r", | and ", named)) == OF_MANAGEMENT
