"""Summary of a record for the index, read from its envelope without a check; the record's own page checks it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RecordSummary:
    """The fields of a record that lists show.

    `size` is the number of bytes of its envelope, `warned` is above 0 where something in it warns, and `supersedes` is
    the id of the record that it undoes.
    """

    id: str
    kind: str
    result: str
    time: str
    system: str | None
    session: str | None
    actor: str
    key_id: str
    run_id: str | None
    claims: int
    size: int
    digest: str | None
    warned: int
    supersedes: str | None

    @classmethod
    def of(cls, raw: bytes) -> RecordSummary | None:
        """Return the summary of an envelope; None where it cannot be read."""
        try:
            statement = json.loads(base64.b64decode(json.loads(raw)["payload"]))
            body = statement["predicate"]["aims"]
            digests = [s["digest"].get("dirHash1") for s in statement["subject"]]
            run = (body.get("mlflow") or {}).get("run_id")
            return cls(
                str(body["id"]),
                str(body["kind"]),
                str(body["result"]).replace("_", " "),
                str(body["time"]),
                _text(body.get("system")),
                _text(body.get("session")),
                str(body.get("actor") or ""),
                str(body.get("key_id") or ""),
                _text(run),
                len(body.get("claims") or ()),
                len(raw),
                next((str(d) for d in digests if d), None),
                _warned(body),
                _text((body.get("supersedes") or {}).get("id")),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def columns(self) -> tuple[Any, ...]:
        """Return the values of the index's table `record` between the sha256 and the leaf."""
        return tuple(vars(self).values())


def _warned(body: dict[str, Any]) -> int:
    """Return how many values are beyond a limit that only warns; 1 for a record that warns as a whole."""
    claims = sum(c.get("passed") is False and c.get("severity") == "warning" for c in body.get("claims") or ())
    return claims or int(body["result"] == "warned")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
