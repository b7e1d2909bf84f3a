"""`decide`: a pure function of policy, evidence, consents and clock. It fails closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.gates import conditions
from aims_mlflow.gates.conditions import CLOCK_SKEW
from aims_mlflow.gates.counting import Counted, count, newest
from aims_mlflow.records.base import parse_time, utc_text
from aims_mlflow.records.decision import Consent, Decision, Unmet, WaivedBy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.gates.policy import Rules


@dataclass(frozen=True)
class SignedConsent:
    """A verified approval or waiver: its record's id, who signed it, what it is bound to."""

    id: str
    owner: str
    model_digest: str
    consent: Consent
    time: str


def decide(
    rules: Rules,
    sessions: Iterable[CheckedSession],
    consents: Sequence[SignedConsent],
    *,
    model_digest: str,
    now: datetime,
    run_id: str | None = None,
    model_id: str | None = None,
    version: str | None = None,
    keyring_digest: str | None = None,
) -> Decision:
    """Decide whether the model with `model_digest` may take the step that `rules` are about.

    Nothing that a client says about its own verdict helps it: values are compared with the server's limits,
    and a result that the client itself calls failed stays failed.
    """
    everything = list(sessions)
    counted = count(everything, model_digest)
    bound = [c for c in consents if _applies(c, rules, model_digest) and parse_time(c.time) <= now + CLOCK_SKEW]
    unmet = conditions.unmet(rules, everything, counted, now)
    approvals = approvers(bound, counted)
    unmet += _missing_approvals(rules, approvals)
    waived: list[WaivedBy] = []
    still: list[Unmet] = []
    for item in unmet:
        waiver = _waiver_for(item, bound, counted, now, rules)
        if waiver is None:
            still.append(item)
        else:
            waived.append(waiver)
    latest = newest(counted.trained)
    return Decision(
        stage=rules.stage,
        alias=rules.alias,
        model_name=rules.model_name,
        version=version,
        model_digest=model_digest,
        mode=rules.mode,
        allowed=not still or rules.mode == "observe",
        would_refuse=bool(still),
        unmet=tuple(still),
        waived=tuple(waived),
        warnings=tuple(conditions.warned(rules, counted)),
        evidence=tuple(sorted({r.sha256 for r in counted.records})),
        approvals=tuple(sorted(approvals)),
        run_id=run_id,
        model_id=model_id,
        system=latest.evidence.system if latest else None,
        pack_digest=latest.evidence.pack_digest if latest else None,
        policy_digest=rules.policy_digest,
        keyring_digest=keyring_digest,
        stage_digest=rules.stage_digest,
        time=utc_text(now),
    )


def _applies(signed: SignedConsent, rules: Rules, model_digest: str) -> bool:
    consent = signed.consent
    return (
        signed.model_digest == model_digest
        and consent.model_name == rules.model_name
        and consent.stage == rules.stage
        and consent.stage_digest == rules.stage_digest
        and (consent.alias is None or consent.alias == rules.alias)
    )


def approvers(consents: Sequence[SignedConsent], counted: Counted) -> dict[str, str]:
    """Return owner -> approval id of those who approved and did not train."""
    return {c.owner: c.id for c in consents if c.consent.action == "approval" and c.owner not in counted.trainers}


def _missing_approvals(rules: Rules, approvals: dict[str, str]) -> list[Unmet]:
    lacking = rules.approvals.count - len(approvals)
    if lacking <= 0:
        return []
    what = "an approval" if lacking == 1 else f"{lacking} approvals"
    alias = f" --alias {rules.alias}" if rules.alias else ""
    return [
        Unmet(
            control="A.6.2.5",
            kind="approval",
            text=f"{what} by another person than the trainer is missing",
            next="someone with the role approver runs "
            f"`aims approve models:/{rules.model_name}/VERSION --stage {rules.stage}{alias}`",
            waivable=False,
        )
    ]


def _waiver_for(
    item: Unmet, consents: Sequence[SignedConsent], counted: Counted, now: datetime, rules: Rules
) -> WaivedBy | None:
    """Return the waiver that covers an unmet condition: same control, not expired, not the trainer's own."""
    if not item.waivable:
        return None
    for signed in consents:
        consent = signed.consent
        if consent.action != "waiver" or consent.control != item.control or consent.expires is None:
            continue
        if signed.owner in counted.trainers or parse_time(consent.expires) <= now or waiver_too_long(signed, rules):
            continue
        if consent.metric not in (None, item.metric) or consent.slice not in (None, item.slice):
            continue
        return WaivedBy(
            unmet=item, waiver=signed.id, owner=signed.owner, reason=consent.comment, expires=consent.expires
        )
    return None


def waiver_too_long(signed: SignedConsent, rules: Rules) -> bool:
    """Tell whether a waiver lasts longer than the policy allows, counted from the day on which it was signed."""
    expires = signed.consent.expires
    longest = timedelta(days=rules.waiver_days)
    return expires is not None and parse_time(expires) > parse_time(signed.time) + longest
