"""Writing of a session: details come from the kind's model, or from another record of the kind."""

import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.signing.keys import ephemeral_key

SUBJECT = [Subject(name="model", digest={"sha256": "0" * 64})]


def test_details_of_a_record_can_be_stated_again_and_others_are_refused():
    writer = SessionWriter(ephemeral_key(), "ana", system="loans")
    details = SessionStartDetails(mode="enforce", target="repaid")
    first = writer.add("session-start", SUBJECT, details=details)
    again = writer.add("session-start", SUBJECT, details=first.evidence.details)
    assert again.evidence.details == first.evidence.details == details.plain()
    with pytest.raises(EvidenceError, match="details"):
        writer.add("session-start", SUBJECT, details={"mode": ["no", "text"]})
    assert len(writer.records) == 2
