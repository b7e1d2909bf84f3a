"""Waivers: the failures that each one covers, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.decision import Cosigner, Unmet, WaivedBy, WaivedClaim
from aims_mlflow.signing.owners import is_among, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.signed_consent import SignedConsent
    from aims_mlflow.records.decision import Consent
    from aims_mlflow.records.leaves.others import ConsentLeaf

INVOLVED = "its signer trained the model, or took a result out of its evidence"
MAX_BOTH = 12  # people who signed an approval and a waiver of one change: 4,096 sets of them are tried


def waived_claim(item: Unmet) -> WaivedClaim:
    """Return a failure as a waiver names it.

    Raises:
        EvidenceError: an earlier release decided it, which does not name what failed.
    """
    if item.condition is None:
        raise EvidenceError("the gate does not name what failed", next="update aims_mlflow on the server")
    return WaivedClaim(
        kind=item.kind,
        condition=item.condition,
        metric=item.metric,
        slice=item.slice or None,
        value=item.value,
        evidence=None if item.value is not None else item.evidence,
    )


def covers(claim: WaivedClaim, item: Unmet) -> bool:
    """Return whether a claim of a waiver covers an unmet condition: the same failure, with a value that is no worse."""
    same = (claim.kind, claim.condition, claim.metric, claim.slice or {})
    if same != (item.kind, item.condition, item.metric, item.slice):
        return False
    if claim.value is None or item.value is None:
        return claim.value == item.value and claim.evidence == item.evidence
    return not _worse(Decimal(item.value), Decimal(claim.value), item.comparator)


def _worse(value: Decimal, known: Decimal, comparator: str | None) -> bool:
    if comparator in (">=", ">"):
        return value < known
    if comparator in ("<=", "<"):
        return value > known
    return value != known


def covering(
    item: Unmet, consents: Iterable[SignedConsent], counted: CountingEvidence, now: datetime, rules: Rules
) -> list[SignedConsent]:
    """Return the waivers that cover an unmet condition: of this failure, not ended, by an approver but the trainer."""
    if not item.waivable:
        return []
    return [
        signed
        for signed in consents
        if _in_force(signed, counted, now)
        and not signed.consent.break_glass
        and not too_long(signed, rules)
        and _names(signed, item)
    ]


def use_fewest(
    waivers: list[tuple[Unmet, list[SignedConsent]]],
    approvals: Sequence[SignedConsent],
    enough: Callable[[Sequence[SignedConsent]], bool],
) -> tuple[list[tuple[Unmet, list[SignedConsent]]], frozenset[str]]:
    """Return the waivers that are used, and the people whose approval does not count because of them.

    Who signed a waiver that is used is no approver of the same change. A waiver that is not needed costs no approval,
    else taking it away would help: so the fewest approvers are spent that cover each failure and leave `enough`
    approvals, or the fewest that cover each failure. Waivers of `MAX_BOTH` approvers are tried at most.
    """
    signers = [frozenset(person(s.owner) for s in each) for _, each in waivers if each]
    approved = frozenset(person(c.owner) for c in approvals)
    both = sorted(approved & frozenset().union(*signers))[:MAX_BOTH]
    sets = (frozenset(each) for size in range(len(both) + 1) for each in combinations(both, size))
    covering_all = [spent for spent in sets if all(people - (approved - spent) for people in signers)]
    left = ((spent, [c for c in approvals if person(c.owner) not in spent]) for spent in covering_all)
    spent = next((spent for spent, others in left if enough(others)), covering_all[0] if covering_all else frozenset())
    used = [(item, [s for s in each if person(s.owner) not in approved - spent]) for item, each in waivers]
    return used, spent


def _names(signed: SignedConsent, item: Unmet) -> bool:
    consent = signed.consent
    if consent.control != item.control:
        return False
    if consent.claims is not None:
        return any(covers(claim, item) for claim in consent.claims)
    return consent.metric in (None, item.metric) and consent.slice in (None, item.slice)


def _in_force(signed: SignedConsent, counted: CountingEvidence, now: datetime) -> bool:
    expires = signed.consent.expires
    lasts = expires is not None and parse_time(expires) > now
    may = "approver" in signed.roles and not is_among(signed.owner, counted.involved)
    return signed.consent.action == "waiver" and lasts and may


@dataclass(frozen=True)
class WaiverBound:
    """The longest that a waiver may last by a policy: days for one of named failures, hours for an emergency's."""

    days: int | None = None
    hours: int | None = None

    @classmethod
    def of(cls, rules: Rules, *, break_glass: bool) -> WaiverBound:
        """Return the bound that the rules set."""
        return cls(hours=rules.break_glass.max_hours) if break_glass else cls(days=rules.waiver_days)

    @property
    def text(self) -> str:
        """The bound as a half sentence."""
        return f"the policy allows {self.days} days" if self.days else f"the policy allows {self.hours} hours"

    def last(self, since: datetime) -> datetime:
        """Return the last moment of a waiver that is sealed at `since`; a day counts whole."""
        if self.days is None:
            return since + timedelta(hours=self.hours or 0)
        return (since + timedelta(days=self.days)).replace(hour=23, minute=59, second=59, microsecond=999_999)


