"""The model card: Hugging Face's card format, with the sections that audits require, from the records alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.documents.card_results import by_group, by_label, drift, labels_by_group, performance, robustness
from aims_mlflow.documents.evidence_summary import summary
from aims_mlflow.documents.notes import Notes, claims_of, coded, details, plain, stated, table
from aims_mlflow.documents.open_points import limitations
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.records.details.base import CodeVersion
from aims_mlflow.records.details.checks import PerformanceDetails
from aims_mlflow.records.details.training import (
    DatasetDetails,
    LineageDetails,
    ModelDescription,
    ProvenanceDetails,
    SessionStartDetails,
    ToolingDetails,
)
from aims_mlflow.records.wording import limits_told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord

OVERALL = (
    *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "macro_f1", "roc_auc", "log_loss", "brier_score"),
    *("mean_absolute_error", "root_mean_squared_error", "r2"),
)


def render_model_card(records: Sequence[SealedRecord], model_digest: str) -> bytes:
    """Return the card of the model with this digest, in UTF-8 Markdown.

    Every number has a footnote with its record; missing statements are marked as not stated.
    """
    verdict = EvidenceVerdict.of(records, model_digest)
    notes = Notes(verdict.records)
    start, training = notes.last("session-start"), notes.last("training-provenance")
    run_id = records[-1].evidence.mlflow.run_id if records else None
    stating = details(start, SessionStartDetails).system
    system = (stating.id if stating else None) or "model"
    body = [
        f"# {plain(system)}",
        "",
        *summary(notes, verdict, training),
        (
            "Written from signed evidence. A mark such as [^e1] leads to the record that a number comes from; "
            f"`aims evidence show runs:/{run_id or 'ID'} RECORD` prints it."
        ),
        "",
        *_section("Model details", _model_details(notes, training, model_digest)),
        *_section("Intended use", [stated(notes, "intended_use")]),
        *_section("Foreseeable misuse", [stated(notes, "foreseeable_misuse")]),
        *_section("Affected groups", [stated(notes, "affected_groups")]),
        *_section("Instructions for deployers", _deployers(notes)),
        *_section("Human oversight", [stated(notes, "human_oversight")]),
        *_section("Input specification", _inputs(notes, training, model_digest)),
        *_section("Outcome", _outcome(notes)),
        *_section("Training and evaluation data", _data(notes, training)),
        *_section("Labels by group in the data", labels_by_group(notes)),
        *_section("Performance", performance(notes)),
        *_section("Results by class", by_label(notes)),
        *_section("Performance and outcomes by group", by_group(notes)),
        *_section("Robustness", robustness(notes)),
        *_section("Drift of test against training data", drift(notes)),
        *_section("Limitations", limitations(notes, verdict)),
        *_section("Limits and their reasons", _limits(notes, verdict)),
        *_section("Security", _security(notes, training)),
        *_section("Logging", [_unattached(notes, "log-plan")]),
        *_section("Planned changes", [_unattached(notes, "deployment-plan")]),
        *_section("Monitoring plan", _monitoring(notes)),
        *_section("Lifetime", [_unattached(notes, "monitoring-plan")]),
        *notes.footnotes(),
        "",
    ]
    return ("---\n" + _header(notes, system) + "---\n" + "\n".join(body)).encode()


def _section(title: str, lines: list[str]) -> list[str]:
    """Return a section; one without lines is left out."""
    return [f"## {title}", "", *lines, *([] if lines[-1] == "" else [""])] if lines else []


def _header(notes: Notes, name: str) -> str:
    """Return the YAML header with the model index that model hubs read."""
    record = notes.last("performance")
    metrics = [
        {"type": c.metric, "value": float(c.value), "name": f"{c.metric}, evidence {record.id}"}
        for c in claims_of(record, slice={}, role="test")
        if c.value is not None and c.metric in OVERALL and record is not None
    ]
    kind = (
        "tabular-regression" if details(record, PerformanceDetails).task == "regression" else "tabular-classification"
    )
    header: dict[str, Any] = {"tags": [kind, "aims-mlflow"], "pipeline_tag": kind}
    if metrics:
        task = {"type": kind}
        dataset = {"name": "test data", "type": "tabular", "split": "test"}
        header["model-index"] = [
            {"name": str(name), "results": [{"task": task, "dataset": dataset, "metrics": metrics}]}
        ]
    return str(yaml.safe_dump(header, sort_keys=False, allow_unicode=True))


def _model_details(notes: Notes, training: SealedRecord | None, digest: str) -> list[str]:
    if training is None:
        return [f"- Digest (dirHash1): `{digest}`", "- How it was trained: no record."]
    body, about = training.evidence, details(training, ProvenanceDetails)
    own = _own(training, digest)
    model_id = own.model_id if own else "unknown"
    out = [
        f"- System owner: {stated(notes, 'owner')}",
        *_roles(notes),
        f"- Version: MLflow model {coded(model_id)}, digest (dirHash1) `{digest}`",
        f"- Algorithm: {_algorithm(notes, own)}",
        f"- Trained by: {coded(about.function or 'unknown')}",
        f"- Trained: {body.time[:19]}Z{notes.cite(training)} in run `{body.mlflow.run_id}`",
        f"- Code: {code_text(about.code or CodeVersion())}{notes.cite(training)}",
        f"- Fitting took {notes.number(training, about.fit_seconds)} seconds",
    ]
    for name, values in (
        ("Hyper-parameters of the fitted model", (about.hyperparameters or {}).get(model_id)),
        ("Arguments of the training function", about.parameters),
    ):
        settings = ", ".join(f"{plain(k)}={plain(v)}" for k, v in sorted((values or {}).items()))
        out.append(f"- {name}: {settings or 'none recorded'}{notes.cite(training)}")
    if about.other_models:
        others = ", ".join(f"{plain(name)} ({coded(other)})" for other, name in sorted(about.other_models.items()))
        out.append(f"- Logged too, but neither evaluated nor registered: {others}{notes.cite(training)}")
    if about.trials is not None:
        out.append(f"- Chosen among {notes.number(training, about.trials)} trials")
    return out


def _own(training: SealedRecord | None, digest: str) -> ModelDescription | None:
    """Return what the training record says of the model with this digest."""
    return next((m for m in details(training, ProvenanceDetails).models or () if m.digest == digest), None)


def _roles(notes: Notes) -> list[str]:
    """Return the organisation's roles for the system, where aims.yaml states them."""
    system = details(notes.last("session-start"), SessionStartDetails).system
    return [f"- Roles of the organisation: {stated(notes, 'roles')}"] if system and system.roles else []


