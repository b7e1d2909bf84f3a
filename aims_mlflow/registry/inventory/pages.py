"""Lists of an MLflow server, read page by page, in each of its workspaces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aims_mlflow.evidence import tracking as store
from aims_mlflow.records.base import utc_text
from aims_mlflow.registry.workspaces import DEFAULT_WORKSPACE, in_workspace, workspaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = 1000


def paged(search: Callable[..., Any], what: str, size: int | None = None) -> Iterator[Any]:
    """Yield the items of every page of one of MLflow's searches.

    Raises:
        Unreachable: MLflow does not answer.
    """
    token: str | None = None
    while True:
        with store.reaching(what):
            page = search(max_results=size or PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def each_workspace(client: Any) -> Iterator[str]:
    """Yield the prefix that names of each workspace get, with that workspace in use; "" for the default one."""
    for name in workspaces(client):
        with in_workspace(name):
            yield "" if name == DEFAULT_WORKSPACE else f"{name}/"


def experiments(client: Any) -> dict[str, str]:
    """Return the name of each experiment of the workspace in use, deleted ones too, by id."""
    from functools import partial

    from mlflow.entities import ViewType

    search = partial(client.search_experiments, view_type=ViewType.ALL)
    return {e.experiment_id: e.name for e in paged(search, "list the experiments")}


def time_of(milliseconds: int | None) -> str | None:
    """Return a time of MLflow as text; None where it has none."""
    if not milliseconds:
        return None
    return utc_text(datetime.fromtimestamp(milliseconds / 1000, UTC))