def too_long(signed: SignedConsent, rules: Rules) -> bool:
    """Return whether a waiver lasts longer than the policy allows, counted from when it was sealed.

    A day counts whole: a waiver of 90 days that was sealed at noon ends with the 90th day after.
    """
    expires, emergency = signed.consent.expires, signed.consent.break_glass
    if expires is None:
        return False
    ends = parse_time(expires if emergency else last_moment(expires))
    return ends > WaiverBound.of(rules, break_glass=emergency).last(parse_time(signed.since))


def why_void(
    signed: SignedConsent, consents: Iterable[SignedConsent], rules: Rules, involved: Iterable[str]
) -> str | None:
    """Return why a waiver covers nothing whatever it names; None where it may cover something. Its end is no reason.

    `consents` are all about the model's bytes: a later one may take it back.
    """
    later = next((c for c in consents if c.takes_back and c.order > signed.order), None)
    if later:
        return f"a later {later.consent.action} took it back"
    if signed.consent.stage_digest != rules.stage_digest:
        return "it was signed under other rules"
    if "approver" not in signed.roles:
        return "its key has not the role approver"
    if is_among(signed.owner, involved):
        return INVOLVED
    bound = WaiverBound.of(rules, break_glass=signed.consent.break_glass)
    return f"it is too long: {bound.text}" if too_long(signed, rules) else None


def void_waivers(
    consents: Iterable[SignedConsent], rules: Rules, involved: Iterable[str], now: datetime
) -> tuple[str, ...]:
    """Return one line for each waiver for this change that has not ended and covers nothing, with the reason."""
    consents, people = list(consents), list(involved)
    out = []
    for signed in consents:
        consent = signed.consent
        if consent.action != "waiver" or not signed.is_for(rules.stage, rules.alias):
            continue
        why = why_void(signed, consents, rules, people)
        if why and parse_time(str(consent.expires)) > now:
            out.append(void_line(consent, signed.id, signed.owner, why))
    return tuple(out)


def void_line(consent: Consent | ConsentLeaf, name: str, owner: str, why: str) -> str:
    """Return a waiver that covers nothing as a sentence, with the reason; `name` is its id."""
    what = "everything" if consent.break_glass else consent.control
    until = str(consent.expires)[:16] + "Z" if consent.break_glass else last_day(str(consent.expires))
    by = f"by {owner} " if owner else ""
    return f"waiver {name[:13]} of {what} {by}until {until} covers nothing: {why}"


def last_moment(expires: str) -> str:
    """Return the last second of a waiver. Earlier releases wrote the midnight that follows its last day."""
    ends = parse_time(expires)
    midnight = (ends.hour, ends.minute, ends.second, ends.microsecond) == (0, 0, 0, 0)
    return (ends - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ") if midnight else expires


def last_day(expires: str) -> str:
    """Return the last day of a waiver, `YYYY-MM-DD` (UTC): the day that its signer typed."""
    return last_moment(expires)[:10]


def break_glass(
    consents: Sequence[SignedConsent], counted: CountingEvidence, now: datetime, rules: Rules
) -> list[SignedConsent]:
    """Return each person's emergency waiver that ends first, in order of their ends, if enough people signed one."""
    mine = [c for c in consents if c.consent.break_glass and _in_force(c, counted, now) and not too_long(c, rules)]
    by_person: dict[str, SignedConsent] = {}
    for signed in sorted(mine, key=lambda c: (str(c.consent.expires), c.id)):
        by_person.setdefault(person(signed.owner), signed)
    return list(by_person.values()) if len(by_person) >= rules.break_glass.approvers else []


def waived_by(item: Unmet, signed: SignedConsent, *cosigners: SignedConsent) -> WaivedBy:
    """Return an unmet condition with the waiver that covers it, or in an emergency with the waivers."""
    consent = signed.consent
    return WaivedBy(
        unmet=item,
        waiver=signed.id,
        owner=signed.owner,
        reason=consent.comment,
        expires=str(consent.expires),
        break_glass=consent.break_glass,
        cosigners=tuple(Cosigner(waiver=each.id, owner=each.owner) for each in cosigners),
    )
