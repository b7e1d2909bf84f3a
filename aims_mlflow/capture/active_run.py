"""The active MLflow run: a training function that starts a run itself gets the session's run, so that there is one."""

from __future__ import annotations

import ast
import contextlib
import inspect
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import mlflow

from aims_mlflow.capture.console import log, say
from aims_mlflow.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.plan import TrainingPlan

RUN_ID = "MLFLOW_RUN_ID"  # the run that MLflow's next start_run() resumes
ADVICE = {
    "is already active": "start your run around the call of the decorated function, or leave start_run() to it",
    "active experiment ID": "call mlflow.set_experiment() before the decorated function: its run is open by then",
}


def starts_run(function: Callable[..., Any]) -> bool:
    """Tell whether a function's own source calls `start_run` for a run that is neither nested nor resumed."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return False
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    started = [c for c in calls if getattr(c.func, "attr", getattr(c.func, "id", "")) == "start_run"]
    return any(not c.args and not {"nested", "run_id"} & {k.arg for k in c.keywords} for c in started)


@contextlib.contextmanager
def lent(plan: TrainingPlan, run: OpenRun | None) -> Iterator[None]:
    """Let the training function's `start_run()` resume the session's run instead of failing because one is active.

    The run is lent only if the session started it, and only in the main thread: MLflow reads its id from the
    environment.
    """
    lending: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if (
        run is not None
        and run.started_here
        and plan.function is not None
        and threading.current_thread() is threading.main_thread()
        and starts_run(plan.function)
    ):
        lending = environment({RUN_ID: run.run_id})
        mlflow.end_run("RUNNING")  # MLflow lets go of it; the run goes on
    try:
        with lending:
            yield
    except Exception as exc:
        advice = next((a for text, a in ADVICE.items() if text in str(exc)), None)
        if advice:
            exc.add_note(f"aims: {advice}")
            say(advice)
        raise


@contextlib.contextmanager
def at_home(run: OpenRun) -> Iterator[None]:
    """Make the session's run the active one again where the function ended it or left another one open."""
    status = None
    try:
        active = mlflow.active_run()
        if active is None or active.info.run_id != run.run_id:
            status = mlflow.get_run(run.run_id).info.status
            mlflow.start_run(run_id=run.run_id, nested=active is not None)
    except Exception:  # noqa: BLE001 - without its run the evidence is kept here
        log.debug("the run could not be resumed", exc_info=True)
    yield
    if status is not None and not run.started_here:
        end(run.run_id, status)


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
