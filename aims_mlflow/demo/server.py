"""A real MLflow server with the gate, in a subprocess on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from aims_mlflow.errors import Unreachable
from aims_mlflow.settings import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

START_SECONDS = 240.0
# MLflow would start seven more processes for background jobs that nobody here asks for.
SETTINGS = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
LOG = "server.log"


class GatedServer:
    """Starts `mlflow server` in a folder, waits until it answers, and stops it again."""

    def __init__(self, folder: Path, environment: dict[str, str], tick: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment
        self._tick = tick
        self._process: subprocess.Popen[bytes] | None = None
        self._heeded: list[tuple[int, Any]] = []

    def command(self) -> list[str]:
        """Return the command line: an ordinary server, with the gate and the auditor's pages."""
        database = f"sqlite:///{self.folder / 'mlflow.db'}"
        return [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
            "--backend-store-uri", database, "--registry-store-uri", f"aims+{database}",
            "--artifacts-destination", str(self.folder / "artifacts"), "--app-name", "aims",
        ]  # fmt: skip

    def __enter__(self) -> Self:
        self._heed_signals()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOG).open("wb") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=child_environment({**self._environment, **SETTINGS}),
                start_new_session=True,
                cwd=self.folder,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _heed_signals(self) -> None:
        """Let TERM (docker stop, systemd) and HUP (the terminal is closed) end this process as Ctrl-C does.

        The server has a session of its own, so that neither of them reaches it.
        """
        import signal

        def stop(number: int, _: object) -> None:
            raise SystemExit(128 + number)

        if threading.current_thread() is threading.main_thread():
            for name in ("SIGTERM", "SIGHUP"):
                if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_DFL:
                    self._heeded.append((getattr(signal, name), signal.signal(getattr(signal, name), stop)))

    def _wait(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            self._tick()
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2):  # noqa: S310 - our own loopback server
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        runs = self._process is not None and self._process.poll() is None
        what = f"does not answer after {START_SECONDS:.0f} s" if runs else "did not start"
        advice = "try again when this machine has less to do" if runs else "see what it says"
        tail = (self.folder / LOG).read_text(errors="replace").strip().splitlines()[-12:]
        raise Unreachable(f"the MLflow server {what}; the end of its log:\n  " + "\n  ".join(tail), next=advice)

    def serve(self) -> None:
        """Wait until the server ends or the user presses Ctrl-C."""
        # Asked again and again: once a library (polars) has taken Ctrl-C, a wait without end goes on, and Python never
        # hears of it.
        while self._process is not None and self._process.poll() is None:
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the server and what it started."""
        import signal

        while self._heeded:
            signal.signal(*self._heeded.pop())
        if self._process is None or self._process.poll() is not None:
            return
        for kind, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            try:
                os.killpg(self._process.pid, kind)
                self._process.wait(seconds)
            except (ProcessLookupError, PermissionError):
                return
            except subprocess.TimeoutExpired:
                continue
            return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """Return a free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
