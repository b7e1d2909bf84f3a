"""MLflow's addresses: whether a server answers there, or a database is there, before MLflow itself is asked."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aims_mlflow.errors import AimsError, ConfigError, PolicyRefused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS = 5.0
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
# What to do next where MLflow does not answer, where it has nothing of that name, and where a login may not do it.
REACH = "check MLFLOW_TRACKING_URI, and that its artifact store can be read and written from here"
NAME_IT = "check the name, and that MLFLOW_TRACKING_URI names the server that has it"
ASK_FOR_IT = "ask whoever grants MLflow's permissions there for the one that this needs"
DENIED = "PERMISSION_DENIED"
# The gate's answers say what to do next, or what is unchanged; MLflow's own "Permission denied" does neither.
GATE_SAYS = re.compile(r"\s+(?:Next|Unchanged): ")
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # MLflow answered: it has nothing of that name


def is_of_gate(error: BaseException) -> bool:
    """Return whether an exception is a gate's answer 403, and not one of MLflow's permissions or of a proxy."""
    return getattr(error, "error_code", None) == DENIED and bool(GATE_SAYS.search(str(error)))


def denied(what: str, said: str, where: str) -> AimsError:
    """Return the error for an answer 403 to `what`: a gate's refusal says what to do next, MLflow's own does not."""
    reason, _, advice = said.removeprefix(f"{DENIED}: ").partition(" Next: ")
    if advice and "incident" not in advice:
        return PolicyRefused(reason, where=where, next=advice)
    return Unreachable(f"MLflow could not {what}: {reason}", where=where, next=advice or ASK_FOR_IT)


def plain_uri(uri: str) -> str:
    """Return a URI without its password."""
    parts = urlsplit(uri)
    return uri.replace(parts.netloc, parts.hostname or "", 1) if parts.password else uri


@contextlib.contextmanager
def known_kind(uri: str, registry: Any) -> Iterator[None]:
    """Say in one sentence that MLflow has no store for the kind of an address; `registry` is mlflow.tracking.registry.

    Raises:
        ConfigError: MLflow said so inside the block.
    """
    try:
        yield
    except registry.UnsupportedModelRegistryStoreURIException:
        fix = "set MLFLOW_TRACKING_URI to a server or database, such as http://HOST:5000 or sqlite:///mlflow.db"
        raise ConfigError("MLflow has no store for addresses of this kind", where=plain_uri(uri), next=fix) from None


def check_answers(uri: str) -> None:
    """Check within seconds that a server or a database server answers; an address of another kind is passed over.

    Raises:
        Unreachable: nothing listens there.
    """
    parts = urlsplit(uri)
    kind = parts.scheme.partition("+")[0]
    if kind not in PORTS or not parts.hostname:
        return
    port = parts.port or PORTS[kind]
    try:
        socket.create_connection((parts.hostname, port), CONNECT_SECONDS).close()
    except OSError as exc:
        raise Unreachable(
            f"no {'MLflow' if kind.startswith('http') else kind} server answers ({exc.strerror or 'no answer'})",
            where=plain_uri(uri),
            next="start it, or correct the address; a server that was just started takes a while to answer",
        ) from None


def check_file(uri: str) -> None:
    """Check that the file of a SQLite address exists; an address of another kind is passed over.

    Raises:
        Unreachable: it does not.
    """
    scheme, _, rest = uri.partition("://")
    file = rest.removeprefix("/").partition("?")[0]
    if "sqlite" in scheme and file not in ("", ":memory:") and not Path(file).exists():
        raise Unreachable(
            "there is no MLflow database, so nothing to read",
            where=plain_uri(uri),
            next="set MLFLOW_TRACKING_URI to the server or database that the training used, or change to its folder",
        )


def without_page(reason: str) -> str:
    """Return MLflow's reason; where it quotes a web page, which no API of MLflow 3 answers, what that means."""
    if any(mark in reason.lower() for mark in ("<!doctype", "<html")):
        return "the server answers with a web page: it is no MLflow server of release 3, or a proxy stands before it"
    return reason
