"""The model card of a version, made again from sealed records, and whether it is the one that was signed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.documents.page_blocks import Prose, TextBlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.status_subject import StatusSubject

SAME = "Made from the sealed records; byte for byte the card that the trainer signed."
LATER = " Evidence that other sessions added is not in it: the tables of this page have it."
OTHER = (
    "Made from the sealed records. It is not byte for byte the card that was signed: another release of aims_mlflow "
    "wrote that one, or numbers were erased since."
)
UNSIGNED = "Made from the sealed records; no card was signed."


def card_blocks(subject: StatusSubject | None, digest: str | None) -> list[Block]:
    """Return the card that the sealed records give: that of the session that signed one, where it is the same."""
    records = subject.records if subject else ()
    if not records or not digest or subject is None:
        return [Prose("Model card", ("No sealed record to make it from.",))]
    signed = {a.sha256 for r in records if r.evidence.kind == "model-card" for a in r.evidence.artifacts}
    try:
        for sealed in _of_the_signer(subject):
            card = render_model_card(sealed, digest)
            if hashlib.sha256(card).hexdigest() in signed:
                known = {r.id for r in sealed}
                later = LATER if any(r.id not in known for r in records) else ""
                return [TextBlock("Model card", card.decode(), SAME + later)]
        card = render_model_card(list(records), digest)
    except Exception as exc:  # noqa: BLE001 - records of hostile shape must not take the page with them
        return [Prose("Model card", (f"It cannot be made from the sealed records ({type(exc).__name__}).",))]
    return [TextBlock("Model card", card.decode(), OTHER if signed else UNSIGNED)]


def _of_the_signer(subject: StatusSubject) -> Iterator[Sequence[SealedRecord]]:
    """Yield the records that each session had when it signed a card, the newest session first."""
    for session in reversed(subject.sessions):
        for place, record in enumerate(session.records):
            if record.evidence.kind == "model-card":
                yield session.records[:place]
                break
