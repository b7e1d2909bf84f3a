"""MLflow's model-registry store behind the gate: entry point of the `aims+...` schemes.

MLflow imports this module in every process that only finds the plug-in: it imports nothing heavy and never fails.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from aims_mlflow.registry.scheme import PREFIX
from aims_mlflow.server import artifact_repositories, callers_code

CLOSED = "The registry is closed: its gate cannot be opened"
_log = logging.getLogger(__name__)


def build(store_uri: str, tracking_uri: str | None = None) -> Any:
    """Return the gated store for an `aims+sqlite:///...` (or `aims+postgresql...`) URI.

    Raises:
        MlflowException: its gate cannot be opened: whoever asks this registry is refused.
        SystemExit: the same, while `mlflow server` starts: it ends, with the reason as its last line.
    """
    try:
        store = _open(store_uri.removeprefix(PREFIX), tracking_uri)
        if _is_starting_a_server():
            store.gate.policy.require()
        status = _status(store.gate)
    except Exception as exc:
        if _is_starting_a_server():
            raise SystemExit(_why_not_started(exc)) from exc
        raise _refusal(exc) from exc
    sys.stderr.write(
        f"aims: this registry is gated ({status['aims.enforcement']}), policy {store.gate.policy.folder}"
        + (f"; FINDING: {status['aims.findings']}" if "aims.findings" in status else "")
        + "\n"
    )
    return store


def _open(plain_uri: str, tracking_uri: str | None) -> Any:
    from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES

    from aims_mlflow.errors import ConfigError

    if plain_uri.startswith("mysql"):
        what = "no gate is offered on MySQL and MariaDB: they hold names equal by collation that the gate tells apart"
        raise ConfigError(what, next="keep the registry in PostgreSQL or SQLite")
    from aims_mlflow.server.gated_store import GatedStore, GatedWorkspaceStore

    store = GatedWorkspaceStore if MLFLOW_ENABLE_WORKSPACES.get() else GatedStore
    # Without MLflow's read replica: one that is behind would show a change that took place as one that did not, to the
    # recovery of an interrupted change, to withdrawals and to `aims gate reconcile`.
    return store(plain_uri, tracking_uri)


def _status(gate: Any) -> dict[str, str]:
    from aims_mlflow.server.gate_status import gate_status

    return gate_status(gate)


def _is_starting_a_server() -> bool:
    """Tell whether this process is `mlflow server`, which opens the stores once before it starts its workers."""
    import click

    context = click.get_current_context(silent=True)
    callback = context.command.callback if context is not None else None
    return callback is not None and callback.__module__.startswith("mlflow.") and callback.__name__ == "server"


def _why_not_started(exc: Exception) -> str:
    """Return the last line of a server that does not start; MLflow would print its own frames after any other error."""
    from aims_mlflow.errors import AimsError

    if isinstance(exc, AimsError):
        return f"aims: the server does not start: {exc.sentence()}"
    _log.error("aims: the registry's gate cannot be opened", exc_info=exc)
    return f"aims: the server does not start: {type(exc).__name__}: {exc}. Next: its frames stand above"


def _refusal(exc: Exception) -> Any:
    """Return the 403 with the reason: a broken installation of this package also closes the registry."""
    try:
        from aims_mlflow.server.failing_closed import denied, reported

        return denied(f"{CLOSED}. Next: {reported('opening the registry', exc)}", is_logged=True)
    except Exception:  # noqa: BLE001 - what words a refusal may be what is broken
        from uuid import uuid4

        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

        incident = uuid4()
        _log.exception("aims: incident %s while the registry was opened", incident)
        text = f"{CLOSED}. Next: the platform team finds incident {incident} in the server's log"
        return MlflowException(text, error_code=PERMISSION_DENIED)


for _part in (artifact_repositories, callers_code):
    try:
        _part.install()
    except Exception:  # noqa: BLE001 - it would end every MLflow process; `aims gate status` tells what is open
        _log.exception("aims: a way past the gate cannot be closed")
