"""The caller of a request: the login and the address, as far as the server knows them."""

from __future__ import annotations

import functools
import sys
from importlib.metadata import entry_points

from aims_mlflow.errors import EvidenceError
from aims_mlflow.records.leaves.base import CallerBody


def caller() -> tuple[CallerBody, str | None]:
    """Return (login and address, as far as the request has them; the login).

    The login is None where the server has no logins, and "" where it has some and does not name the caller's.
    """
    import flask

    inside = flask.has_request_context()
    login = (flask.g.get("mlflow_authenticated_user") if inside else None) or ("" if has_logins() else None)
    who = CallerBody(login=login or "", address=flask.request.remote_addr or "") if inside else CallerBody()
    return who, login


def require_login(owner: str, login: str | None) -> None:
    """Refuse what was signed with the key of another person than the one who is logged in.

    Raises:
        EvidenceError: it was, or the server has logins and does not say whose this is.
    """
    if login == "":
        raise EvidenceError(
            "this server has logins, and does not tell the gate which one this is",
            next="use MLflow's basic-auth, or an app that sets flask.g.mlflow_authenticated_user",
        )
    if login is not None and login != owner:
        raise EvidenceError(
            f"signed with the key of {owner}, but logged in as {login}", next="log in as the key's owner"
        )


def has_logins() -> bool:
    """Return whether this server was started with an app that authenticates callers, such as basic-auth."""
    basic = sys.modules.get("mlflow.server.auth")
    return bool(basic and basic.is_auth_enabled()) or any(app in sys.modules for app in _other_apps())


@functools.cache
def _other_apps() -> frozenset[str]:
    """Return the modules of installed apps for `--app-name` that are neither MLflow's own nor ours.

    Ours add pages to MLflow's apps: `aims` has no logins, `aims-basic-auth` has MLflow's.
    """
    modules = (app.module for app in entry_points(group="mlflow.app"))
    return frozenset(name for name in modules if not name.startswith(("mlflow.", "aims_mlflow.")))
