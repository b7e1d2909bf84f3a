"""MLflow around a decorated function: left to the function as it was; the evidence goes to the run that it used.

The session's own run waits beside MLflow, not active, while the function runs. Afterwards the session joins the run
that the function used; without one, the waiting run is where models and evidence go.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.tracking import fluent
from mlflow.tracking.context.registry import resolve_tags

from aims_mlflow.adapters.models import logged_ids
from aims_mlflow.capture.console import log
from aims_mlflow.capture.state import open_recorder
from aims_mlflow.evidence.tracking import reaching
from aims_mlflow.records.evidence import MlflowIds
from aims_mlflow.settings import MLFLOW_RUN_ID, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.capture.open_run import OpenRun

PARENT = "mlflow.parentRunId"
SESSION = "aims.session"
SOURCE = "mlflow.source.name"
EXTERNAL = "mlflow.model.isExternal"  # of a model that has no files in MLflow
MAX_RUNS = 100  # runs and models of one session that are looked for


@dataclass(frozen=True)
class Surroundings:
    """Where MLflow's calls go in this thread: server, experiment, and the run that is active or was last; and when."""

    server: str
    experiment_id: str
    run_id: str | None
    milliseconds: int

    @classmethod
    def now(cls) -> Surroundings:
        """Return the surroundings as they are; asks a server only for the id of a named experiment."""
        active = mlflow.active_run()
        run_id = active.info.run_id if active is not None else fluent._last_active_run_id.get()
        now = time.time_ns() // 1_000_000
        return cls(mlflow.get_tracking_uri(), str(fluent._get_experiment_id()), run_id, now)


def waiting_run(name: str | None) -> tuple[Any, bool]:
    """Make a run that waits beside MLflow; returns it, and whether it was made here.

    Where `mlflow run` has named a run for its process, it is that one.
    """
    client, named = mlflow.MlflowClient(), value_of(MLFLOW_RUN_ID)
    if named is not None:
        return client.get_run(named), False
    tags = resolve_tags()
    if open_recorder() is None:  # another thread's session, which MLflow's hook takes for that of this one
        tags.pop(SESSION, None)
    return client.create_run(Surroundings.now().experiment_id, run_name=name, tags=tags), True


def joined(run: OpenRun, session_id: str, name: str | None) -> OpenRun:
    """Return the session's run after the function: the run that the function used, else the session's own.

    Models that the function logged outside any run are made outputs of the session's run.

    Raises:
        Unreachable: MLflow does not answer.
    """
    now = Surroundings.now()
    if not run.waits and now.server != run.before.server:
        return run  # an active run of another server stays the session's
    with reaching("find the runs of the training"):
        client = mlflow.MlflowClient()
        resumed = client.get_run(now.run_id) if now.run_id and now.run_id != run.before.run_id else None
        resumed = None if resumed is not None and _is_of_another_task(resumed, run.before, session_id) else resumed
        places = {str(place) for place in (run.ids.experiment_id, now.experiment_id) if now.server == run.before.server}
        places |= {now.experiment_id, *([resumed.info.experiment_id] if resumed is not None else [])}
        mine = f"tags.`{SESSION}` = '{session_id}'"
        found = client.search_runs(sorted(places), mine, max_results=MAX_RUNS)
        made = [each for each in found if each.info.run_id != run.run_id]
        models = [
            model
            for model in client.search_logged_models(sorted(places), mine, max_results=MAX_RUNS)
            if model.status == LoggedModelStatus.READY and EXTERNAL not in model.tags
        ]
        home = _home(run, now, made, [m.source_run_id for m in models], resumed, name)
        return _with_models(home, made, models)


def _is_of_another_task(run: Any, before: Surroundings, session_id: str) -> bool:
    """Tell whether MLflow's last run in this thread was started meanwhile, and not by the session's function.

    Tasks of asyncio share a thread. What the function starts has the session's tag; what it makes with a client has no
    source either.
    """
    is_new = run.info.start_time is not None and run.info.start_time >= before.milliseconds
    return is_new and SOURCE in run.data.tags and run.data.tags.get(SESSION) != session_id


