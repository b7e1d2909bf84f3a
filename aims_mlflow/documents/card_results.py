"""The results in a model card: performance, each class, each group of people, and drift; every number with its mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.claims import is_set_aside, is_too_small
from aims_mlflow.checks.metrics import OVERLAP, TRAINED_ON, WORST_RIGHT, WORST_WRONG
from aims_mlflow.documents.notes import Notes, claims_of, details, plain, table
from aims_mlflow.records.details.checks import PerformanceDetails, RobustnessDetails
from aims_mlflow.records.details.training import SessionStartDetails
from aims_mlflow.records.reading_notes import INTERVALS, range_note
from aims_mlflow.records.wording import metric_text, rows_shown, slice_text, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.records.evidence import Claim

    Made = Sequence[tuple[SealedRecord, Claim]]

LABELS = (
    *("favourable_label_rate", "favourable_label_rate_difference", "label_share", "label_share_difference"),
    *("mean_target", "mean_target_difference"),
)
MEASURED = ("metric", "value", "rows", "limit", "result")
OUT_OF_FOLD = "cross-validation"
OF_FAVOURABLE = ("precision", "recall", "f1", "average_precision")  # figures about one of two labels


def held_out(notes: Notes) -> SealedRecord | None:
    """Return the latest record of performance on held-out data, also one that could not be evaluated."""
    found = [r for r in notes.of("performance") if all(c.role != OUT_OF_FOLD for c in r.evidence.claims)]
    return found[-1] if found else None


def performance(notes: Notes) -> list[str]:
    """Return the performance of all rows: on held-out data, then out of fold, which describes the procedure."""
    record, out = held_out(notes), []
    claims = claims_of(record, slice={}, role="test")
    if record is not None and claims:
        out += [
            f"{_data(notes)}. Each row counts once: weights of rows are not taken into account.",
            "",
            *_measured(notes, record, claims),
            *_worst(notes, record),
        ]
    else:
        out += [_not_evaluated(record.evidence.reason if record else "no record"), ""]
    for other in notes.of("performance"):
        claims = claims_of(other, slice={}, role=OUT_OF_FOLD)
        if claims:
            out += ["Out of fold: these values describe the procedure, not this model.", ""]
            out += _measured(notes, other, claims)
    return out


def _not_evaluated(why: str | None, mark: str = "") -> str:
    return f"Not evaluated: {plain((why or '').removeprefix('not evaluated: '))}{mark}."


def _data(notes: Notes) -> str:
    """Return which data the values are of, with the share of their rows that are beyond a limit training rows too."""
    lineage = notes.last("lineage")
    if lineage is None:
        return "On held-out data"
    seen, repeated = (
        [c for c in claims_of(lineage, metric=metric, role="test") if c.passed is False]
        for metric in (TRAINED_ON, OVERLAP)
    )
    failed = [c for c in seen if c.severity != "warning"]
    where = "On test data that are **not held out**" if failed else "On held-out data"
    told = [f"{plain(metric_text(c.metric))}: {notes.measured(lineage, c)}" for c in (*seen, *repeated)]
    return "; ".join([where, *told])


def _measured(notes: Notes, record: SealedRecord, claims: Iterable[Claim]) -> list[str]:
    return table(
        MEASURED,
        [
            [
                plain(metric_text(c.metric) + (f" of {label}" if (label := favourable_of(record, c)) else "")),
                notes.value(record, c),
                notes.rows(record, c),
                notes.limit(record, c),
                verdict_word(c),
            ]
            for c in claims
        ],
    )


def favourable_of(record: SealedRecord, claim: Claim) -> str | None:
    """Return the favourable label where a figure is about that one of two labels, such as precision; None elsewhere."""
    return details(record, PerformanceDetails).favourable if claim.metric in OF_FAVOURABLE else None


def _worst(notes: Notes, record: SealedRecord) -> list[str]:
    """Return which slice is the worst, by name."""
    worst = [c for m in (WORST_RIGHT, WORST_WRONG) for c in claims_of(record, metric=m, role="test") if c.note]
    return [f"The {plain(c.note)}{notes.cite(record)}." for c in worst[:1]] + ([""] if worst else [])


def by_label(notes: Notes) -> list[str]:
    """Return the results of each class, and how often each was predicted; nothing for numbers."""
    record = held_out(notes)
    if record is None or details(record, PerformanceDetails).task == "regression":
        return []
    role = [c for c in record.evidence.claims if c.role == "test" and set(c.slice) == {"label"}]
    labels = dict.fromkeys(c.slice["label"] for c in role)
    metrics = dict.fromkeys(c.metric for c in role)
    rows = []
    for label in labels:
        mine = {c.metric: c for c in role if c.slice["label"] == label}
        rows.append([plain(label), *(notes.value(record, mine[m]) if m in mine else "" for m in metrics)])
    return [
        *table(("class", *(plain(metric_text(m)) for m in metrics)), rows),
        *_counts(notes, record, list(labels)),
    ]


def _counts(notes: Notes, record: SealedRecord, labels: Sequence[str]) -> list[str]:
    """Return the table of actual and predicted classes."""
    about = details(record, PerformanceDetails)
    counts, favourable = about.counts or [], about.favourable
    names = [plain(label) for label in about.labels or labels]
    if not names and favourable and len(counts) == 2:
        names = [f"not {plain(favourable)}", plain(favourable)]
    if not counts or len(counts) != len(names):
        return []
    rows = [
        [f"actual {name}", *(notes.number(record, cell) for cell in row)]
        for name, row in zip(names, counts, strict=True)
    ]
    return ["Rows by actual and predicted class:", "", *table(("", *(f"predicted {n}" for n in names)), rows)]


def by_group(notes: Notes) -> list[str]:
    """Return the results of each group, each against its reference group, and what describes all groups at once."""
    fairness = notes.last("fairness")
    made = [
        (record, claim)
        for record in (fairness, held_out(notes))
        if record is not None
        for claim in record.evidence.claims
        if claim.slice and "label" not in claim.slice
    ]
    out = _why_not(notes, fairness)
    out += [INTERVALS, ""] if any(claim.interval is not None for _, claim in made) else []
    for names in dict.fromkeys(tuple(claim.slice) for _, claim in made):
        mine = [(record, claim) for record, claim in made if tuple(claim.slice) == names]
        out += [f"### {plain(' and '.join(names))}", ""]
        out += _groups(notes, mine) + _against(notes, mine) + _descriptions(notes, mine)
    return out


def _why_not(notes: Notes, fairness: SealedRecord | None) -> list[str]:
    """Return why outcomes were compared for no group; nothing where they were."""
    if fairness is None:
        why = details(notes.last("session-start"), SessionStartDetails).not_compared
        return [f"No outcome was compared by group: {plain(why or 'no sensitive columns were named')}.", ""]
    if fairness.evidence.result == "not_evaluated":
        return [_not_evaluated(fairness.evidence.reason, notes.cite(fairness)), ""]
    return []


def _groups(notes: Notes, made: Made) -> list[str]:
    """Return what was measured of each group by itself; metrics are rows where they are more than the groups."""
    told: dict[tuple[str, ...], dict[str, tuple[SealedRecord, Claim]]] = {}
    for record, claim in made:
        if claim.reference is None and "*" not in claim.slice.values() and not _unseen(claim):
            told.setdefault(tuple(claim.slice.values()), {}).setdefault(claim.metric, (record, claim))
    shown = dict.fromkeys(metric for of in told.values() for metric in of)
    rows = []
    for group, of in told.items():
        n = next((notes.rows(r, c) for r, c in of.values() if c.n is not None), "")
        rows.append([plain(", ".join(group)), n, *(notes.value(*of[m]) if m in of else "" for m in shown)])
    head = ("group", "rows", *(plain(metric_text(m)) for m in shown))
    if len(rows) >= len(shown):
        return table(head, rows)
    turned = [list(cells) for cells in zip(head, *rows, strict=True)]
    return table(turned[0], turned[1:])


def _unseen(claim: Claim) -> bool:
    return is_too_small(claim) or is_set_aside(claim)


def _against(notes: Notes, made: Made) -> list[str]:
    """Return each group's comparison with its reference group, with limit and verdict; then who could not be judged."""
    rows = [
        [
            plain(", ".join(c.slice.values())),
            plain(metric_text(c.metric)),
            notes.compared(record, c),
            notes.limit(record, c),
            verdict_word(c),
        ]
        for record, c in made
        if c.reference is not None and c.reference != c.slice
    ]
    unseen = {", ".join(c.slice.values()): (record, c.note or "") for record, c in made if _unseen(c)}
    out = table(("group", "metric", "value", "limit", "result"), rows)
    out += [f"- Not judged: {plain(group)}, {plain(why)}{notes.cite(r)}" for group, (r, why) in unseen.items()]
    return [*out, *([""] if unseen else [])]


