"""Failing closed: every failure inside the gate refuses the change, as HTTP 403 with an id to find in the log.

An uncaught exception would be a 500, which clients retry for seconds.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from sqlalchemy.exc import OperationalError

from aims_mlflow.errors import AimsError, Refusal
from aims_mlflow.records.base import uuid7
from aims_mlflow.server import counters, gate_log
from aims_mlflow.server.model_bytes import HashInProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

# What MLflow itself says of a thing that is not there, or of a name that is not valid, passes as it is.
PASSING = ("PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE")


# What a change that was refused before it began left as it was.
UNCHANGED = {
    "Registration": "no version was made",
    "Deployment": "the alias or stage is where it was",
    "Deletion": "nothing was deleted",
    "Renaming": "the model keeps its name",
}
COULD_NOT = "refused: the gate could not decide"


def denied(text: str, *, is_logged: bool = False) -> MlflowException:
    """Return the error that a client sees as HTTP 403; count it, and log it unless that was done."""
    counters.refusal()
    if not is_logged:
        gate_log.refused(text)
    return MlflowException(text, error_code=PERMISSION_DENIED)


@contextlib.contextmanager
def closed(what: str, outcome: str = COULD_NOT) -> Iterator[None]:
    """Turn every failure inside the block into a refusal of `what` that names the incident in the log.

    Raises:
        MlflowException: something went wrong; MLflow's own answers (`PASSING`) are raised as they are.
    """
    try:
        yield
    except MlflowException as exc:
        if exc.error_code in PASSING:
            raise
        raise incident(what, outcome + _which(exc), exc) from exc
    except (Refusal, HashInProgress) as exc:
        why = exc.sentence().rstrip(".")
        raise denied(f"{what} refused: {why}{_unchanged(what)}") from exc
    except AimsError as exc:  # not the gate's no, but a failure of what it depends on
        raise incident(what, f"{outcome}: {exc.what}", exc) from exc
    except Exception as exc:
        raise incident(what, outcome + _which(exc), exc) from exc


def _which(exc: Exception) -> str:
    """Return what failed, where an error tells it: the ledger's are our own errors, so this is MLflow's database."""
    away = isinstance(exc, OperationalError)
    away = away or (isinstance(exc, MlflowException) and exc.error_code == "TEMPORARILY_UNAVAILABLE")
    return ": MLflow's database could not be read" if away else ""


def incident(what: str, outcome: str, exc: Exception) -> MlflowException:
    """Return the refusal for a failure inside the gate, which is logged and counted."""
    left = _unchanged(what) if outcome.startswith(COULD_NOT) else ""
    return denied(f"{what} {outcome}. Next: {reported(what, exc)}{left}", is_logged=True)


def _unchanged(what: str) -> str:
    return f". Unchanged: {UNCHANGED[what]}" if what in UNCHANGED else ""


def reported(what: str, exc: Exception) -> str:
    """Log and count a failure inside the gate; return the place of its log entry for the platform team."""
    counters.error(type(exc).__name__)
    number = gate_log.failed(uuid7(), what, exc)
    return f"the platform team finds incident {number} in the server's log"
