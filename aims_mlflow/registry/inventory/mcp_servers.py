"""MCP servers of MLflow's registry (from 3.15 on): tools that agents call."""

from __future__ import annotations

from typing import Any

from aims_mlflow.errors import Unreachable
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.pages import each_workspace, paged, time_of
from aims_mlflow.registry.inventory.scan import SourceContent

KIND = "MCP servers"


def read(client: Any, address: str) -> SourceContent:
    """Return every MCP server of the registry.

    Raises:
        Unreachable: MLflow has no such registry, or does not answer.
    """
    if not hasattr(client, "search_mcp_servers"):
        raise Unreachable("this release of MLflow keeps no MCP servers")
    items = [
        _item(server, prefix, address)
        for prefix in each_workspace(client)
        for server in paged(client.search_mcp_servers, "list the MCP servers")
    ]
    return SourceContent(tuple(items), "MCP servers that are configured in agents and not registered")


def _item(server: Any, prefix: str, address: str) -> InventoryItem:
    name = f"{prefix}{server.name}"
    return InventoryItem(
        kind="MCP server", id=name, source=KIND, address=address, names=(name,),
        first_seen=time_of(server.creation_timestamp),
    )  # fmt: skip
