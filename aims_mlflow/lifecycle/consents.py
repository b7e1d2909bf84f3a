"""Sealing of signed consents in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.evidence import statement
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.closing import closed_by_retirement
from aims_mlflow.lifecycle.model_history import ModelHistory

if TYPE_CHECKING:
    from aims_mlflow.gates.consents import ConsentText
    from aims_mlflow.gates.decide import SignedConsent
    from aims_mlflow.ledger.ledger import Ledger

MAX_CHARS = 4500


def seal_consent(
    ledger: Ledger, raw: bytes, signed: SignedConsent, name: str, who: dict[str, str], words: ConsentText | None = None
) -> None:
    """Append a verified consent under a qualified model name, and close the findings that a retirement resolves."""
    consent, resolved = signed.consent, []
    if consent.action == "retirement":
        resolved = closed_by_retirement(ModelHistory(ledger, name), signed.model_digest)
    ledger.seal(
        Entry(
            consent.action,
            {
                "model_name": name,
                "stage": consent.stage,
                "alias": consent.alias,
                "model_digest": signed.model_digest,
                "stage_digest": consent.stage_digest,
                "control": consent.control,
                "expires": consent.expires,
                "break_glass": consent.break_glass or None,
                "envelope": statement.read(raw, "consent").sha256,
            },
            {
                "owner": signed.owner,
                "comment": consent.comment,
                **({"words": words.model_dump()} if words else {}),
                **who,
            },
            signed.id,
            (raw,),
        ),
        *resolved,
    )
