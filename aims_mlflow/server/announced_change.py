"""What every gated method of the registry shares: who asks, the lock, announcing and sealing, and failing closed.

Every failure inside becomes a 403: an uncaught exception would be a 500, which clients retry for seconds.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from aims_mlflow.errors import AimsError
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.recovery import finish_open_change, outcome_fields, superseded
from aims_mlflow.records.base import uuid7
from aims_mlflow.registry.lookups import RegistryLookups
from aims_mlflow.registry.names import RESERVED, is_reserved
from aims_mlflow.server import counters
from aims_mlflow.server.stored_evidence import active_workspace, has_logins
from aims_mlflow.server.stored_rows import made_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.server.gate import Gate

# What MLflow itself says of a thing that is not there, or of a name that is not valid, passes as it is.
PASSING = ("PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_log = logging.getLogger(__name__)


def denied(text: str) -> MlflowException:
    """Return the error that a client sees as HTTP 403, and count it."""
    counters.refusal()
    return MlflowException(text, error_code=PERMISSION_DENIED)


@contextlib.contextmanager
def closed(what: str, outcome: str = "refused: the gate could not decide") -> Iterator[None]:
    """Fail closed: whatever goes wrong in the gate itself refuses, and says where the log has more."""
    try:
        yield
    except MlflowException as exc:
        if exc.error_code in PASSING:
            raise
        raise _incident(what, outcome, exc) from exc
    except AimsError as exc:
        if exc.exit_status != 1:  # not the gate's no, but a failure of what it stands on
            raise _incident(what, f"{outcome}: {exc.what}", exc) from exc
        raise denied(f"{what} refused: {exc.sentence()}") from exc
    except Exception as exc:
        raise _incident(what, outcome, exc) from exc


def _incident(what: str, outcome: str, exc: Exception) -> MlflowException:
    return denied(f"{what} {outcome}. Next: {reported(what, exc)}")


def reported(what: str, exc: Exception) -> str:
    """Log and count a failure inside the gate; returns where the platform team finds it."""
    incident = uuid7()
    counters.error(type(exc).__name__)
    _log.error("aims: incident %s during %s", incident, what, exc_info=exc)
    return f"the platform team finds incident {incident} in the server's log"


def caller() -> tuple[dict[str, str], str | None]:
    """Return (who asks, as far as the request tells; the login).

    The login is None where the server has no logins, and "" where it has some and does not tell which one asks.
    """
    import flask

    asked = flask.has_request_context()
    login = (flask.g.get("mlflow_authenticated_user") if asked else None) or ("" if has_logins() else None)
    return {"login": login or "", "address": flask.request.remote_addr or ""} if asked else {}, login


def refuse_reserved(what: str, names: list[str]) -> None:
    """Refuse names that begin with `aims.`, whatever their case.

    Raises:
        MlflowException: one does.
    """
    with closed(what):
        for name in names:
            if is_reserved(name):
                raise denied(
                    f"{what} refused: {name!r} begins with {RESERVED!r}, which only the gate itself writes. "
                    "Next: choose another name"
                )


class Doors:
    """The last class before MLflow's own store: `super()` of it is the plain registry."""

    gate: Gate

    @property
    def plain(self) -> Any:
        """The plain registry, without any gate."""
        return super()

    @property
    def workspace(self) -> str | None:
        """The workspace of this request; None for the default one, and where the server has none.

        MLflow puts what was there before into the default workspace when workspaces are turned on: it keeps its past.
        """
        with closed("The change"):
            return active_workspace() if self.plain.supports_workspaces else None

    @contextlib.contextmanager
    def held(self, what: str, *names: str, seconds: float | None = None) -> Iterator[ModelHistory]:
        """Hold the locks of ledger names, one change at a time, and first close what a dead server left open.

        Yields the past of the first of them.
        """
        pasts = {}
        with contextlib.ExitStack() as locks:
            with closed(what):
                self.gate.require_ledger()
                for name in sorted(set(names)):
                    locks.enter_context(self.gate.ledger.lock(name, seconds))
                    pasts[name] = ModelHistory(self.gate.ledger, name)
                    if self._settle(pasts[name], "the next change"):
                        pasts[name] = ModelHistory(self.gate.ledger, name)
            yield pasts[names[0]]

    def _settle(self, past: ModelHistory, by: str) -> bool:
        registry = RegistryLookups(self.plain, functools.partial(made_by, self))
        return finish_open_change(self.gate.ledger, past, registry, by) is not None

    def carry_out(self, what: str, announced: Entry, commit: Callable[[], Any]) -> Any:
        """Commit an announced change to the registry, and seal its outcome and what it superseded.

        A commit that raises may have taken place: the registry is asked, and what it shows is sealed. What MLflow says
        of the request itself passes; a failure of the registry is a refusal too: clients try a 500 again for minutes.
        """
        change = {**announced.public, "type": announced.type, "request": announced.request}
        ledger = self.gate.ledger
        try:
            result = commit()
        except Exception as exc:
            try:
                self._settle(ModelHistory(ledger, str(change["model_name"])), "a failed commit")
            except Exception:  # noqa: BLE001 - what the commit raised is what the client must see
                _log.exception("aims: the outcome of request %s stays open until the next change", announced.request)
            if isinstance(exc, MlflowException) and exc.get_http_status_code() < 500:
                raise
            raise _incident(what, "was allowed, but the registry failed while carrying it out", exc) from exc
        version = str(getattr(result, "version", None) or change.get("version") or "")
        done = Entry("outcome", outcome_fields(change, done=True, version=version), request=announced.request)
        with closed(what, f"was carried out{f' (version {version})' if version else ''}, but could not be sealed"):
            ledger.seal(done, *superseded(change))
        return result
