"""`aims document verify`: every figure of a model card measured again, its inputs and its limitations compared."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.adapters.models import load
from aims_mlflow.adapters.predict import Question, known_labels
from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.adapters.tables import make_table
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.capture.setup import load_setup
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import CheckError, ConfigError, EvidenceError
from aims_mlflow.evidence.run_source import open_source
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.management.findings.card_text import CardText, is_in
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import ProvenanceDetails, SessionStartDetails
from aims_mlflow.records.pack import Pack
from aims_mlflow.records.wording import metric_text, range_text, slice_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from aims_mlflow.adapters.tables import Table
    from aims_mlflow.evidence.run_source import EvidenceSource
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import KeyLookup
    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.records.evidence import Claim
    from aims_mlflow.records.system import ReadingOptions

FigureVerdict = Literal["the same", "wrong", "still true", "no longer true", "not decided", "not measured"]
HELD_OUT, MEASURED = "test", ("performance", "fairness")
# Two runs of the same arithmetic differ by less than this share of a value.
SAME = Decimal("1e-9")


@dataclass(frozen=True)
class CheckedFigure:
    """One figure of the card beside its value now.

    Attributes:
        verdict: On the rows of the card: the same, or wrong. On other rows: whether the difference may be chance.
    """

    figure: str
    card: str
    now: str
    interval: str
    verdict: FigureVerdict
    evidence: str


@dataclass(frozen=True)
class CardCheck:
    """What became of a card: its figures, and what else is not true of it.

    Attributes:
        same_rows: Whether the data are those of the card, by their digest.
        seen_as: Under which role the training used this whole table, by its digest; None where it did not. Single rows
            are not compared, since no digests of people's rows are kept.
        problems: What of the card's figures, inputs and limitations the evidence contradicts.
    """

    model: str
    digest: str
    same_rows: bool
    seen_as: str | None
    rows: int
    figures: tuple[CheckedFigure, ...]
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every figure was measured again and holds, and nothing else contradicts the card."""
        return not self.problems and all(f.verdict in ("the same", "still true") for f in self.figures)


def check_card(
    model: str,
    data: Path,
    lookup: KeyLookup,
    *,
    config: str | Path | Mapping[str, Any] | None = None,
    reading: ReadingOptions | None = None,
) -> CardCheck:
    """Load a registered model and measure on `data` what its card shows.

    Args:
        model: `models:/NAME/VERSION`, `models:/NAME@ALIAS` or `models:/m-ID`.
        data: A table with labels: the held-out rows of the card, or others.
        lookup: The keys that the evidence is checked with.
        config: aims.yaml, whose pack has the settings of the checks; found for this system, else defaults.
        reading: How the file is read.

    Raises:
        EvidenceError: the evidence does not verify, or has no card that is the one that was signed.
        ConfigError, DataError, Unreachable: model or data cannot be used.
    """
    source = open_source(model, lookup)
    if source.located is None or source.located.model_id is None or source.model_digest is None:
        raise ConfigError(f"{model} names no logged model", next="name a version: models:/NAME/VERSION")
    counted = count(source.sessions, source.model_digest)
    if counted.unsound:
        raise EvidenceError(counted.unsound[0].problems[0].sentence(), where=model)
    card, start = _card(source, counted), _start(counted)
    table = make_table(
        HELD_OUT, target=str(start.target), sensitive=tuple(start.sensitive or ()), frame=data,
        reading=reading or AS_FOUND,
    )  # fmt: skip
    pack = _pack(config, counted)
    now = _measured(source.located.model_id, table, start, pack)
    role = _known_role(table, counted)
    shown = [(r, c) for kind in MEASURED for r in counted.of(kind) for c in _figures(r)]
    judged = sum(1 for _, c in shown if c.interval and (n := now.get(_key(c))) is not None and n.interval)
    figures = tuple(_compared(record, claim, now, role, judged) for record, claim in shown)
    problems = (*_wrong_figures(card, counted), *_inputs(card, source.located.model_id), *_untold(card, counted))
    return CardCheck(model, source.model_digest, role == HELD_OUT, role, len(table.frame), figures, problems)