def _descriptions(notes: Notes, made: Made) -> list[str]:
    """Return the values of the highest group against the lowest, with a verdict where one was held."""
    described = [(r, c) for r, c in made if "*" in c.slice.values()]
    rows = [[plain(metric_text(c.metric)), notes.measured(r, c), _rows_behind(notes, r, c)] for r, c in described]
    drawn = range_note(c for _, c in described)
    head = ("highest against lowest group", "value", "fewest rows behind a group's value")
    return [*table(head, rows), *([drawn, ""] if drawn else [])]


def _rows_behind(notes: Notes, record: SealedRecord, claim: Claim) -> str:
    """Return the rows that decide about a claim, with what its note says of them."""
    if claim.n is None:
        return ""
    said = f" ({plain(claim.note)})" if claim.note and claim.value is not None else ""
    return f"{plain(rows_shown(claim))}{said}{notes.cite(record)}"


def labels_by_group(notes: Notes) -> list[str]:
    """Return what the data themselves say of each group: how often it has the favourable label, or its mean number."""
    made = [
        (record, claim)
        for record in notes.of("representativeness")
        for claim in record.evidence.claims
        if claim.metric in LABELS and "*" not in claim.slice.values()
    ]
    rows = []
    for record, claim in made:
        label = claim.slice.get("label")
        group = slice_text({column: name for column, name in claim.slice.items() if column != "label"})
        what = metric_text(claim.metric) + (f" of {label}" if label else "")
        rows.append(
            [
                plain(group),
                plain(claim.role),
                plain(what),
                notes.compared(record, claim) if claim.reference is not None else notes.value(record, claim),
                notes.rows(record, claim),
            ]
        )
    return table(("group", "data", "metric", "value", "rows"), rows)


