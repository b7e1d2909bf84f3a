"""The steps of the demo; each number that it prints comes from an evidence record."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
import yaml

from aims_mlflow.demo import model
from aims_mlflow.demo.data import ROWS, acquired, config_of, credit_table
from aims_mlflow.demo.papers import ASKED, WAIVER_DAYS, DemoPapers, waiver_reason
from aims_mlflow.demo.people import Office, quiet, set_up
from aims_mlflow.demo.server import GatedServer
from aims_mlflow.demo.telling import Teller, controls_to_waive, cost_lines, groups_table, guessing_lines, refusal_lines
from aims_mlflow.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pandas as pd

    from aims_mlflow.demo.data import DemoData
    from aims_mlflow.demo.model import RowWeights
    from aims_mlflow.demo.people import RunCommand

SEED = 42001
AS_MADE = (
    "the table is made up with the columns that the demo needs and used as it is: nothing was looked for or left out"
)
PREPARED = "columns that name a row, give the answer away or hold nothing teach a model nothing it may use"
SYSTEM = "demo-screening"


class Story:
    """One demo from an empty folder to a model in use."""

    def __init__(self, data: DemoData, folder: Path, run: RunCommand, *, serve: bool) -> None:
        """`run` runs one `aims` command and returns what it printed."""
        self.data = data
        self.office, self.run_command = Office(folder), run
        self.serve = serve
        self.tell = Teller()
        self.work = folder / "work"

    def run(self) -> None:
        """Run all steps; stop the server at the end, and after an error."""
        started = time.monotonic()
        self._introduce()
        with self.tell.step("A platform team makes a policy and trusts three keys"):
            typed = set_up(self.office, self.run_command, "standard")
        self.tell.lines([f"$ {line}" for line in typed], dim=True)
        server = GatedServer(self.office.folder / "server", self.office.environment())
        with self.tell.step("It starts an MLflow server with one more option"):
            server.__enter__()
        try:
            self.tell.lines(["$ mlflow server --registry-store-uri aims+sqlite:///mlflow.db ..."], dim=True)
            scientist = {
                "MLFLOW_TRACKING_URI": server.url,
                "AIMS_HOME": str(self.office.folder / "ana"),
                "AIMS_SIGNING_KEY": f"file:{self.office.scientist}",
                "AIMS_CONFIG": str(self._write_config()),
                "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            }
            with environment(scientist):
                import mlflow

                mlflow.set_tracking_uri(server.url)
                self._train_and_deploy(server, started)
            if self.serve:
                click.echo(f"\nThe server stays up at {server.url}; Ctrl-C stops it.")
                server.serve()
        finally:
            server.stop()

    def _introduce(self) -> None:
        click.secho("aims demo: a model on its way to production, with evidence", bold=True)
        self.tell.lines([f"data: {self.data.name}: {self.data.notes[0]}", *self.data.notes[1:]])
        compared = ", ".join(self.data.sensitive)
        self.tell.lines([f"predicts {self.data.target} = {self.data.favourable!r}; compared by {compared}"])

    def _write_config(self) -> Path:
        self.work.mkdir(parents=True, exist_ok=True)
        path = self.work / "aims.yaml"
        config = config_of(self.data, SYSTEM)
        path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path

    # -- the two models ---------------------------------------------------------------------

    def _train_and_deploy(self, server: GatedServer, started: float) -> None:
        with self.tell.step("A data scientist trains with @aims.trains"), quiet():
            parts = self._load()
            plain = self._train(parts)
        refused = self._register(plain["uri"])
        self.tell.head("She registers the model like any other: mlflow.register_model(...)")
        if refused is None:
            self.tell.good("allowed: every condition of the policy holds")
        else:
            self.tell.bad(refusal_lines(refused))
        self.tell.head("By group, on held-out data (from the signed evidence)")
        self.tell.lines(groups_table(plain["fairness"], self.data))
        if refused is None:
            chosen, version = plain, self._last_version()
        else:
            chosen, version = self._mitigate(parts, plain)
        self._deploy(version, chosen)
        self._close(server, chosen, started)

    def _load(self) -> dict[str, pd.DataFrame]:
        """Acquire, prepare and split, with the decorators that a data scientist uses."""
        from sklearn.model_selection import train_test_split

        import aims_mlflow as aims

        data = self.data

        @aims.acquires(data.name)
        def load(path: Path) -> pd.DataFrame:
            return acquired(path, data.reading)[0]

        @aims.acquires(data.name)
        def make(rows: int, seed: int) -> pd.DataFrame:
            return credit_table(rows, seed)

        @aims.prepares(why="; ".join((PREPARED if data.file is not None else AS_MADE, *data.notes[1:])))
        def prepare(frame: pd.DataFrame) -> pd.DataFrame:
            return data.prepared(frame)

        frame = prepare(load(data.file) if data.file is not None else make(ROWS, SEED))
        rest, test = train_test_split(frame, test_size=0.3, random_state=SEED, stratify=frame[data.target])
        train, validation = train_test_split(rest, test_size=0.25, random_state=SEED, stratify=rest[data.target])
        return {"train": train, "validation": validation, "test": test}

    def _train(self, parts: dict[str, pd.DataFrame], found: RowWeights | None = None) -> dict[str, Any]:
        """Train under `@aims.trains`; returns run, model and the evidence that it left.

        How weights were found is a setting of the training: the models tried, the choice, and the seed.
        """
        import mlflow

        import aims_mlflow as aims

        @aims.trains(SYSTEM)
        def train(  # aims.trains reads the arguments that the function itself does not use
            train: pd.DataFrame,
            validation: pd.DataFrame,  # noqa: ARG001
            test: pd.DataFrame,  # noqa: ARG001
            mitigation: dict[str, Any],  # noqa: ARG001
            seed: int,  # noqa: ARG001
        ) -> Any:
            return model.fit(self.data, train, found.weights if found is not None else None)

        with mlflow.start_run(run_name="plain" if found is None else "reweighed") as run:
            train(**parts, mitigation={"method": "none"} if found is None else found.settings(), seed=model.SEED)
        return self._evidence(run.info.run_id)

    def _evidence(self, run_id: str) -> dict[str, Any]:
        from aims_mlflow.evidence import tracking
        from aims_mlflow.evidence.statement import read
        from aims_mlflow.records.details import read_details
        from aims_mlflow.records.details.training import ProvenanceDetails

        found: dict[str, Any] = {"records": []}
        for name, content in tracking.session_files(run_id).items():
            for line in content.splitlines():
                record = read(line, name).whole()
                if record.evidence.mlflow.run_id == run_id:
                    found[record.evidence.kind] = record
                    found["records"].append(record)
        trained = read_details(found["training-provenance"].evidence, ProvenanceDetails)
        model = (trained.models or [])[0]
        return {"run_id": run_id, "uri": f"models:/{model.model_id}", "digest": model.digest, **found}

    def _register(self, uri: str) -> str | None:
        """Register as any MLflow user does; returns the refusal's text, or None."""
        import mlflow

        return _refusal_of(lambda: mlflow.register_model(uri, SYSTEM))

    def _last_version(self) -> str:
        import mlflow

        versions = mlflow.MlflowClient().search_model_versions(f"name = '{SYSTEM}'")
        return max((str(v.version) for v in versions), key=int)

    def _mitigate(self, parts: dict[str, pd.DataFrame], plain: dict[str, Any]) -> tuple[dict[str, Any], str]:
        with self.tell.step("She reweighs the training rows; prediction needs no sensitive column"), quiet():
            found = model.reweighed(self.data, parts["train"], parts["validation"])
            better = self._train(parts, found)
        self.tell.lines([found.sentence()])
        self.tell.lines(groups_table(better["fairness"], self.data, before=plain["fairness"]))
        self.tell.lines(cost_lines(plain["performance"], better["performance"]))
        self.tell.lines(guessing_lines(better["performance"]))
        refused = self._register(better["uri"])
        if refused is None:
            self.tell.good("registered: the mitigated model meets each condition that the policy sets for this")
            return better, self._last_version()
        self.tell.head("The limits still fail, and no limit is moved: it is refused again")
        self.tell.bad(refusal_lines(refused))
        self._waive(better["uri"], "registration", None, refused)
        again = self._register(better["uri"])
        if again is not None:
            raise click.ClickException(f"the waiver did not carry the registration: {again}")
        version = self._last_version()
        self.tell.good(f"registered as version {version}, on a waiver that everyone sees")
        return better, version

    def _waive(self, uri: str, stage: str, alias: str | None, refused: str) -> None:
        until = (datetime.now(UTC) + timedelta(days=WAIVER_DAYS)).strftime("%Y-%m-%d")
        target = [uri, "--name", SYSTEM] if stage == "registration" else [uri]
        args = ["waive", *target, "--stage", stage, "--until", until]
        args += ["--alias", alias] if alias else []
        for control in controls_to_waive(refused):
            reason = waiver_reason(stage, control)
            with self._as(self.office.risk_owner):
                self.run_command(*args, "--reason", reason, "--control", control)
            self.tell.loud(f"WAIVED until {until} by rosa for {stage}: {control}, reason: {reason}")

    def _as(self, key: Path) -> AbstractContextManager[None]:
        return environment({"AIMS_SIGNING_KEY": f"file:{key}"})

    # -- into use ---------------------------------------------------------------------------

    def _deploy(self, version: str, chosen: dict[str, Any]) -> None:
        target = f"models:/{SYSTEM}/{version}"
        self.tell.head(f"The alias champion for version {version}")
        self.tell.bad(refusal_lines(self._set_alias(version) or ""))
        with (
            self.tell.step("rosa writes the documents that are asked for; olga approves each"),
            quiet(),
        ):
            papers = DemoPapers(self.data, SYSTEM, chosen["records"], chosen["digest"])
            papers.publish(self.work / "aims", self.office, self.run_command, f"runs:/{chosen['run_id']}")
        self.tell.lines([f"$ aims document publish {ASKED[0]} ...   $ aims approve document:{ASKED[0]} ..."], dim=True)
        refused = self._set_alias(version)
        self.tell.bad(refusal_lines(refused or ""))
        self._waive(target, "deployment", "champion", refused or "")
        with self._as(self.office.approver):
            words = ("--stage", "deployment", "--alias", "champion", "--comment", "demo review")
            self.run_command("approve", target, *words)
        self.tell.lines([f"$ aims approve {target} --stage deployment --alias champion   (olga)"], dim=True)
        again = self._set_alias(version)
        if again is not None:
            raise click.ClickException(f"the approval did not carry the alias: {again}")
        self.tell.good("set: olga approved these very bytes under the rules in force")

    def _set_alias(self, version: str) -> str | None:
        """Set the alias as any MLflow user does; returns the refusal's text, or None."""
        import mlflow

        return _refusal_of(lambda: mlflow.MlflowClient().set_registered_model_alias(SYSTEM, "champion", version))

    def _close(self, server: GatedServer, chosen: dict[str, Any], started: float) -> None:
        target, ledger = f"models:/{SYSTEM}@champion", self.office.folder / "server" / "mlflow.db.aims.db"
        with quiet(), environment(self.office.environment()):
            pinned = ("--root", self.office.root)
            verified = self.run_command("verify", target, "--ledger", f"sqlite:///{ledger}", *pinned)
        self.tell.head("What an auditor sees")
        self.tell.lines(
            [f"$ aims verify {target} --ledger sqlite:///server/mlflow.db.aims.db --root {self.office.root}"], dim=True
        )
        self.tell.lines(line.strip() for line in verified.strip().splitlines())
        folder = next((self.office.folder / "server" / "artifacts").glob(f"**/{chosen['run_id']}/artifacts/aims"))
        self.tell.lines(
            [
                f"the page:       {folder / 'index.html'}",
                f"the model card: {folder / 'model_card.md'}",
                f"the ledger:     {ledger}",
            ]
        )
        if self.serve:
            self.tell.lines([f"in MLflow:      {server.url}/#/experiments/0/runs/{chosen['run_id']}/artifacts"])
            self.tell.lines([f"for auditors:   {server.url}/aims/"])
        else:
            self.tell.lines(
                ["`aims demo --serve` keeps the server up; `aims init YOUR.csv --target COLUMN` starts your own"]
            )
        click.echo(f"Done in {time.monotonic() - started:.0f} seconds.")


def _refusal_of(change: Callable[[], object]) -> str | None:
    """Ask the registry for a change; returns the text of its refusal, None where it was made."""
    from mlflow.exceptions import MlflowException

    with quiet():
        try:
            change()
        except MlflowException as exc:
            if exc.error_code != "PERMISSION_DENIED":
                raise
            return str(exc.message).removeprefix("PERMISSION_DENIED: ")
    return None
