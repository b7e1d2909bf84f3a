"""The policy's conditions on evidence, each returning what does not hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls_for_kind
from aims_mlflow.checks.labels import same_label
from aims_mlflow.gates.counting import Counted, session_start
from aims_mlflow.gates.limits import beyond_limit, unmet_claim
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import Unmet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.policy import Rules

TRAIN_AGAIN = "train with @aims.trains (register=True registers when the evidence is complete)"
CLOCK_SKEW = timedelta(minutes=10)


def unmet(rules: Rules, sessions: Sequence[CheckedSession], counted: Counted, now: datetime) -> list[Unmet]:
    """Return every condition of the policy on evidence that does not hold, most basic first."""
    out: list[Unmet] = []
    if rules.system is None:
        return [
            Unmet(
                control="A.6.1.3",
                kind="gate-policy",
                text=f"the policy knows no system for the model name {rules.model_name!r}",
                next="the platform team adds a pattern for it under systems in policy.yaml",
                waivable=False,
            )
        ]
    out += _sessions(rules, sessions, counted)
    if out:
        return out
    out += _same_system(rules, sessions, counted)
    sensitive = sensitive_columns(rules, sessions, counted)
    for kind in rules.require:
        if kind != "session" and (kind != "fairness" or sensitive):
            out += _kind(rules, counted, kind, now)
    out += _held_out(rules, counted)
    for limit, line in zip(rules.limits, rules.lines, strict=True):
        if limit.kind != "fairness" or sensitive:
            out += beyond_limit(limit, line, counted, sensitive)
    return _without_repeats(out)


def control_of(kind: str) -> str:
    """Return the control that a missing kind counts against: the first Annex A control that requires it."""
    linked = controls_for_kind(kind)
    required = [c for c, need in linked if need == "required" and c.startswith("A.")]
    return required[0] if required else (linked[0][0] if linked else "A.6.1.3")


def _sessions(rules: Rules, sessions: Sequence[CheckedSession], counted: Counted) -> list[Unmet]:
    """The evidence must be there and whole: a session with a manifest, every record in it, a trusted key.

    Its first record says what was about to be trained, held to which pack: without it, limits could have been
    chosen afterwards.
    """
    out = [
        Unmet(
            control="A.6.2.3",
            kind="session",
            text=f"evidence is unverifiable: {session.problems[0].what} ({session.problems[0].record})"
            if session.problems
            else f"evidence is unverifiable: {session.name} has no manifest",
            next=session.problems[0].meaning if session.problems else TRAIN_AGAIN,
            waivable=False,
        )
        for session in counted.unsound
    ]
    if not counted.trained and "training-provenance" in rules.require:
        about = "no training record" if counted.records or counted.unsound else "no evidence at all"
        out.append(
            Unmet(
                control="A.6.2.3",
                kind="training-provenance",
                text=f"there is {about} about these bytes: they were not trained under aims, or changed after signing",
                next=_how_to_get_evidence(sessions),
                waivable=False,
            )
        )
    out += [
        Unmet(
            control="A.6.2.3",
            kind="session-start",
            text="the session has no session-start record: nothing shows what was fixed before training",
            next=TRAIN_AGAIN,
            evidence=training.id,
            waivable=False,
        )
        for training in counted.trained
        if session_start(sessions, training) is None
    ]
    return out


def _how_to_get_evidence(sessions: Sequence[CheckedSession]) -> str:
    """Return the advice for a model without a training record; a trial only waits to be chosen."""
    trial = next((r for s in sessions for r in s.records if r.evidence.kind == "trial"), None)
    if trial is None:
        return TRAIN_AGAIN
    return f'this run is a trial of a sweep: aims.select("{trial.evidence.mlflow.run_id}") makes its evidence'


def _same_system(rules: Rules, sessions: Sequence[CheckedSession], counted: Counted) -> list[Unmet]:
    """What the server says of the system decides; evidence that used something else fails."""
    system = rules.system
    out = []
    for training in counted.trained:
        start = session_start(sessions, training)
        details = start.evidence.details if start is not None else {}
        said = {
            "id": training.evidence.system,
            "target": details.get("target"),
            "favourable": details.get("favourable"),
        }
        for key, value in said.items():
            wanted = getattr(system, key)
            same = same_label(value, wanted) if key == "favourable" else value == wanted
            if wanted is not None and not same:
                out.append(_differs(key, str(wanted), str(value or "nothing"), training))
        hidden = [c for c in (system.sensitive or () if system else ()) if c not in (details.get("sensitive") or [])]
        if hidden:
            out.append(
                _differs("sensitive", ", ".join(system.sensitive or ()) if system else "", _said(details), training)
            )
    return out


def _said(details: dict[str, object]) -> str:
    sensitive = details.get("sensitive")
    return ", ".join(map(str, sensitive)) if isinstance(sensitive, list) and sensitive else "none"


def _differs(key: str, wanted: str, said: str, training: SealedRecord) -> Unmet:
    return Unmet(
        control="A.6.2.4" if key == "sensitive" else "A.6.2.3",
        kind="session-start",
        text=f"the registry's policy says {key}: {wanted}, the evidence used {key}: {said}",
        next=f"correct {key} in aims.yaml and train again",
        evidence=training.id,
        waivable=False,
    )


def sensitive_columns(rules: Rules, sessions: Sequence[CheckedSession], counted: Counted) -> tuple[str, ...]:
    """Return the sensitive columns that fairness is asked for: the server's, else those that the evidence names."""
    if rules.system is not None and rules.system.sensitive is not None:
        return rules.system.sensitive
    named: set[str] = set()
    for training in counted.trained:
        start = session_start(sessions, training)
        found = start.evidence.details.get("sensitive") if start is not None else None
        named |= set(map(str, found)) if isinstance(found, list) else set()
    return tuple(sorted(named))


