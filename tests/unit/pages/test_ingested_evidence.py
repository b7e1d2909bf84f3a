"""Evidence that was sealed after a decision counts in a page and in `aims evidence controls` alike."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aims_mlflow.cli.evidence_controls import judged_subject
from aims_mlflow.evidence import run_source
from aims_mlflow.evidence.run_source import EvidenceSource
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.tracking import Target
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.lifecycle.ingest import ingest
from aims_mlflow.records.evidence import MlflowIds
from support import signed_sessions
from support.ledger_with_decisions import GOOD, NAME, SYSTEM, Registry
from support.page_site import PageSite


def run_of_a_monitor(registry):
    writer = SessionWriter(registry.trainer, "ana", system=SYSTEM, mlflow=MlflowIds(run_id="e" * 32))
    about = [Subject(name="models:/m-1", digest={"dirHash1": GOOD})]
    signed_sessions.add(writer, "session-start", about)
    signed_sessions.add(writer, "monitor-run", about, details={"rows": 900})
    writer.close()
    name = f"aims/sessions/{writer.id}.jsonl"
    return check_session(writer.jsonl(), name, registry.force.keyring.find)


@pytest.fixture
def registry(tmp_path):
    made = Registry(f"sqlite:///{tmp_path}/ledger.db")
    files = made.train(GOOD, "0.91")
    made.show(files)
    assert made.ask("registration", files, GOOD, "1").allowed
    return made, [check_session(data, name, made.force.keyring.find) for name, data in files.items()]


def test_a_monitor_run_that_was_ingested_counts_in_the_command_as_on_the_page(registry, tmp_path, monkeypatch):
    """The page knew it, and the command said at the same minute that there is no monitoring run."""
    registry, trained = registry
    target = Target(run_id="f" * 32, model_id="m-1", name=NAME, version="1")
    read = EvidenceSource("run", trained, lambda _: b"", registry.force.keyring.find, GOOD, target)
    monkeypatch.setattr(run_source, "open_source", lambda *_: read)
    asked = lambda: judged_subject(f"models:/{NAME}/1", (), f"sqlite:///{tmp_path}/ledger.db", None)  # noqa: E731
    assert asked().of("monitor-run") == []
    ingest(registry.ledger, [run_of_a_monitor(registry)], "runs:/e", "the first run")
    mine = asked()
    assert len(mine.of("monitor-run")) == 1
    site = PageSite.of(registry.ledger, tmp_path / "pages.db")
    shown = site.json("control", {"model": NAME, "version": "1"}, control="9.1")
    now = datetime.now(UTC)
    assert control_status("9.1", mine, now).state in str(shown)
    assert control_status("9.1", replace(mine, sessions=tuple(trained)), now).records == ()
