"""Conditions about how a model was specified, made, tested and documented (A.6.2.2, A.6.2.3, A.6.2.4, A.6.2.7)."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import is_left_out
from aims_mlflow.gates import conditions
from aims_mlflow.gates.control_conditions.by_document import (
    absent,
    by_document,
    each_entry,
    entries,
    judged,
    of_form,
    states,
)
from aims_mlflow.gates.control_conditions.training_data import approved_first
from aims_mlflow.gates.counting_evidence import newest
from aims_mlflow.gates.document_content.decisions import why_not_fit
from aims_mlflow.gates.document_content.duties import duties_on
from aims_mlflow.gates.held_out import held_out_rows, repeated, trained_on
from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.gates.limits import HELD_OUT
from aims_mlflow.gates.not_compared import stating_reason, why_not_compared
from aims_mlflow.gates.shapes import mapping
from aims_mlflow.gates.verdict import Judgement
from aims_mlflow.records.details.base import CodeVersion
from aims_mlflow.records.documents.lifecycle import ValidationDocument
from aims_mlflow.records.wording import describe, metric_text
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem
    from aims_mlflow.records.evidence import Claim

RESULTS = ("performance", "fairness", "robustness")
FILES = "unsafe_model_files"  # counted over the files of the model, on no rows


def measured_claims(subject: StatusSubject, metric: object, rows: Mapping[str, Any]) -> list[Claim]:
    """Return the claims of a metric about these rows."""
    bodies = (r.evidence for r in subject.records)
    return [c for b in bodies for c in b.claims if c.metric == metric and dict(c.slice) == dict(rows)]


def _acceptance(entry: Mapping[str, Any], subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    found = measured_claims(subject, entry.get("metric"), mapping(entry.get("slice")))
    name = metric_text(str(entry.get("metric")))
    if not found:
        return "missing", f"{name} was not measured"
    beyond = [c for c in found if c.passed is False]
    return ("failed", describe(beyond[0], name)) if beyond else None


def code(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The code is a commit without changes, so that it can be found again."""
    training = subject.training
    if training is None:
        return Judgement("missing", "no training record is about this model")
    said = subject.provenance.code or CodeVersion()
    commit = said.commit or ""
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        text = f"the code is in no commit ({said.reason or 'no reason is recorded'})"
        return Judgement("missing", text).about(training)
    if said.dirty is None:
        return Judgement("missing", f"whether tracked files differed from commit {commit[:12]} is not known").about(
            training
        )
    if said.dirty:
        return Judgement("missing", f"the code differed from commit {commit[:12]}, and is kept nowhere").about(training)
    return _beside_the_commit(said, commit).about(training)


def _beside_the_commit(said: CodeVersion, commit: str) -> Judgement:
    """Return whether all code in use is in the commit; of records that do not say, a warning."""
    clean = f"commit {commit[:12]}, no tracked file differed"
    if said.untracked is None:
        return Judgement("warned", clean, warnings=("code that git does not track was not looked for",))
    loose = list(said.untracked)
    if not loose:
        return Judgement("holds", f"{clean}, and no other code below the repository was in use")
    count = said.untracked_count or len(loose)
    more = f" and {count - 3} more" if count > 3 else ""
    return Judgement("missing", f"code in use is not in commit {commit[:12]}: {', '.join(loose[:3])}{more}")


