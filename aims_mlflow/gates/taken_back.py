"""What was taken back of a model's bytes: revocations and retirements, and the word that bytes need to come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.records.decision import TakenBack, Unmet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.signed_consent import SignedConsent

DID = {"retirement": "retired, which means out of use for good", "revocation": "revoked"}


def taken_back(consents: Sequence[SignedConsent]) -> tuple[TakenBack, ...]:
    """Return what was taken back of these bytes, in order."""
    found = sorted((c for c in consents if c.takes_back), key=lambda c: c.order)
    return tuple(
        TakenBack(
            action="retirement" if c.consent.action == "retirement" else "revocation",
            model_name=c.model,
            sequence=c.sequence,
            time=c.since,
        )
        for c in found
    )


def back_without_a_word(
    rules: Rules, consents: Sequence[SignedConsent], approvals: Sequence[SignedConsent]
) -> list[Unmet]:
    """Return what stands against the use of bytes that were taken back, and that nobody approved since.

    `approvals` are those that were sealed since.
    """
    found = taken_back(consents)
    if rules.stage != "deployment" or any("approver" in c.roles for c in approvals) or not found:
        return []
    last = found[-1]
    text = (
        f"the model was {DID[last.action]}, on {last.time[:10]} under the name {last.model_name} (leaf "
        f"{last.sequence}), and no other person than the trainer approved it since"
    )
    alias = f" --alias {rules.alias}" if rules.alias else ""
    advice = (
        "an approver who wants it back in use runs "
        f"`aims approve models:/{rules.model_name}/VERSION --stage {rules.stage}{alias}`"
    )
    return [Unmet(control="A.6.2.5", kind=last.action, text=text, next=advice, waivable=False)]
