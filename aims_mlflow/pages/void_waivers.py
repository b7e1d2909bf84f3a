"""Why a sealed waiver covers nothing, for pages: the gate's own reason, remembered until the next leaf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError
from aims_mlflow.gates.void_waivers import SealedWaivers
from aims_mlflow.pages.judging import authority_on

if TYPE_CHECKING:
    from aims_mlflow.pages.source import PageSource


def why_void(source: PageSource, model: str, sequence: int) -> str | None:
    """Return why the waiver of a leaf covers nothing by the rules in force now; None where it may cover something."""
    key = (sequence, source.cut_off, source.moment[:16])
    return source.shared.void_waivers.once(key, lambda: _why_void(source, model, sequence))


def _why_void(source: PageSource, model: str, sequence: int) -> str | None:
    leaf = source.view.leaf(sequence)
    if leaf is None:
        return None
    try:
        authority = authority_on(source.view, model, source.now)
        return SealedWaivers(authority, source.shared.consents, source.shared.sessions).why_void(leaf)
    except AimsError:  # no policy and keyring are here, or they were changed: the ledger's verification names it
        return None
