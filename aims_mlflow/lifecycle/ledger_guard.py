"""A ledger that does not belong to its registry: lost, or of another one. It must not begin anew without a word.

Versions carry the id of the request that made them. A ledger that knows none of those ids is not the one that the
registry was gated with: nobody could tell then what was approved, revoked or retired. Reads a table of MLflow that
is not public, over all workspaces at once; a test pins it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.lifecycle.model_history import Past, qualified
from aims_mlflow.lifecycle.recovery import REQUEST_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.ledger.ledger import Ledger

# How many versions are asked about; a ledger of this registry knows the first.
MOST_ASKED = 20
RESTORE = (
    "restore the ledger's database, or correct AIMS_LEDGER_URI; `aims gate adopt --new-ledger` begins a new one "
    "where the old one is gone for good"
)
Made = tuple[str, str, str]


class LedgerGuard:
    """Refuses every change but withdrawals while the ledger knows nothing of what its registry shows."""

    def __init__(self, ledger: Ledger, registry: Any) -> None:
        self._ledger = ledger
        self._made = versions_by_a_gate(registry)
        self._missing = self._made if unknown(ledger, self._made) else []

    @property
    def finding(self) -> str | None:
        """What does not fit; None once the ledger knows the registry's versions."""
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


def versions_by_a_gate(registry: Any) -> list[Made]:
    """Return (ledger name, version, request) of versions that a gate let in, the newest first."""
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag
    from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

    tag, version = SqlModelVersionTag, SqlModelVersion
    same = (tag.workspace == version.workspace) & (tag.name == version.name) & (tag.version == version.version)
    with registry.ManagedSessionMaker() as session:
        query = session.query(tag.workspace, tag.name, tag.version, tag.value).join(version, same)
        rows = query.filter(tag.key == REQUEST_TAG).order_by(version.creation_time.desc()).limit(MOST_ASKED).all()
    return [
        (qualified(name, workspace if workspace != DEFAULT_WORKSPACE_NAME else None), str(number), str(request))
        for workspace, name, number, request in rows
    ]


def unknown(ledger: Ledger, made: Iterable[Made]) -> bool:
    """Tell whether there are such versions, and the ledger has neither decided about one of them nor adopted one."""
    asked = list(made)
    return bool(asked) and not any(
        ledger.newest(types=("decision",), request=request) or Past(ledger, name).done(version)
        for name, version, request in asked
    )
