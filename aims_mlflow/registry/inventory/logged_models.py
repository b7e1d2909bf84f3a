"""Models that were logged and never registered, counted by experiment: some of them answer requests past a registry."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.evidence import tracking as store
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.pages import each_workspace, experiments, paged, time_of
from aims_mlflow.registry.inventory.scan import SourceContent

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "logged models"
VERSIONS_A_PAGE, MODELS_A_PAGE, EXPERIMENTS_AT_ONCE = 10_000, 1000, 100


def read(client: Any, address: str) -> SourceContent:
    """Return one item for each experiment with logged models that no registered version names.

    Raises:
        Unreachable: MLflow does not answer.
    """
    items: list[InventoryItem] = []
    for prefix in each_workspace(client):
        registered = _registered(client)
        names = experiments(client)
        by_experiment: dict[str, list[Any]] = defaultdict(list)
        for model in _logged(client, list(names)):
            if model.model_id not in registered:
                by_experiment[model.experiment_id].append(model)
        items += [_item(f"{prefix}{names[e]}", models, address) for e, models in by_experiment.items()]
    return SourceContent(tuple(items), "which flavour and library each model file needs: no model file was opened")


def _registered(client: Any) -> set[str]:
    """Return the ids of the logged models that a registered version names."""
    found = set()
    search = partial(client.search_model_versions, filter_string=None)
    for version in paged(search, "list the registered versions", VERSIONS_A_PAGE):
        in_source = store.MODEL_IN_SOURCE.search(version.source or "")
        found.add(version.model_id or (in_source[0] if in_source else ""))
    return found


def _logged(client: Any, ids: list[str]) -> Iterator[Any]:
    for start in range(0, len(ids), EXPERIMENTS_AT_ONCE):
        search = partial(client.search_logged_models, ids[start : start + EXPERIMENTS_AT_ONCE])
        yield from paged(search, "list the logged models", MODELS_A_PAGE)


def _item(experiment: str, models: list[Any], address: str) -> InventoryItem:
    first = min(m.creation_timestamp for m in models)
    return InventoryItem(
        kind=KIND, id=f"experiment {experiment}", source=KIND, address=address,
        names=(f"experiment {experiment}", experiment), first_seen=time_of(first), volume=len(models),
        facts={"newest": str(time_of(max(m.creation_timestamp for m in models)))},
    )  # fmt: skip
