"""MLflow's assistant, which runs commands as the server's account: with its log key and its databases.

MLflow answers whoever asks from the server's own host, and lets them name the language model that asks for the
commands. On a gated server it takes nobody for such a caller: the assistant answers only where whoever runs the server
has opened it to all (`MLFLOW_ENABLE_REMOTE_ASSISTANT`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from aims_mlflow.server.after_import import after_import, in_gated_server

if TYPE_CHECKING:
    from types import ModuleType

API = "mlflow.server.assistant.api"
ON_HOST = "_is_localhost"
REMOTE = "MLFLOW_ENABLE_REMOTE_ASSISTANT"
SANDBOX = "MLFLOW_ENABLE_ASSISTANT_SANDBOX"


def install() -> None:
    """Let the assistant of a gated server take nobody for a caller on the server's own host."""
    if in_gated_server():
        after_import(API, close)


def close(module: ModuleType) -> None:
    """Exchange the function of MLflow by which it finds out that a caller is on its own host."""
    if hasattr(module, ON_HOST):
        vars(module)[ON_HOST] = _is_on_host


def _is_on_host(_: Any) -> bool:
    return False


def finding() -> str | None:
    """Return the finding that the assistant runs commands on this server's host; None where it does not."""
    module = sys.modules.get(API)
    if module is None:
        return None
    if vars(module).get(ON_HOST) is not _is_on_host:
        return (
            "MLflow's assistant runs commands as this server's account for whoever asks from its host. "
            "Next: refuse /ajax-api/3.0/mlflow/assistant before it reaches the server"
        )
    from mlflow.assistant.providers.base import assistant_sandbox_enabled
    from mlflow.environment_variables import MLFLOW_ENABLE_REMOTE_ASSISTANT

    if not MLFLOW_ENABLE_REMOTE_ASSISTANT.get() or assistant_sandbox_enabled():
        return None
    return (
        "MLflow's assistant runs commands of every caller as this server's account, which has its keys and databases. "
        f"Next: unset {REMOTE}, or set {SANDBOX}=true where Docker is"
    )
