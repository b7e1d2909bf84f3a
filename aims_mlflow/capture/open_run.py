"""Start of a training: finds aims.yaml, the key and the MLflow run, and opens the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlflow

from aims_mlflow.adapters.models import logged_ids
from aims_mlflow.capture.active_run import Surroundings, end, remove, waiting_run
from aims_mlflow.capture.console import say, say_once
from aims_mlflow.capture.recorder import Recorder
from aims_mlflow.capture.setup import load_setup
from aims_mlflow.capture.sweep import setup_of_sweep, trial_in
from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.evidence import registered_models, tracking
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.records.evidence import MlflowIds
from aims_mlflow.settings import working_folder
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import ephemeral_key, who

if TYPE_CHECKING:
    from aims_mlflow.capture.plan import TrainingPlan
    from aims_mlflow.capture.setup import Setup
    from aims_mlflow.capture.sweep import Selection, Trial
    from aims_mlflow.signing.keys import SigningKey


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """The MLflow run of a training, and what its evidence is made with.

    Attributes:
        ids: Run and experiment.
        setup: aims.yaml and pack.
        key: The key that signs the records.
        before: Server, experiment and last run of MLflow when the session began.
        server: The tracking server that has the run.
        trial: The trial of a sweep that the run is; None for a run without a parent.
        models_before: Ids of the models in the run that are not the session's.
        models_elsewhere: Ids of the session's models, whichever run they were logged in.
        copies: Ids of further runs in which the function logged models: the evidence goes there too.
        skipped_models: Number of models in child runs of the function, which are its trials and are not evaluated.
        started_here: Whether the session started the run, and has to end it.
        waits: Whether the run waits beside MLflow until the function has ended.
        left: Id and server of the waiting run that turned out not to be needed.
        selection: How the run was chosen among the trials of a sweep.
    """

    ids: MlflowIds
    setup: Setup
    key: SigningKey
    before: Surroundings
    server: str
    trial: Trial | None = None
    models_before: frozenset[str] = frozenset()
    models_elsewhere: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    skipped_models: int = 0
    started_here: bool
    waits: bool = False
    left: tuple[str, str] | None = None
    selection: Selection | None = None

    @property
    def run_id(self) -> str:
        """The id of the MLflow run."""
        return str(self.ids.run_id)

    def abandon(self) -> None:
        """Remove the run that waits, or end the one that the session started: no evidence is recorded."""
        if self.started_here and self.waits:
            remove(self.run_id, self.server)
        elif self.started_here:
            end(self.run_id, "FINISHED")

    def end(self, status: str) -> None:
        """End the run, where the session started it, and remove a waiting run that was not needed."""
        if self.started_here:
            end(self.run_id, status)
        if self.left is not None:
            remove(*self.left)


def start(plan: TrainingPlan) -> OpenRun:
    """Find aims.yaml, the key and the run of a training; starts a run where none is active.

    Raises:
        ConfigError, KeyUnavailable, Unreachable: one of them is not there.
    """
    tracking.check_server()
    if not working_folder().is_absolute():
        say_once("the working directory was deleted, and MLflow logs no model then: start from a folder that exists")
    setup = setup_of_sweep(mlflow.active_run(), plan.config) or load_setup(plan.config, plan.function, plan.system)
    key = _key(plan)
    with tracking.reaching("start a run"):
        before = Surroundings.now()
        run, started_here, waits = _run(plan)
        try:
            trial = trial_in(run) if plan.run_id is None and not plan.register else None
            models_count = plan.run_id is None and trial is None and not (waits and started_here)
            models_before = frozenset(logged_ids(run.info.run_id)) if models_count else frozenset()
        except Exception:
            if started_here:
                end(run.info.run_id, "FAILED")
            raise
    return OpenRun(
        ids=MlflowIds(run_id=run.info.run_id, experiment_id=run.info.experiment_id),
        setup=setup,
        key=key,
        before=before,
        server=before.server,
        trial=trial,
        models_before=models_before,
        started_here=started_here,
        waits=waits,
    )


def open_session(run: OpenRun) -> Recorder:
    """Open the session of a run; returns its recorder."""
    gate = {} if run.trial is not None else registered_models.known_gate()
    writer = SessionWriter(
        run.key,
        who(),
        system=run.setup.config.system.id,
        mlflow=run.ids,
        pack_digest=run.setup.pack_digest,
        policy_digest=gate.get("policy_digest"),
        checkpoint=gate.get("checkpoint"),
    )
    return Recorder(writer, run.ids)


def _key(plan: TrainingPlan) -> SigningKey:
    """Return the account's key; with mode="observe" and without one, a key that no registry trusts."""
    try:
        return signing_key(say)
    except KeyUnavailable as exc:
        if plan.mode == "enforce":
            raise
        say_once(f"{exc.sentence()} Until then, records are signed with a key that no registry will trust.")
        return ephemeral_key()


def _run(plan: TrainingPlan) -> tuple[Any, bool, bool]:
    """Return the session's run, whether it was started here, and whether it waits beside MLflow."""
    active = mlflow.active_run()
    if plan.run_id is not None:
        return mlflow.get_run(plan.run_id), False, False
    if active is not None:
        return active, False, False
    if plan.function is not None:
        return *waiting_run(plan.system), True
    return mlflow.start_run(run_name=plan.system), True, False