def _card(source: EvidenceSource, counted: CountingEvidence) -> CardText:
    records = counted.of("model-card")
    file = next((a for r in records[-1:] for a in r.evidence.artifacts if a.path.endswith(".md")), None)
    content = source.file(file.path) if file is not None else None
    if file is None or content is None:
        raise EvidenceError("there is no model card about these bytes", where=source.name, next="train it under aims")
    if sha256_hex(content) != file.sha256:
        raise EvidenceError("the model card is not the one that was signed", where=file.path)
    return CardText(content.decode("utf-8", "replace"))


def _start(counted: CountingEvidence) -> SessionStartDetails:
    found = [read_details(r.evidence, SessionStartDetails) for r in counted.starts]
    if not found or found[-1].target is None:
        raise EvidenceError("the evidence does not say what is predicted", next="train it under aims")
    return found[-1]


def _pack(config: str | Path | Mapping[str, Any] | None, counted: CountingEvidence) -> Pack:
    """Return the pack of aims.yaml; where none is found for this system, the settings that checks have by default."""
    system = next((r.evidence.system for r in counted.trained), None)
    try:
        return load_setup(config, None, system).pack
    except ConfigError:
        if config is not None:
            raise
        return Pack(name="defaults", version="1", description="The settings of checks without aims.yaml.")


def _measured(model_id: str, table: Table, start: SessionStartDetails, pack: Pack) -> dict[tuple[str, str], Claim]:
    """Return what performance and fairness are on a table, by metric and rows."""
    loaded = load(model_id)
    task = PredictionTask(start.task or "binary-classification", start.target, start.favourable, start.threshold)  # type: ignore[arg-type]  # the record's word for it
    known = known_labels(task, [table], loaded)
    question = Question(model=loaded, task=task, known=known, proved_before=True)
    predictions = question.answer(table).predictions
    made = make_dataset(HELD_OUT, table.frame, task, sensitive=table.sensitive)
    dataset = dataclasses.replace(
        made, task=dataclasses.replace(task, labels=tuple(known.values())), predictions=predictions
    )
    outcomes = [run_check(kind, dataset, pack) for kind in MEASURED if kind == "performance" or table.sensitive]
    failed = next((o.reason for o in outcomes if o.result == "not_evaluated" and not o.claims), None)
    if failed:
        raise CheckError(f"the figures cannot be measured: {failed}")
    return {(c.metric, slice_text(c.slice)): c for o in outcomes for c in o.claims}


def _known_role(table: Table, counted: CountingEvidence) -> str | None:
    """Return the role in which the training record has this table, by any of its digests, held-out data first."""
    described = [read_details(r.evidence, ProvenanceDetails).data or {} for r in counted.trained]
    mine = set(table.digest.values())
    roles = {role for data in described for role, part in data.items() if mine & set(part.digest.values())}
    return HELD_OUT if HELD_OUT in roles else min(roles, default=None)


def _figures(record: SealedRecord) -> Iterator[Claim]:
    yield from (c for c in record.evidence.claims if c.role == HELD_OUT and c.value is not None)


def _key(claim: Claim) -> tuple[str, str]:
    return claim.metric, slice_text(claim.slice)


def _compared(
    record: SealedRecord, claim: Claim, now: Mapping[tuple[str, str], Claim], role: str | None, judged: int
) -> CheckedFigure:
    rows = slice_text(claim.slice)
    found = now.get(_key(claim))
    name = metric_text(claim.metric) + (f" for {rows}" if rows else "")
    interval, shown = range_text(claim), value_text(claim)
    if found is None or found.value is None:
        why = found.note if found is not None and found.note else "not measured on these rows"
        return CheckedFigure(name, shown, why, interval, "not measured", record.id)
    value, before = Decimal(found.value), Decimal(str(claim.value))
    verdict: FigureVerdict
    if role == HELD_OUT:
        verdict = "the same" if abs(value - before) <= SAME * max(abs(before), Decimal(1)) else "wrong"
    elif role is not None or claim.interval is None or found.interval is None:
        verdict = "not decided"
    else:
        verdict = "still true" if _may_be_chance(claim, found, judged) else "no longer true"
    return CheckedFigure(name, shown, value_text(found), interval, verdict, record.id)


