"""What has to be there before a training or a use is approved before it, and assessments are made again in time."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.gates.person_statements import DocumentApproval, PublishedDocument
from aims_mlflow.gates.published_documents import DocumentShelf, Publication
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.publication import COMMON
from aims_mlflow.management.published import PublishedShelf
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.details.attachments import DocumentStatement
from support.good_documents import FIELDS
from support.live_states import assessed, with_texts
from support.management_states import MODEL, NOW, SYSTEM, document, good
from support.signed_sessions import MODEL as DIGEST

AT = f"{SYSTEM}/{MODEL}@champion"
PROCESS = FIELDS["impact-process"]


def found(state, *rules):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW) if (f.rule in rules if rules else f.rule != "W6")]


def with_assessment(more, **changes):
    return with_texts(good(**changes), assessed().replace("review_by: 2028-01-01", f"review_by: 2028-01-01\n{more}"))


# -- impact assessments ---------------------------------------------------------------------------------------------


def test_an_assessment_comes_before_the_use():
    assert found(with_assessment("effective_from: 2026-06-01")) == []
    late = with_assessment("effective_from: 2026-06-10")
    (one,) = [f for f in findings(late, NOW) if f.rule != "W6"]
    assert (one.rule, one.about, one.control) == ("F14", AT, "6.1.4")
    assert "has champion since 2026-06-01, and aiia counts from 2026-06-10 on" in one.fact
    entry = {"fact": "income was used before aiia was approved", "cause": "the alias was set by script"}
    known = with_assessment("effective_from: 2026-06-10", known=document("nonconformity", nonconformities=[entry]))
    assert found(known, "F14") == []


def test_an_assessment_is_made_again_by_the_interval_of_the_process():
    yearly = {"impact-process": document("impact-process", **PROCESS, interval_days=365)}
    assert found(with_assessment("effective_from: 2025-06-20", **yearly)) == []
    old = with_assessment("effective_from: 2025-06-01", **yearly)
    assert found(old) == ["F14 aiia"]
    again = document(
        "reassessment", system=SYSTEM, risk="2026-05-01", impact="2026-05-01", changed="nothing: same data"
    )
    assert found(with_assessment("effective_from: 2025-06-01", **yearly, again=again)) == []


def test_the_day_of_the_next_review_is_kept():
    assert found(with_assessment("review: {next: 2026-06-15}")) == []
    assert found(with_assessment("review: {next: 2026-06-14}")) == ["F14 aiia"]
    again = document(
        "reassessment", system=SYSTEM, risk="2026-06-14", impact="2026-06-14", changed="nothing: same data"
    )
    assert found(with_assessment("review: {next: 2026-06-14}", again=again)) == []


# -- what published versions say --------------------------------------------------------------------------------------


def publication(written, sha256):
    """A published version of a document, as the ledger has it."""
    fields = written.model_dump(exclude_defaults=True)
    head = {name: fields.pop(name, None) for name in COMMON}
    fields = {k: v for k, v in fields.items() if k not in ("kind", "text", "model_digests")}
    stated = PublishedDocument(
        written.kind, written.id, sha256, "rita", "2026-01-01T00:00:00Z", fields, written.system,
        written.model_digests, written.review_by, written.effective_from,
    )  # fmt: skip
    about = {"sha256": sha256, "characters": 300, "model_digests": list(written.model_digests), "fields": fields}
    return Publication(stated, DocumentStatement(**{**head, "version": written.version, **about}), None)


def approved(state, *versions):
    """The state in which these (document, time of its approval by olga) were published."""
    shas = [f"{n}" * 64 for n in range(1, len(versions) + 1)]
    approvals = [DocumentApproval(s, "olga", ("approver",), t) for s, (_, t) in zip(shas, versions, strict=True) if t]
    published = tuple(publication(d, s) for s, (d, _) in zip(shas, versions, strict=True))
    return dataclasses.replace(
        state, published=PublishedShelf(DocumentShelf(published, tuple(approvals)), "the ledger")
    )


def requirements(**changes):
    fields = {
        "requirements": [{"id": "Q1", "text": "it orders better than chance", "source": "law: GDPR Art. 22"}],
        "acceptance": [{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.55", "requirement": "Q1"}],
    }
    return document("requirements", system=SYSTEM, **{**fields, **changes})


BEFORE, AFTER = (utc_text(datetime.now(UTC) + timedelta(hours=h)) for h in (-3, 3))
LOOSER = [{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.5", "requirement": "Q1"}]


@pytest.mark.parametrize(
    ("versions", "wanted"),
    [
        ([(requirements(), BEFORE)], []),
        ([(requirements(), AFTER)], [f"L3 {AT}/requirements"]),
        ([(requirements(), BEFORE), (requirements(version="2"), AFTER)], []),  # the same is required
        ([(requirements(acceptance=LOOSER), BEFORE), (requirements(version="2"), AFTER)], [f"L3 {AT}/requirements"]),
    ],
)
def test_requirements_are_approved_before_the_training(versions, wanted):
    state = approved(good(asked=versions[-1][0]), *versions)
    assert found(state, "L3") == wanted


def test_a_version_that_adds_a_model_makes_no_assessment_later():
    state = with_assessment("effective_from: 2026-05-01")
    (both,) = [d for d in state.documents if d.id == "aiia"]
    first = both.model_copy(update={"model_digests": (DIGEST,)})
    later = both.model_copy(
        update={"model_digests": (DIGEST, "b" * 64), "effective_from": "2026-06-10", "version": "2"}
    )
    documents = tuple(later if d.id == "aiia" else d for d in state.documents)
    state = dataclasses.replace(state, documents=documents)
    assert found(approved(state, (first, "2026-05-02T00:00:00Z"), (later, "2026-06-10T00:00:00Z")), "F14") == []
    assert found(approved(state, (later, "2026-06-10T00:00:00Z")), "F14") == [f"F14 {AT}"]
    other = first.model_copy(update={"id": "assessment-of-2025"})
    assert found(approved(state, (other, "2026-05-02T00:00:00Z"), (later, "2026-06-10T00:00:00Z")), "F14") == []
