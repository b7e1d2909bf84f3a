"""YAML files that people write: safe loading, with file and line in every error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from aims_mlflow.canonical import TOO_DEEP, is_too_deep
from aims_mlflow.errors import ConfigError, Unreachable, did_you_mean, nearest
from aims_mlflow.field_address import field_text

if TYPE_CHECKING:
    from pathlib import Path

Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[str | int, ...]
MAX_BYTES = 4 * 1024 * 1024
DEEPER_THAN_LIBYAML = "exceeded maximum nesting depth"
DECIMAL_DIGITS = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
LIST = "must be a list: [one, two]"
FORMS = {  # pydantic's error type -> what a person has to write
    "string_type": "must be text; put it in quotes (YAML reads yes, no, true and false as truth values)",
    "tuple_type": LIST,
    "list_type": LIST,
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
}


@dataclass(frozen=True)
class FileProblem:
    """What is wrong with one key of a file: its line, its path, and the sentence."""

    name: str
    line: int
    path: Path_
    what: str

    def sentence(self) -> str:
        """Return the problem as a message: `file:line: what`."""
        return f"{self.name}:{self.line}: {self.what}"


# That of libyaml, which PyYAML's wheels contain, is ten times faster.
SafeLoader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Loader(SafeLoader):  # type: ignore[misc]  # one of two classes
    """Safe, and strict: no repeated keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:
        """Return a whole number; YAML 1.1 reads 0200 as 128 and 1:30 as 90, which nobody means."""
        text = str(node.value)
        value: int = super().construct_yaml_int(node)
        if not DECIMAL_DIGITS.fullmatch(text):
            what = f"YAML reads {text} as {value}: write that number, or put {text} in quotes"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark)
        return value


class WrittenNumber(float):
    """A number with a point, and the text that it has in its file: as a version, 1.10 is not 1.1."""

    def __new__(cls, value: float, text: str) -> Self:
        """Keep the number, and the text beside it."""
        number = super().__new__(cls, value)
        number.text = text
        return number

    text: str


class _AsWritten(_Loader):
    """Keeps the text of numbers that are read otherwise than they look: 1.10 beside its value, 0200 alone."""

    def construct_yaml_int(self, node: Any) -> Any:
        return super().construct_yaml_int(node) if DECIMAL_DIGITS.fullmatch(node.value) else str(node.value)

    def construct_yaml_float(self, node: Any) -> WrittenNumber:
        return WrittenNumber(super().construct_yaml_float(node), str(node.value))


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_AsWritten.add_constructor("tag:yaml.org,2002:int", _AsWritten.construct_yaml_int)
_AsWritten.add_constructor("tag:yaml.org,2002:float", _AsWritten.construct_yaml_float)


# A date in a file that people write (`collected: 2024-05-01`) is text to every model here.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Document:
    """A parsed YAML document that remembers the line of each key."""

    def __init__(self, data: Any, lines: dict[Path_, int], name: str) -> None:
        self.data = data
        self.lines = lines
        self.name = name

    def where(self, *path: str | int) -> str:
        """Return `file:line` of a key, or of its nearest parent that the file has."""
        line = self.line(*path)
        return f"{self.name}:{line}" if line else self.name

    def line(self, *path: str | int) -> int:
        """Return the line of a key, or of its nearest parent that the file has; 0 for an empty file."""
        return next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), 0)

    def validate(self, model: type[Model]) -> Model:
        """Return the document as `model`.

        Raises:
            ConfigError: with file, line and, for an unknown key, the nearest known one.
        """
        found, problems = self.check(model)
        if found is None:
            raise ConfigError("\n".join(p.sentence() for p in problems))
        return found

    def check(self, model: type[Model]) -> tuple[Model | None, list[FileProblem]]:
        """Return the document as `model`, or None and every problem with its line."""
        try:
            return model.model_validate(self.data), []
        except ValidationError as exc:
            return None, _problems(exc, self, model)