def _may_be_chance(before: Claim, now: Claim, judged: int) -> bool:
    """Return whether two values may differ by chance: both tables are samples, and `judged` figures are compared.

    The interval of a difference from the intervals of both values (Zou and Donner, Statistics in Medicine 27, 2008),
    widened by the normal quantiles so that all figures together have a level of 5% (Bonferroni).
    """
    normal = NormalDist()
    wider = normal.inv_cdf(1 - 0.025 / max(judged, 1)) / normal.inv_cdf(0.975)
    (low, value, high), (new_low, new, new_high) = _bounds(before), _bounds(now)
    towards = (value - low, new_high - new) if new < value else (high - value, new - new_low)
    return abs(new - value) <= wider * math.hypot(*towards)


def _bounds(claim: Claim) -> tuple[float, float, float]:
    interval = claim.interval
    return (float(interval.low), float(str(claim.value)), float(interval.high)) if interval else (0.0, 0.0, 0.0)


def _wrong_figures(card: CardText, counted: CountingEvidence) -> Iterator[str]:
    """Say which figures of the card are not in the record that they lead to."""
    known = {r.id: r for r in counted.records}
    for figure in card.figures():
        record = known.get(figure.evidence or "")
        if record is None:
            yield f"the card's {figure.shown} ({figure.section}) leads to no record of this model"
        elif not is_in(record, figure.shown):
            yield f"the card shows {figure.shown} ({figure.section}: {figure.around[:60]}), which {record.id} does not"


def _inputs(card: CardText, model_id: str) -> Iterator[str]:
    """Say where the card's inputs are not those of the logged signature: names, and whether they are numbers."""
    from mlflow.models import get_model_info

    signature = get_model_info(f"models:/{model_id}").signature
    columns = {c.name: c for c in (signature.inputs.inputs if signature is not None and signature.inputs else ())}
    names = {name for name in columns if isinstance(name, str)}
    if not names:
        return
    shown = card.inputs()
    if set(shown) != names:
        lacking, extra = sorted(names - set(shown)), sorted(set(shown) - names)
        said = [f"lacks {', '.join(lacking)}"] * bool(lacking) + [f"has {', '.join(extra)}"] * bool(extra)
        yield f"the card's inputs are not those of the signature: it {' and '.join(said)}"
    for name in sorted(names & set(shown)):
        kind, missing = shown[name]
        logged, column = str(columns[name].type).rpartition(".")[2].strip("'>"), columns[name]
        if (kind in TEXT_TYPES) != (logged in ("string", "object", "binary")) and kind not in ("category", "bool"):
            yield f"input {name} is {kind} on the card, and {logged} in the signature"
        if missing not in ("", "0") and column.required:
            yield f"input {name} has missing values by the card, and is required by the signature"


TEXT_TYPES = ("object", "str", "string", "large_string")


def _untold(card: CardText, counted: CountingEvidence) -> Iterator[str]:
    """Say which failures of the evidence the card's limitations do not name."""
    said = card.sections.get("Limitations", "").casefold()
    for record in counted.records:
        for claim in record.evidence.claims:
            rows = slice_text(claim.slice)
            if claim.passed is False and not (
                metric_text(claim.metric).casefold() in said and (rows or metric_text(claim.metric)).casefold() in said
            ):
                yield f"the limitations do not name {metric_text(claim.metric)} of {rows or 'all rows'} ({record.id})"
