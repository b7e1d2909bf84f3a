"""The policy's conditions on evidence; each function returns the conditions that are unmet."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, get_args

from aims_mlflow.checks.statistics.labels import same_label
from aims_mlflow.evidence.verify import UNKNOWN_KEY
from aims_mlflow.gates.counting_evidence import TRAINING
from aims_mlflow.gates.held_out import asks, held_out_rows, knows_chance, reevaluation, repeated, trained_on
from aims_mlflow.gates.kind_verdict import TRAIN_AGAIN, failed
from aims_mlflow.gates.limits import beyond_limit, other_references, set_aside
from aims_mlflow.gates.not_compared import why_not_compared
from aims_mlflow.gates.required_kinds import required_kind
from aims_mlflow.records.decision import Unmet
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.system import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.records.policy import PolicyLimit, PolicySystem

PRIORITIES = get_args(Priority)


def unmet(rules: Rules, sessions: Sequence[CheckedSession], counted: CountingEvidence, now: datetime) -> list[Unmet]:
    """Return every unmet condition of the policy on evidence, the most basic first."""
    if rules.system is None:
        text = f"the policy knows no system for the model name {rules.model_name!r}"
        advice = "the platform team adds a pattern for it under systems in policy.yaml"
        return [_not_waivable("A.6.1.3", "gate-policy", text, advice)]
    out = _sessions(rules, sessions, counted)
    if out:
        return out
    out += _same_system(rules.system, counted) + _trusted_trainers(rules, counted)
    out += other_references(rules.system, counted)
    sensitive = sensitive_columns(rules, counted)
    for entry in rules.require:
        if entry.kind == "fairness" and not sensitive:
            out += _not_compared(rules, counted)
        elif entry.kind != "session":
            out += required_kind(rules, counted, entry, now)
    out += counted.once("failed", lambda: _failed(counted))
    out += held_out_rows(rules, counted) + reevaluation(rules, counted, now)
    return _without_repeats([*out, *_limits(rules, counted, sensitive, warnings=False)])


def warned(rules: Rules, counted: CountingEvidence) -> list[Unmet]:
    """Return what a decision warns of.

    These are claims that miss a limit which the policy only warns about, groups that it sets aside, and test rows that
    are training rows too.
    """
    if rules.system is None:
        return []
    missed = _limits(rules, counted, sensitive_columns(rules, counted), warnings=True)
    # Evidence of earlier releases was decided without this warning, and is decided again as it was.
    same_rows = repeated(counted) if knows_chance(counted) else []
    return missed + set_aside(rules.system, counted) + same_rows


def beyond_limits(rules: Rules, counted: CountingEvidence, kind: str) -> list[Unmet]:
    """Return what misses a limit of the policy on one kind of evidence, warnings left out."""
    beyond = _limits(rules, counted, sensitive_columns(rules, counted), warnings=False)
    return [item for item in beyond if item.kind == kind]


def _not_compared(rules: Rules, counted: CountingEvidence) -> list[Unmet]:
    """Where no column is compared, the policy must state the reason; fairness results that are there suffice."""
    outcome, why = why_not_compared(rules, counted.starts)
    if outcome == "not applicable" or counted.captured("fairness"):
        return []
    advice = "name data.sensitive in aims.yaml and train again, or the platform team states not_compared in policy.yaml"
    return [Unmet(control="A.6.2.4", kind="fairness", text=why, next=advice, condition="unmeasured")]


def _failed(counted: CountingEvidence) -> list[Unmet]:
    """Return what failed by the trainer's own pack; how test and training rows are joined, of this training alone."""
    kinds = dict.fromkeys(r.evidence.kind for r in counted.records)
    seen = {id(r) for r in counted.own_lineages()}
    records = [
        r for kind in kinds for r in counted.of(kind) if kind != "lineage" or r.evidence.by_hand or id(r) in seen
    ]
    not_held_out = trained_on(counted)
    known = {_about(item) for item in not_held_out}
    return not_held_out + [item for record in records for item in failed(record) if _about(item) not in known]


