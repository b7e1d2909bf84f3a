"""Settings of a training as text: flattened and bounded; no data, no secrets, nothing that looks personal."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

MAX_SETTINGS, MAX_DEPTH, MAX_LIST, MAX_TEXT, MAX_NAMED = 200, 8, 50, 200, 50
HIDDEN = "(hidden: a secret by its name)"
SECRET = re.compile(r"passw|secret|token(?!iz)|api_?key|access_?key|private_?key|credential|passphrase", re.IGNORECASE)
# "max_tokens" and the like are numbers of a tokenizer.
COUNTED = re.compile(r"(max|min|num|n|special|pad|eos|bos|unk|mask)_?\w*tokens?|tokens_per", re.IGNORECASE)
PERSONAL = re.compile(
    r"(^|[._\s-])(e_?mail|phone|ssn|iban|passport|birth_?(day|date)|date_of_birth|(first|last|sur|full)_?name)s?($|[._\s-])",
    re.IGNORECASE,
)
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
MOMENTS = (dt.date, dt.time, dt.timedelta)
PLAIN = (bool, int, float, complex, decimal.Decimal, fractions.Fraction, range, type(None), *MOMENTS)
BYTES = (bytes, bytearray, memoryview)


@dataclass
class Settings:
    """The settings of a call.

    Attributes:
        values: Name to value, as text; parts of a value have dotted names.
        left_out: Name to the reason why the value is not among them.
    """

    values: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def leave_out(self, name: str, why: str) -> None:
        """Name a setting that is not recorded; beyond `MAX_NAMED` they are only counted."""
        if len(self.left_out) < MAX_NAMED:
            self.left_out[name] = why
        else:
            more = self.left_out.get("(more)", "0 other settings").split(" ", 1)[0]
            self.left_out["(more)"] = f"{int(more) + 1} other settings"

    def update(self, other: Settings) -> None:
        """Add the settings of another call."""
        self.values |= other.values
        self.left_out |= other.left_out


def settings_of(arguments: Mapping[str, Any]) -> Settings:
    """Return the settings among arguments, flattened; never raises.

    Mappings, dataclasses, namespaces, models of pydantic and attrs, named tuples and scikit-learn estimators are taken
    apart; short lists of plain values are one text. Tables, long texts and what is of no known form is left out, with
    the reason. A path is its last part, since it may name a person's folder.
    """
    out = Settings()
    for name, value in arguments.items():
        _add(str(name), value, out, (), personal=False)
    return out


def _add(name: str, value: Any, out: Settings, parents: tuple[int, ...], *, personal: bool) -> None:
    personal = personal or bool(PERSONAL.search(name))
    if EMAIL.search(name) or len(name) > MAX_TEXT:
        out.leave_out(f"{name.split('.', 1)[0][:MAX_TEXT]}.*", "a name that looks personal, or is very long")
        return
    try:
        parts = None if _is_secret(name) else parts_of(value)
        text = "" if parts is not None else _text(name, value)
    except Exception as exc:  # noqa: BLE001 - a stranger's object may do anything when it is asked
        out.leave_out(name, f"it cannot be read ({type(exc).__name__})")
        return
    if parts is not None:
        if id(value) in parents or len(parents) >= MAX_DEPTH:
            out.leave_out(name, "it holds itself" if id(value) in parents else f"deeper than {MAX_DEPTH} levels")
            return
        for key, part in parts.items():
            _add(f"{name}.{key}", part, out, (*parents, id(value)), personal=personal)
    elif isinstance(text, LeftOut):
        out.leave_out(name, text.why)
    elif personal or EMAIL.search(text):
        out.leave_out(name, "it looks personal")
    elif len(out.values) >= MAX_SETTINGS:
        out.leave_out(name, f"more than {MAX_SETTINGS} settings")
    else:
        out.values[name] = text


@dataclass(frozen=True)
class LeftOut:
    """The reason why a value is no setting that can be recorded."""

    why: str


def parts_of(value: Any) -> dict[str, Any] | None:
    """Return the parts of a structured value by name; None for a value that is one thing."""
    if isinstance(value, type):
        return None
    return next((read(value) for fits, read in STRUCTURES if fits(value)), None)


def _items(value: Sequence[Any]) -> dict[str, Any] | None:
    """Return the items of a short sequence by number, where one of them has parts itself."""
    items = list(value[: MAX_LIST + 1])
    structured = len(items) <= MAX_LIST and any(parts_of(item) is not None for item in items)
    return {str(i): item for i, item in enumerate(items)} if structured else None


# (whether a value is of the structure, its parts by name)
STRUCTURES: tuple[tuple[Callable[[Any], bool], Callable[[Any], dict[str, Any] | None]], ...] = (
    (lambda v: isinstance(v, Mapping), lambda v: _read({str(key): functools.partial(v.__getitem__, key) for key in v})),
    (dataclasses.is_dataclass, lambda v: {f.name: getattr(v, f.name, None) for f in dataclasses.fields(v)}),
    (  # pydantic
        lambda v: hasattr(type(v), "model_fields") and hasattr(v, "model_dump"),
        lambda v: {name: getattr(v, name) for name in type(v).model_fields},
    ),
    (
        lambda v: hasattr(type(v), "__attrs_attrs__"),
        lambda v: {a.name: getattr(v, a.name, None) for a in type(v).__attrs_attrs__},
    ),
    (lambda v: isinstance(v, tuple) and hasattr(v, "_asdict"), lambda v: dict(v._asdict())),
    (lambda v: type(v).__name__ in ("Namespace", "SimpleNamespace", "HParams"), lambda v: dict(vars(v))),
    (  # scikit-learn
        lambda v: hasattr(v, "get_params") and hasattr(v, "fit"),
        lambda v: {"class": type(v), **v.get_params(deep=False)},
    ),
    (lambda v: isinstance(v, Sequence) and not isinstance(v, (*BYTES, str, range)), _items),
)


def _read(items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a mapping; one that cannot be read (an unresolved interpolation) is an exception."""
    out = {}
    for key, get in items.items():
        try:
            out[key] = get()
        except Exception as exc:  # noqa: BLE001 - the other keys are still settings
            out[key] = exc
    return out


