"""The battery: each way to change evidence is done on a real store, and must be caught and named.

`docs/security.md` holds the table of these cases; the last test says whether it is current.
"""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aims_mlflow.signing.key_sources import load_key
from support.commands import run
from support.long_runs import full_but
from support.tampering import keyrings, ledger_database, mlflow_stores, stolen_log_key
from support.tampering.cases import KEY
from support.tampering.thief import Thief

DOCS = Path(__file__).parents[3] / "docs" / "security.md"
BEGIN, END = "<!-- tampering: written by tests/unit/audit/test_tampering.py -->", "<!-- end of tampering -->"
CASES = [*ledger_database.CASES, *stolen_log_key.CASES, *keyrings.CASES, *mlflow_stores.CASES]
TARGETS = {
    "ledger": lambda life: ["verify", life.uri],
    "pinned": lambda life: ["verify", life.uri, "--root", load_key(f"file:{life.office.folder}/platform/keys/root.pem").key_id],
    "version": lambda life: ["verify", "models:/loans/1", "--ledger", life.uri],
    "load": lambda life: ["verify", "models:/loans/1", "--at-load", "--ledger", life.uri],
    "inserted": lambda life: ["verify", "models:/loans/2", "--at-load", "--ledger", life.uri],
    "alias": lambda life: ["verify", "models:/loans@production", "--at-load", "--ledger", life.uri],
}  # fmt: skip


def one_of_each_kind():
    """Return a case of each place, step and command; the others run in `tox -e full`."""
    return list({(each.where, each.step, each.target): each for each in CASES}.values())


@pytest.fixture
def store(life, tmp_path):
    """What lies in MLflow is put back after each case."""
    kept = tmp_path / "kept"
    shutil.copytree(life.folder / "mlruns", kept)
    with closing(sqlite3.connect(life.folder / "mlflow.db")) as live, closing(sqlite3.connect(":memory:")) as before:
        live.backup(before)
        yield life
        before.backup(live)
    shutil.rmtree(life.folder / "mlruns")
    shutil.copytree(kept, life.folder / "mlruns")


@pytest.mark.parametrize("tried", full_but(one_of_each_kind(), CASES), ids=lambda c: f"{c.where}: {c.what}")
def test_tampering_is_caught_and_named(tried, store):
    thief = Thief(store)
    command = TARGETS[tried.target](store)
    tried.do(thief, store)
    if tried.outside:
        command += ["--since", store.outside]
    said = json.loads(run(*command, "--json", status=1))
    assert not said["verified"]
    texts = [
        f"{p['record']}: {p['what']}. {p['meaning']}"
        for s in said["steps"]
        if s["step"] == tried.step
        for p in s["problems"]
    ]
    assert any(tried.says in text for text in texts), json.dumps(said, indent=1)[:4000]


ONLY_OUTSIDE = [c for c in CASES if c.where == KEY and c.outside]


@pytest.mark.parametrize("tried", full_but(ONLY_OUTSIDE[::3], ONLY_OUTSIDE), ids=lambda c: c.what)
def test_a_stolen_log_key_is_caught_by_an_outside_checkpoint_alone(tried, store):
    """The docs say so: without one, this verification passes, or says nothing of it."""
    tried.do(Thief(store), store)
    said = json.loads(_either("verify", store.uri, "--json"))
    assert not any(tried.says in p["what"] for s in said["steps"] if s["step"] == "checkpoint" for p in s["problems"])


def test_a_text_where_bytes_belong_is_one_sentence_for_auditor_gate_and_pages(life, tmp_path, monkeypatch):
    from aims_mlflow.errors import EvidenceError
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.registry.names import REFUSES_ALL
    from aims_mlflow.server.change import RegistryChange
    from aims_mlflow.server.gate_status import gate_status
    from aims_mlflow.server.opening import open_gate
    from support.page_site import PageSite

    Thief(life).sql("UPDATE aims_leaves SET leaf = CAST(leaf AS TEXT) WHERE sequence = 1")
    told = "leaf 1: aims_leaves.leaf holds text where bytes belong"
    monkeypatch.setenv("AIMS_LEDGER_URI", life.uri)
    for command in (["verify", life.uri], ["ledger", "verify"], ["ledger", "watch"], ["verify", "models:/loans/1"],
                    ["verify", "models:/loans@champion", "--at-load"], ["gate", "history", "loans"]):  # fmt: skip
        assert told in run(*command, status=1), command
    gate = open_gate(f"sqlite:///{life.folder}/mlflow.db", life.env["MLFLOW_TRACKING_URI"])
    status = gate_status(gate)
    assert status["aims.enforcement"] == REFUSES_ALL
    assert told in status["aims.findings"]
    change = RegistryChange("deployment", "loans", None, "champion", "1")
    with pytest.raises(EvidenceError, match=told):
        gate.decide(change, lambda: gate.evidence.stored.owner_of(life.model))
    with pytest.raises(EvidenceError, match=told):
        PageSite.of(Ledger(life.uri), tmp_path / "pages.db")


def _either(*args):
    try:
        return run(*args)
    except AssertionError:
        return run(*args, status=1)


def test_a_time_stamp_over_something_else_is_told(life, authority):
    from aims_mlflow.ledger import timestamps

    thief = Thief(life)
    note = thief.sql("SELECT note FROM aims_checkpoints WHERE size = 8")[0][0]
    root = life.copy.parent / "tsa.pem"
    root.write_bytes(authority.root)
    row = "INSERT INTO aims_deliveries VALUES (8, 'tsa:x', '2026', '2026', 1, '2026', NULL, ?)"
    thief.sql(row, timestamps.request_stamp(note.encode(), authority.url))
    assert "1 time stamp, the last of" in run("verify", life.uri, "--stamp-root", root)
    assert "no certificate to check it by was given" in run("verify", life.uri, status=1)
    thief.sql(
        "UPDATE aims_deliveries SET receipt = ? WHERE place = 'tsa:x'", timestamps.request_stamp(b"x", authority.url)
    )
    assert "the time stamp does not verify" in run("verify", life.uri, "--stamp-root", root, status=1)


def table():
    """The battery as docs/security.md shows it."""
    from support.tampering.bundle import CASES as BUNDLE

    lines = [BEGIN, "| where | what is done | caught in step | needs an outside checkpoint |", "|---|---|---|---|"]
    lines += [f"| {c.where} | {c.what} | {c.step} | {'yes' if c.outside else 'no'} |" for c in CASES]
    lines += [f"| bundle | {what} | {step} | {'yes' if outside else 'no'} |" for what, step, _, _, outside in BUNDLE]
    return "\n".join([*lines, f"\n{len(CASES) + len(BUNDLE)} cases, all caught.", END])


def test_the_table_in_the_docs_is_current():
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + table() + after
    if os.environ.get("AIMS_WRITE_DOCS"):
        DOCS.write_text(wanted, encoding="utf-8")
        text = wanted
    assert text == wanted, "write it again: AIMS_WRITE_DOCS=1 pytest tests/unit/audit/test_tampering.py -k docs"
