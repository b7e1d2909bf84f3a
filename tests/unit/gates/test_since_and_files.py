"""Since when a state holds, and of which file the rights to data are stated."""

import pytest

from aims_mlflow.gates.control_status import control_status
from support import status_cases
from support.status_cases import NOW, good


def test_no_state_of_a_version_began_before_its_training():
    """A stale state had the time of the validation report of an earlier version."""
    subject = good()
    trained = subject.training.evidence.time
    old = [d for d in subject.documents if d.time < trained]
    assert old, "documents that are older than the model"
    found = [control_status(control, subject, NOW) for control in ("A.2.2", "A.6.2.2", "A.6.2.4", "A.8.3")]
    assert all(s.since is not None and s.since >= trained for s in found)


@pytest.mark.parametrize(
    ("uri", "files", "state"),
    [
        ("file:loans.csv", {"loans-2027.csv": "1" * 64}, "met with warnings"),
        ("file:loans.csv", {"data/loans.csv": "1" * 64}, "met"),
        ("file:data/loans-*.csv", {"loans-2027.csv": "1" * 64}, "met"),
        ("file:loans.csv", {}, "met"),
        ("file:data/", {"loans-2027.csv": "1" * 64}, "met"),
        ("https://example.org/census", {"census.csv": "1" * 64}, "met"),
    ],
)
def test_rights_that_are_stated_of_another_file_than_the_one_that_was_read_are_a_warning(uri, files, state):
    def change(parts):
        parts["acquisition"][1]["details"]["files"] = files

    found = control_status("A.7.3", good(change, session={"source": {**status_cases.SOURCE, "uri": uri}}), NOW)
    assert found.state == state, found.reason
    if state == "met with warnings":
        assert found.warnings == (
            "loans-2027.csv was read, and source, rights and subjects are stated of file:loans.csv",
        )
