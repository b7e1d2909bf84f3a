"""Whether earlier authority still stands: what let a version into use once lets it return, while nothing ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.taken_back import DID
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.records.base import parse_time
from aims_mlflow.signing.owners import person

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.signed_consent import SignedConsent
    from aims_mlflow.records.decision import PriorAuthority

# What a decision takes over from the earlier one that it rests on.
CARRIED = ("basis", "waived", "evidence", "approvals", "superseded")


def why_ended(
    standing: PriorAuthority, rules: Rules, consents: Sequence[SignedConsent], model_digest: str, now: datetime
) -> str | None:
    """Return why earlier authority does not hold any more; None while it does.

    It holds if the bytes are unchanged, it has not expired, nothing was taken back since, and each approval and waiver
    that it rests on still counts: `consents` are those about these bytes that count now. Freshness and later changes of
    the rules do not matter: moving back must stay possible in an emergency.
    """
    if standing.model_digest != model_digest:
        return "its files are not those that were allowed"
    if standing.until is not None and parse_time(standing.until) <= now:
        return f"it was allowed until {last_day(standing.until)}"
    for taking in consents:
        if taking.takes_back and _since(taking, standing):
            what = DID["retirement" if taking.consent.action == "retirement" else "revocation"]
            where = f"under the name {taking.model} (leaf {taking.sequence})"
            return f"its files were {what}, on {taking.since[:10]} {where}"
    by = {person(c.owner) for c in consents if c.consent.action == "approval" and c.is_for(rules.stage, rules.alias)}
    ids = {c.id for c in consents}
    for owner in standing.approvals:
        if person(owner) not in by:
            return f"the approval of {owner} does not count any more"
    for each in standing.waived:
        if not ids.issuperset(each.waivers):
            return f"the waiver of {' and '.join(each.owners)} does not count any more"
    return None


def _since(taking: SignedConsent, standing: PriorAuthority) -> bool:
    """Return whether a revocation or retirement ends earlier authority. Adopted files never had a consent."""
    if standing.basis == "legacy":
        return True
    if standing.sequence is None:
        return taking.since > standing.time
    return taking.sequence > standing.sequence
