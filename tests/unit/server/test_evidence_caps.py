"""`caps` of policy.yaml bound what one decision reads of a run's evidence: files, their bytes, and records."""

from pathlib import Path

import mlflow
import pytest

from support import trainings
from support.gated_registry import refused

TOO_MUCH = "the run holds more evidence than is read for one decision"


@pytest.fixture
def session(registry, client):
    """Returns (a call that registers a trained model, its session file)."""
    client.create_registered_model("loans")
    run, uri = trainings.train("loans", frame=trainings.table(3000))
    (file,) = Path(mlflow.get_run(run).info.artifact_uri.removeprefix("file://"), "aims", "sessions").glob("*.jsonl")
    return lambda: client.create_model_version("loans", uri, run, model_id=uri.removeprefix("models:/")), file


def cap(registry, **caps):
    registry.change_policy(lambda p: p.update(caps=caps))


def test_what_is_over_a_cap_is_refused_and_what_reaches_it_is_read(registry, session):
    register, file = session
    records = file.read_bytes().count(b"\n")
    cap(registry, max_session_bytes=file.stat().st_size - 1)
    assert TOO_MUCH in refused(register)
    beside = file.with_name(f"f{file.name[1:]}")
    beside.write_bytes(b"")
    cap(registry, max_session_files=1)
    assert TOO_MUCH in refused(register)
    beside.unlink()
    cap(registry, max_records=records - 1)
    assert "no known key signed" in refused(register), "a longer file is not read: its lines are counted alone"
    (kept,) = registry.leaves("decision")[-1]["sessions"].values()
    assert len(kept) < records
    cap(registry, max_session_bytes=file.stat().st_size, max_session_files=1, max_records=records)
    assert register().version == 1
