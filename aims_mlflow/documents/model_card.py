"""The model card: Hugging Face's card format, with the sections that audits require, from the records alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from aims_mlflow.checks.metrics import (
    BETWEEN_GROUPS,
    COMPARED,
    GROUP_RATES,
    LABELS_BETWEEN,
    NUMBERS_BETWEEN,
    NUMBERS_BY_GROUP,
)
from aims_mlflow.documents.notes import Notes, claims_of, coded, details, plain, stated, table
from aims_mlflow.records.wording import limit_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.evidence.statement import SealedRecord

OVERALL = (
    *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "macro_f1", "roc_auc", "log_loss", "brier_score"),
    *("mean_absolute_error", "root_mean_squared_error", "r2"),
)
RATES = (*GROUP_RATES, *COMPARED, *LABELS_BETWEEN, *NUMBERS_BY_GROUP, *NUMBERS_BETWEEN)
BETWEEN = (*BETWEEN_GROUPS, *LABELS_BETWEEN, *NUMBERS_BETWEEN)


def render_model_card(records: Sequence[SealedRecord], model_digest: str) -> bytes:
    """Return the card of the model with this digest, in UTF-8 Markdown.

    Every number has a footnote with its record; missing statements are marked as
    not stated.
    """
    about = [r for r in records if r.has_subject(model_digest) or r.evidence.kind not in ("performance", "fairness")]
    notes = Notes(about)
    start, training = notes.last("session-start"), notes.last("training-provenance")
    system = plain(details(start, "system", "id") or "model")
    body = [
        f"# {system}",
        "",
        (
            "Written from signed evidence. A mark such as [^e1] leads to the record that a number comes from; "
            "`aims evidence show` prints it."
        ),
        "",
        *_section("Model details", _model_details(notes, training, model_digest)),
        *_section("Intended use", [stated(notes, "intended_use")]),
        *_section("Foreseeable misuse", [stated(notes, "foreseeable_misuse")]),
        *_section("Affected groups", [stated(notes, "affected_groups")]),
        *_section("Instructions for deployers", _deployers(notes)),
        *_section("Human oversight", [stated(notes, "human_oversight")]),
        *_section("Input specification", _inputs(notes, training, model_digest)),
        *_section("Training and evaluation data", _data(notes, training)),
        *_section("Performance", _performance(notes)),
        *_section("Performance and outcomes by group", _groups(notes)),
        *_section("Drift of test against training data", _drift(notes)),
        *_section("Limitations", _limitations(notes)),
        *_section("Security", _security(training)),
        *_section("Logging", [_unattached(notes, "log-plan")]),
        *_section("Planned changes", [_unattached(notes, "deployment-plan")]),
        *_section("Monitoring plan", _monitoring(notes)),
        *_section("Lifetime", [_unattached(notes, "monitoring-plan")]),
        *notes.footnotes(),
        "",
    ]
    return ("---\n" + _header(notes, details(start, "system", "id") or "model") + "---\n" + "\n".join(body)).encode()


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines, *([] if lines and lines[-1] == "" else [""])]


def _header(notes: Notes, name: str) -> str:
    """Return the YAML header with the model index that model hubs read."""
    record = notes.last("performance")
    metrics = [
        {"type": c.metric, "value": float(c.value), "name": f"{c.metric}, evidence {record.id}"}
        for c in claims_of(record, slice={}, role="test")
        if c.value is not None and c.metric in OVERALL and record is not None
    ]
    kind = "tabular-regression" if details(record, "task") == "regression" else "tabular-classification"
    header: dict[str, Any] = {"tags": [kind, "aims-mlflow"], "pipeline_tag": kind}
    if metrics:
        task = {"type": kind}
        dataset = {"name": "held-out data", "type": "tabular", "split": "test"}
        header["model-index"] = [
            {"name": str(name), "results": [{"task": task, "dataset": dataset, "metrics": metrics}]}
        ]
    return str(yaml.safe_dump(header, sort_keys=False, allow_unicode=True))


def _model_details(notes: Notes, training: SealedRecord | None, digest: str) -> list[str]:
    if training is None:
        return [f"- Digest (dirHash1): `{digest}`", "- How it was trained: no record."]
    body = training.evidence
    models = details(training, "models") or []
    own = next((m for m in models if isinstance(m, dict) and m.get("digest") == digest), {})
    code = details(training, "code") or {}
    version = (
        f"commit `{code['commit']}`" + (" with uncommitted changes" if code.get("dirty") else "")
        if code.get("commit")
        else (f"source digest `{code.get('source_digest', 'none')}` ({plain(code.get('reason', ''))})")
    )
    parameters = details(training, "parameters") or {}
    out = [
        f"- Owner and provider: {stated(notes, 'owner')}",
        f"- Version: MLflow model {coded(own.get('model_id', 'unknown'))}, digest (dirHash1) `{digest}`",
        f"- Kind: {plain(own.get('flavor', 'unknown'))}",
        f"- Trained by: {coded(details(training, 'function') or 'unknown')}",
        f"- Trained: {body.time[:19]}Z{notes.cite(training)} in run `{body.mlflow.run_id}`; code: {version}",
        f"- Fitting took {notes.number(training, details(training, 'fit_seconds'))} seconds",
    ]
    if parameters:
        settings = ", ".join(f"{plain(k)}={plain(v)}" for k, v in sorted(parameters.items()))
        out.append(f"- Parameters: {settings}{notes.cite(training)}")
    if details(training, "trials") is not None:
        out.append(f"- Chosen among {notes.number(training, details(training, 'trials'))} trials")
    return out


def _deployers(notes: Notes) -> list[str]:
    return [
        "Load the registered version and check its bytes first: `aims verify models:/NAME/VERSION`.",
        f"Use within the intended use only. Roles: {stated(notes, 'roles')}",
    ]


def _inputs(notes: Notes, training: SealedRecord | None, digest: str) -> list[str]:
    """Return the columns that the model takes by its signature; where it names none, the training data's."""
    record = next((r for r in notes.of("dataset-record") if details(r, "role") == "train"), None)
    types = details(record, "column_types") or {}
    start = notes.last("session-start")
    target = details(start, "target")
    if record is None:
        return ["The columns are not recorded."]
    missing = details(record, "missing") or {}
    models = details(training, "models") or []
    taken = next((m.get("inputs") for m in models if isinstance(m, dict) and m.get("digest") == digest), None)
    shown = {c: types.get(c, "not recorded") for c in taken or types if taken or c != target}
    rows = [[plain(c), plain(t), notes.number(record, missing.get(c, 0))] for c, t in shown.items()]
    what = (
        f"Columns that the model takes, by its signature{notes.cite(training) if training is not None else ''}; their "
        f"types and missing values are those of the training data{notes.cite(record)}."
        if taken
        else f"The model's signature names no columns; these are the training data's{notes.cite(record)}."
    )
    return [
        f"{what} The target is {plain(target)}.",
        "",
        *table(("column", "type", "missing values"), rows),
    ]


