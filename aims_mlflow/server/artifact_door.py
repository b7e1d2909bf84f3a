"""The artifact door: the server changes no file of a registered version, and no sealed evidence.

MLflow's artifact proxy writes and deletes with the server's own credentials for whoever may edit an experiment. So the
server asks the registry before each write: files of a version that is registered stay as they are, and so do the
session files of its run. New sessions may be added, since they are evidence too: whole ones that known keys signed,
because any other would speak against the version for good.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.server.failing_closed import closed, denied
from aims_mlflow.server.stored_evidence import MODEL_ID, RUN_ID
from aims_mlflow.settings import value_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.gates.rules_in_force import RulesInForce
    from aims_mlflow.server.stored_rows import RegistryRows

SESSIONS = f"artifacts/{SESSION_DIR}"
# For how long an upload link may work that the store signs: it goes on after a registration, and past the server. The
# time is MLflow's own where none is asked for; MLflow signs any that is.
LONGEST_LINK_SECONDS = 900
_AZURE = re.compile(r"^(?:wasbs?|abfss?)://(?P<container>[^@/]+)@[^/]+/*(?P<path>.*)$", re.IGNORECASE)
PROXIED_ROOT = "_MLFLOW_SERVER_ARTIFACT_DESTINATION"
_PROXIED = re.compile(r"^(?:mlflow-artifacts:/+|https?://.+/mlflow-artifacts/artifacts/)", re.IGNORECASE)


@dataclass(frozen=True)
class Write:
    """A change of one place below an artifact root: a file that is written, or all below a folder that is deleted.

    `deletes`: whether files below the place may be lost, which `is_deletion` means and a folder that is written can do.

    `root` is the address that the repository was opened by, `path` is below it, and `place` is what that leads to.
    `overwrites_later`: whether links for parts write the whole file, which those of Azure do, and not those of S3.
    `link_seconds`: for how long a link is to work by which the client writes the file itself; 0 where there is none.
    `content` returns the bytes that are written, None where the call does not have them; `stored` those that are there.
    `asks_again`: whether the door is asked once more when the bytes of a stream are known.
    """

    root: str
    path: str
    place: str
    deletes: bool
    exists: Callable[[], bool]
    is_deletion: bool = False
    link_seconds: int = 0
    overwrites_later: bool = False
    content: Callable[[int], bytes | None] = lambda _: None
    stored: Callable[[int], bytes] = lambda _: b""
    asks_again: bool = False


class ArtifactDoor:
    """Refuses changes of what a registry relies on."""

    def __init__(self, rows: RegistryRows, force: Callable[[], RulesInForce]) -> None:
        """`force` returns the rules in force: their keyring has the keys that are known."""
        self._rows = rows
        self._force = force

    def pass_through(self, write: Write) -> None:
        """Let a change of artifacts pass, or refuse it.

        Raises:
            MlflowException: a registered version relies on these files, the link would work for too long, or the
                registry does not answer.
        """
        with closed("The change of artifacts"):
            if write.overwrites_later:
                raise denied(
                    "The upload in parts refused: its links would overwrite the whole file for an hour, after a "
                    "registration too. Next: set MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD=false where you log"
                )
            if write.is_deletion and not _is_an_artifact(write):
                raise denied("The deletion refused: it is outside of the artifact store. Next: name artifacts of a run")
            if write.link_seconds > LONGEST_LINK_SECONDS:
                raise denied(
                    f"The upload link refused: it would work for {write.link_seconds:,} s, after a registration too. "
                    f"Next: ask for {LONGEST_LINK_SECONDS} s at most"
                )
            if self._is_relied_on(write):
                raise denied(
                    "The change of artifacts refused: a registered version relies on these files. "
                    "Next: log a new model and register that; files of a deleted version are free"
                )

    def _is_relied_on(self, write: Write) -> bool:
        proxied, at = value_of(PROXIED_ROOT) or write.root, write.place
        of_path = [*MODEL_ID.findall(write.path), *RUN_ID.findall(write.path)]
        if write.is_deletion and write.path and not of_path and not _names_one(write.root):
            # Which runs lie below is the tracking store's knowledge, and MLflow deletes run by run.
            return bool(self._rows.relied_on([]))
        for location, run_id in self._rows.relied_on([*MODEL_ID.findall(at), *RUN_ID.findall(at)]):
            if _meet(absolute(location, proxied), at, deletes=write.deletes):
                return True
            _, in_run, rest = f"{at}/".partition(f"/{run_id}/")
            if run_id and in_run and self._meets_sessions(write, rest.rstrip("/")):
                return True
        return False

    def _meets_sessions(self, write: Write, in_run: str) -> bool:
        """Return whether a write changes a session of a run, or puts a folder where only sessions are.

        Raises:
            MlflowException: it adds a file that is no whole session, or that no known key signed.
        """
        if write.deletes:
            return _meet(SESSIONS, in_run, deletes=True)
        _, sessions, name = in_run.partition(f"{SESSIONS}/")
        if not sessions or ("/" not in name and write.asks_again):
            return False
        if "/" in name:
            return True
        force = self._force()
        most = force.policy.policy.caps.max_session_bytes
        content = write.content(most)
        if write.exists():
            return content is None or len(content) > most or write.stored(most) != content
        if content is not None and name.endswith(".jsonl") and not _is_whole(content, force):
            raise denied(
                "The change of artifacts refused: a registered version relies on this run's evidence, and only whole "
                "sessions that known keys signed are added to it. Next: `aims keys add`, or evaluate in a new run"
            )
        return False


def _is_whole(content: bytes, force: RulesInForce) -> bool:
    """Return whether a session verifies to its manifest, by keys of the keyring in whatever role."""
    most = force.policy.policy.caps.max_records
    return check_session(content, SESSION_DIR, force.keyring.find, force.any_role, most, timeless=True).sound


def _meet(place: str, path: str, *, deletes: bool) -> bool:
    """Return whether a write at `path` changes what lies at or below `place`; a deletion takes all below it."""
    return f"{path}/".startswith(f"{place}/") or (deletes and (not path or f"{place}/".startswith(f"{path}/")))


def _is_an_artifact(write: Write) -> bool:
    """Return whether what is deleted is in the server's own store, or of a run, a model or a trace elsewhere.

    MLflow deletes the archive of a trace where the trace's tags say that it is, which its client wrote.
    """
    proxied = value_of(PROXIED_ROOT)
    below = bool(proxied) and f"{write.place}/".startswith(f"{absolute(str(proxied))}/")
    return below or not write.place.startswith("/") or _names_one(write.place) or "/traces/tr-" in write.place


def _names_one(root: str) -> bool:
    return bool(MODEL_ID.search(root) or RUN_ID.search(root))


def absolute(uri: str, proxied: str = "") -> str:
    """Return the place that an address names: one place has several, such as by the proxy, with `%2D`, over a link.

    Whoever makes an experiment names its place, and the server writes there for its runs. What follows the address of
    the proxy is a path, in which nothing is encoded; `proxied` is the place that it serves.
    """
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import get_uri_scheme

    if by_proxy := _PROXIED.match(uri):
        root, path = absolute(proxied), uri[by_proxy.end() :].strip("/")
        return os.path.realpath(posixpath.join(root, path)) if root.startswith("/") else f"{root}/{path}"
    if get_uri_scheme(uri) in ("", "file"):
        return os.path.realpath(str(local_file_uri_to_path(uri)))
    if in_azure := _AZURE.match(uri):  # with a connection string, the account of the address has no effect
        return f"azure:{in_azure['container']}/{in_azure['path']}".rstrip("/")
    scheme, mark, rest = uri.partition("://")  # stores know their schemes in any case
    return (f"{scheme.lower()}{mark}{rest}" if mark else uri).rstrip("/")
