"""Differences from a reference group: records keep the size and the side, and texts show the sign.

A limit is on the size. Value and interval of the record both point to the side that the note names; what people read is
group minus reference group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.records.evidence import Claim

BELOW, ABOVE = "below the reference group", "above the reference group"


def is_sized(claim: Claim) -> bool:
    """Return whether a claim's value is the size of a difference from the reference group."""
    return claim.equality == "0" and claim.reference != claim.slice


def is_below(claim: Claim) -> bool:
    """Return whether a claim is the size of a difference by which its group lies below the reference group."""
    return is_sized(claim) and _on_side(claim, BELOW)


def is_above(claim: Claim) -> bool:
    """Return whether a claim is the size of a difference by which its group lies above the reference group."""
    return is_sized(claim) and _on_side(claim, ABOVE)


def _on_side(claim: Claim, side: str) -> bool:
    return any(part.endswith(side) for part in (claim.note or "").split("; "))


def negative(text: str) -> str:
    """Return the text of a number with the other sign."""
    return text if text == "0" else text[1:] if text.startswith("-") else f"-{text}"


def exact_texts(claim: Claim) -> tuple[str, str, str]:
    """Return value and ends of a claim with all their digits, signed as `value_text` signs them; empty where none."""
    ends = (claim.interval.low, claim.interval.high) if claim.interval is not None else ("", "")
    texts = (claim.value or "", *ends)
    if not is_below(claim):
        return texts
    value, low, high = (negative(text) if text else "" for text in texts)
    return value, high, low
