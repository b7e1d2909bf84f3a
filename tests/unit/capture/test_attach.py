"""What is attached by hand is looked into; what hooks capture cannot be attached."""

import re
from datetime import UTC, datetime, timedelta

import pytest

import aims_mlflow as aims
from aims_mlflow.capture.recorder import artifact
from aims_mlflow.catalog.loader import controls, kinds
from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.records.details.attachments import KINDS
from aims_mlflow.records.evidence import Claim
from support import status_cases
from support.status_cases import MODEL, NOW, good

HUMAN = [k.id for k in kinds().values() if k.captured == "human"]


def test_the_models_of_attachments_are_for_every_kind_that_people_write():
    assert sorted(KINDS) == sorted(set(HUMAN) - {"approval", "audit-sample", "waiver"})


@pytest.mark.parametrize("kind", [k.id for k in kinds().values() if k.captured == "hooks"])
def test_a_kind_that_hooks_capture_cannot_be_attached(kind, tmp_path):
    with pytest.raises(ConfigError, match="captured by the training and cannot be attached"):
        aims.attach(kind, tmp_path / "any.md")


@pytest.mark.parametrize(("kind", "command"), [("approval", "aims approve"), ("waiver", "aims waive")])
def test_a_file_is_no_consent(kind, command, tmp_path):
    with pytest.raises(ConfigError, match=f"a file is no {kind}.*{command}"):
        aims.attach(kind, tmp_path / "any.md")


@pytest.mark.parametrize(
    ("day", "word"), [("1999-01-01", "is past"), ("soon", "is no day"), ("2027-13-01", "is no day")]
)
def test_a_review_date_is_a_day_to_come(day, word, tmp_path):
    (tmp_path / "r.md").write_text("text")
    with pytest.raises(ConfigError, match=word):
        aims.attach("requirements", tmp_path / "r.md", review_date=day)


@pytest.mark.parametrize(
    ("stated", "where"),
    [
        (
            {"claims": [{"metric": "recall", "value": 0.5}]},
            "value of claim 1 (claims[0].value): Input should be a valid string",
        ),
        ({"claims": ["recall"]}, "claim 1 (claims[0]): "),
        ({"result": "good"}, "result: Input should be 'passed'"),
        ({"valid_until": "soon"}, "valid_until: "),
        ({"controls": ["A.99"]}, "unknown control 'A.99'"),
        ({"details": {"share": 0.5}}, "details: Value error, a float"),
    ],
)
def test_a_field_that_does_not_fit_is_one_sentence_that_names_it(stated, where):
    with pytest.raises(ConfigError, match=re.escape(where)):
        aims.record("requirements", **stated)


def attached(content=b"some text", **stated):
    """All human kinds attached by the trainer, each with this content and these statements."""

    def change(parts):
        about = [Subject(name="m", digest={"dirHash1": MODEL})]
        for kind in HUMAN:
            details = {**status_cases.FIELDS.get(kind, {}), **stated}
            parts[kind] = (about, {"artifacts": (artifact(f"{kind}.md", content),), "details": details})

    return good(change, documents=(), approvals=())


def needing_a_person():
    human = set(HUMAN) - {"approval"}
    return [c.id for c in controls().values() if any(u.kind in human and u.need == "required" for u in c.evidence)]


@pytest.mark.parametrize("approver", ["olga", "nobody", "ana", None])
@pytest.mark.parametrize("review", ["1999-01-01", status_cases.NEXT])
@pytest.mark.parametrize("content", [b"", b"some text"])
def test_files_attached_by_the_trainer_meet_no_control_that_a_person_owes(content, approver, review):
    stated = {"owner": "ana", "version": "1", "review_date": review, "approver": approver}
    subject = attached(content, **{k: v for k, v in stated.items() if v})
    found = {s.control.id: s for s in control_statuses(subject, NOW)}
    met = [c for c in needing_a_person() if found[c].state in ("met", "met with warnings")]
    assert met == []
    assert ("is empty" in found["A.6.2.2"].reason) == (content == b"")


def test_a_measurement_by_hand_meets_nothing_and_its_failure_counts():
    def change(parts):
        parts["robustness"][1]["details"] = {"by_hand": True}
        parts["performance"][1]["details"] = {"by_hand": True}

    subject = good(change)
    found = {c.condition.id: c.verdict for c in control_statuses(subject, NOW)[18].conditions}
    assert found["robustness"].outcome == "missing"
    assert "recorded by hand" in found["robustness"].sentence
    assert found["performance"].outcome == "failed", "the policy's limit is about what was captured"
    bad = Claim(metric="noise", value="0.1", comparator=">=", limit="0.5", passed=False)

    def worse(parts):
        parts["robustness"][1].update(details={"by_hand": True}, claims=[bad])

    verdict = judge_records("robustness", good(worse).of("robustness"), datetime.now(UTC) + timedelta(seconds=1))
    assert verdict.outcome == "failed"
