"""The management folder: where it is, and the documents in it, each with file and line of every field."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow import settings
from aims_mlflow.cached_values import cached_property
from aims_mlflow.errors import AimsError, ConfigError, Unreachable
from aims_mlflow.records.documents import document_model, stated_fields
from aims_mlflow.strict_yaml import Document, FileProblem, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.records.documents.base import WrittenDocument

NAME = "aims"
ENDINGS = (".md", ".yaml", ".yml")
# Files that may lie in the folder and are no documents.
NO_DOCUMENTS = {"aims.yaml", "readme.md", "ignored.yaml"}
FENCE = "---"
MAX_FILES = 5_000
START = "`aims document new KIND` makes the folder and a first draft"


@dataclass(frozen=True, eq=False)
class FolderDocument:
    """One document of the folder as it was read.

    Attributes:
        path: Its file.
        sha256: Digest of the file's bytes: approvals are bound to it.
        written: What it says.
        front: Its YAML part, which knows the line of each field.
        text_line: The line on which its text begins; 0 where it has none.
    """

    path: Path
    content: bytes
    written: WrittenDocument
    front: Document
    text_line: int = 0

    @property
    def id(self) -> str:
        """Its id."""
        return self.written.id

    @cached_property
    def sha256(self) -> str:
        """The digest of the file's bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def fields(self) -> dict[str, object]:
        """What it states in the fields of its kind, as JSON values."""
        return stated_fields(self.written)

    def line(self, *at: str | int) -> int:
        """Return the line of a field, or of the nearest one that it is part of."""
        for end in range(len(at), -1, -1):
            if at[:end] in self.front.lines:
                return self.front.lines[at[:end]]
        return 1


@dataclass(frozen=True)
class UnreadableDocument:
    """A file that is no valid document, with each problem and its line."""

    path: Path
    problems: tuple[FileProblem, ...]


@dataclass(frozen=True)
class Folder:
    """The management folder as it was read."""

    root: Path
    documents: tuple[FolderDocument, ...] = ()
    unreadable: tuple[UnreadableDocument, ...] = ()

    def of(self, kind: str, system: str | None = None) -> list[FolderDocument]:
        """Return the documents of a kind, about one system if it is named, in the order of their files."""
        return [d for d in self._by_kind.get(kind, ()) if system is None or d.written.system == system]

    @cached_property
    def _by_kind(self) -> dict[str, list[FolderDocument]]:
        found: dict[str, list[FolderDocument]] = {}
        for document in self.documents:
            found.setdefault(document.written.kind, []).append(document)
        return found

    @cached_property
    def by_id(self) -> dict[str, list[FolderDocument]]:
        """The documents with each id."""
        found: dict[str, list[FolderDocument]] = {}
        for document in self.documents:
            found.setdefault(document.id, []).append(document)
        return found

    def find(self, wanted: str) -> FolderDocument:
        """Return the document with an id (`document:ID` and a file's path name one too).

        Raises:
            ConfigError: there is none, or several have the id.
        """
        name = wanted.removeprefix("document:")
        file = Path(name).resolve()
        found = [d for d in self.documents if d.id == name or d.path.resolve() == file]
        if len(found) > 1:
            where = ", ".join(str(d.path) for d in found)
            raise ConfigError(f"several documents have the id {name!r}: {where}", next="give each an id of its own")
        if not found:
            broken = next((u for u in self.unreadable if u.path.resolve() == file or u.path.stem == name), None)
            if broken is not None:
                raise ConfigError("\n".join(p.sentence() for p in broken.problems))
            known = ", ".join(sorted(d.id for d in self.documents)[:8]) or "none"
            raise ConfigError(f"there is no document {name!r} in {self.root}", next=f"its documents are {known}")
        return found[0]


