"""Endpoints of MLflow's AI gateway, and the models of providers behind them."""

from __future__ import annotations

from typing import Any

from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence import tracking as store
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.pages import each_workspace, time_of
from aims_mlflow.registry.inventory.scan import SourceContent

KIND = "gateway endpoints"


def read(client: Any, address: str) -> SourceContent:
    """Return every endpoint of the gateway, with the providers' models that it calls.

    Raises:
        Unreachable: MLflow has no gateway, or does not answer.
    """
    items: list[InventoryItem] = []
    for prefix in each_workspace(client):
        items += [_endpoint(e, prefix, address) for e in _endpoints(client)]
    return SourceContent(tuple(items))


def _endpoints(client: Any) -> list[Any]:
    tracking = client._tracking_client.store  # noqa: SLF001 - MLflow's client lists no endpoints; a test pins it
    if not hasattr(tracking, "list_gateway_endpoints"):
        raise Unreachable("this release of MLflow, or its file store, keeps no gateway endpoints")
    with store.reaching("list the endpoints of the gateway"):
        found: list[Any] = tracking.list_gateway_endpoints()
    return found


def _endpoint(endpoint: Any, prefix: str, address: str) -> InventoryItem:
    models = [m.model_definition for m in endpoint.model_mappings if m.model_definition is not None]
    called = sorted({f"{m.provider}/{m.model_name}" for m in models})
    name = f"{prefix}{endpoint.name or endpoint.endpoint_id}"
    return InventoryItem(
        kind="gateway endpoint", id=name, source=KIND, address=address,
        names=(name, endpoint.endpoint_id),
        first_seen=time_of(endpoint.created_at), facts={"calls": ", ".join(called) or "no model"},
    )  # fmt: skip