def _limits(rules: Rules, counted: CountingEvidence, sensitive: Sequence[str], *, warnings: bool) -> list[Unmet]:
    key = ("limits", tuple(sensitive), warnings)
    return counted.once(key, lambda: _beyond(rules, counted, sensitive, warnings=warnings), of=rules)


def _beyond(rules: Rules, counted: CountingEvidence, sensitive: Sequence[str], *, warnings: bool) -> list[Unmet]:
    return [
        item
        for limit, line in applying(rules, counted)
        if (limit.severity == "warning") is warnings and (limit.kind != "fairness" or sensitive)
        for item in beyond_limit(limit, line, counted, sensitive, rules.system)
    ]


def applying(rules: Rules, counted: CountingEvidence) -> list[tuple[PolicyLimit, str]]:
    """Return the limits that are about this system and what its model predicts, with their lines in policy.yaml.

    A limit holds for a system that gives each objective which it names at least its priority (Annex C). The server's
    word and the team's own both count: a team can only ask more of itself. Evidence that does not say what is predicted
    is about labels.
    """
    said = [read_details(start.evidence, SessionStartDetails) for start in counted.starts]
    teams = [dict(s.system.objectives or {}) for s in said if s.system is not None]
    sources: list[Mapping[str, str]] = [rules.system.objectives if rules.system else {}, *teams]
    predicted = {"number" if s.task == "regression" else "label" for s in said} or {"label"}
    return [
        (limit, line)
        for limit, line in zip(rules.limits, rules.lines, strict=True)
        if (limit.predicts is None or limit.predicts in predicted)
        and all(
            max((_rank(s.get(objective)) for s in sources), default=-1) >= _rank(least)
            for objective, least in limit.objectives.items()
        )
    ]


def _rank(priority: object) -> int:
    return PRIORITIES.index(priority) if priority in PRIORITIES else -1


def _sessions(rules: Rules, sessions: Sequence[CheckedSession], counted: CountingEvidence) -> list[Unmet]:
    """Evidence must be complete: a session with a manifest, every record that it lists, and a trusted key.

    Its first record says what was about to be trained, held to which pack: without it, limits could have been
    chosen afterwards.
    """
    out = [_unverifiable(rules, session) for session in counted.unsound]
    unread = any(TRAINING in s.kinds or (not s.records and _of_unknown_key(s)) for s in counted.unsound)
    if not counted.trained and not unread and asks(rules, TRAINING):
        about = "no training record" if counted.records or counted.unsound else "no evidence at all"
        text = f"there is {about} about these bytes: they were not trained under aims, or changed after signing"
        out.append(_not_waivable("A.6.2.3", "training-provenance", text, _how_to_get_evidence(sessions)))
    unstarted = "the session has no session-start record: nothing shows what was fixed before training"
    out += [
        _not_waivable("A.6.2.3", "session-start", unstarted, TRAIN_AGAIN, training.id) for training in counted.unstarted
    ]
    return out


def _unverifiable(rules: Rules, session: CheckedSession) -> Unmet:
    """Return one sentence about a session that does not verify, with what is not counted because of that."""
    problem, unknown = session.problems[0], _of_unknown_key(session)
    asked = [entry.kind for entry in rules.require if entry.kind in session.kinds and entry.kind != "session"]
    lost = ", ".join(asked) or ("all that it signed" if unknown and not session.records else "")
    because = "the key" if unknown else "that"
    text = f"evidence is unverifiable: {problem.what} ({problem.record})"
    text += f"; not counted, because of {because}: {lost}" if lost else ""
    return _not_waivable("A.6.2.3", "session", text, problem.meaning)


def _of_unknown_key(session: CheckedSession) -> bool:
    return session.problems[0].what.startswith(UNKNOWN_KEY)


