"""Models that were logged and never registered, by experiment, with their flavours: some answer requests anyway."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.evidence import tracking as store
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.flavours import FlavourReader
from aims_mlflow.registry.inventory.pages import each_workspace, experiments, paged, time_of
from aims_mlflow.registry.inventory.scan import SourceContent

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "logged models"
NOT_READ = "flavours of logged models that nobody registered"
MOST_OPENED, SHOWN = 50, 5
VERSIONS_A_PAGE, MODELS_A_PAGE, EXPERIMENTS_AT_ONCE = 10_000, 1000, 100


def read(client: Any, address: str) -> SourceContent:
    """Return one item for each experiment with logged models that no registered version names, with their flavours.

    The providers that such flavours call are items too. Of each experiment the newest models are read first.

    Raises:
        Unreachable: MLflow does not answer.
    """
    items: list[InventoryItem] = []
    flavours = FlavourReader(client, what=NOT_READ)
    for prefix in each_workspace(client):
        registered = _registered(client)
        names = experiments(client)
        by_experiment: dict[str, list[Any]] = defaultdict(list)
        for model in _logged(client, list(names)):
            if model.model_id not in registered:
                by_experiment[model.experiment_id].append(model)
        for experiment, models in by_experiment.items():
            newest = sorted(models, key=lambda m: -m.creation_timestamp)
            said = Counter(flavours.of_logged_model(prefix, model) for model in newest[:MOST_OPENED])
            items.append(_item(f"{prefix}{names[experiment]}", newest, said, address))
    items += flavours.providers(KIND, address)
    left = f"flavours of logged models beyond the newest {MOST_OPENED} of an experiment, and files other than MLmodel"
    return SourceContent(tuple(items), left, flavours.unread())


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


def _item(experiment: str, models: list[Any], said: Counter[str], address: str) -> InventoryItem:
    """Return the item of an experiment; `models` are the newest first."""
    told = [text if n == 1 else f"{text} ({n:,} models)" for text, n in said.most_common(SHOWN)]
    told += [f"{len(said) - SHOWN} more" if len(said) > SHOWN else ""]
    return InventoryItem(
        kind=KIND, id=f"experiment {experiment}", source=KIND, address=address,
        names=(f"experiment {experiment}", experiment), first_seen=time_of(models[-1].creation_timestamp),
        volume=len(models),
        facts={"newest": str(time_of(models[0].creation_timestamp)), "flavours": "; ".join(filter(None, told))},
    )  # fmt: skip
