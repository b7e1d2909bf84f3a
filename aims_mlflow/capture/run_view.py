"""The evidence as MLflow's own pages show it: metrics, data sets, a tag and a description. None of it proves anything.

A person's own description is never written over, no values of data are copied, and what cannot be written is told in a
word: the evidence is complete without it.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Run, RunTag

from aims_mlflow.adapters.models import file_prefix
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.capture.console import log, say
from aims_mlflow.capture.failures import reason_of
from aims_mlflow.documents.run_note import PREFIX, main_figures, run_note
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence.patience import patience
from aims_mlflow.evidence.tracking import client, reaching

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aims_mlflow.adapters.models import LoggedModel
    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.recorder import Recorder
    from aims_mlflow.capture.training_data import TrainingData

RESULT = "aims.result"
NOTE, OWN_NOTE = "mlflow.note.content", "aims.note"  # OWN_NOTE has the sha256 of the description that we wrote
CONTEXT = "mlflow.data.context"
DIGEST_LENGTH = 36  # MLflow keeps so many characters of a data set's digest
PAUSES = (0.2, 1.0)  # seconds before it is tried again
MAX_SCHEMA = 1_000_000
TYPES = {"i": "long", "u": "long", "f": "double", "b": "boolean", "M": "datetime"}


def show(run: OpenRun, data: TrainingData, models: Sequence[LoggedModel], recorder: Recorder) -> None:
    """Show the evidence in the run and in its models; never raises.

    Threads that train on one data set meet in MLflow, which then refuses all of them but one: they try again.
    """
    for pause in (*PAUSES, None):
        try:
            with reaching("show the evidence in the run"):
                _show(run, data, models, recorder)
        except Exception as exc:  # noqa: BLE001 - a view: the evidence is in the run already
            log.debug("the run's metrics, data sets and description", exc_info=True)
            if pause is not None and patience.lost is None and isinstance(exc, Unreachable):
                time.sleep(pause)
                continue
            say(f"MLflow's own pages do not show the evidence; aims/index.html of the run does: {reason_of(exc)}")
        return


def _show(run: OpenRun, data: TrainingData, models: Sequence[LoggedModel], recorder: Recorder) -> None:
    shown = client().get_run(run.run_id)
    inputs = _log_inputs(shown, data.tables, recorder)
    described = {role: t.described() for role, t in data.tables.items()}
    metrics: list[Metric] = []
    for model in models:
        verdict = EvidenceVerdict.of(recorder.records, model.digest)
        prefix = file_prefix(models, model)
        figures = main_figures(verdict)
        if prefix:
            figures = {f"{PREFIX}/{model.name}{name.removeprefix(PREFIX)}": v for name, v in figures.items()}
        metrics += _metrics(figures, model.model_id, inputs.get("test"))
        note = run_note(verdict, run.ids, described, f"aims/{prefix}model_card.md")
        tags = client().get_logged_model(model.model_id).tags
        new = {RESULT: verdict.word, **_description(tags, note)}
        client().set_logged_model_tags(model.model_id, new)
    whole = EvidenceVerdict.of(recorder.records)
    card = f"aims/{file_prefix(models, models[0])}model_card.md" if len(models) == 1 else ""
    note = run_note(whole, run.ids, described, card)
    for run_id in (run.run_id, *run.copies):
        tags = (shown if run_id == run.run_id else client().get_run(run_id)).data.tags
        changed = [RunTag(key, value) for key, value in {RESULT: whole.word, **_description(tags, note)}.items()]
        client().log_batch(run_id, metrics=metrics if run_id == run.run_id else (), tags=changed)


def _metrics(figures: Mapping[str, float], model_id: str, test: DatasetInput | None) -> list[Metric]:
    """Return the figures as metrics of the run and of the model, on the held-out data set."""
    now = int(time.time() * 1000)
    on = {"dataset_name": test.dataset.name, "dataset_digest": test.dataset.digest} if test is not None else {}
    return [Metric(name, value, now, 0, model_id=model_id, **on) for name, value in figures.items()]


def _description(tags: Mapping[str, str], note: str) -> dict[str, str]:
    """Return the tags of a description, where there is none, or one that we wrote and nobody changed."""
    there = tags.get(NOTE)
    if there and tags.get(OWN_NOTE) != sha256_hex(there.encode()):
        return {}
    return {NOTE: note, OWN_NOTE: sha256_hex(note.encode())}


def _log_inputs(run: Run, tables: Mapping[str, Table], recorder: Recorder) -> dict[str, DatasetInput]:
    """Log the data sets as inputs of the run, but those that it has already; returns one for each role."""
    there = list(run.inputs.dataset_inputs) if run.inputs is not None else []
    found = {role: _same(table, there) for role, table in tables.items()}
    new = {role: _input(table, recorder) for role, table in tables.items() if found[role] is None}
    if new:
        client().log_inputs(run.info.run_id, datasets=list(new.values()))
    return {role: new.get(role) or known for role, known in found.items() if role in new or known is not None}


def _input(table: Table, recorder: Recorder) -> DatasetInput:
    digest = table.digest["arrowIpcSha256"]
    # MLflow keeps one data set for all runs of an experiment, so the session stands in the tags of this run's input.
    source = {f"aims.{name}": value for name, value in table.digest.items()}
    rows, columns = table.frame.shape
    dataset = Dataset(
        name=table.path or table.name,
        digest=digest[:DIGEST_LENGTH],
        source_type="code",
        source=json.dumps(CodeDatasetSource(source).to_dict()),
        schema=_schema(table.frame.dtypes.items()),
        profile=json.dumps({"num_rows": rows, "num_elements": rows * columns}),
    )
    tags = {CONTEXT: table.role, "aims.session": recorder.session_id, **source}
    return DatasetInput(dataset, [InputTag(key, value) for key, value in tags.items()])


def _schema(dtypes: Iterable[tuple[Any, Any]]) -> str | None:
    """Return names and types of the columns as MLflow writes a schema; None where it would be too long for MLflow."""
    columns = [
        {"type": TYPES.get(getattr(d, "kind", "O"), "string"), "name": str(c), "required": True} for c, d in dtypes
    ]
    text = json.dumps({"mlflow_colspec": columns})
    return text if len(text) <= MAX_SCHEMA else None


def _same(table: Table, there: Iterable[DatasetInput]) -> DatasetInput | None:
    """Return the input that is this very table, or those of its columns that autologging saw; None without one."""
    for known in there:
        if known.dataset.digest == table.digest["arrowIpcSha256"][:DIGEST_LENGTH]:
            return known
        columns = _columns(known.dataset.schema)
        by_name: Mapping[str, Any] = {str(c): c for c in table.frame.columns}
        if columns and set(columns) <= set(by_name):
            part = table.frame[[by_name[c] for c in columns]]
            if mlflow.data.from_pandas(part).digest == known.dataset.digest:
                return known
    return None


def _columns(schema: str | None) -> list[str]:
    """Return the names of the columns in a data set's schema; none where it is no table's."""
    try:
        return [str(column["name"]) for column in json.loads(schema or "{}").get("mlflow_colspec") or []]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
