"""Registered models with their aliases and stages, and prompts, which MLflow keeps in the same registry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.flavours import FlavourReader
from aims_mlflow.registry.inventory.pages import each_workspace, paged, time_of
from aims_mlflow.registry.inventory.scan import SourceContent
from aims_mlflow.registry.names import is_prompt
from aims_mlflow.registry.reading import TAGGED_PROMPT

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS, PROMPTS = "registered models", "prompts"
SERVING_STAGES = ("Staging", "Production")
NOT_IN_USE = "flavours of versions that no alias or stage holds"


def read_models(client: Any, address: str) -> SourceContent:
    """Return every registered model, each alias and stage that a version has, with the flavours of that version.

    The providers that such flavours call are items too. A model that only carries the tag of a prompt, which every
    client may set, is a model all the same.

    Raises:
        Unreachable: the registry does not answer.
    """
    items: list[InventoryItem] = []
    flavours = FlavourReader(client)
    for prefix in each_workspace(client):
        for model in _found(client, None):
            items += _of_model(model, prefix, address, flavours)
        for model in _found(client, TAGGED_PROMPT):
            items += () if _is_prompt(model) else _of_model(model, prefix, address, flavours)
    items += flavours.providers(MODELS, address)
    return SourceContent(tuple(items), NOT_IN_USE, flavours.unread())


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


def _of_model(model: Any, prefix: str, address: str, flavours: FlavourReader) -> Iterator[InventoryItem]:
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
    held = [(f"{name}@{alias}", str(version)) for alias, version in sorted((model.aliases or {}).items())]
    held += [
        (f"{name} in stage {v.current_stage}", str(v.version))
        for v in model.latest_versions or ()
        if v.current_stage in SERVING_STAGES
    ]
    sources = {str(v.version): v.source for v in model.latest_versions or ()}
    for held_as, version in held:
        found = flavours.flavours(prefix, model.name, version, sources.get(version))
        yield InventoryItem(
            kind="alias", id=held_as, source=MODELS, address=address, names=(held_as, name),
            facts={"model": name, "version": version, "flavours": found},
        )  # fmt: skip