def _data(notes: Notes, training: SealedRecord | None) -> list[str]:
    data = details(training, "data") or {}
    if training is None or not data:
        return ["No data were bound to the training."]
    rows = [
        [role, notes.number(training, d.get("rows")), f"`{d.get('digest', {}).get('arrowIpcSha256', '')[:16]}…`"]
        for role, d in data.items()
    ]
    out = table(("role", "rows", "digest"), rows)
    lineage = notes.last("lineage")
    if lineage is not None:
        for entry in details(lineage, "links") or []:
            steps = " → ".join(plain(s.get("name")) for s in entry.get("steps", []))
            link = f"{entry.get('link')}" + (f" of {steps}" if steps else "")
            out.append(f"- {entry.get('role')}: {link}{notes.cite(lineage)}")
        for claim in claims_of(lineage, metric="train_test_overlap"):
            out.append(
                f"- Share of {claim.role} rows that stand in the training data too: {notes.measured(lineage, claim)}"
            )
    return [*out, "", "The data sheet (`datasheet.md`) says more."]


def _performance(notes: Notes) -> list[str]:
    record = notes.last("performance")
    if record is None or not claims_of(record, slice={}, role="test"):
        return [f"Not evaluated: {plain(record.evidence.reason if record else 'no record')}."]
    rows = [
        [
            c.metric.replace("_", " "),
            notes.measured(record, c),
            notes.number(record, c.n) if c.n is not None else "",
        ]
        for c in claims_of(record, slice={}, role="test")
    ]
    return ["On held-out data.", "", *table(("metric", "value", "rows"), rows)]


