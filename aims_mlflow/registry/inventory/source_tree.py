"""Imports, dependencies, model files, skills and MCP servers of a source tree. Nothing in it is executed."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.catalog.ai_libraries import ai_libraries, library_names
from aims_mlflow.errors import Unreachable
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory import agent_files
from aims_mlflow.registry.inventory.scan import SourceContent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KIND = "source tree"
SKIPPED_FOLDERS = {
    ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", "site-packages",
    ".mypy_cache",
}  # fmt: skip
MODEL_FILES = {
    ".pkl", ".pickle", ".joblib", ".skops", ".onnx", ".pt", ".pth", ".ckpt", ".safetensors", ".gguf", ".h5", ".keras",
    ".tflite", ".pmml", ".cbm", ".ubj", ".mlmodel",
}  # fmt: skip
MAX_FILES, MAX_BYTES, NAMED_FILES = 100_000, 5_000_000, 5
REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def read(folder: Path) -> SourceContent:
    """Return each AI library that Python and dependency files of a tree name, its model files, skills and MCP servers.

    Raises:
        Unreachable: there is no such folder.
    """
    if not folder.is_dir():
        raise Unreachable("there is no such folder", where=str(folder), next="give the root of a source tree")
    tree = _SourceTree(folder)
    for path in tree.files():
        tree.look_at(path)
    return SourceContent(tuple(tree.items()), tree.left_out())


class _SourceTree:
    """One walk through a folder: the files that name each library, model files, and what was not read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.named: dict[str, list[str]] = defaultdict(list)
        self.models: list[str] = []
        self.agents: list[InventoryItem] = []
        self.unread = 0
        self.skipped: set[str] = set()
        self.cut = False

    def files(self) -> Iterator[Path]:
        count = 0
        for folder, folders, names in os.walk(self.root):
            self.skipped |= SKIPPED_FOLDERS & set(folders)
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            for name in sorted(names):
                count += 1
                if count > MAX_FILES:
                    self.cut = True
                    return
                yield Path(folder, name)

    def look_at(self, path: Path) -> None:
        place = path.relative_to(self.root).as_posix()
        if path.suffix.lower() in MODEL_FILES:
            self.models.append(place)
        self._agent_file(path, place)
        reader = _reader(path)
        if reader is None:
            return
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError  # noqa: TRY301 - counted with the files that cannot be read
            libraries = set(reader(path.read_text(encoding="utf-8-sig")))
        except (OSError, ValueError, SyntaxError, RecursionError):
            self.unread += 1
            return
        for library in sorted(libraries):
            self.named[library].append(place)

    def _agent_file(self, path: Path, place: str) -> None:
        name = path.name.lower()
        if name != agent_files.SKILL and name not in agent_files.MCP_FILES:
            return
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError  # noqa: TRY301 - counted with the files that cannot be read
            text = path.read_text(encoding="utf-8-sig")
            if name == agent_files.SKILL:
                self.agents += agent_files.skill(place, text, KIND, str(self.root), self.root.resolve().name)
            else:
                self.agents += agent_files.mcp_servers(place, text, KIND, str(self.root))
        except (OSError, ValueError, RecursionError):
            self.unread += 1

    def items(self) -> Iterator[InventoryItem]:
        address = str(self.root)
        for library, places in sorted(self.named.items()):
            more = f" and {len(places) - NAMED_FILES} more" if len(places) > NAMED_FILES else ""
            facts = {"use": ai_libraries()[library].use, "files": ", ".join(places[:NAMED_FILES]) + more}
            yield InventoryItem(
                kind="import", id=library, source=KIND, address=address, names=(library, f"{self.root.name}/{library}"),
                volume=len(places), facts=facts,
            )  # fmt: skip
        yield from self.agents
        for place in self.models:
            yield InventoryItem(
                kind="model file", id=place, source=KIND, address=address, names=(place, f"{self.root.name}/{place}")
            )

    def left_out(self) -> str:
        """Return what of the tree was not looked at."""
        parts = ["languages other than Python, imports by a computed name"]
        if self.skipped:
            parts.append(f"the folders {', '.join(sorted(self.skipped))}")
        if self.unread:
            parts.append(f"{self.unread} files that could not be read or parsed")
        if self.cut:
            parts.append(f"everything after the first {MAX_FILES:,} files")
        return "; ".join(parts)


def _reader(path: Path) -> Callable[[str], Iterator[str]] | None:
    name = path.name.lower()
    if path.suffix == ".py":
        return _imported
    if path.suffix == ".ipynb":
        return _in_notebook
    if name == "package.json":
        return _in_package_json
    if name == "pyproject.toml":
        return _in_pyproject
    return _in_requirements if re.fullmatch(r"(requirements|constraints).*\.(txt|in)", name) else None


def _imported(text: str) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _by("imports", alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield from _by("imports", f"{node.module}.{alias.name}")


def _in_notebook(text: str) -> Iterator[str]:
    for cell in json.loads(text).get("cells", ()):
        if cell.get("cell_type") != "code":
            continue
        source = "".join(cell.get("source", ()))
        plain = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!", "?")))
        try:
            yield from list(_imported(plain))
        except SyntaxError:
            continue


def _in_requirements(text: str) -> Iterator[str]:
    for line in text.splitlines():
        found = REQUIREMENT.match(line)
        if found:
            yield from _by("packages", re.sub(r"[-_.]+", "-", found[1]).lower())


def _in_pyproject(text: str) -> Iterator[str]:
    content: dict[str, Any] = tomllib.loads(text)
    project = content.get("project", {})
    listed = [
        *project.get("dependencies", ()),
        *(d for ds in project.get("optional-dependencies", {}).values() for d in ds),
    ]
    listed += [d for ds in content.get("dependency-groups", {}).values() for d in ds if isinstance(d, str)]
    listed += list(content.get("tool", {}).get("poetry", {}).get("dependencies", ()))
    yield from _in_requirements("\n".join(listed))


def _in_package_json(text: str) -> Iterator[str]:
    content = json.loads(text)
    for section in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        for name in content.get(section) or ():
            yield from _by("npm", name)


def _by(where: Literal["imports", "packages", "npm"], name: str) -> Iterator[str]:
    """Yield the library with this name; of an import, the one with the longest root of it."""
    known = library_names(where)
    if where != "imports":
        if name in known:
            yield known[name]
        return
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        root = ".".join(parts[:end])
        if root in known:
            yield known[root]
            return
