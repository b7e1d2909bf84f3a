"""The digest of a model's files in the server's store, remembered only where no change can go unseen.

S3, Google Cloud Storage and Azure tell every overwrite by ETag or generation, size and time of the object. On a disk a
memory map changes a file and none of its marks: there each decision hashes again. Digests are remembered in this
process alone, since whoever has the database's password could put a digest there.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic, sleep
from typing import TYPE_CHECKING

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.errors import AimsError, EvidenceError, Unreachable
from aims_mlflow.evidence.digests import LOAD_MARK, dir_hash1, is_load_mark
from aims_mlflow.server.bounded_call import BoundedCalls
from aims_mlflow.server.hourly_bounds import caller_name
from aims_mlflow.server.stored_files import SETTLED_SECONDS, StoredFiles, fingerprint

if TYPE_CHECKING:
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.policy import Caps
    from aims_mlflow.server.stored_objects import StoredFile

MLMODEL = "MLmodel"
MAX_MLMODEL_BYTES = 16 * 1024 * 1024
MAX_WAITING = 1000
MAX_OF_CALLER = 5  # places of one caller that wait or are hashed: the next caller's come after them
MAX_DIGESTS = 10_000
# What the largest model takes (256 GiB by the default caps) at 12 MB/s: a store that is slower hangs.
MAX_HASHING_SECONDS = 6 * 3600
_log = logging.getLogger(__name__)


class HashInProgress(Unreachable):
    """A large model is still being hashed in the background; this is not a failure."""


class ModelBytes:
    """Hashes models; remembers digests as far as the store allows it, and hashes large models in the background."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._worker: ThreadPoolExecutor | None = None
        self._calls: BoundedCalls[None] = BoundedCalls("the artifact store")
        self._jobs: dict[str, Future[None]] = {}
        self._asked_by: dict[str, str] = {}
        self._queue = threading.Lock()
        # By the marks of the files: the digest, and when it was computed.
        self._digests: BoundedCache[tuple[str, float]] = BoundedCache(MAX_DIGESTS)
        # By location and digest: the listing that was hashed, to tell afterwards whether it is still that one.
        self._listings: BoundedCache[tuple[int, int]] = BoundedCache(MAX_DIGESTS)

    def forget(self) -> None:
        """Clear this worker's remembered digests."""
        self._digests.clear()

    def digest(self, place: str, files: StoredFiles, caps: Caps) -> str:
        """Return the model's `dirHash1`; `place` is the location of its files.

        Raises:
            EvidenceError: there are no files, or more than the policy's caps.
            Unreachable: they cannot be read, or are so large that they are hashed in the background first.
        """
        listed = files.walk(caps.max_files)
        total = sum(f.size for f in listed)
        if total > caps.max_bytes:
            raise EvidenceError(
                f"the model has {total:,} bytes, more than the {caps.max_bytes:,} that are hashed here",
                next="the platform team raises caps.max_bytes in policy.yaml",
            )
        inline = total <= caps.max_inline_bytes
        mark = fingerprint(place, listed) if files.tells_every_change or not inline else None
        known = self._remembered(mark, files, caps, inline=inline) if mark else None
        if known:
            self._jobs.pop(place, None)
            self._listings.put((place, known), _marks(listed))
            return known
        if not inline:
            raise self._later(place, files, listed, total, caps)
        digest = hash_files(files, listed)
        if mark:
            self._digests.put(mark, (digest, monotonic()))
        self._listings.put((place, digest), _marks(listed))
        return digest

    def is_unchanged(self, place: str, digest: str, files: StoredFiles) -> bool:
        """Return whether the files are listed as they were when they had this digest; true where nobody knows.

        Where the store has no marks, a listing tells nothing: they are hashed once more.

        Raises:
            Unreachable: they cannot be listed or read.
        """
        listing = self._listings.known((place, digest))
        if listing is None:
            return True
        try:
            listed = files.walk(listing[0] + 2)
            if any(f.mark is None for f in listed):
                return hash_files(files, listed) == digest
            return listing == _marks(listed)
        except EvidenceError:  # more of them, or a link among them
            return False

    def _remembered(self, mark: str, files: StoredFiles, caps: Caps, *, inline: bool) -> str | None:
        """Return the digest of files with this mark, if it may still be relied on.

        Where a change can go unseen, that is the digest of a large model, for the seconds that the policy allows.
        """
        digest, since = self._digests.known(mark) or (None, 0.0)
        fresh = not inline and monotonic() - since <= caps.hash_counts_seconds
        return digest if files.tells_every_change or fresh else None

    def _later(self, place: str, files: StoredFiles, listed: list[StoredFile], total: int, caps: Caps) -> AimsError:
        """Start hashing in the background unless it is running; return the message for the client."""
        if any(f.mark is None for f in listed):
            return EvidenceError(
                f"the model has {total:,} bytes, and this store cannot tell whether they change while they are hashed",
                next="the platform team raises caps.max_inline_bytes in policy.yaml",
            )
        with self._queue:
            for other in [p for p, job in self._jobs.items() if job.done() and p != place]:
                self._jobs.pop(other, None)
            job = self._jobs.get(place)
            if job is not None and job.done():
                del self._jobs[place]
                failure = job.exception()
                if isinstance(failure, AimsError):
                    return failure
            return self._queued(place, files, total, caps)

    def _queued(self, place: str, files: StoredFiles, total: int, caps: Caps) -> HashInProgress:
        """Queue a place unless it is there already, or too many are; return the message for the client."""
        self._asked_by = {p: who for p, who in self._asked_by.items() if p in self._jobs}
        who = caller_name()
        mine = sum(other == who for other in self._asked_by.values())
        if place not in self._jobs and (mine >= MAX_OF_CALLER or len(self._jobs) >= MAX_WAITING):
            return HashInProgress(
                f"the model's {total:,} bytes are not being hashed yet: {len(self._jobs):,} other large models are, "
                f"{mine} of them for {who}, who may have {MAX_OF_CALLER}",
                next="try again once one of them is done",
            )
        if place not in self._jobs:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="aims-hash")
            self._asked_by[place] = who
            self._jobs[place] = self._worker.submit(self._hash, place, files, caps)
        return HashInProgress(
            f"the model's {total:,} bytes are being hashed, which takes a while",
            next="try again in a minute: the same call then finds the digest",
        )

    def _hash(self, place: str, files: StoredFiles, caps: Caps) -> None:
        try:
            self._calls.make(MAX_HASHING_SECONDS, lambda: self._hash_settled(place, files, caps))
        except AimsError as exc:
            _log.warning("aims: hashing in the background: %s", exc.sentence())
            raise
        except Exception:
            _log.exception("aims: hashing in the background failed")
            raise

    def _hash_settled(self, place: str, files: StoredFiles, caps: Caps) -> None:
        with self._ledger.lock(f"hashing {place}", 0.01):
            sleep(SETTLED_SECONDS)
            listed = files.walk(caps.max_files)
            mark = fingerprint(place, listed)
            if mark:
                self._digests.put(mark, (hash_files(files, listed), monotonic()))


def _marks(listed: list[StoredFile]) -> tuple[int, int]:
    """Return the number of the files, and a hash of their names, sizes and marks."""
    kept = [f for f in listed if f.name != LOAD_MARK]
    return len(kept), hash(tuple((f.name, f.size, f.mark) for f in kept))


def hash_files(files: StoredFiles, listed: list[StoredFile]) -> str:
    """Return the `dirHash1` of listed files, MLflow's load mark left out.

    Raises:
        EvidenceError: there are none.
        Unreachable: one cannot be read.
    """
    names = {f.name for f in listed}
    mlmodel = files.read(MLMODEL, MAX_MLMODEL_BYTES) if {MLMODEL, LOAD_MARK} <= names else b""
    kept = [f for f in listed if not is_load_mark(f.name, f.size, mlmodel)]
    if not kept:
        raise EvidenceError("the model has no files", next="log it again")
    return dir_hash1((f.name, files.sha256(f.name)) for f in kept)
