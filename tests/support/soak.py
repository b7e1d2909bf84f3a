"""A gated server under load for a long time: its clients, what befalls it meanwhile, and what is measured of it."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from support import soak_client
from support.soak_client import LONGEST

CLIENTS = 8
RECOVERY = 900  # seconds in which every client is answered again, also on a machine with ten times too much to do
WAIT = 15  # the server's AIMS_WAIT_SECONDS; a statement and the store get twice as long
SLOW, SILENCE = 15, 3 * WAIT  # seconds


class LoadClient:
    """A client process, and the answers that it has printed so far."""

    def __init__(self, folder, port, seed, names, sources):
        self.path = folder / f"client-{seed}.jsonl"
        self._out = self.path.open("wb")
        arguments = [str(port), str(seed), ",".join(names), ",".join(sources)]
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-E", soak_client.__file__, *arguments],
            stdout=self._out,
            stderr=(folder / f"client-{seed}.err").open("wb"),
        )
        self.answers, self._at = [], 0

    def read(self):
        """Read what was printed since; returns all answers."""
        with self.path.open("rb") as printed:
            printed.seek(self._at)
            for line in printed:
                if not line.endswith(b"\n"):
                    break
                self._at += len(line)
                self.answers.append(json.loads(line))
        return self.answers

    def answered_since(self, moment):
        """Whether a change was asked for and carried out since."""
        later = (a for a in self.read() if a["begun"] > moment)
        return any(a["status"] == 200 and a["what"] in ("create", "alias") for a in later)

    def end(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(LONGEST + 60)
        self.process.kill()
        self._out.close()
        return self.process.returncode


class Load:
    """Eight clients that call until the block ends."""

    def __init__(self, folder, port, names, sources):
        self._made = lambda seed: LoadClient(folder, port, seed, names, sources)
        self.clients = []

    def __enter__(self):
        self.clients = [self._made(seed) for seed in range(CLIENTS)]
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.process.terminate()
        self.codes = [client.end() for client in self.clients]

    @property
    def answers(self):
        return [{"client": n, **a} for n, client in enumerate(self.clients) for a in client.read()]

    def recovers(self, after):
        """Wait until each client has made a change that it asked for from now on."""
        begun = time.time()
        while waiting := [n for n, client in enumerate(self.clients) if not client.answered_since(begun)]:
            assert time.time() - begun < RECOVERY, f"clients {waiting} are not served after: {after}"
            assert all(client.process.poll() is None for client in self.clients)
            time.sleep(0.5)


class Usage:
    """What the processes of a server use, once a second: memory (MiB), threads, open files; by the part of the run."""

    def __init__(self, server):
        self.server, self.part, self.samples = server, None, []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join(10)

    def _watch(self):
        while not self._ends.wait(1):
            with contextlib.suppress(OSError, ProcessLookupError, TypeError):
                self.samples.append((self.part, *usage(self.server.process_group)))

    def median(self, part):
        """Return the medians of a part: {memory, threads, files}."""
        of_part = [values for p, *values in self.samples if p == part]
        names = ("memory", "threads", "files")
        return {n: statistics.median(column) for n, column in zip(names, zip(*of_part, strict=True), strict=True)}


def usage(group):
    """Return (MiB of memory of its own, threads, open files) of all processes of a group that are alive."""
    memory, threads, files = 0.0, 0, 0
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(place.name)) != group:
                continue
            lines = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
            if "RssAnon" not in lines:  # it has ended, and its parent has not taken note yet
                continue
            memory += int(lines["RssAnon"].split()[0]) / 1024
            threads += int(lines["Threads"])
            files += len(list((place / "fd").iterdir()))
    return memory, threads, files


class Events:
    """What befalls the server, its database and its store, and how it ends; each returns when the cause is gone."""

    def __init__(self, server, postgres, database_door, store_door):
        self.server, self.postgres = server, postgres
        self.database_door, self.store_door = database_door, store_door

    def database_restarts(self):
        self._restart_database(signal.SIGINT)

    def database_crashes(self):
        self._restart_database(signal.SIGQUIT)

    def _restart_database(self, how):
        process = self.postgres.get_postmaster_info().process
        os.kill(process.pid, how)
        process.wait(60)
        time.sleep(2)
        ends = time.monotonic() + RECOVERY
        while True:  # a database that was killed reads its log first: it may take longer than its starter waits
            try:
                return self.postgres.start()
            except subprocess.SubprocessError:
                assert time.monotonic() < ends, "the database does not start"

    def server_restarts(self):
        self._restart_server(signal.SIGTERM)

    def server_is_killed(self):
        self._restart_server(signal.SIGKILL)

    def _restart_server(self, how):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.server.process_group, how)
        self.server.stop()
        self.server.keep_log()
        self.server.__enter__()

    def database_is_slow(self):
        with self.database_door.slow(0.03):
            time.sleep(SLOW)

    def database_is_silent(self):
        with self.database_door.held_back():
            time.sleep(SILENCE)

    def store_is_slow(self):
        with self.store_door.slow(0.5):
            time.sleep(SLOW)

    def store_is_silent(self):
        with self.store_door.held_back():
            time.sleep(SILENCE)


# Parts of equal length. The server is restarted in the first alone: the other two compare the memory of the same processes.
PARTS = {
    "first": (
        "database is slow", "database restarts", "store is slow", "server restarts", "database crashes",
        "server is killed",
    ),
    "middle": ("database restarts", "store is silent", "database is slow", "database crashes"),
    "last": ("database is silent", "store is slow", "database crashes", "store is silent"),
}  # fmt: skip


def go_through(events, load, usage_of_server, seconds):
    """Let all events happen, evenly over the time; returns (event, begin, time when every client was served again)."""
    happened = []
    for part, happens in PARTS.items():
        usage_of_server.part, begun, length = part, time.monotonic(), seconds / len(PARTS)
        for number, event in enumerate(happens, 1):
            time.sleep(max(0, begun + length * number / (len(happens) + 1) - time.monotonic()))
            usage_of_server.part, when = f"{part}: {event}", time.time()
            getattr(events, event.replace(" ", "_"))()
            usage_of_server.part = part
            load.recovers(event)
            happened.append((event, when, time.time()))
        time.sleep(max(0, begun + length - time.monotonic()))
    usage_of_server.part = None
    return happened
