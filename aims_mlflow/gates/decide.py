"""`decide`: a pure function of policy, evidence, consents and clock. It fails closed."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.gates import conditions
from aims_mlflow.gates.counting_evidence import CountingEvidence, count, newest
from aims_mlflow.gates.published_documents import DocumentShelf
from aims_mlflow.gates.required_controls import unmet_controls
from aims_mlflow.gates.required_documents import documents_in_use, not_asked, unmet_documents
from aims_mlflow.gates.standing import CARRIED, why_ended
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.gates.taken_back import back_without_a_word, taken_back
from aims_mlflow.gates.waivers import break_glass, covering, use_fewest, waived_by
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Decision, PriorAuthority, Unmet
from aims_mlflow.signing.owners import is_among, person

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.signed_consent import SignedConsent

NO_DOCUMENTS = DocumentShelf()


@dataclass(frozen=True)
class DecisionRequest:
    """The subject of a decision: the model's bytes, their history, and their place in MLflow.

    `registered` is the digest that the version had when it was registered; `standing` what it was allowed before.
    Approvals up to the leaf `seen_from` were given by people who could not see that a failure was taken out.
    `shelf` has the published documents, where the rules read any, and `ways_back` the versions of the model that the
    gate let in, that nobody deleted and that are not retired; None where that is not known.
    """

    model_digest: str
    _: KW_ONLY
    registered: str | None = None
    standing: PriorAuthority | None = None
    run_id: str | None = None
    model_id: str | None = None
    version: str | None = None
    keyring_digest: str | None = None
    seen_from: int = -1
    shelf: DocumentShelf = NO_DOCUMENTS
    ways_back: tuple[str, ...] | None = None


def decide(
    rules: Rules,
    sessions: Iterable[CheckedSession],
    consents: Sequence[SignedConsent],
    asked: DecisionRequest,
    now: datetime,
    counted: CountingEvidence | None = None,
) -> Decision:
    """Decide whether the model may take the step that `rules` govern.

    `counted` is what counts of the sessions for the model, where that is known.

    Nothing that a client says about its own verdict helps it: values are compared with the server's limits,
    and a result that the client itself calls failed stays failed.
    """
    consents = [c for c in consents if c.model_digest == asked.model_digest]
    if asked.standing and why_ended(asked.standing, rules, consents, asked.model_digest, now) is None:
        carried = {name: getattr(asked.standing, name) for name in CARRIED}
        return _decision(rules, asked, now, taken_back=taken_back(consents), **carried)
    everything = list(sessions)
    counted = counted or count(everything, asked.model_digest)
    bound = consents_in_force(consents, rules)
    subject = _subject(rules, everything, counted, asked, now)
    shortfalls = _shortfalls(rules, subject, counted, asked, now)
    able = [c for c in approvers(bound, counted) if c.sequence > asked.seen_from]
    shortfalls += back_without_a_word(rules, consents, able)
    waivers = [(item, covering(item, bound, counted, now, rules)) for item in shortfalls]
    waivers, approvals = _with_approvals(rules, waivers, able, counted)
    emergency = break_glass(bound, counted, now, rules)
    chosen = [(item, emergency or signers[:1]) for item, signers in waivers]
    waived = tuple(waived_by(item, *signed) for item, signed in chosen if signed)
    latest = newest(counted.trained)
    return _decision(
        rules,
        asked,
        now,
        basis="break-glass" if emergency and waived else "evidence",
        unmet=tuple(item for item, signed in chosen if not signed),
        waived=waived,
        warnings=tuple(conditions.warned(rules, counted)),
        evidence=tuple(sorted({r.sha256 for r in counted.records})),
        approvals=tuple(sorted({c.owner for c in approvals})),
        superseded=counted.superseded(),
        taken_back=taken_back(consents),
        system=latest.evidence.system if latest else None,
        pack_digest=latest.evidence.pack_digest if latest else None,
        documents=documents_in_use(rules, subject, now) or None,
        documents_read=asked.shelf.leaves if rules.reads_documents else None,
        not_asked=not_asked(rules) or None,
    )


def decide_with_kept(
    rules: Rules,
    sessions: Sequence[CheckedSession],
    kept: Collection[str],
    consents: Sequence[SignedConsent],
    asked: DecisionRequest,
    now: datetime,
    *,
    counted: CountingEvidence | None = None,
) -> Decision:
    """Decide by a run's sessions and those that the ledger kept about the same bytes, which `kept` names.

    What was kept never helps: a model that its run's own files do not let pass is refused by these.
    """
    if kept:
        alone = decide(rules, [s for s in sessions if s.name not in kept], consents, asked, now)
        if alone.would_refuse:
            return alone
    return decide(rules, sessions, consents, asked, now, counted)


def _subject(
    rules: Rules,
    sessions: Sequence[CheckedSession],
    counted: CountingEvidence,
    asked: DecisionRequest,
    now: datetime,
) -> StatusSubject:
    """Return what controls and documents are judged for: this version, as if the alias were set already."""
    latest = newest(counted.trained)
    stated = latest.evidence.system if latest else None
    return StatusSubject(
        (rules.system.id if rules.system else None) or stated or rules.model_name,
        digest=asked.model_digest,
        sessions=tuple(sessions),
        documents=asked.shelf.documents(now.strftime("%Y-%m-%d")),
        approvals=asked.shelf.approvals,
        rules=rules,
        aliases=(rules.alias or rules.stage,) if rules.stage == "deployment" else (),
        version=asked.version,
        ways_back=asked.ways_back,
    )


def _shortfalls(
    rules: Rules, subject: StatusSubject, counted: CountingEvidence, asked: DecisionRequest, now: datetime
) -> list[Unmet]:
    found = [*_changed(asked), *conditions.unmet(rules, subject.sessions, counted, now)]
    found += unmet_documents(rules, subject, now)
    return found + unmet_controls(rules, subject, now, found)


def unreadable(rules: Rules, what: str, advice: str, asked: DecisionRequest, now: datetime) -> Decision:
    """Return the refusal of a model whose bytes or evidence cannot be read."""
    item = Unmet(control="A.6.2.5", kind="model", text=what, next=advice, waivable=False)
    return _decision(rules, asked, now, unmet=(item,))


def _decision(
    rules: Rules, asked: DecisionRequest, now: datetime, unmet: tuple[Unmet, ...] = (), **more: Any
) -> Decision:
    return Decision(
        stage=rules.stage,
        alias=rules.alias,
        model_name=rules.model_name,
        workspace=rules.workspace,
        version=asked.version,
        model_digest=asked.model_digest or None,
        mode=rules.mode,
        allowed=not unmet or rules.mode == "observe",
        would_refuse=bool(unmet),
        unmet=unmet,
        run_id=asked.run_id,
        model_id=asked.model_id,
        policy_digest=rules.policy_digest,
        keyring_digest=asked.keyring_digest,
        ways_back=asked.ways_back,
        stage_digest=rules.stage_digest,
        time=utc_text(now),
        **more,
    )


def _changed(asked: DecisionRequest) -> list[Unmet]:
    if asked.registered in (None, asked.model_digest):
        return []
    text = (
        f"the model's files changed since version {asked.version} was registered: digest then {asked.registered}, "
        f"now {asked.model_digest}"
    )
    advice = "log the changed model as a new one and register that"
    return [Unmet(control="A.6.2.5", kind="model", text=text, next=advice, waivable=False)]


def consents_in_force(consents: Sequence[SignedConsent], rules: Rules) -> list[SignedConsent]:
    """Return the consents to this change, of those about the model's bytes, that were not taken back later."""
    last = max((c.order for c in consents if c.takes_back), default=None)
    return [
        c
        for c in consents
        if (last is None or c.order > last) and c.is_for(rules.stage, rules.alias)
        if not c.takes_back and c.consent.stage_digest == rules.stage_digest
    ]


