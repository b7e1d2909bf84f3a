"""Worker processes that check parts of a ledger: results come in the order of the parts, one part waits at each worker.

A worker is forked, so that it starts at once with all that was read so far. A fork copies only the thread that forks:
a lock that another thread holds would never be released in the copy. So there are workers only where this process has
one thread, on Linux. A worker that dies is no matter: this process checks its part, and later ones.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from aims_mlflow.audit.parts import Part, PartResult

    Check = Callable[[Part], PartResult]

MAX_PROCESSES = 16
# A worker collects garbage less often than Python does by itself: it makes few cycles, and many objects that stay.
GARBAGE_AFTER = 50_000


def cores_for_workers() -> int:
    """Return how many workers this process may fork and the machine can run at once; 0 for none."""
    tasks = Path("/proc/self/task")
    alone = sys.platform == "linux" and tasks.is_dir() and len(list(tasks.iterdir())) == 1
    cores = len(os.sched_getaffinity(0)) if alone and not multiprocessing.current_process().daemon else 1
    return min(cores, MAX_PROCESSES) if cores > 1 else 0


class PartWorkers:
    """Workers that each check one part at a time; without any, this process checks all."""

    def __init__(self, check: Check, count: int) -> None:
        """Fork `count` workers. Connections that are open now may not be used in two processes: close them before."""
        self._check = check
        self._idle: deque[Connection] = deque()
        # Parts that were handed out and not settled yet, in order; None stands for this process.
        self._busy: deque[tuple[Connection | None, Part]] = deque()
        for _ in range(count):
            self._idle.append(_fork(check, list(self._idle)))

    def results(self, part: Part) -> Iterator[PartResult]:
        """Hand a part over; yield the results of earlier parts as far as that needs a worker to become free."""
        while self._busy and not self._idle:
            yield self._oldest()
        worker = self._idle.popleft() if self._idle else None
        if worker is not None:
            try:
                worker.send(part)
            except OSError:
                worker = None
        self._busy.append((worker, part))

    def rest(self) -> Iterator[PartResult]:
        """Yield the results of all parts that are still out, and let the workers go."""
        while self._busy:
            yield self._oldest()
        while self._idle:
            self._idle.pop().close()

    def _oldest(self) -> PartResult:
        worker, part = self._busy.popleft()
        if worker is None:
            return self._check(part)
        try:
            result: PartResult = worker.recv()
        except (EOFError, OSError):
            worker.close()
            return self._check(part)
        self._idle.append(worker)
        return result


def _fork(check: Check, others: list[Connection]) -> Connection:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, check, [ours, *others]), daemon=True)
    process.start()
    theirs.close()
    return ours


def _serve(requests: Connection, check: Check, inherited: list[Connection]) -> None:
    """Check parts until the other end of the pipe is closed, also by the death of its process."""
    for each in inherited:  # else the ends that they are connected to would never see their end
        each.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the first process ends the others
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 50, 50)
    # Whatever goes wrong here goes wrong in the first process too, which checks the part again and tells it.
    with contextlib.suppress(Exception):
        while True:
            requests.send(check(requests.recv()))
    os._exit(0)
