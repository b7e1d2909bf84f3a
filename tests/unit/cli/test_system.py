"""`aims system` and `aims document findings|soa|coverage` on a folder: what they print, keep, and exit with."""

import json

import click
import pytest
import yaml

from aims_mlflow.errors import ConfigError
from aims_mlflow.management.folder import FolderDocument, read_document
from support import management_states as states
from support.commands import command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "aims"
    root.mkdir()
    for document in states.documents().values():
        keep(root, document)
    return root


def keep(root, document):
    content = document.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    text = yaml.safe_dump({"kind": document.kind, **content}, sort_keys=False)
    (root / f"{document.id}.yaml").write_text(text, encoding="utf-8")


def scan(*args):
    return command("system", "scan", "--no-mlflow", *args)


def test_a_scan_is_kept_and_compared(folder, tmp_path):
    vendors = tmp_path / "v.csv"
    vendors.write_text("product,vendor\nCopilot,Microsoft\n", encoding="utf-8")
    tree = tmp_path / "src"
    tree.mkdir()
    (tree / "a.py").write_text("import openai", encoding="utf-8")
    status, out = scan("--vendors", str(vendors), "--source", str(tree), "--write")
    assert status == 1
    assert "✗ vendor product Copilot, first seen" in out
    assert "2 items, 0 claimed, 0 explained, 2 unknown" in out.splitlines()[-1]
    before = json.loads((folder / "scan.json").read_text())
    status, out = scan("--source", str(tree), "--write", "--json")
    found = json.loads(out)
    assert [i["id"] for i in found["items"]] == ["openai", "Copilot"]
    assert found["items"][0]["first_seen"] == before["items"][0]["first_seen"]
    (lost,) = [s for s in found["sources"] if s["kind"] == "vendor list"]
    assert lost["failed"] == f"not named in this scan; 1 item of it as of {before['time'][:10]}"
    _, out = scan("--source", str(tree), "--fresh", "--json")
    assert [i["id"] for i in json.loads(out)["items"]] == ["openai"]


def test_without_a_source_there_is_no_scan(folder):
    with pytest.raises(ConfigError, match="no source is named"):
        scan()


def test_the_register_is_listed_and_an_unknown_system_named(folder):
    _, out = command("system", "list", "--json")
    (row,) = json.loads(out)["systems"]
    assert (row["id"], row["stage"], row["roles"]) == (states.SYSTEM, "operation", ["deployer"])
    _, out = command("system", "show", states.SYSTEM)
    assert "openai/gpt-4o" in out
    with pytest.raises(ConfigError, match="did you mean 'income-screening'"):
        command("system", "show", "income-screenin")


def test_findings_have_ids_facts_and_fixes(folder):
    keep(folder, states.soa("A.10.3", applies=False, reason="we buy nothing"))
    (folder / "scan.json").write_text(states.inventory().model_dump_json(), encoding="utf-8")
    status, out = command("document", "findings", "--drafts", "--json", "--rule", "P3")
    (found,) = json.loads(out)["findings"]
    assert status == 1
    assert (found["control"], found["about"], found["severity"]) == ("6.1.3", "A.10.3", "major")
    assert "income-screening uses openai/gpt-4o" in found["fact"]
    assert command("document", "findings", "--drafts", "--rule", "T1")[0] == 0
    with pytest.raises(ConfigError, match="there is no rule 'Z9'"):
        command("document", "findings", "--drafts", "--rule", "Z9")


def test_a_broken_scan_is_one_sentence(folder):
    (folder / "scan.json").write_text('{"time": "yesterday"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="this is no scan: time"):
        command("document", "findings", "--drafts")


def test_the_statement_is_written_and_compared(folder, tmp_path):
    earlier = tmp_path / "earlier.yaml"
    earlier.write_text((folder / "soa.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    keep(folder, states.soa("A.10.3", applies=False, reason="we buy nothing"))
    status, out = command("document", "soa", "--drafts")
    assert status == 1
    assert "| A.10.3 | Suppliers | excluded | we buy nothing |" in out
    page = tmp_path / "soa.html"
    command("document", "soa", "--drafts", "--output", str(page))
    assert "income-screening uses openai/gpt-4o" in page.read_text(encoding="utf-8")
    _, out = command("document", "soa", "--drafts", "--compare", str(earlier))
    assert "A.10.3 decision: applies -> excluded" in out
    assert out.splitlines()[-1].startswith("2 changes in 1 control,")
    with pytest.raises(ConfigError, match="the formats are html, md, csv, xlsx"):
        command("document", "soa", "--drafts", "--output", str(tmp_path / "soa.pdf"))


def test_coverage_has_denominators_and_says_what_a_row_is(folder):
    _, out = command("document", "coverage", "--framework", "eu-ai-act")
    assert "related, not equal; not verified" in out
    assert "Art. 17 QMS  <- all of A.2 AI Policy\n  0 of 3 controls met" in out


def test_a_system_is_added_with_what_is_known_and_asks_for_the_rest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("--owner", "olga", "--name", "Churn", "--role", "deployer", "--stage", "operation", "--model", "churn")
    _, out = command("system", "add", "churn", *words)
    assert "gaps; `aims document lint" in out
    entry = read_document(tmp_path / "aims" / "churn.yaml")
    assert isinstance(entry, FolderDocument)
    assert {name: entry.fields[name] for name in ("models", "stage")} == {"models": ["churn"], "stage": "operation"}
    assert "TODO affected_groups" in entry.content.decode()
    with pytest.raises(ConfigError, match="the register has 'churn' already"):
        command("system", "add", "churn", "--owner", "olga")
    with pytest.raises(ConfigError, match="churn belongs to churn already"):
        command("system", "add", "second", "--owner", "olga", "--model", "churn")
    with pytest.raises(click.BadParameter, match="dreaming"):
        command("system", "add", "third", "--owner", "olga", "--stage", "dreaming")
    assert not (tmp_path / "aims" / "third.yaml").exists()
