"""Apps for `mlflow server --app-name`: MLflow's own, with the auditor's pages below `/aims/`.

MLflow imports this module in the server alone.
"""

from __future__ import annotations

from typing import Any


def create_app() -> Any:
    """Return MLflow's app without logins, with the pages: `--app-name aims`."""
    from mlflow.server import app
    from mlflow.server.fastapi_app import create_fastapi_app

    _add(app)
    return create_fastapi_app(app) if _is_asgi() else app


def create_app_with_logins() -> Any:
    """Return MLflow's app with logins (basic-auth), with the pages behind them: `--app-name aims-basic-auth`."""
    from mlflow.server import app, auth

    from aims_mlflow.server.page_readers import admit_logins

    _add(app)
    admit_logins(auth)
    return auth.create_app(app)


def _add(app: Any) -> None:
    from mlflow.server.handlers import _add_static_prefix

    from aims_mlflow.server.page_routes import add_pages, read_ahead

    if "aims_overview" not in app.view_functions:
        add_pages(app, _add_static_prefix(""))
    if _is_asgi():  # each worker makes its own app; gunicorn may fork one that was made, whose threads would be gone
        read_ahead()


def _is_asgi() -> bool:
    """Return whether MLflow starts uvicorn, which needs an ASGI app of a factory."""
    from mlflow.environment_variables import _MLFLOW_SGI_NAME

    return bool(_MLFLOW_SGI_NAME.get() == "uvicorn")
