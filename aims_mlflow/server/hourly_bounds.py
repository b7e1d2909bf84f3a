"""Bounds on what one worker seals within an hour, for each caller and each model.

The leaf of a refusal or a change stays for good. Beyond its bound a refusal is told and counted, and not sealed; a
change is refused. Withdrawals, revocations and retirements have no bound: they take authority away.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from cachetools import LRUCache

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.server.caller import caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.records.policy import Caps

HOUR = 3600.0
MAX_KNOWN = 10_000
# Of all models together a caller may make as many changes as of this many models.
MODELS_OF_ONE_CALLER = 10
Key = tuple[str, ...]


class HourlyCount:
    """What one worker did within the last hour, by key; safe to use from several threads."""

    def __init__(self) -> None:
        self._done: LRUCache[Key, deque[float]] = LRUCache(MAX_KNOWN)
        self._lock = threading.Lock()

    def take(self, bounds: Mapping[Key, int]) -> tuple[int, float] | None:
        """Count one more of each key, of which `bounds` has the most within an hour.

        Where it is one too many of a key, count nothing, and return that bound and the seconds until it fits.
        """
        now = monotonic()
        with self._lock:
            done = {key: self._done.setdefault(key, deque()) for key in bounds}
            for key, times in done.items():
                while times and times[0] < now - HOUR:
                    times.popleft()
                if len(times) >= bounds[key]:
                    return bounds[key], times[-bounds[key]] + HOUR - now
            for times in done.values():
                times.append(now)
        return None


class HourlyBounds:
    """Counts refusals and changes against the bounds of a policy."""

    def __init__(self) -> None:
        self._refusals, self._changes = HourlyCount(), HourlyCount()

    def seals_refusal(self, model: str, caps: Caps) -> bool:
        """Return whether one more refusal of this caller, and about this model, may be sealed."""
        most = caps.refusals_per_hour
        return self._refusals.take({("caller", caller_name()): most, ("model", model): most}) is None

    def require_change(self, model: str, caps: Caps) -> None:
        """Count one change of a model by this caller.

        Raises:
            PolicyRefused: it is one too many.
        """
        most, who = caps.changes_per_hour, caller_name()
        everything = MODELS_OF_ONE_CALLER * most
        over = self._changes.take({("caller", who): everything, ("both", who, model): most})
        if over is not None:
            what = "all models" if over[0] == everything else model
            raise PolicyRefused(
                f"{who} asked for {over[0]:,} changes of {what} within an hour, which are as many as the policy allows",
                next=f"try again in {math.ceil(over[1] / 60)} min, or the platform team raises "
                "caps.max_changes_per_hour; what takes a model out of use always passes",
            )


def caller_name() -> str:
    """Return by what name the calls of one caller are counted: the login, else the address."""
    who = caller()[0]
    return who.login or who.address or "the server itself"
