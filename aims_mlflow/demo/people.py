"""The demo's people, their keys, and the commands by which they make them."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError
from aims_mlflow.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    RunCommand = Callable[..., str]

QUIET_LOGGERS = ("mlflow", "alembic", "great_expectations", "aims_mlflow")


@dataclass(frozen=True)
class Office:
    """The folder of a demo: keys of three people, the platform team's policy, the server's data."""

    folder: Path

    @property
    def scientist(self) -> Path:
        """The data scientist's private key."""
        return self.folder / "people" / "ana.pem"

    @property
    def approver(self) -> Path:
        """The model owner's private key."""
        return self.folder / "people" / "olga.pem"

    @property
    def risk_owner(self) -> Path:
        """The private key of the person who signs waivers; whoever signs one does not approve."""
        return self.folder / "people" / "rosa.pem"

    @property
    def policy(self) -> Path:
        """The platform team's policy folder."""
        return self.folder / "policy"

    @property
    def root(self) -> str:
        """Key id of the root that signed the keyring, which the platform team gives to auditors."""
        from aims_mlflow.signing.keyring import load_keyring, roots_of

        return min(roots_of(load_keyring(self.policy / "keyring.yaml")))

    def environment(self) -> dict[str, str]:
        """Return the variables that the platform team's processes see."""
        return {"AIMS_HOME": str(self.folder / "platform"), "AIMS_POLICY": str(self.policy)}


def set_up(office: Office, run: RunCommand, level: str = "starter") -> list[str]:
    """Make policy and keys; returns the commands as a person would type them.

    `run` runs one `aims` command and returns what it printed; `level` is which documents a deployment asks for.
    """
    typed: list[str] = []

    def command(*args: str) -> str:
        typed.append("aims " + " ".join(a.replace(str(office.folder) + os.sep, "") for a in args))
        return run(*args)

    with environment(office.environment()):
        command("gate", "init", str(office.policy), "--level", level)
        people = (
            (office.scientist, "ana", "trainer"),
            (office.approver, "olga", "approver"),
            (office.risk_owner, "rosa", "approver"),
        )
        for key, owner, role in people:
            command("keys", "new", str(key))
            command("keys", "add", str(key.with_suffix(".pub.pem")), "--owner", owner, "--role", role)
    return typed


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """Hide the output of libraries; an error carries the end of it."""
    heard = io.StringIO()
    levels = {name: logging.getLogger(name).level for name in QUIET_LOGGERS}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            warnings.simplefilter("ignore")
            yield heard
    except AimsError:
        raise
    except Exception as exc:
        exc.add_note(heard.getvalue()[-2000:])
        raise
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
