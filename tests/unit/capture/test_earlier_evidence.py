"""A chosen trial takes the evidence about its data from the first trial only where each role has the same data."""

from types import SimpleNamespace

import pytest

from aims_mlflow.capture.data_gate import recorded_before
from support.signed_sessions import TEST, TRAIN, session


@pytest.mark.parametrize(
    ("train", "test", "same"), [(TRAIN, TEST, True), (TEST, TRAIN, False), (TRAIN, "9" * 64, False)]
)
def test_evidence_of_another_fold_is_not_taken(train, test, same):
    earlier = SimpleNamespace(id="S1", jsonl=session(kinds={"session-start"}).jsonl(), behind={}, files={})
    setup = SimpleNamespace(config=SimpleNamespace(data=SimpleNamespace(files=None)))
    run = SimpleNamespace(selection=SimpleNamespace(data_session=earlier), setup=setup)
    tables = {"train": train, "test": test}
    data = SimpleNamespace(tables={k: SimpleNamespace(digest={"arrowIpcSha256": v}) for k, v in tables.items()})
    recorder = SimpleNamespace(earlier_sessions={}, files={}, data_session="")
    assert recorded_before(run, data, recorder) is same
    assert recorder.data_session == ("S1" if same else "")
