"""Endpoints of MLflow's AI gateway, and the models of providers behind them."""

from __future__ import annotations

from typing import Any

from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence import tracking as store
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.pages import each_workspace, time_of
from aims_mlflow.registry.inventory.provider_models import provider_model
from aims_mlflow.registry.inventory.scan import SourceContent

KIND = "gateway endpoints"


def read(client: Any, address: str) -> SourceContent:
    """Return every endpoint of the gateway, and every provider's model behind one.

    Raises:
        Unreachable: MLflow has no gateway, or does not answer.
    """
    items: list[InventoryItem] = []
    behind: dict[tuple[str, str], list[str]] = {}
    for prefix in each_workspace(client):
        for endpoint in sorted(_endpoints(client), key=lambda e: e.name or e.endpoint_id):
            models = sorted({(m.provider, m.model_name) for m in _models(endpoint)})
            items.append(_endpoint(endpoint, models, prefix, address))
            for provider, model in models:
                behind.setdefault((f"{prefix}{provider}", model), []).append(items[-1].id)
    for (provider, model), endpoints in sorted(behind.items()):
        items.append(provider_model(provider, model, KIND, address, behind=", ".join(endpoints)))
    return SourceContent(tuple(items))


def _endpoints(client: Any) -> list[Any]:
    tracking = client._tracking_client.store  # noqa: SLF001 - MLflow's client lists no endpoints; a test pins it
    if not hasattr(tracking, "list_gateway_endpoints"):
        raise Unreachable("this release of MLflow, or its file store, keeps no gateway endpoints")
    with store.reaching("list the endpoints of the gateway"):
        found: list[Any] = tracking.list_gateway_endpoints()
    return found


def _models(endpoint: Any) -> list[Any]:
    return [m.model_definition for m in endpoint.model_mappings if m.model_definition is not None]


def _endpoint(endpoint: Any, models: list[tuple[str, str]], prefix: str, address: str) -> InventoryItem:
    called = ", ".join(f"{provider}/{model}" for provider, model in models)
    name = f"{prefix}{endpoint.name or endpoint.endpoint_id}"
    return InventoryItem(
        kind="gateway endpoint", id=name, source=KIND, address=address,
        names=(name, endpoint.endpoint_id),
        first_seen=time_of(endpoint.created_at), facts={"calls": called or "no model"},
    )  # fmt: skip
