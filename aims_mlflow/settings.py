"""The settings of aims_mlflow: environment variables, read here and nowhere else.

`SETTINGS` lists them all; the table in the documentation is printed from it. Each function reads its variable when it
is called, so that a process sees a change at once.
"""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aims_mlflow.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIG = "AIMS_CONFIG"
FOLDER = "AIMS_FOLDER"
HOME = "AIMS_HOME"
SIGNING_KEY = "AIMS_SIGNING_KEY"
LOG_KEY = "AIMS_LOG_KEY"
ROOT_KEY = "AIMS_ROOT_KEY"
POLICY = "AIMS_POLICY"
KEYRING_ROOT = "AIMS_KEYRING_ROOT"
LEDGER_URI = "AIMS_LEDGER_URI"
LEDGER_ORIGIN = "AIMS_LEDGER_ORIGIN"
ANCHORS = "AIMS_ANCHORS"
WAIT_SECONDS = "AIMS_WAIT_SECONDS"
REGISTRY_URI = "MLFLOW_REGISTRY_URI"
MLFLOW_RUN_ID = "MLFLOW_RUN_ID"  # the run that MLflow's next start_run() resumes


@dataclass(frozen=True)
class Setting:
    """One environment variable: who sets it, what it means, and what holds without it."""

    name: str
    set_by: Literal[
        "data scientist", "platform team", "everyone", "whoever signs", "platform team, verifiers, approvers"
    ]
    meaning: str
    default: str


VERIFIERS: Literal["platform team, verifiers, approvers"] = "platform team, verifiers, approvers"
SETTINGS = (
    Setting(CONFIG, "data scientist", "Path of aims.yaml, or of its folder.", "found upwards from the script"),
    Setting(SIGNING_KEY, "whoever signs", "Address of the key that signs records: file:, env:, or a key service.",
            "$AIMS_HOME/keys/signing.pem, made on first use where the home lasts"),
    Setting(FOLDER, "everyone", "The management folder: the documents that people write.",
            "`aims/`, found upwards from the working directory"),
    Setting(HOME, "everyone", "Folder for keys and the default policy; naming it declares that it lasts.", "~/.aims"),
    Setting(POLICY, VERIFIERS, "The server's policy folder: policy.yaml and keyring.yaml.",
            "`$AIMS_HOME/policy`, created by `aims gate init`, or by the server at its start with no trainers"),
    Setting(KEYRING_ROOT, VERIFIERS,
            "Key ids of the roots of which one must have signed the keyring, with commas or spaces between.",
            "the root of the keyring in force"),
    Setting(ROOT_KEY, "platform team", "Address of the root key that signs the keyring.", "$AIMS_HOME/keys/root.pem"),
    Setting(LOG_KEY, "platform team", "Address of the key that signs decisions and checkpoints; shared by all workers.",
            "$AIMS_HOME/keys/log.pem, made on first use where the home lasts"),
    Setting(LEDGER_URI, VERIFIERS, "Database of the ledger.",
            "beside the registry's SQLite file, else a schema `aims` in its database"),
    Setting(LEDGER_ORIGIN, "platform team",
            "Name of the log in its checkpoints, such as `ai.example.org/aims`; never change it later.",
            "that of the checkpoints so far, else a name that is made up once"),
    Setting(ANCHORS, "platform team",
            "Anchors, with spaces between: `file:///PATH`, `s3://BUCKET/PREFIX?retain_days=N`, `tsa:https://...`.",
            "none: only the database vouches for the ledger"),
    Setting(WAIT_SECONDS, "platform team",
            "Longest wait of the gate for a connection or a lock of a database, in seconds; twice as long for a whole "
            "statement, another change of the same model, and the artifact store. Clients of MLflow wait 120 s.", "30"),
)  # fmt: skip


def working_folder() -> Path:
    """Return the working directory; a relative path where somebody has deleted it: nothing is found in it then."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


def password_variable(key_variable: str) -> str:
    """Return the name of the variable that holds the password (or PIN) of the key that `key_variable` names."""
    return f"{key_variable}_PASSWORD"


def password_of(key_variable: str) -> str | None:
    """Return the password of the key that `key_variable` names; None where none is set."""
    return value_of(password_variable(key_variable))


def value_of(name: str) -> str | None:
    """Return an environment variable; None where it is not set, or empty."""
    return os.environ.get(name) or None


def home() -> Path:
    """Return the folder for keys and the default policy: `AIMS_HOME`, else `~/.aims`."""
    return Path(value_of(HOME) or Path.home() / ".aims").expanduser()


def policy_folder() -> Path:
    """Return the server's policy folder: `AIMS_POLICY`, else `$AIMS_HOME/policy`."""
    named = value_of(POLICY)
    return Path(named).expanduser() if named else home() / "policy"


def config_path() -> Path | None:
    """Return the path that `AIMS_CONFIG` names; None where it is not set."""
    named = value_of(CONFIG)
    return Path(named).expanduser() if named else None


def management_folder() -> Path | None:
    """Return the folder that `AIMS_FOLDER` names; None where it is not set."""
    named = value_of(FOLDER)
    return Path(named).expanduser() if named else None


def keyring_roots() -> tuple[str, ...]:
    """Return the key ids of the pinned roots; empty where none is pinned."""
    return tuple((value_of(KEYRING_ROOT) or "").replace(",", " ").split())


def anchor_addresses() -> tuple[str, ...]:
    """Return the addresses that `AIMS_ANCHORS` names."""
    return tuple((value_of(ANCHORS) or "").split())


def wait_seconds() -> float:
    """Return the longest wait of the gate for a database, in seconds: `AIMS_WAIT_SECONDS`, else 30.

    Raises:
        ConfigError: it is no number between 0.1 and 3,600.
    """
    text = value_of(WAIT_SECONDS) or "30"
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 3600:
        raise ConfigError(f"{WAIT_SECONDS} is {text!r}, and no number of seconds from 0.1 to 3600")
    return seconds


def signing_key_path() -> Path:
    """Return where the signing key lies that no setting names."""
    return home() / "keys" / "signing.pem"


def root_key_path() -> Path:
    """Return where the root key lies that no setting names."""
    return home() / "keys" / "root.pem"


def log_key_path() -> Path:
    """Return where the log key lies that no setting names."""
    return home() / "keys" / "log.pem"


def is_set(name: str) -> bool:
    """Tell whether an environment variable is set, be it to nothing."""
    return name in os.environ


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while, and put the old ones back."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def child_environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that is started: this one's, with `values` set."""
    return {**os.environ, **values}


def set_default(name: str, value: str) -> None:
    """Set an environment variable that a library reads, unless someone has set it."""
    os.environ.setdefault(name, value)