def _algorithm(notes: Notes, own: ModelDescription | None) -> str:
    """Return the class of the model, the flavour that it is stored as, and the versions of the libraries behind it."""
    tooling = notes.last("tooling-record")
    about, model_id = details(tooling, ToolingDetails), own.model_id if own else ""
    named = (about.algorithms or {}).get(model_id)
    what = coded(named) if named else "its class is not recorded"
    stored = f"MLflow flavour {plain(own.flavor if own else 'unknown')}"
    serving = (about.serving or {}).get(model_id) or []
    libraries = [coded(line) for line in serving]
    needs = f"; needs {', '.join(libraries)}" if libraries else ""
    return f"{what}, {stored}{needs}{notes.cite(tooling) if tooling is not None else ''}"


def code_text(code: CodeVersion) -> str:
    """Return which code ran, and what of it no commit contains."""
    if not code.commit:
        return f"source digest `{code.source_digest or 'none'}` ({plain(code.reason or 'no commit')})"
    tracked = "no tracked file differed" if code.dirty is False else "whether tracked files differed is not known"
    text = f"commit `{code.commit}`, {'with uncommitted changes' if code.dirty else tracked}"
    if code.untracked is None:
        return f"{text}; code that git does not track was not looked for"
    if not code.untracked:
        return f"{text}, and no other code below the repository was in use"
    named = ", ".join(f"{coded(name)} (sha256 `{sha256}`)" for name, sha256 in code.untracked.items())
    count = code.untracked_count or len(code.untracked)
    more = f", and others: {count} in all" if count > len(code.untracked) else ""
    return f"{text}; in use and in no commit: {named}{more}"


def _outcome(notes: Notes) -> list[str]:
    """Return what is predicted, and which outcome is favourable for a person."""
    start = notes.last("session-start")
    if start is None:
        return ["No record says what is predicted."]
    about = details(start, SessionStartDetails)
    good = plain(about.favourable) if about.favourable else _supposed(notes)
    if about.threshold is not None:
        good = f"{notes.number(start, about.threshold)} or above"
    mark = notes.cite(start)
    return [f"Predicted: {plain(about.target or 'unknown')}{mark}. Favourable outcome for a person: {good}{mark}."]


def _supposed(notes: Notes) -> str:
    """Return the outcome that the checks took as favourable where the system names none."""
    measured = notes.last("performance")
    label = details(measured, PerformanceDetails).favourable
    return "none is named" + (f", {plain(label)} is supposed{notes.cite(measured)}" if measured and label else "")