def parameters(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The arguments of the training are in its record."""
    training = subject.training
    if training is None or subject.provenance.parameters is None:
        return Judgement("missing", "no training record has the parameters of this model")
    names = sorted(subject.provenance.parameters)
    text = f"parameters: {', '.join(names)}" if names else "the training function took no parameters"
    return Judgement("holds", text).about(training)


def trials(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The number of trials of a sweep is recorded; a training outside any sweep says what is not known."""
    training = subject.training
    if training is None:
        return Judgement("missing", "no training record is about this model")
    if not subject.provenance.parent_run_id:
        unknown = "how many models were tried outside a recorded sweep is not known to the software"
        return Judgement("warned", "no sweep was recorded", warnings=(unknown,)).about(training)
    count = subject.provenance.trials
    if count is None:
        return Judgement("missing", "the model is from a sweep whose number of trials is not recorded").about(training)
    return Judgement("holds", f"chosen from {count:,} trials").about(training)


def fixed_before(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The pack's digest was signed before training, and limits were in it or in the policy."""
    if subject.training is None:
        return Judgement("missing", "no training record is about this model")
    pack = subject.planned
    if subject.counted.unstarted or pack is None or pack.evidence.time > subject.training.evidence.time:
        return Judgement("failed", "the session has no session-start record: limits could have been chosen afterwards")
    limited = any(c.limit is not None for kind in RESULTS for r in subject.of(kind) for c in r.evidence.claims)
    policy = conditions.applying(subject.rules, subject.counted) if subject.rules is not None else []
    if not pack.evidence.pack_digest or not (limited or policy):
        return Judgement("missing", "no limit was set before training").about(pack)
    who = "the pack" + (f" and {len(policy)} of the policy" if policy else "")
    text = f"limits of {who}; pack {pack.evidence.pack_digest[:12]}, signed {pack.evidence.time[:19]}Z before training"
    later = [
        r for kind in RESULTS for r in subject.of(kind)
        if r.evidence.pack_digest not in (None, pack.evidence.pack_digest) and any(c.limit for c in r.evidence.claims)
    ]  # fmt: skip
    if later:
        last = later[-1].evidence
        text += (
            f"; {last.kind} of {last.time[:10]} was compared with pack {str(last.pack_digest)[:12]}, signed after it"
        )
        return Judgement("warned", text, warnings=(text,)).about(pack, *later)
    return Judgement("holds", text).about(pack)


def results(kind: str, subject: StatusSubject, at: datetime) -> Judgement:
    """The results of a kind are there, on held-out data, and within the limits of pack and policy."""
    rules, records = subject.rules, subject.of(kind)
    if kind == "fairness" and not records and not conditions.compared_columns(rules, subject.counted):
        outcome, why = why_not_compared(rules, subject.counted.starts)
        return Judgement(outcome, why, basis="person").about(*stating_reason(subject.counted.starts))
    beyond = conditions.beyond_limits(rules, subject.counted, kind) if rules else []
    system = rules.system if rules else None
    verdict = judge_records(kind, records, at, rules.max_age_days if rules else None, beyond, system)
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    claims = [c for r in subject.captured(kind) for c in r.evidence.claims if c.metric != FILES]
    held_out = [c for c in claims if c.role == HELD_OUT and c.value is not None]
    if not held_out:
        return Judgement("not evaluated", f"{kind} was not measured on held-out data (role test)").about(*records)
    left_out = [c for r in records for c in r.evidence.claims if is_left_out(c)]
    unfit = _not_held_out(kind, subject)
    if unfit is not None:
        return unfit.about(*records)
    n = max((c.n or 0 for c in held_out), default=0)
    text = f"{kind}: {len(held_out)} values on held-out data, n up to {n:,}"
    text += f"; {len(left_out)} groups were left out" if left_out else ""
    also = [f"test rows are training rows too: {u.text}" for u in repeated(subject.counted)]
    if rules is None and kind != "robustness":
        return Judgement("captured", "; ".join([text, *also, "no policy here to judge it"])).about(*records)
    warned = [u.text for u in conditions.warned(rules, subject.counted) if u.kind == kind] if rules else []
    return _with_warnings(verdict, text, [*warned, *also])


def _not_held_out(kind: str, subject: StatusSubject) -> Judgement | None:
    """Return the failure where the test rows were trained on, or are fewer than the policy's or none of its sets."""
    seen = trained_on(subject.counted)
    if seen:
        text = f"{kind} was not measured on held-out data: {'; '.join(u.text for u in seen)}"
        return Judgement("failed", text, unmet=tuple(seen))
    rows = held_out_rows(subject.rules, subject.counted) if kind == "performance" and subject.rules else []
    return Judgement("failed", rows[0].text, unmet=tuple(rows)) if rows else None


def _with_warnings(verdict: Judgement, text: str, more: list[str]) -> Judgement:
    warnings = tuple(dict.fromkeys((*verdict.warnings, *more)))
    return Judgement(
        "warned" if warnings else "holds",
        text,
        verdict.evidence,
        verdict.since,
        verdict.until,
        verdict.ends,
        warnings=warnings,
    )


def bound(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """Training record and results name the digest of these bytes."""
    if not subject.digest:
        return Judgement("missing", "no model was logged, so nothing is bound to its bytes")
    records = [r for kind in ("training-provenance", *RESULTS) for r in subject.of(kind)]
    loose = sorted({r.evidence.kind for r in records if not r.has_subject(subject.digest)})
    if subject.training is None or not any(r.evidence.kind == "performance" for r in records) or loose:
        text = f"not bound to {subject.digest[:12]}: {', '.join(loose) or 'training record or performance'}"
        return Judgement("missing", text).about(*records)
    return Judgement("holds", f"{len(records)} records name dirHash1 {subject.digest[:12]}").about(*records)


def reviewed(subject: StatusSubject, at: datetime) -> Judgement:
    """An approved validation report by another person than the trainer, which finds this model fit for its use."""
    newest_report = subject.newest("validation-report")
    if not newest_report:
        return absent("validation-report")
    report = newest_report[0]
    own = next((name for name in report.authors if is_among(name, subject.counted.trainers)), None)
    if own is not None:
        text = f"{report.name} is by {own}, who trained the model: validation by another person is missing"
        return Judgement("missing", text, (report.id,), report.time, basis="person")
    return judged(subject, report, at, (states("scope", "conclusion"), of_form(ValidationDocument, _fit)))


def _fit(report: ValidationDocument, known: DocumentSet, day: str) -> Problem:
    """The report finds the model fit, and is by somebody whose duty it is to validate, where that is written."""
    return why_not_fit(report, duties_on(known, day).holders(("validate",), report.system), known)


def numbers(subject: StatusSubject, at: datetime) -> Judgement:
    """The model card is about this model, has content, and is not older than the results that it shows."""
    cards = subject.of("model-card")
    verdict = judge_records("model-card", cards, at)
    card = newest(cards)
    if verdict.outcome not in ("holds", "warned") or card is None:
        return verdict
    if not any(a.size for a in card.evidence.artifacts):
        return Judgement("missing", "the model card is a record without a file").about(card)
    shown = [r for kind in RESULTS for r in subject.of(kind)]
    later = [r.evidence.kind for r in shown if r.evidence.time > card.evidence.time]
    if later:
        return Judgement("stale", f"{', '.join(dict.fromkeys(later))} results are newer than the model card").about(
            card
        )
    if not shown:
        return Judgement("missing", "the model card shows no results: there are none").about(card)
    return Judgement("holds", f"the card was written from {len(shown)} records of results").about(card)


CHECKS: dict[str, ConditionCheck] = {
    "A.6.2.2/first": by_document("requirements", entries("requirements", "text", "source"), approved_first),
    "A.6.2.2/claims": by_document(
        "requirements", entries("acceptance", "metric", "limit"), each_entry("acceptance", _acceptance)
    ),
    "A.6.2.3/choices": by_document("design-record", entries("choices", "choice", "alternatives", "reason")),
    "A.6.2.3/code": code,
    "A.6.2.3/parameters": parameters,
    "A.6.2.3/trials": trials,
    "A.6.2.4/limits": fixed_before,
    **{f"A.6.2.4/{kind}": functools.partial(results, kind) for kind in RESULTS},
    "A.6.2.4/bound": bound,
    "A.6.2.4/reviewed": reviewed,
    "A.6.2.7/audience": by_document("technical-documentation", entries("audiences", "audience", "text")),
    "A.6.2.7/numbers": numbers,
}
