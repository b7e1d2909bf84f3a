"""The example organisation reaches an approved statement and a bundle by commands; each planted fault is found, alone."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from aims_mlflow.catalog.loader import controls
from support.commands import command
from support.fresh_database import fresh_database
from support.lint_organisation_faults import LINT_FAULTS
from support.more_organisation_faults import MORE_PLANTED
from support.organisation_faults import PLANTED, REFUSED
from support.organisation_risk_faults import RISK_FAULTS
from support.recent_organisation_faults import RECENT_FAULTS

EVERY = PLANTED | RISK_FAULTS | MORE_PLANTED | LINT_FAULTS | RECENT_FAULTS
EXAMPLE = Path(__file__).parents[2] / "examples" / "organisation"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def organisation(tmp_path_factory):
    """The folder in which the example ran, and what it printed."""
    folder = tmp_path_factory.mktemp("organisation")
    fresh_database(folder)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIMS_", "MLFLOW_")) and k != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "run.py"), str(folder)],
        capture_output=True, text=True, check=False, timeout=550, env={**kept, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder, done.stdout


@pytest.fixture
def at_home(organisation, monkeypatch, clean_state):
    """The organisation's settings, and a copy of its management folder to plant faults in."""
    import mlflow

    folder, _ = organisation
    monkeypatch.chdir(folder)
    for name, value in {
        "AIMS_HOME": f"{folder}/platform", "AIMS_POLICY": f"{folder}/policy",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    return folder


def found(folder, copy, *more):
    """Rule and object of each finding about the files of a copy, beside what the ledger knows."""
    ledger = f"sqlite:///{folder}/mlflow.db.aims.db"
    _, printed = command("document", "findings", "--folder", str(copy), "--ledger", ledger, "--json", *more)
    return sorted(_named(f["rule"], f["about"]) for f in json.loads(printed)["findings"])


def _named(rule, about):
    """A finding without the digest of a quoted place, and without the address of a scanned source."""
    about = about.rpartition("@")[0] if rule == "S1" else about
    return f"{rule} {re.sub(r'/?[0-9a-f]{16,64}$', '', about)}".strip()


def planted(folder, copy, faults):
    """The copy with each fault: (file, pattern, words in its place), (file, None, content of a new file), (file,)."""
    shutil.copytree(folder / "aims", copy)
    for name, *edit in faults:
        file = copy / name
        if not edit:
            file.unlink()
        elif edit[0] is None:
            file.write_text(edit[1], encoding="utf-8")
        else:
            text, count = re.subn(edit[0], edit[1], file.read_text(encoding="utf-8"))
            assert count, f"{name} has no {edit[0]!r}"
            file.write_text(text, encoding="utf-8")
    return copy


def test_it_ends_with_no_finding_a_whole_statement_and_a_bundle(organisation):
    folder, shown = organisation
    assert "\n0 findings, 0 major\n" in shown
    assert "\nverified" in shown.partition("aims bundle verify")[2]
    assert (folder / "organisation.zip").is_file()
    statement = (folder / "soa.html").read_text(encoding="utf-8")
    assert all(control in statement for control in controls())
    rows = yaml.safe_load((folder / "aims" / "soa.yaml").read_text(encoding="utf-8"))["controls"]
    assert [r["control"] for r in rows] == list(controls())
    assert all(r["reason"] and r["basis"] and r["owner"] and r["review"] for r in rows)
    assert "max approved soa version 1" in shown


def test_the_readme_states_what_the_statement_computes(at_home):
    asked = "document soa --ledger sqlite:///mlflow.db.aims.db --evidence models:/loan-screening/1 --format csv"
    _, printed = command(*asked.split())
    rows = list(csv.DictReader(io.StringIO(printed.removeprefix("\ufeff"))))
    states = {row["Control"]: row["Computed state"].partition(" (")[0] for row in rows}
    counted = Counter(states.values())
    met = counted["met"] + counted["met with warnings"]
    assert set(counted) == {"met", "met with warnings", "missing", "not applicable"}
    readme = " ".join((EXAMPLE / "README.md").read_text(encoding="utf-8").split())
    told = (
        f"{met} controls that are met, {counted['met with warnings']} of them with warnings, and {counted['missing']}"
    )
    assert told in readme
    named = readme.partition("that are missing: ")[2].partition("A decision that")[0]
    assert set(re.findall(r"A\.\d+(?:\.\d+)+", named)) == {c for c, state in states.items() if state == "missing"}


@pytest.fixture
def later(at_home, tmp_path, monkeypatch):
    """A copy of the whole organisation, to live on in: what is published and sealed there stays there."""
    import mlflow

    copy = tmp_path / "later"
    shutil.copytree(at_home, copy)
    with contextlib.closing(sqlite3.connect(copy / "mlflow.db")) as database:  # new runs write into the copy
        database.execute(
            "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)", (str(at_home), str(copy))
        )
        database.commit()
    monkeypatch.chdir(copy)
    for name, value in {
        "AIMS_HOME": f"{copy}/platform", "AIMS_POLICY": f"{copy}/policy", "AIMS_FOLDER": f"{copy}/aims",
        "MLFLOW_TRACKING_URI": f"sqlite:///{copy}/mlflow.db", "MLFLOW_REGISTRY_URI": f"aims+sqlite:///{copy}/mlflow.db",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(f"sqlite:///{copy}/mlflow.db")
    mlflow.set_registry_uri(f"aims+sqlite:///{copy}/mlflow.db")

    def by(person, *args):
        monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{person}.pem")
        return command(*args)

    return copy, by


def rewritten(folder, name, pattern, words):
    file = folder / "aims" / name
    text, count = re.subn(pattern, words, file.read_text(encoding="utf-8"))
    assert count, f"{name} has no {pattern!r}"
    head = re.search(r"^id: \S+$", text, re.MULTILINE)
    more = 'version: "2"\nsupersedes: "1"\nreason_for_change: it was corrected\n'
    file.write_text(text.replace(f"{head[0]}\n", f"{head[0]}\n{more}", 1), encoding="utf-8")


def test_a_run_of_the_monitor_on_few_rows_is_found_and_accepted_for_a_while(later):
    folder, by = later
    head, *rows = (folder / "loans.csv").read_text(encoding="utf-8").splitlines()
    kept = [r for r in rows if float(r.split(",")[1]) <= 0.9][:100]
    few = [f"{float(r.partition(',')[0]) * 3},{r.partition(',')[2]}" for r in kept]
    (folder / "few.csv").write_text("\n".join([head, *few]), encoding="utf-8")
    _, printed = by("ana", "monitor", "run", "models:/loan-screening@champion", "--data", "few.csv", "--json")
    run = json.loads(printed)["run_id"]
    ledger = f"sqlite:///{folder}/mlflow.db.aims.db"
    assert by("ana", "ledger", "ingest", run, "--reason", "the first run", "--ledger", ledger)[0] == 0

    def said(part):
        _, shown = by("rita", "document", "findings", "--ledger", ledger, "--json")
        return {f["rule"]: f for f in json.loads(shown)[part]}

    before = said("findings")
    assert set(before) == {"C6", "F6", "L10", "L16", "R3"}
    assert "saw 100 rows, and plan monitoring-loan-screening asks for 500" in before["L16"]["fact"]
    rewritten(folder, "risks.yaml", "status: accepted", "status: accepted\n    accepted_until: 2099-01-31\n"
              f"    findings: [{before['L16']['id'][:12]}, {before['R3']['id'][:12]}]")  # fmt: skip
    assert by("rita", "document", "publish", "risks")[0] == 0
    assert "L16" in said("findings")  # nobody approved the register yet
    assert by("max", "approve", "document:risks")[0] == 0
    after = said("accepted")
    assert after["L16"]["accepted"]["by"] == "max"
    assert set(said("findings")) == {"C6", "F6", "L10", "R3"}  # the others of R3 are other findings


def test_a_document_that_nobody_approved_and_one_from_before_its_approval(later):
    folder, by = later
    plan = (folder / "aims" / "measurement.yaml").read_text(encoding="utf-8")
    for name in ("second", "third"):
        text = plan.replace("id: measurement", f"id: {name}")
        (folder / "aims" / f"{name}.yaml").write_text(text, encoding="utf-8")
    rewritten(folder, "design-loan-screening.yaml", r"effective_from: \S+", "effective_from: 2026-01-31")
    for name in ("second", "design-loan-screening"):
        assert by("rita", "document", "publish", name)[0] == 0
    assert by("olga", "approve", "document:design-loan-screening")[0] == 0
    (folder / "aims" / "broken.yaml").write_text("kind: scope\nid: broken\n", encoding="utf-8")
    _, shown = by("rita", "document", "findings", "--ledger", f"sqlite:///{folder}/mlflow.db.aims.db", "--json")
    found = sorted(_named(f["rule"], f["about"]) for f in json.loads(shown)["findings"])
    assert found == ["W1 file/broken.yaml", "W1 third", "W2 second", "W8 design-loan-screening"]


def test_every_document_is_approved_and_none_is_set_aside(at_home):
    _, printed = command(
        "document",
        "list",
        "--folder",
        f"{at_home}/aims",
        "--json",
        "--ledger",
        f"sqlite:///{at_home}/mlflow.db.aims.db",
    )
    states = {row["id"]: row["state"] for row in json.loads(printed)}
    assert set(states.values()) == {"approved"}
    assert len(states) == len(list((EXAMPLE / "documents").iterdir()))
    assert not (at_home / "aims" / "ignored.yaml").exists()


def test_lint_has_nothing_against_it(at_home):
    status, printed = command(
        "document", "lint", "--folder", f"{at_home}/aims", "--evidence", "models:/loan-screening/1", "--format", "json"
    )
    assert (status, json.loads(printed)["results"]) == (0, [])


@pytest.mark.parametrize("batch", EVERY)
def test_planted_faults_are_found_and_nothing_else(at_home, tmp_path, batch):
    faults, wanted = EVERY[batch]
    assert found(at_home, planted(at_home, tmp_path / "aims", faults), "--drafts") == sorted(wanted)


def test_a_copy_without_faults_has_no_finding(at_home, tmp_path):
    copy = planted(at_home, tmp_path / "aims", [])
    assert found(at_home, copy) == found(at_home, copy, "--drafts") == []


def test_a_file_that_was_changed_after_its_approval_counts_for_nothing(at_home, tmp_path):
    copy = planted(at_home, tmp_path / "aims", [("use-process.md", "ten decisions", "two decisions")])
    assert found(at_home, copy) == ["W1 use-process"]


@pytest.mark.parametrize("batch", REFUSED)
def test_lint_names_planted_faults_and_nothing_else(at_home, tmp_path, batch):
    faults, wanted = REFUSED[batch]
    copy = planted(at_home, tmp_path / "aims", faults)
    status, printed = command(
        "document", "lint", "--folder", str(copy), "--evidence", "models:/loan-screening/1", "--format", "json"
    )
    results = json.loads(printed)["results"]
    assert (status, sorted({f"{r['rule']} {r['document']}" for r in results})) == (1, sorted(wanted))
