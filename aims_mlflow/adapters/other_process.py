"""The process beside this one in which models with code of their own are loaded back; it stays for the next ones."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path

from aims_mlflow.adapters import fresh_process
from aims_mlflow.settings import child_environment


class OtherProcess:
    """Answers jobs (`fresh_process`) one after the other; it is started with the first one.

    It ends with this process, which holds its standard input.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: subprocess.Popen[str] | None = None
        self._environment: dict[str, str] = {}  # that it was started with
        self._answered: set[str] = set()
        self._changed = threading.Condition()

    def send(self, job: Path) -> None:
        """Begin a job with the environment variables of now; several are answered in this order."""
        with self._changed:
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            stdin, line = self._process.stdin, {"folder": str(job), "environment": self._changed_variables()}
        if stdin is not None:
            with contextlib.suppress(OSError):  # it died: the wait finds out
                stdin.write(json.dumps(line) + "\n")
                stdin.flush()

    def wait(self, job: Path, seconds: float) -> bool:
        """Return whether a job that was sent is answered within some seconds; otherwise the process is ended."""
        with self._changed:
            process = self._process
            self._changed.wait_for(
                lambda: str(job) in self._answered or process is None or process.poll() is not None, seconds
            )
            answered = str(job) in self._answered and (job / "answer.json").is_file()
            self._answered.discard(str(job))
        if not answered or sys.platform != "linux":  # without a fork a process answers one job
            self.forget()
        return answered

    def forget(self) -> None:
        """End the process; the next job starts another one."""
        with self._changed:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _changed_variables(self) -> dict[str, str | None]:
        """Return the environment variables that are not as they were when the process started; None: no longer set."""
        now, before = child_environment({}), self._environment
        return {name: now.get(name) for name in {*now, *before} if now.get(name) != before.get(name)}

    def _start(self) -> subprocess.Popen[str]:
        self._environment = child_environment({})
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", Path(fresh_process.__file__).read_text(encoding="utf-8")],
            cwd=Path(sys.executable).anchor,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            with self._changed:
                self._answered.add(line.strip())
                self._changed.notify_all()
        process.wait()
        with self._changed:
            self._changed.notify_all()


other_process = OtherProcess()