def _home(
    run: OpenRun, now: Surroundings, made: list[Any], sources: list[str | None], resumed: Any, name: str | None
) -> OpenRun:
    """Return the run that the evidence goes to; see `joined`."""
    if not run.waits:
        return run
    own = {r.info.run_id for r in made}
    tops = [r for r in made if r.data.tags.get(PARENT) not in own]  # newest first
    used = next((r for r in tops if r.info.run_id in sources), None) or (tops[0] if tops else resumed)
    if used is None and (now.server, now.experiment_id) == (run.before.server, run.before.experiment_id):
        return run
    started_here = used is None
    if used is None:  # the function turned to another server or experiment, and logged nothing yet
        used, started_here = waiting_run(name)
    before = frozenset() if used.info.run_id in own or started_here else frozenset(logged_ids(used.info.run_id))
    return dataclasses.replace(
        run,
        ids=MlflowIds(run_id=used.info.run_id, experiment_id=used.info.experiment_id),
        server=now.server,
        models_before=before,
        started_here=started_here,
        left=(run.run_id, run.before.server) if run.started_here and used.info.run_id != run.run_id else None,
    )


def _with_models(run: OpenRun, made: list[Any], models: list[Any]) -> OpenRun:
    """Add the models that the session logged elsewhere than in its run; those of child runs are its trials."""
    own = {r.info.run_id for r in made}
    children = {r.info.run_id for r in made if r.data.tags.get(PARENT) in own} - {run.run_id}
    elsewhere, runs = [], set()
    for model in reversed(models):  # oldest first
        if model.source_run_id is None:
            mlflow.MlflowClient().log_outputs(run.run_id, [LoggedModelOutput(model.model_id, 0)])
        if model.source_run_id not in children:
            elsewhere.append(model.model_id)
            runs |= {model.source_run_id} - {None, run.run_id}
    skipped = sum(m.source_run_id in children for m in models)
    return dataclasses.replace(
        run,
        models_before=run.models_before - set(elsewhere),
        models_elsewhere=tuple(elsewhere),
        copies=tuple(sorted(map(str, runs))),
        skipped_models=skipped,
    )


@contextlib.contextmanager
def at_home(run: OpenRun) -> Iterator[None]:
    """Make the session's run the active one for what the session does itself; MLflow is as before afterwards.

    No status, time, experiment or active model of the person's changes, and autologging is off.
    """
    from mlflow.utils.autologging_utils import disable_autologging

    stack, model = fluent._active_run_stack.get(), fluent._get_active_model_context()
    active, pushed = mlflow.active_run(), None
    server = mlflow.get_tracking_uri()
    if server != run.server:
        mlflow.set_tracking_uri(run.server)
    try:
        if active is None or active.info.run_id != run.run_id:
            pushed = mlflow.ActiveRun(mlflow.get_run(run.run_id))
            stack.append(pushed)
        with disable_autologging():
            yield
    finally:
        stack[:] = [each for each in stack if each is not pushed]
        fluent._ACTIVE_MODEL_CONTEXT.set(model)
        if server != run.server:
            mlflow.set_tracking_uri(server)


def remove(run_id: str, server: str) -> None:
    """Delete the run that waited in vain; where this login may not, end it. Never raises."""
    client = mlflow.MlflowClient(server)
    try:
        client.set_terminated(run_id, "FINISHED")
        client.delete_run(run_id)
    except Exception:  # noqa: BLE001 - an empty run is no harm
        log.debug("run %s could not be removed", run_id, exc_info=True)


def end(run_id: str, status: str) -> None:
    """End a run, whichever run is active; never raises."""
    try:
        active = mlflow.active_run()
        if active is not None and active.info.run_id == run_id:
            mlflow.end_run(status)
        else:
            mlflow.MlflowClient().set_terminated(run_id, status)
    except Exception:  # noqa: BLE001 - the run's status is MLflow's matter
        log.warning("the run could not be ended", exc_info=True)
