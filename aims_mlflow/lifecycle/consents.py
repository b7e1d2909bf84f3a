"""Sealing of signed consents in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.evidence import statement
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.closing import closed_by_retirement
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.records.leaves.others import ConsentBody, ConsentLeaf

if TYPE_CHECKING:
    from aims_mlflow.gates.signed_consent import SignedConsent
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.leaves.base import CallerBody
    from aims_mlflow.records.leaves.others import ConsentText

MAX_CHARS = 4500


def seal_consent(
    ledger: Ledger, raw: bytes, signed: SignedConsent, name: str, who: CallerBody, words: ConsentText | None = None
) -> None:
    """Append a verified consent under a qualified model name, and close the findings that a retirement resolves."""
    consent, resolved = signed.consent, []
    if consent.action == "retirement":
        resolved = closed_by_retirement(ModelHistory(ledger, name), signed.model_digest)
    content = ConsentLeaf(
        type=consent.action,
        request=signed.id,
        model_name=name,
        stage=consent.stage,
        alias=consent.alias,
        model_digest=signed.model_digest,
        stage_digest=consent.stage_digest,
        control=consent.control,
        expires=consent.expires,
        measure_due=consent.measure_due,
        break_glass=consent.break_glass or None,
        envelope=statement.read(raw, "consent").sha256,
    )
    body = ConsentBody(owner=signed.owner, comment=consent.comment, words=words, login=who.login, address=who.address)
    ledger.seal(Entry(content, body, (raw,)), *resolved)