def _deployers(notes: Notes) -> list[str]:
    system = details(notes.last("session-start"), SessionStartDetails).system
    return [
        "Load the registered version and check its bytes first: `aims verify models:/NAME/VERSION`.",
        "Use within the intended use only.",
        *(
            [f"Capacity that serving needs: {stated(notes, 'serving_capacity')}"]
            if system and system.serving_capacity
            else []
        ),
    ]


def _inputs(notes: Notes, training: SealedRecord | None, digest: str) -> list[str]:
    """Return the columns that the model takes by its signature; where it names none, the training data's."""
    record = next((r for r in notes.of("dataset-record") if details(r, DatasetDetails).role == "train"), None)
    target = details(notes.last("session-start"), SessionStartDetails).target
    if record is None:
        return ["The columns are not recorded."]
    about, own = details(record, DatasetDetails), _own(training, digest)
    types, missing = about.column_types or {}, about.missing or {}
    taken = own.inputs if own else None
    shown = {c: types.get(c, "not recorded") for c in taken or types if taken or c != target}
    rows = [[plain(c), plain(t), notes.number(record, missing.get(c, 0))] for c, t in shown.items()]
    what = (
        f"Columns that the model takes, by its signature{notes.cite(training) if training is not None else ''}; their "
        f"types and missing values are those of the training data{notes.cite(record)}."
        if taken
        else f"The model's signature names no columns; these are the training data's{notes.cite(record)}."
    )
    return [what, "", *table(("column", "type", "missing values"), rows)]


def _data(notes: Notes, training: SealedRecord | None) -> list[str]:
    data = details(training, ProvenanceDetails).data or {}
    if training is None or not data:
        return ["No data were bound to the training."]
    rows = [
        [role, notes.number(training, d.rows), f"`{d.digest.get('arrowIpcSha256', '')}`"] for role, d in data.items()
    ]
    out = table(("role", "rows", "digest of the Arrow stream"), rows)
    lineage = notes.last("lineage")
    if lineage is not None:
        for entry in details(lineage, LineageDetails).links or []:
            steps = " → ".join(plain(step.name) for step in entry.steps)
            link = entry.link + (f" of {steps}" if steps else "")
            out.append(f"- {entry.role}: {link}{notes.cite(lineage)}")
        for claim in claims_of(lineage, metric="train_test_overlap"):
            out.append(
                f"- Share of {claim.role} rows that stand in the training data too: {notes.measured(lineage, claim)}"
            )
    return [*out, "", "The data sheet (`datasheet.md`) says more."]


def _limits(notes: Notes, verdict: EvidenceVerdict) -> list[str]:
    """Return each limit once, with who set it and why, and the records that hold values to it."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for record in verdict.records:
        for told in limits_told(record.evidence.claims):
            found.setdefault(told, []).append(notes.cite(record))
    rows = [
        [plain(metric), f"{plain(limit)}{''.join(marks)}", plain(setter), f"{plain(why)}{''.join(marks)}"]
        for (metric, limit, setter, why), marks in found.items()
    ]
    return table(("metric", "limit", "set by", "why"), rows)


def _security(notes: Notes, training: SealedRecord | None) -> list[str]:
    """Return how the model is stored, and what the check of its files found."""
    models = details(training, ProvenanceDetails).models or []
    flavors = sorted({plain(m.flavor) for m in models})
    out = [f"Stored as MLflow flavour {', '.join(flavors) or 'unknown'}."]
    record = notes.last("robustness")
    for claim in claims_of(record, metric="unsafe_model_files"):
        if record is not None:
            said = f" ({plain(claim.note)})" if claim.note else ""
            out.append(f"Files that may run code when they are loaded: {notes.measured(record, claim)}{said}.")
    return [*out, "Load it only after its digest was checked."]


def _monitoring(notes: Notes) -> list[str]:
    baseline = notes.last("drift-baseline")
    kept = (
        f"A drift baseline without raw data is kept{notes.cite(baseline)}."
        if baseline is not None
        else "No drift baseline is kept."
    )
    return [kept, _unattached(notes, "monitoring-plan")]


def _unattached(notes: Notes, kind: str) -> str:
    record = notes.last(kind)
    if record is None:
        return (
            f"Not stated here: no `{kind}` was attached when this card was written. Whether one is published, "
            "`aims document list` and the version's page say."
        )
    files = ", ".join(plain(a.path) for a in record.evidence.artifacts) or kind
    said = f" ({plain(record.evidence.reason)})" if record.evidence.reason else ""
    return f"See {files}{notes.cite(record)}{said}."