def robustness(notes: Notes) -> list[str]:
    """Return how many of the model's answers stay the same when its input is changed a little."""
    record = notes.last("robustness")
    if record is None:
        return ["Not evaluated: no record of robustness is here."]
    about = details(record, RobustnessDetails)
    claims = [c for c in record.evidence.claims if c.metric != "unsafe_model_files"]
    if not claims:
        return [_not_evaluated(record.evidence.reason or "the record has no claim about it")]
    how = (
        f"The model was asked again about {notes.number(record, about.rows)} rows: with noise of {plain(about.noise)} "
        f"standard deviations on each number, with {plain(about.missing)} of the cells missing, and with each number "
        f"shifted by {plain(about.shift)} standard deviations. Told is the share of answers that stayed the same."
    )
    rows = [
        [
            plain(metric_text(c.metric)),
            notes.value(record, c) + (f" ({plain(c.note)})" if c.note and c.value is not None else ""),
            notes.limit(record, c),
            verdict_word(c),
        ]
        for c in claims
    ]
    return [*([how, ""] if about.rows else []), *table(("metric", "value", "limit", "result"), rows)]


def drift(notes: Notes) -> list[str]:
    """Return the share of drifted columns, and each column that drifted."""
    record = notes.last("drift")
    if record is None or record.evidence.result == "not_evaluated":
        return [_not_evaluated(record.evidence.reason if record else "no test data")]
    drifted = [c for c in record.evidence.claims if c.passed is False and c.slice]
    share = next(iter(claims_of(record, metric="drifted_share")), None)
    out = [f"Share of drifted columns: {notes.measured(record, share)}"] if share else []
    return out + [
        f"- {plain(c.slice.get('column'))}: {notes.measured(record, c)} ({plain(c.note or '')})" for c in drifted
    ]
