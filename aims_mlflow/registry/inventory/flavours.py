"""Flavours of versions in use and of logged models, from the small file MLmodel of each; no other file is opened.

An artifact store may be slow or gone. So reading ends after a time, and a store that failed repeatedly is not asked
again; which versions were not read is told.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from aims_mlflow.catalog.ai_libraries import ai_libraries, library_names
from aims_mlflow.errors import AimsError, EvidenceError, Unreachable
from aims_mlflow.evidence import tracking as store
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.strict_yaml import SafeLoader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_READ = "flavours of versions in use"
SECONDS, MOST_FAILURES, MAX_BYTES = 20.0, 3, 16_000_000
PLAIN = "python_function"


class FlavourReader:
    """Reads the flavours of one version after another, and remembers which it could not read.

    Args:
        client: MLflow's client.
        clock: Returns seconds; reading ends `SECONDS` after the first call.
        what: What it reads, as a finding names it where some could not be read.
    """

    def __init__(self, client: Any, clock: Callable[[], float] = time.monotonic, what: str = NOT_READ) -> None:
        self._client, self._clock, self._what = client, clock, what
        self._end: float | None = None
        self._known: dict[tuple[str, str], str] = {}
        self._failures: Counter[str] = Counter()
        self._why: list[str] = []
        self._calling: dict[str, list[str]] = defaultdict(list)

    def flavours(self, prefix: str, name: str, version: str, source: str | None = None) -> str:
        """Return the flavours of a version as text, such as `sklearn 1.7.2`, or that they were not read, and why.

        `source` is the version's source where it is known already; it tells in which store its files are.
        """
        key = (f"{prefix}{name}", version)
        return self._once(key, f"models:/{name}/{version}", source, f"{key[0]} version {version}")

    def of_logged_model(self, prefix: str, model: Any) -> str:
        """Return the flavours of a logged model as text, or that they were not read, and why."""
        called = f"{prefix}{model.name} ({model.model_id})"
        return self._once((called, ""), model.artifact_location.rstrip("/"), model.artifact_location, called)

    def _once(self, key: tuple[str, str], address: str, source: str | None, called: str) -> str:
        if key not in self._known:
            try:
                self._known[key] = self._read(address, source, called)
            except AimsError as exc:
                self._why.append(f"{called}: {exc.sentence()}")
                self._known[key] = f"not read: {exc.sentence()}"
        return self._known[key]

    def unread(self) -> dict[str, str]:
        """Return what could not be read with the reason; {} where every version was read."""
        if not self._why:
            return {}
        more = f" and {len(self._why) - 1:,} more" if len(self._why) > 1 else ""
        return {self._what: f"{len(self._why):,} of {len(self._known):,}: {self._why[0]}{more}"}

    def providers(self, source: str, address: str) -> Iterator[InventoryItem]:
        """Yield each library by which a version that was read calls a provider's model."""
        for library, versions in sorted(self._calling.items()):
            yield InventoryItem(
                kind="provider", id=library, source=source, address=address, names=(library,), volume=len(versions),
                facts={"in the flavours of": ", ".join(versions[:5])},
            )  # fmt: skip

    def _read(self, address: str, source: str | None, called: str) -> str:
        now = self._clock()
        self._end = self._end if self._end is not None else now + SECONDS
        if now > self._end:
            raise EvidenceError(f"the {SECONDS:.0f} seconds for reading flavours were over")
        if source is None:
            name, _, version = address.removeprefix("models:/").rpartition("/")
            with store.reaching(f"read {called}"):
                source = self._client.get_model_version(name, version).source
        parts = urlsplit(source or "")
        place = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.scheme or "the disk"
        if self._failures[place] >= MOST_FAILURES:
            raise EvidenceError(f"not tried, since {MOST_FAILURES} others of {place} could not be read")
        try:
            found = _mlmodel(f"{address}/MLmodel", called)
        except Exception as exc:
            self._failures[place] += 1
            if isinstance(exc, AimsError):
                raise
            # Each artifact store's client raises what it likes, such as that it has no credentials.
            raise Unreachable(f"{place} could not be read: {type(exc).__name__}") from None
        self._failures[place] = 0
        for library in dict.fromkeys(library_names("imports").get(flavour) for flavour in found):
            if library and ai_libraries()[library].use == "provider":
                self._calling[library].append(called)
        return _told(found)


def _mlmodel(address: str, called: str) -> dict[str, dict[str, Any]]:
    """Return the flavours that a file MLmodel states, each with its settings.

    Raises:
        Unreachable: it cannot be read.
        EvidenceError: it states none, or is too large.
    """
    with store.downloaded(address, called) as path:
        if path.stat().st_size > MAX_BYTES:
            raise EvidenceError(f"its MLmodel has over {MAX_BYTES:,} bytes")
        try:
            content = yaml.load(path.read_bytes(), SafeLoader)  # noqa: S506 - safe
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
            raise EvidenceError("its MLmodel is not YAML") from None
    found = content.get("flavors") if isinstance(content, dict) else None
    if not isinstance(found, dict) or not found:
        raise EvidenceError("its MLmodel states no flavour")
    return {str(name): said if isinstance(said, dict) else {} for name, said in found.items()}


def _told(found: dict[str, dict[str, Any]]) -> str:
    own = {name: said for name, said in found.items() if name != PLAIN}
    if not own:
        return f"{PLAIN} alone: what its code uses or calls is not known"
    return ", ".join(f"{name} {said.get(f'{name}_version') or ''}".strip() for name, said in sorted(own.items()))