def _kind(rules: Rules, counted: Counted, kind: str, now: datetime) -> list[Unmet]:
    """One required kind: there, evaluated, not failed, not stale."""
    control, records = control_of(kind), counted.of(kind)
    if not records:
        return [Unmet(control=control, kind=kind, text=f"there is no {kind} evidence for this model", next=TRAIN_AGAIN)]
    out = []
    for record in records:
        body = record.evidence
        if body.result == "not_evaluated":
            text = f"{kind} could not be evaluated: {body.reason or 'no reason given'}"
            out.append(Unmet(control=control, kind=kind, text=text, next="mend that and train again", evidence=body.id))
        elif body.result == "failed":
            out += _failed(record, control)
        stale = _stale(record, rules, now)
        if stale:
            out.append(Unmet(control=control, kind=kind, text=stale, next="train or evaluate again", evidence=body.id))
    return out


def _failed(record: SealedRecord, control: str) -> list[Unmet]:
    """A result that the trainer's own pack calls failed stays failed: packs can only add to the policy."""
    body = record.evidence
    failed = [c for c in body.claims if c.passed is False and c.severity != "warning"]
    if not failed:
        text = f"{body.kind} failed: {body.reason or 'no reason given'}"
        return [Unmet(control=control, kind=body.kind, text=text, next="mend that and train again", evidence=body.id)]
    return [
        unmet_claim(c, body.kind, control, body.id, f"limit {c.comparator} {c.limit} (the pack's)" if c.limit else "")
        for c in failed
    ]


def _stale(record: SealedRecord, rules: Rules, now: datetime) -> str | None:
    body = record.evidence
    made = parse_time(body.time)
    if made > now + CLOCK_SKEW:
        return f"{body.kind} evidence is dated in the future ({body.time})"
    if body.valid_until and parse_time(body.valid_until) < now:
        return f"{body.kind} evidence was valid until {body.valid_until}"
    if rules.max_age_days is not None and now - made > timedelta(days=rules.max_age_days):
        return f"{body.kind} evidence is {(now - made).days} days old, the policy takes {rules.max_age_days}"
    return None


def _held_out(rules: Rules, counted: Counted) -> list[Unmet]:
    """Results must come from enough held-out rows, and from an accepted set where the policy names some."""
    if rules.system is None or "performance" not in rules.require:
        return []
    records = counted.of("performance")
    rows = [c.n or 0 for r in records for c in r.evidence.claims if c.role == "test" and not c.slice]
    if not records or not rows:
        text = "performance was not measured on held-out data (role test)"
        return (
            [Unmet(control="A.6.2.4", kind="performance", text=text, next="pass test data to the training")]
            if records
            else []
        )
    if max(rows) < rules.system.min_held_out_rows:
        text = f"only {max(rows):,} held-out rows, the policy asks for {rules.system.min_held_out_rows:,}"
        return [Unmet(control="A.6.2.4", kind="performance", text=text, next="hold out more rows")]
    accepted = set(rules.system.held_out_digests)
    used = {str(d) for r in counted.trained for d in _test_digests(r)}
    if accepted and not accepted & used:
        text = "the held-out data are none of those that the policy accepts"
        return [Unmet(control="A.6.2.4", kind="performance", text=text, next="evaluate on the agreed held-out data")]
    return []


def _test_digests(training: SealedRecord) -> list[str]:
    data = training.evidence.details.get("data")
    test = data.get("test") if isinstance(data, dict) else None
    digest = test.get("digest") if isinstance(test, dict) else None
    return list(digest.values()) if isinstance(digest, dict) else []


def _without_repeats(items: list[Unmet]) -> list[Unmet]:
    """Keep one entry for a claim that fails both the pack's and the server's limit: the server's."""
    strict = {(u.kind, u.metric, tuple(u.slice.items())) for u in items if u.where and u.slice}
    return [u for u in items if u.where or not u.metric or (u.kind, u.metric, tuple(u.slice.items())) not in strict]
