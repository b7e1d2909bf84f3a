"""Canonical bytes: one JSON text for one value (RFC 8785), so that a digest means the value."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from aims_mlflow.errors import EvidenceError

SAFE_INTEGER = 2**53 - 1
# Records of ours need under 20 levels; pydantic writes at most 255, and Python reads about 1,000.
MAX_DEPTH = 100
TOO_DEEP = f"nested over {MAX_DEPTH} levels"
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_dumps = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises:
        EvidenceError: the value has no canonical bytes (an integer beyond 2**53, a NaN).
    """
    if _is_plain(value):
        # The standard library writes the same bytes, many times as fast (a property test holds it), but for keys beyond
        # the basic plane, which RFC 8785 sorts by their UTF-16 code units.
        text = _dumps(value)
        if not _BEYOND.search(text):
            try:
                return text.encode()
            except UnicodeEncodeError as exc:
                raise EvidenceError(f"a value has no canonical JSON: {exc}") from None
    import rfc8785

    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as exc:
        raise EvidenceError(f"a value has no canonical JSON: {exc}") from None


def _is_plain(value: Any) -> bool:
    """Tell whether a value holds nothing but text, truth values, null, safe integers, lists and objects of them."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-SAFE_INTEGER <= value <= SAFE_INTEGER)
    if kind is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    return (kind is list or kind is tuple) and all(map(_is_plain, value))


def sha256_hex(data: bytes) -> str:
    """Return the sha256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """Return the sha256 of a JSON value's canonical bytes."""
    return sha256_hex(canonical(value))


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise EvidenceError("a JSON key stands twice")
    return out


def _refuse_constant(name: str) -> Any:
    raise EvidenceError(f"{name} is not JSON")


_strict = json.JSONDecoder(object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant)


def parse_json(data: bytes, where: str) -> Any:
    """Parse hostile JSON: no repeated keys, no NaN, bounded depth.

    Raises:
        EvidenceError: it is not such JSON.
    """
    try:
        value = _strict.decode(data.decode(json.detect_encoding(data), "surrogatepass"))
    except EvidenceError as exc:
        raise EvidenceError(exc.what, where=where) from None
    except RecursionError:
        raise EvidenceError(TOO_DEEP, where=where) from None
    except ValueError as exc:
        raise EvidenceError(f"not JSON ({exc})", where=where) from None
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and is_too_deep(value):  # most have fewer brackets than levels
        raise EvidenceError(TOO_DEEP, where=where)
    return value


def is_too_deep(value: Any) -> bool:
    """Return whether objects and lists are nested over `MAX_DEPTH` levels; level by level, so that no depth hurts."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list | tuple):
                inner.extend(each)
        if not inner:
            return False
        level = inner
    return any(isinstance(each, dict | list | tuple) for each in level)
