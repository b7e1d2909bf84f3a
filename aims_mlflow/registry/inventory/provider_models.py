"""A provider's model as an item of a scan, whichever source shows it."""

from __future__ import annotations

from aims_mlflow.records.inventory import InventoryItem


def provider_model(
    provider: str, model: str, source: str, address: str, *, volume: int | None = None, behind: str | None = None
) -> InventoryItem:
    """Return the item of a provider's model; of the provider alone where `model` is empty.

    Args:
        provider: The provider, after its workspace and `/` where there are workspaces.
        model: The model, as the provider names it.
        source: Kind of the source that shows it.
        address: Address of that source.
        volume: How many spans called it; None where the source does not count.
        behind: The endpoints that call it; None where the source names none.
    """
    name = f"{provider}/{model}" if model else provider
    facts = {"provider": provider, "model": model or "not named"}
    return InventoryItem(
        kind="provider", id=name, source=source, address=address, names=(name, provider, *([model] if model else ())),
        volume=volume, facts={**facts, "behind": behind} if behind else facts,
    )  # fmt: skip