def find_folder(start: Path | None = None, *, make: bool = False) -> Path:
    """Return the management folder: `start` if given, what AIMS_FOLDER names, or `aims/` here or further up.

    `make` makes the folder that is named, or `aims/` here, where there is none.

    Raises:
        Unreachable: there is none.
    """
    named = start or settings.management_folder()
    if named is not None:
        if make and not named.exists():
            try:
                named.mkdir(parents=True)
            except OSError as exc:
                what = f"the folder cannot be made ({exc.strerror})"
                raise Unreachable(what, where=str(named), next="name another folder") from exc
        if not named.is_dir():
            raise Unreachable("there is no such folder", where=str(named), next=START)
        return named
    here = Path.cwd()
    for parent in (here, *here.parents):
        candidate = parent / NAME
        # A Python package of that name is none.
        if candidate.is_dir() and not (candidate / "__init__.py").exists():
            return candidate
        if parent.name == NAME and any(parent.glob("*.md")):
            return parent
    if make:
        (here / NAME).mkdir(exist_ok=True)
        return here / NAME
    raise Unreachable("there is no management folder `aims/` here or further up", next=START)


def read_folder(root: Path) -> Folder:
    """Read every document of a folder; what is no valid document is kept with its problems.

    Raises:
        Unreachable: the folder cannot be read.
    """
    found = [read_document(path) for path in _files(root)]
    return Folder(
        root,
        tuple(d for d in found if isinstance(d, FolderDocument)),
        tuple(d for d in found if isinstance(d, UnreadableDocument)),
    )


def _files(root: Path) -> Iterator[Path]:
    found = sorted(
        p
        for p in root.rglob("*")
        if p.suffix.lower() in ENDINGS and p.name.lower() not in NO_DOCUMENTS and p.is_file()
        if not any(part.startswith(".") for part in p.relative_to(root).parts)
    )
    if len(found) > MAX_FILES:
        raise Unreachable(f"the folder has over {MAX_FILES:,} files", where=str(root), next="name a smaller folder")
    yield from found


def read_document(path: Path) -> FolderDocument | UnreadableDocument:
    """Read one file as a document.

    Raises:
        Unreachable: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path)) from None
    try:
        return parse_document(content, path)
    except AimsError as exc:
        return UnreadableDocument(path, (_problem_of(exc, path),))


def parse_document(content: bytes, path: Path) -> FolderDocument | UnreadableDocument:
    """Return the document that a file's bytes are, or its problems.

    Raises:
        ConfigError: it is not UTF-8 text, has no front matter, or is not YAML.
    """
    try:
        whole = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8 text", where=str(path)) from None
    head, text, text_line = _split(whole, path)
    front = parse(head, str(path), as_written=True)
    if not isinstance(front.data, dict):
        raise ConfigError("its YAML is no mapping of fields to values", where=f"{path}:1")
    kind = front.data.get("kind")
    if not isinstance(kind, str):
        raise ConfigError("'kind' is missing", where=f"{path}:1", next="`aims document list --kinds` has them")
    model = document_model(kind, front.where("kind"))
    if text.strip() and "text" in front.data:
        raise ConfigError("the text stands twice: in `text` and under the front matter", where=front.where("text"))
    if text.strip():
        front = Document({**front.data, "text": text}, front.lines, front.name)
    written, problems = front.check(model)
    if written is None:
        return UnreadableDocument(path, tuple(problems))
    return FolderDocument(path, content, written, front, text_line if text.strip() else front.lines.get(("text",), 0))


def _split(whole: str, path: Path) -> tuple[str, str, int]:
    """Return (YAML, text, line on which the text begins); the YAML keeps the lines that it has in the file."""
    if path.suffix.lower() != ".md":
        return whole, "", 0
    lines = whole.split("\n")
    if lines[0].rstrip() != FENCE:
        raise ConfigError(
            "there is no front matter", where=f"{path}:1", next="begin the file with --- and its fields, then --- again"
        )
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        raise ConfigError("the front matter does not end", where=f"{path}:1", next="close it with a line ---")
    return "\n".join(["", *lines[1:end]]), "\n".join(lines[end + 1 :]), end + 2


def _problem_of(exc: AimsError, path: Path) -> FileProblem:
    """Return an error of reading as a problem with its line."""
    where = exc.where or str(path)
    line = int(last) if (last := where.rpartition(":")[2]).isdigit() else 1
    return FileProblem(str(path), line, (), f"{exc.what}. Next: {exc.next}" if exc.next else exc.what)
