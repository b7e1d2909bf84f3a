"""Detection of a ledger that does not belong to its registry, because it was lost or is another registry's.

Versions carry the id of the request that made them. If the ledger contains none of those ids, it is the wrong ledger:
what was approved, revoked or retired is then unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.lifecycle.model_history import ModelHistory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.ledger.ledger import Ledger

RESTORE = (
    "restore the ledger's database, or correct AIMS_LEDGER_URI; `aims gate adopt --new-ledger` begins a new one "
    "where the old one is gone for good"
)
# (ledger name, version, request) of a version that a gate let in.
MadeVersion = tuple[str, str, str]


class LedgerGuard:
    """Refuses every change except withdrawals while the ledger knows none of its registry's versions."""

    def __init__(self, ledger: Ledger, made: list[MadeVersion]) -> None:
        """`made` are versions of the registry that a gate let in, the newest first."""
        self._ledger = ledger
        self._missing = made if unknown(ledger, made) else []

    @property
    def finding(self) -> str | None:
        """The finding about the ledger; None once the ledger knows the registry's versions."""
        if not self._missing:
            return None
        if not unknown(self._ledger, self._missing):
            self._missing = []
            return None
        name, version, _ = self._missing[0]
        return f"a gate decided about versions of this registry (as {name} version {version}), its ledger knows of none"

    def require(self) -> None:
        """Refuse a change.

        Raises:
            PolicyRefused: the ledger does not belong to this registry.
        """
        if (found := self.finding) is not None:
            raise PolicyRefused(found, next=f"the platform team can {RESTORE}")


def unknown(ledger: Ledger, made: Iterable[MadeVersion]) -> bool:
    """Return whether there are such versions, and the ledger has no decision on and no adoption of any."""
    asked = list(made)
    return bool(asked) and not any(
        ledger.newest(types=("decision",), request=request) or ModelHistory(ledger, name).done(version)
        for name, version, request in asked
    )
