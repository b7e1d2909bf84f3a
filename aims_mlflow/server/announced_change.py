"""Protocol of a gated change: lock the model, seal the intent, commit, seal the outcome; refuse on any failure."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException

from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.closing import findings_by_change
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.recovery import finish_open_change, outcome_of, superseded
from aims_mlflow.registry.lookups import RegistryLookups
from aims_mlflow.server.failing_closed import closed, incident
from aims_mlflow.server.stored_evidence import active_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.records.leaves.changes import ChangeLeaf
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.plain_store import PlainStore
    from aims_mlflow.server.stored_rows import RegistryRows

_log = logging.getLogger(__name__)


class AnnouncedChanges:
    """Carries out the changes of one registry, one at a time for each model."""

    def __init__(self, plain: PlainStore, rows: RegistryRows, gate: Gate) -> None:
        self._plain = plain
        self._gate = gate
        self._registry = RegistryLookups(plain, rows.made_by)

    @property
    def workspace(self) -> str | None:
        """The workspace of this request; None for the default one, and on a server without workspaces.

        MLflow puts what was there before into the default workspace when workspaces are turned on: it keeps its past.
        """
        with closed("The change"):
            return active_workspace() if self._plain.supports_workspaces else None

    @contextlib.contextmanager
    def locked(
        self, what: str, *names: str, seconds: float | None = None, call: str | None = None
    ) -> Iterator[ModelHistory]:
        """Lock these ledger names, and first finish changes that a dead server left open.

        Yields the history of the first; its `now.called` is the request of the same `call`, if one was made lately.

        Raises:
            MlflowException: the ledger is not this registry's, or a lock is not to be had within `seconds`.
        """
        pasts = {}
        with contextlib.ExitStack() as locks:
            with closed(what):
                self._gate.guard.require()
                for name in sorted(set(names)):
                    locks.enter_context(self._gate.ledger.lock(name, seconds))
                    pasts[name] = ModelHistory(self._gate.ledger, name, call)
                    if self._finish(pasts[name], "the next change"):
                        pasts[name] = ModelHistory(self._gate.ledger, name, call)
            yield pasts[names[0]]

    def _finish(self, past: ModelHistory, by: str) -> bool:
        return finish_open_change(self._gate.ledger, past, self._registry, by) is not None

    def carry_out(self, what: str, past: ModelHistory, change: ChangeLeaf, commit: Callable[[], Any]) -> Any:
        """Commit an announced change; seal its outcome, the superseded versions, the findings that it opens or closes.

        `past` is the model's history from before the change.

        A commit that raises may have taken place: the registry is asked, and what it shows is sealed. What MLflow says
        of the request itself passes; a failure of the registry is a refusal too: clients try a 500 again for minutes.

        Raises:
            MlflowException: the commit failed, or its outcome could not be sealed.
        """
        ledger = self._gate.ledger
        try:
            result = commit()
        except Exception as exc:
            try:
                self._finish(ModelHistory(ledger, change.model_name), "a failed commit")
            except Exception:  # noqa: BLE001 - what the commit raised is what the client must see
                _log.exception("aims: the outcome of request %s stays open until the next change", change.request)
            if isinstance(exc, MlflowException) and exc.get_http_status_code() < 500:
                raise
            raise incident(what, "was allowed, but the registry failed while carrying it out", exc) from exc
        version = str(getattr(result, "version", None) or change.version or "")
        done = Entry(outcome_of(change, done=True, version=version))
        with closed(what, f"was carried out{f' (version {version})' if version else ''}, but could not be sealed"):
            ledger.seal(done, *superseded(change), *findings_by_change(past, change))
        return result