def _text(name: str, value: Any) -> str | LeftOut:
    """Return a value that is one thing as text, or the reason why not."""
    kind = type(value).__name__
    shape = None if isinstance(value, type) or "dtype" in kind.lower() else getattr(value, "shape", None)
    if kind.startswith("Secret") or _is_secret(name):
        return HIDDEN
    if shape == () and hasattr(value, "item"):  # a number of numpy
        return _text(name, value.item())
    if shape is not None or hasattr(value, "to_pandas"):
        return LeftOut(f"a table or an array ({kind}): it may be data")
    return next((read(value) for types, read in TEXTS if isinstance(value, types)), None) or _named(value)


def _is_secret(name: str) -> bool:
    return bool(SECRET.search(name)) and not COUNTED.search(name)


def _listed(value: Sequence[Any] | AbstractSet[Any]) -> str | LeftOut:
    """Return a short list or set of plain values as one text."""
    if len(value) > MAX_LIST:
        return LeftOut(f"{len(value)} values: they may be data")
    items = [_text("", item) for item in value]
    wrong = next((item for item in items if isinstance(item, LeftOut)), None)
    texts = [str(item) for item in items]
    listed = f"[{', '.join(sorted(texts) if isinstance(value, AbstractSet) else texts)}]"
    return wrong or (listed if len(listed) <= MAX_TEXT else LeftOut(f"longer than {MAX_TEXT} characters"))


def _named(value: Any) -> str | LeftOut:
    """Return the name of a function, a class or a type of numbers."""
    if "dtype" in type(value).__name__.lower():
        return str(value)
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return LeftOut(f"an object of {type(value).__name__}")


def _words(text: str) -> str | LeftOut:
    """Return a text; of a path the last part, since the rest may name a person's folder."""
    if len(text) > MAX_TEXT:
        return LeftOut(f"a text of {len(text):,} characters: it may be data")
    if "://" in text:
        return PASSWORD_IN_URL.sub("", text)
    return PurePath(text).name if "/" in text and not any(mark.isspace() for mark in text) else text


# (types, how one of them becomes text)
TEXTS: tuple[tuple[Any, Callable[[Any], str | LeftOut]], ...] = (
    (BaseException, lambda v: LeftOut(f"it cannot be read ({type(v).__name__})")),
    (enum.Enum, lambda v: f"{type(v).__name__}.{v.name}"),
    (PurePath, lambda v: v.name or "."),
    (PLAIN, str),
    (str, lambda v: _words(v) if v else "''"),
    (BYTES, lambda v: LeftOut(f"{len(v)} bytes: they may be data")),
    ((Sequence, AbstractSet), _listed),
)
