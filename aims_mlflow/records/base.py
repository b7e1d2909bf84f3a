"""Basics of every record: strictness, identifiers, times and exact numbers."""

from __future__ import annotations

import math
import secrets
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Uuid7 = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]


def _real_time(text: str) -> str:
    """A time that no calendar has is not one (`2026-02-30`); pydantic makes this error its own."""
    datetime.fromisoformat(text)
    return text


Time = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"),
    AfterValidator(_real_time),
]
DecimalText = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9]\d*)(\.\d+)?$", max_length=400)]


def _real_day(text: str) -> str:
    """A day of the calendar between 1900 and 2199: a year is added to many, and 9999-12-31 has no day after it."""
    if not "1900" <= _real_time(text)[:4] < "2200":
        raise ValueError("a day between 1900 and 2199 is needed; leave it out where there is none")
    return text


Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_real_day)]


class Record(BaseModel):
    """A frozen and strict model: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def uuid7() -> str:
    """Return a new time-ordered identifier (RFC 9562, section 5.7)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF000 << 64) | 0x7000 << 64
    value = value & ~(0xC000 << 48) | 0x8000 << 48
    return str(uuid.UUID(int=value))


def utc_text(moment: datetime | None = None) -> str:
    """Return an RFC 3339 time in UTC, to the microsecond, ending in Z; now by default."""
    moment = moment or datetime.now(UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Return the moment that `utc_text` wrote."""
    return datetime.fromisoformat(text)


def decimal_text(value: float | None) -> str | None:
    """Return the shortest decimal string that reads back as `value`; None when it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