def _groups(notes: Notes) -> list[str]:
    record = notes.last("fairness")
    if record is None:
        return ["No sensitive columns were named, so nothing was measured by group."]
    performance = notes.last("performance")
    out = [f"Not evaluated: {plain(record.evidence.reason)}.", ""] if record.evidence.result == "not_evaluated" else []
    out += [f"Set aside: {plain(c)}." for c in _set_aside(record)]
    columns = [k for c in record.evidence.claims if len(c.slice) == 1 for k, v in c.slice.items() if v != "*"]
    for column in dict.fromkeys(columns):
        groups = dict.fromkeys(
            c.slice[column] for c in record.evidence.claims if set(c.slice) == {column} and c.slice[column] != "*"
        )
        measured = {g: {c.metric: c for c in claims_of(record, slice={column: g})} for g in groups}
        shown_rates = [m for m in RATES if any(m in of for of in measured.values())]
        rows = []
        for group, of in measured.items():
            accuracy = next(iter(claims_of(performance, slice={column: group}, metric="accuracy")), None)
            n = next((c.n for c in of.values() if c.n is not None), None)
            cells = [plain(group), notes.number(record, n) if n is not None else ""]
            cells.append(notes.measured(performance, accuracy) if accuracy and performance else "")
            cells += [notes.measured(record, of[m]) if m in of else "" for m in shown_rates]
            rows.append(cells)
        out += [
            f"### {plain(column)}",
            "",
            *table(("group", "rows", "accuracy", *(m.replace("_", " ") for m in shown_rates)), rows),
        ]
        between = {c.metric: c for c in claims_of(record, slice={column: "*"})}
        out += table(
            ("highest against lowest group, without a verdict", "value"),
            [[m.replace("_", " "), notes.measured(record, between[m])] for m in BETWEEN if m in between],
        )
    return out


def _set_aside(record: SealedRecord) -> list[str]:
    """Return the groups that the pack sets aside, each with the reason."""
    entries = details(record, "set_aside") or []
    return [f"{e.get('column')}={e.get('group')}, {e.get('reason')}" for e in entries if isinstance(e, dict)]


def _drift(notes: Notes) -> list[str]:
    record = notes.last("drift")
    if record is None or record.evidence.result == "not_evaluated":
        return [f"Not evaluated: {plain(record.evidence.reason if record else 'no test data')}."]
    drifted = [c for c in record.evidence.claims if c.passed is False and c.slice]
    share = next(iter(claims_of(record, metric="drifted_share")), None)
    out = [f"Share of drifted columns: {notes.measured(record, share)}"] if share else []
    return out + [
        f"- {plain(c.slice.get('column'))}: {notes.measured(record, c)} ({plain(c.note or '')})" for c in drifted
    ]


def _limitations(notes: Notes) -> list[str]:
    out = [stated(notes, "limitations")]
    for record in notes.records:
        for claim in record.evidence.claims:
            if claim.passed is False and claim.severity != "warning":
                where = slice_text(claim.slice)
                limit = limit_text(claim) or "no limit"
                out.append(
                    f"- Fails: {plain(claim.metric)} {plain(where)} is {notes.measured(record, claim)}, "
                    f"{limit}{notes.cite(record)}"
                )
    return out


def _security(training: SealedRecord | None) -> list[str]:
    models = details(training, "models") or []
    flavors = sorted({plain(m.get("flavor")) for m in models if isinstance(m, dict)})
    return [
        (
            f"Stored as {', '.join(flavors) or 'unknown'}. "
            "A model that is stored as a pickle runs code when it is loaded: "
            "load it only after its digest was checked."
        )
    ]


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
        return f'Not stated: no `{kind}` is attached (`aims.attach("{kind}", PATH)` adds one).'
    files = ", ".join(plain(a.path) for a in record.evidence.artifacts) or kind
    said = f" ({plain(record.evidence.reason)})" if record.evidence.reason else ""
    return f"See {files}{notes.cite(record)}{said}."
