"""Skills of agents (folders with a SKILL.md) and MCP servers that a source tree configures; nothing of it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.records.inventory import InventoryItem

if TYPE_CHECKING:
    from collections.abc import Iterable

SKILL = "skill.md"
# Files in which agents look for the MCP servers that they may call.
MCP_FILES = frozenset({".mcp.json", "mcp.json", "mcp_config.json", "claude_desktop_config.json"})
SERVERS = ("mcpServers", "servers")
LONGEST = 200


def skill(place: str, text: str, source: str, address: str, root: str) -> Iterator[InventoryItem]:
    """Yield the skill of a file SKILL.md, and the provider's model that it asks for, if it names one.

    Args:
        place: Path of the file in its tree.
        text: What stands in it; its front matter may name and describe the skill.
        source: Kind of the source.
        address: Address of the tree.
        root: Name of the tree's folder.

    Raises:
        ValueError: its front matter is no mapping in YAML.
    """
    folder = str(PurePosixPath(place).parent)
    stated = _front_matter(text)
    name = str(stated.get("name") or PurePosixPath(place).parent.name or root)
    facts = {"file": place}
    if stated.get("description"):
        facts["description"] = " ".join(str(stated["description"]).split())[:LONGEST]
    tools = stated.get("allowed-tools")
    if tools:
        facts["may use"] = ", ".join(map(str, tools)) if isinstance(tools, list) else str(tools)
    yield InventoryItem(
        kind="skill", id=folder, source=source, address=address,
        names=tuple(dict.fromkeys((folder, name, f"{root}/{folder}"))), facts=facts,
    )  # fmt: skip
    if stated.get("model"):
        model = str(stated["model"])
        yield InventoryItem(
            kind="provider", id=model, source=source, address=address, names=(model,),
            facts={"model": model, "in the skill": folder},
        )  # fmt: skip


def _front_matter(text: str) -> Mapping[str, Any]:
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        raise ValueError("the front matter does not end")
    try:
        stated = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.YAMLError as exc:
        raise ValueError("the front matter is not YAML") from exc
    if not isinstance(stated, Mapping | None):
        raise ValueError("the front matter is no mapping")  # noqa: TRY004 - a fault of the file
    return stated or {}


def mcp_servers(place: str, text: str, source: str, address: str) -> Iterator[InventoryItem]:
    """Yield each MCP server that a configuration of an agent names; what stands in its environment is not kept.

    Raises:
        ValueError: it is not JSON.
    """
    content = json.loads(text)
    for server, how in _servers(content):
        called = how.get("url") or how.get("command") if isinstance(how, dict) else None
        yield InventoryItem(
            kind="MCP server", id=f"{place}: {server}", source=source, address=address,
            names=(f"{place}: {server}", server), facts={"file": place, "starts": _told(called)},
        )  # fmt: skip


def _told(called: object) -> str:
    """Return what a server is started or reached by, without what an address asks with: secrets may be in it."""
    return str(called or "not stated").partition("?")[0][:LONGEST]


def _servers(content: Any) -> Iterable[tuple[str, Any]]:
    for key in SERVERS:
        listed = content.get(key) if isinstance(content, dict) else None
        if isinstance(listed, dict):
            yield from ((str(name), how) for name, how in listed.items())