def parse(text: str, name: str, *, as_written: bool = False) -> Document:
    """Parse one YAML document; `name` is the file in messages. `as_written` keeps the text of numbers with a point.

    Raises:
        ConfigError: it is not YAML, repeats a key, uses aliases or nests too deeply.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", where=name)
    lines: dict[Path_, int] = {}
    try:
        loader = (_AsWritten if as_written else _Loader)(text)
        node = loader.get_single_node()
        if "*" in text and node is not None:
            _refuse_aliases(node, text, name)
        data = loader.construct_document(node) if node is not None else None
        if node is not None:
            _note_lines(node, (), lines)
    except yaml.MarkedYAMLError as exc:
        if exc.problem == DEEPER_THAN_LIBYAML:
            raise ConfigError(TOO_DEEP, where=name) from None
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"not valid YAML: {exc.problem}", where=f"{name}:{line}") from None
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError) as exc:  # PyYAML's own, on odd tags
        reason = (str(exc) or type(exc).__name__).splitlines()[0]
        raise ConfigError(f"not valid YAML: {reason}", where=name) from None
    except RecursionError:
        raise ConfigError(TOO_DEEP, where=name) from None
    if is_too_deep(data):
        raise ConfigError(TOO_DEEP, where=name)
    return Document(data, lines, name)


def read(path: Path) -> Document:
    """Parse the YAML file at `path`; messages show its path as given.

    Raises:
        Unreachable: it cannot be read.
        ConfigError: it is not valid YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8 text", where=str(path)) from None
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path)) from None
    return parse(text, str(path))


def _refuse_aliases(root: yaml.Node, text: str, name: str) -> None:
    """Raise a ConfigError if a node stands in two places: aliases can blow a small file up."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            alias: Any = next(e for e in yaml.parse(text, SafeLoader) if isinstance(e, yaml.AliasEvent))
            where = f"{name}:{alias.start_mark.line + 1}"
            raise ConfigError("not valid YAML: aliases are not allowed here", where=where)
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _note_lines(node: yaml.Node, path: Path_, lines: dict[Path_, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            child = (*path, key_node.value)
            lines[child] = key_node.start_mark.line + 1
            _note_lines(value_node, child, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*path, index), lines)


def _problems(exc: ValidationError, document: Document, model: type[BaseModel]) -> list[FileProblem]:
    """Return every problem of a document, each once: a misspelt key is not also told as missing."""
    told: dict[Path_, list[str]] = {}
    meant = set()
    errors = [(error, _written(error["loc"], document.data, error["type"])) for error in exc.errors()]
    for error, path in errors:
        known = _fields_at(model, path[:-1]) if error["type"] == "extra_forbidden" else []
        meant.add((*path[:-1], nearest(str(path[-1]), known)) if known else None)
    for error, path in errors:
        if error["type"] == "missing" and path in meant:
            continue
        what = _what(error, path, model)
        if what not in told.setdefault(path, []):
            told[path].append(what)
    return [FileProblem(document.name, document.line(*at) or 1, at, _joined(at, said)) for at, said in told.items()]


def _written(place: tuple[Any, ...], data: Any, error: str) -> Path_:
    """Return the keys that lead to an error in the file, without the types that pydantic tried, which it names too."""
    path: list[str | int] = []
    for number, part in enumerate(place):
        last = number == len(place) - 1
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            if not last or error not in ("missing", "extra_forbidden"):
                continue
        path.append(part)
    return tuple(path)


def _what(error: Any, path: Path_, model: type[BaseModel]) -> str:
    """Return what is wrong at a path, which `_joined` names; a whole sentence where it names the key itself."""
    message = str(error["msg"].removeprefix("Value error, "))
    if error["type"] == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _fields_at(model, path[:-1]))
        return f"unknown key {_key(path)!r}" + (f", {hint}" if hint else "")
    if error["type"] == "missing":
        return f"{_key(path)!r} is missing"
    if not path and error["type"] == "value_error":
        return message
    form = "has no value" if error["input"] is None else FORMS.get(error["type"])
    return f"{_key(path)!r}: {form or message}"


def _joined(path: Path_, said: list[str]) -> str:
    """Return the sentences about one key as one, which names the key once: a value may have one of several forms."""
    return ", or ".join([said[0], *(each.removeprefix(f"{_key(path)!r}: ") for each in said[1:])])


def _key(path: Path_) -> str:
    return field_text(path) or "the file"


def _fields_at(model: Any, path: Path_) -> list[str]:
    """Return the field names of the model that stands at `path` inside `model`."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part) if isinstance(part, str) else None
        model = _model_in(field.annotation) or model if field is not None else _model_in(model) or model
    found = _model_in(model)
    return list(found.model_fields) if found else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for arg in get_args(annotation):
        found = _model_in(arg)
        if found:
            return found
    return None
