"""What a training prints: warnings are named in one line for each verdict, and the page has their values."""

from aims_mlflow.documents.terminal import warnings_told
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

ABOUT = [Subject(name="m", digest={"dirHash1": signed_sessions.MODEL})]


def verdict(*claims):
    writer = SessionWriter(ephemeral_key(), "ana")
    signed_sessions.add(writer, "robustness", ABOUT, claims=tuple(claims), result=result_of(list(claims)))
    return EvidenceVerdict.of(writer.records)


def warned(metric, **more):
    known = {"value": "0.5", "comparator": ">=", "limit": "0.9", "severity": "warning", "passed": False}
    return Claim(metric=metric, **{**known, **more})


def test_warnings_are_named_in_one_short_line():
    names = ["agreement_under_noise", "agreement_with_missing", "agreement_under_shift", "r2", "accuracy"]
    assert warnings_told(verdict(*map(warned, names))) == [
        "warned: agreement under noise; agreement with missing; agreement under shift; and 2 more (values on the page)"
    ]
    assert warnings_told(verdict(warned("r2", passed=True), warned("f1", severity="failing"))) == []


def test_each_limit_has_the_word_that_the_page_shows_for_it():
    """A limit that only warns and could not be decided was called warned here, and not enough data on the page."""
    few = warned("true_positive_rate_ratio", passed=None, n=6, note="not enough data: n=6, and 30 are asked for")
    found = verdict(few, warned("r2"))
    assert warnings_told(found) == [
        "warned: r2 (values on the page)",
        f"not enough data: {found.open_claims[0].short} (values on the page)",
    ]
    assert [claim.word for claim in found.open_claims] == ["not enough data", "warned"]
