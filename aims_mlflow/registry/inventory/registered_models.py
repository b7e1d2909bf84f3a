"""Registered models with their aliases and stages, and prompts, which MLflow keeps in the same registry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.pages import each_workspace, paged, time_of
from aims_mlflow.registry.inventory.scan import SourceContent
from aims_mlflow.registry.names import is_prompt
from aims_mlflow.registry.reading import TAGGED_PROMPT

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS, PROMPTS = "registered models", "prompts"
SERVING_STAGES = ("Staging", "Production")


def read_models(client: Any, address: str) -> SourceContent:
    """Return every registered model, and each alias and stage that a version has.

    A model that only carries the tag of a prompt, which every client may set, is a model all the same.

    Raises:
        Unreachable: the registry does not answer.
    """
    items: list[InventoryItem] = []
    for prefix in each_workspace(client):
        for model in _found(client, None):
            items += _of_model(model, prefix, address)
        for model in _found(client, TAGGED_PROMPT):
            items += () if _is_prompt(model) else _of_model(model, prefix, address)
    return SourceContent(tuple(items))


def read_prompts(client: Any, address: str) -> SourceContent:
    """Return every prompt of the registry.

    Raises:
        Unreachable: the registry does not answer.
    """
    items = [
        InventoryItem(
            kind="prompt",
            id=f"{prefix}{model.name}",
            source=PROMPTS,
            address=address,
            names=(f"{prefix}{model.name}", f"prompts:/{model.name}"),
            first_seen=time_of(model.creation_timestamp),
        )
        for prefix in each_workspace(client)
        for model in _found(client, TAGGED_PROMPT)
        if _is_prompt(model)
    ]
    return SourceContent(tuple(items))


def _found(client: Any, chosen: str | None) -> Iterator[Any]:
    return paged(partial(client.search_registered_models, filter_string=chosen), "list the registered models")


def _is_prompt(tagged: Any) -> bool:
    """Return whether a model with the tag of a prompt is one: the source of each of its newest versions says so."""
    return all(is_prompt(v) for v in tagged.latest_versions or ())


def _of_model(model: Any, prefix: str, address: str) -> Iterator[InventoryItem]:
    name = f"{prefix}{model.name}"
    newest = max((int(v.version) for v in model.latest_versions or ()), default=0)
    yield InventoryItem(
        kind="registered model",
        id=name,
        source=MODELS,
        address=address,
        names=(name,),
        first_seen=time_of(model.creation_timestamp),
        facts={"newest version": str(newest)} if newest else {"newest version": "none"},
    )
    for alias, version in sorted((model.aliases or {}).items()):
        yield _held(name, f"{name}@{alias}", str(version), address)
    for version in model.latest_versions or ():
        if version.current_stage in SERVING_STAGES:
            yield _held(name, f"{name} in stage {version.current_stage}", str(version.version), address)


def _held(name: str, held: str, version: str, address: str) -> InventoryItem:
    return InventoryItem(
        kind="alias", id=held, source=MODELS, address=address, names=(held, name),
        facts={"model": name, "version": version},
    )  # fmt: skip
