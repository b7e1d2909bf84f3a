"""Readers of the auditor's pages: the registered models that a login may read, by MLflow's own permissions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.pages.scope import EVERYTHING, GONE, Scope
from aims_mlflow.server.caller import caller, has_logins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEFAULT_WORKSPACE = "default"
ENDPOINTS = "aims_"  # how the names of our routes begin
ASK = "start the server with --app-name aims-basic-auth, or without logins with --app-name aims"


def reader_scope(models: Iterable[str]) -> Scope:
    """Return what the caller of this request may read, of the models that the ledger knows.

    Raises:
        PolicyRefused: the server has logins, and does not say which one this is, or what it may read.
    """
    _, login = caller()
    if not has_logins():
        return EVERYTHING
    auth = sys.modules.get("mlflow.server.auth")
    if not login or auth is None or not auth.is_auth_enabled():
        raise PolicyRefused("the server has logins, and MLflow does not tell which models this one may read", next=ASK)
    if auth.store.get_user(login).is_admin:
        return EVERYTHING
    by_workspace: dict[str, Callable[[str], bool]] = {}

    def can_read(qualified: str) -> bool:
        workspace, _, name = qualified.rpartition("/")
        if workspace not in by_workspace:
            by_workspace[workspace] = _predicate(auth, login, workspace or DEFAULT_WORKSPACE)
        return by_workspace[workspace](name)

    return Scope.of((name for name in models if GONE not in name), can_read)


def admit_logins(auth: Any) -> None:
    """Let every login ask for the auditor's pages: MLflow's auth module refuses addresses that it does not know.

    Who is not logged in stays refused before that. Each page asks `reader_scope` what the login may read.
    """
    find = auth._find_validator

    def find_validator(request: Any) -> Any:
        ours = request.endpoint is not None and request.endpoint.startswith(ENDPOINTS)
        return _any_login if ours else find(request)

    auth._find_validator = find_validator


def _any_login() -> bool:
    return True


def _predicate(auth: Any, login: str, workspace: str) -> Callable[[str], bool]:
    """Return MLflow's answer whether a login may read a registered model of a workspace, and its versions."""
    from mlflow.utils.workspace_context import ServerWorkspaceContext

    versions = auth.Requirement("registered_model_version", "*", auth.ACTION_NOT_DENIED)
    with ServerWorkspaceContext(workspace):
        allowed: Callable[[str], bool] = auth._role_based_read_predicate(
            login, "registered_model", also_require=[versions]
        )
    return allowed