def _how_to_get_evidence(sessions: Sequence[CheckedSession]) -> str:
    """Return the advice for a model without a training record; a trial needs only to be selected."""
    trial = next((r for s in sessions for r in s.records if r.evidence.kind == "trial"), None)
    if trial is None:
        return TRAIN_AGAIN
    return f'this run is a trial of a sweep: aims.select("{trial.evidence.mlflow.run_id}") makes its evidence'


def _same_system(system: PolicySystem, counted: CountingEvidence) -> list[Unmet]:
    """Evidence must use the target and favourable value that the policy sets for the system.

    Additional sensitive columns are allowed.
    """
    out = []
    for start in counted.starts:
        details = read_details(start.evidence, SessionStartDetails)
        said = {"id": start.evidence.system, "target": details.target, "favourable": details.favourable}
        for key, value in said.items():
            wanted = getattr(system, key)
            same = same_label(value, wanted) if key == "favourable" else value == wanted
            if wanted is not None and not same:
                out.append(_differs(key, str(wanted), "nothing" if value in (None, "") else str(value), start))
        used = _columns(start)
        if any(column not in used for column in system.sensitive or ()):
            out.append(_differs("sensitive", ", ".join(system.sensitive or ()), ", ".join(used) or "none", start))
    return out


def _trusted_trainers(rules: Rules, counted: CountingEvidence) -> list[Unmet]:
    """Training must be signed with the role trainer, by an owner in the policy's list if it has one."""
    out = []
    for training in counted.trained:
        entry = counted.signers[training.sha256]
        if "trainer" not in entry.roles:
            text, advice = f"{entry.owner}, who signed the training, has no role 'trainer'", "sign with a trainer's key"
        elif rules.signers and not any(fnmatchcase(entry.owner, pattern) for pattern in rules.signers):
            text = f"{entry.owner} may not train this model: the policy names {', '.join(rules.signers)}"
            advice = "one of them trains it, or the platform team adds the owner under signers"
        else:
            continue
        out.append(_not_waivable("A.6.2.3", "training-provenance", text, advice, training.id))
    return out


def _not_waivable(control: str, kind: str, text: str, advice: str, evidence: str | None = None) -> Unmet:
    return Unmet(control=control, kind=kind, text=text, next=advice, evidence=evidence, waivable=False)


def _columns(start: SealedRecord) -> list[str]:
    """Return the sensitive columns that a session says it used."""
    return read_details(start.evidence, SessionStartDetails).sensitive or []


def _differs(key: str, wanted: str, said: str, start: SealedRecord) -> Unmet:
    return Unmet(
        control="A.6.2.4" if key == "sensitive" else "A.6.2.3",
        kind="session-start",
        text=f"the registry's policy says {key}: {wanted}, the evidence used {key}: {said}",
        next=f"correct {key} in aims.yaml and train again",
        evidence=start.id,
        waivable=False,
    )


def sensitive_columns(rules: Rules, counted: CountingEvidence) -> tuple[str, ...]:
    """Return the sensitive columns that need fairness evidence: the server's, else those in the evidence."""
    if rules.system is not None and rules.system.sensitive is not None:
        return rules.system.sensitive
    return compared_columns(None, counted)


def compared_columns(rules: Rules | None, counted: CountingEvidence) -> tuple[str, ...]:
    """Return the columns whose groups are compared: the policy's, or without a policy those in the evidence."""
    if rules is not None:
        return sensitive_columns(rules, counted)
    return tuple(sorted({column for start in counted.starts for column in _columns(start)}))


def _without_repeats(items: list[Unmet]) -> list[Unmet]:
    """Keep one entry for a claim that fails both the pack's and the server's limit: the server's."""
    strict = {_about(u) for u in items if u.where and u.evidence}
    return [u for u in items if u.where or not u.metric or _about(u) not in strict]


def _about(item: Unmet) -> tuple[object, ...]:
    return item.evidence, item.metric, tuple(sorted(item.slice.items()))