def approvers(consents: Sequence[SignedConsent], counted: CountingEvidence) -> list[SignedConsent]:
    """Return the approvals of those who did not train, and took no result out of the evidence."""
    return [c for c in consents if c.consent.action == "approval" and not is_among(c.owner, counted.involved)]


def _with_approvals(
    rules: Rules,
    waivers: list[tuple[Unmet, list[SignedConsent]]],
    approvals: list[SignedConsent],
    counted: CountingEvidence,
) -> tuple[list[tuple[Unmet, list[SignedConsent]]], list[SignedConsent]]:
    """Return each shortfall, missing approvals among them, with the waivers that are used; and approvals that count."""
    nobody: frozenset[str] = frozenset()

    def enough(left: Sequence[SignedConsent]) -> bool:
        return not _missing_approvals(rules, left, counted, nobody)

    apart = rules.waiver_signers == "another"
    waivers, spent = use_fewest(waivers, approvals, enough) if apart else (waivers, nobody)
    approvals = [c for c in approvals if person(c.owner) not in spent]
    return [*waivers, *((item, []) for item in _missing_approvals(rules, approvals, counted, spent))], approvals


def _missing_approvals(
    rules: Rules, approvals: Sequence[SignedConsent], counted: CountingEvidence, spent: frozenset[str]
) -> list[Unmet]:
    """One person may fill several roles; `count` is the number of different people that are needed.

    Where nothing shows who trained, nobody can be shown to be another person. The people `spent` approved and do not
    count, because a waiver of theirs is used for the same change.
    """
    out = []
    needed = rules.approvals.needed
    approvals = approvals if counted.trained else []
    for role, number in needed.items():
        lacking = number - len({person(c.owner) for c in approvals if role in c.roles})
        if lacking > 0:
            out.append(_missing(rules, lacking, role, spent))
    people = {person(c.owner) for c in approvals if set(c.roles) & set(needed)}
    if not out and len(people) < rules.approvals.count:
        out.append(_missing(rules, rules.approvals.count - len(people), next(iter(needed)), spent))
    return out


def _missing(rules: Rules, lacking: int, role: str, spent: frozenset[str]) -> Unmet:
    what = "an approval" if lacking == 1 else f"{lacking} approvals"
    whose = "" if role == "approver" else f" with the role {role}"
    also = f" (not by {', '.join(sorted(spent))}, who signed a waiver for this change)" if spent else ""
    alias = f" --alias {rules.alias}" if rules.alias else ""
    return Unmet(
        control="A.6.2.5",
        kind="approval",
        text=f"{what} by another person than the trainer{whose} is missing{also}",
        next=f"someone with the role {role} runs "
        f"`aims approve models:/{rules.model_name}/VERSION --stage {rules.stage}{alias}`",
        waivable=False,
    )
