"""MLflow's model-registry store behind the gate: entry point of the `aims+...` schemes.

MLflow imports this module in every process that only finds the plug-in: it imports nothing heavy and never fails.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from aims_mlflow.registry.scheme import PREFIX
from aims_mlflow.settings import value_of

CLOSED = "The registry is closed: its gate cannot be opened"
_log = logging.getLogger(__name__)


def build(store_uri: str, tracking_uri: str | None = None) -> Any:
    """Return the gated store for an `aims+sqlite:///...` (or `aims+postgresql...`) URI.

    Raises:
        MlflowException: its gate cannot be opened: whoever asks this registry is refused.
    """
    try:
        store = _open(store_uri.removeprefix(PREFIX), tracking_uri)
        status = store.gate.status()
    except Exception as exc:
        raise _refusal(exc) from exc
    sys.stderr.write(
        f"aims: this registry is gated ({status['aims.enforcement']}), policy {store.gate.folder}"
        + (f"; FINDING: {status['aims.findings']}" if "aims.findings" in status else "")
        + "\n"
    )
    return store


def _open(plain_uri: str, tracking_uri: str | None) -> Any:
    from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES
    from mlflow.server.constants import READ_REPLICA_BACKEND_STORE_URI_ENV_VAR
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
    from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore

    from aims_mlflow.lifecycle.ledger_guard import LedgerGuard
    from aims_mlflow.server.answers import Channel
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.reserved_names import ReservedNames
    from aims_mlflow.server.stored_rows import versions_by_a_gate

    base = WorkspaceAwareSqlAlchemyStore if MLFLOW_ENABLE_WORKSPACES.get() else SqlAlchemyStore
    store_class = type("GatedStore", (ReservedNames, Channel, base), {})
    store = store_class(plain_uri, read_db_uri=value_of(READ_REPLICA_BACKEND_STORE_URI_ENV_VAR))
    store.gate = Gate(plain_uri, tracking_uri)
    store.gate.guard = LedgerGuard(store.gate.ledger, versions_by_a_gate(store))
    return store


def _refusal(exc: Exception) -> Any:
    """Return the 403 that says so: an installation of ours that is broken closes the registry too."""
    try:
        from aims_mlflow.server.announced_change import denied, reported

        return denied(f"{CLOSED}. Next: {reported('opening the registry', exc)}")
    except Exception:  # noqa: BLE001 - what words a refusal may be what is broken
        from uuid import uuid4

        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

        incident = uuid4()
        _log.exception("aims: incident %s while the registry was opened", incident)
        text = f"{CLOSED}. Next: the platform team finds incident {incident} in the server's log"
        return MlflowException(text, error_code=PERMISSION_DENIED)
