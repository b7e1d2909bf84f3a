"""Findings C1-C10: documentation of a version in use that came late, lacks something, or is not true of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.canonical import digest_of
from aims_mlflow.checks.claims import is_left_out, is_set_aside
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.card_text import CardText, is_in
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.management.findings.wording_context import wording_context
from aims_mlflow.management.passages import paragraphs
from aims_mlflow.management.rules.figures import other_values
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import DatasetDetails, ProvenanceDetails
from aims_mlflow.records.documents.information import IntendedUseDocument, UseProcessDocument, UserInformationDocument
from aims_mlflow.records.documents.lifecycle import (
    ChangeDocument,
    DeploymentPlanDocument,
    LogPlanDocument,
    MonitoringPlanDocument,
    TechnicalDocument,
)
from aims_mlflow.records.wording import metric_text, number_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.base import WrittenDocument

# Sections of a card, and the kind of document that may state the same.
STATED_BY: dict[str, type[WrittenDocument]] = {
    "Intended use": IntendedUseDocument, "Human oversight": UseProcessDocument, "Limitations": UserInformationDocument,
    "Logging": LogPlanDocument, "Planned changes": DeploymentPlanDocument, "Monitoring plan": MonitoringPlanDocument,
    "Lifetime": MonitoringPlanDocument,
}  # fmt: skip
REQUIRED = (*STATED_BY, "Foreseeable misuse", "Affected groups")
BY_GROUP = "Performance and outcomes by group"
PRAISE = re.compile(
    r"\b(state[ -]of[ -]the[ -]art|best[ -]in[ -]class|unbiased|bias[ -]free|fair|robust|highly accurate|reliable|"
    r"safe|trustworthy|world[ -]class)\b",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
TOLD = (UserInformationDocument, TechnicalDocument)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the documentation of versions in use."""
    for system, version in state.live:
        yield from _card(system, version)
        card = state.cards.get(version.digest or "")
        if card is not None:
            yield from _sections(system, version, CardText(card), state)
            yield from _against_evidence(system, version, CardText(card))
            yield from _types(system, version, CardText(card))
            yield from _praised(system, version, CardText(card))
        yield from _of_other_bytes(system, version, state)
        yield from _monitored(system, version)
        yield from _changed(system, version, state)
    yield from _words(state, now)


def _found(
    rule: str, system: str, version: DeployedVersion, fact: str, fix: str, *evidence: str, more: str = ""
) -> ManagementFinding:
    about = f"{system}/{version.model}@{version.place}" + (f"/{more}" if more else "")
    return ManagementFinding(rule, about, f"{version.name}: {fact}", fix, system, evidence)


def _card(system: str, version: DeployedVersion) -> Iterator[ManagementFinding]:
    """Yield C1 and C2: whose bytes the card is about, and whether it came after the decision."""
    cards = version.of("model-card")
    again = "train or evaluate it under aims, so that a card is written: aims evidence show"
    if not cards:
        yield _found("C1", system, version, "there is no model card in its evidence", again)
        return
    card = cards[-1]
    if version.digest and not card.has_subject(version.digest):
        named = ", ".join(s.digest.get("dirHash1", s.name)[:12] for s in card.subjects) or "no model"
        yield _found(
            "C1", system, version, f"its model card is about {named}, not {version.digest[:12]}", again, card.id
        )
    if version.registered and parse_time(card.evidence.time) > parse_time(version.registered):
        lag = parse_time(card.evidence.time) - parse_time(version.registered)
        fact = (
            f"its model card was signed on {card.evidence.time[:10]}, {lag.days} days after the version was "
            f"registered on {version.registered[:10]}"
        )
        fix = f"register the next version with its card; say in a change of {system} why this one came late"
        yield _found("C2", system, version, fact, fix, card.id)


def _sections(
    system: str, version: DeployedVersion, card: CardText, state: ManagementState
) -> Iterator[ManagementFinding]:
    """Yield C3: what neither the card nor a document states."""
    entry = state.systems.get(system)
    registered = {
        "Foreseeable misuse": bool(entry and says(entry.foreseeable_misuse)),
        "Affected groups": bool(entry and entry.affected_groups),
    }
    bare = [
        name
        for name in REQUIRED
        if name in card.unstated() or name not in card.sections
        if not registered.get(name) and not _stated_elsewhere(name, system, state)
    ]
    if bare:
        kinds = [k for name in bare if (k := _kind_of(name))]
        fact = f"neither its card nor a published document states {', '.join(bare)}"
        fix = f"state it in aims.yaml and in the entry of {system}"
        if kinds:
            fix = f"state it in aims.yaml before the next training, or: aims document new {kinds[0]} --system {system}"
        yield _found("C3", system, version, fact, fix)


def _stated_elsewhere(section: str, system: str, state: ManagementState) -> bool:
    model = STATED_BY.get(section)
    return model is not None and any(d.system in (None, system) for d in state.of(model))


def _kind_of(section: str) -> str | None:
    from aims_mlflow.records.documents import KINDS

    model = STATED_BY.get(section)
    return next((kind for kind, known in KINDS.items() if known is model), None)


def _against_evidence(system: str, version: DeployedVersion, card: CardText) -> Iterator[ManagementFinding]:
    """Yield C4, C5 and C7: figures, inputs and groups of the card that are not those of the evidence."""
    by_id = {r.id: r for r in version.records}
    fix = f"aims document verify {version.address} --data FILE, then write the card again"
    wrong = [
        f"{f.shown} ({f.section}: {f.around[:60]})"
        for f in card.figures()
        if f.evidence is None or (f.evidence in by_id and not is_in(by_id[f.evidence], f.shown))
    ]
    if wrong:
        fact = f"{len(wrong)} figures of its card are not those of the evidence, such as {wrong[0]}"
        yield _found("C4", system, version, fact, fix)
    trained = version.of("training-provenance")
    models = read_details(trained[-1].evidence, ProvenanceDetails).models if trained else None
    inputs = next((m.inputs for m in models or () if m.digest == version.digest), None)
    if inputs and set(inputs) != set(card.columns()):
        lacking, extra = sorted(set(inputs) - set(card.columns())), sorted(set(card.columns()) - set(inputs))
        said = [f"lacks {', '.join(lacking[:5])}"] * bool(lacking) + [f"has {', '.join(extra[:5])}"] * bool(extra)
        fact = f"the inputs of its card are not those of the signature: it {' and '.join(said)}"
        yield _found("C5", system, version, fact, fix, trained[-1].id)
    lacking = _not_shown(version, card)
    if lacking:
        fact = f"the table by group of its card lacks {', '.join(lacking[:6])}"
        yield _found("C7", system, version, fact, fix)


def _types(system: str, version: DeployedVersion, card: CardText) -> Iterator[ManagementFinding]:
    """Yield C5 for types and missing values of inputs that are not those of the training data's record."""
    data = [(r, read_details(r.evidence, DatasetDetails)) for r in version.of("dataset-record")]
    trained = [(r, d) for r, d in data if d.role == "train"]
    if not trained:
        return
    record, known = trained[-1]
    wrong = []
    for column, (shown, missing) in card.inputs().items():
        wanted, count = (known.column_types or {}).get(column), (known.missing or {}).get(column, 0)
        if wanted and shown != wanted:
            wrong.append(f"{column} is {shown} on the card and {wanted} in the data")
        elif wanted and (number := re.match(r"[\d,]+", missing)) and number[0].replace(",", "") != str(count):
            wrong.append(f"{column} has {number[0]} missing values on the card and {count:,} in the data")
    if wrong:
        fact = f"the inputs of its card are not those that it was trained on: {'; '.join(wrong[:4])}"
        fix = f"aims document verify {version.address} --data FILE, then write the card again"
        yield _found("C5", system, version, fact, fix, record.id, more="types")


def _not_shown(version: DeployedVersion, card: CardText) -> list[str]:
    """Return the groups and metrics of the newest fairness record that the card's table by group does not name."""
    records = version.of("fairness")
    shown = card.sections.get(BY_GROUP, "")
    claims = [c for c in (records[-1].evidence.claims if records else ()) if c.slice]
    groups = dict.fromkeys(v for c in claims for v in c.slice.values() if v != "*")
    metrics = dict.fromkeys(metric_text(c.metric) for c in claims if not (is_left_out(c) or is_set_aside(c)))
    return [g for g in groups if g not in shown] + [m for m in metrics if m not in shown]


def _of_other_bytes(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield C10: users are told of other bytes than those in use, and of these nothing."""
    told = [d for d in state.about(UserInformationDocument, system) if d.model_digests]
    if told and version.digest and not any(version.digest in d.model_digests for d in told):
        named = ", ".join(sorted({x[:12] for d in told for x in d.model_digests}))
        fact = f"users are told of {named} ({told[-1].id}), and {version.digest[:12]} is in use"
        fix = f"say what changed for users, name the version in model_digests, and publish {told[-1].id} again"
        yield _found("C10", system, version, fact, fix, *(d.id for d in told))


def _monitored(system: str, version: DeployedVersion) -> Iterator[ManagementFinding]:
    """Yield C8: the newest monitored value of a claim lies outside the interval that the card shows."""
    runs = version.of("monitor-run")
    watched = {(c.metric, slice_text(c.slice)): (r, c) for r in runs for c in r.evidence.claims if c.value is not None}
    for record in version.counting:
        for claim in record.evidence.claims if record.evidence.kind in ("performance", "fairness") else ():
            seen = watched.get((claim.metric, slice_text(claim.slice)))
            if seen is None or claim.interval is None or claim.role != "test":
                continue
            run, now = seen
            low, high = float(claim.interval.low), float(claim.interval.high)
            if not low <= float(str(now.value)) <= high:
                rows = slice_text(claim.slice)
                fact = (
                    f"{metric_text(claim.metric)}{f' for {rows}' if rows else ''} is {number_text(now.value)} in "
                    f"monitor run {run.id[:13]}, outside {number_text(claim.interval.low)} to "
                    f"{number_text(claim.interval.high)} of its card"
                )
                fix = "acknowledge the breach, reassess, and train or evaluate again: aims document new reassessment"
                more = f"{claim.metric}/{rows}"
                yield _found("C8", system, version, fact, f"{fix} --system {system}", run.id, record.id, more=more)


def _changed(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield C9: another version had the alias before, and nothing says what changed."""
    if version.before is None or version.before == version.digest:
        return
    told = [d for d in state.about(ChangeDocument, system) if version.digest in (d.model_digest, *d.model_digests)]
    if not told:
        fact = f"it took the place of {version.before[:12]}, and no change of {system} says what is different"
        yield _found("C9", system, version, fact, f"aims document new change --system {system}")


def _words(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield C4 and C9 for the words of documents that users and deployers read."""
    around = wording_context(state, now)
    for document in [d for model in (*TOLD, IntendedUseDocument) for d in state.of(model)]:
        text = state.texts.get(document.id)
        if text is None:
            continue
        fix = f"correct it, and publish it again: aims document lint {document.id}"
        for spot in dict.fromkeys(other_values(text, around)):
            fact = f"{document.called}, line {spot.line}: {spot.text}"
            about = f"{document.id}/{digest_of(['spot', spot.text])[:16]}"  # a line that moves is no other finding
            yield ManagementFinding("C4", about, fact, fix, document.system, (document.id,))
        bare = _praise(s for p in paragraphs(text) for s in p.sentences())
        if bare:
            fact = f"{document.called} says {bare}"
            yield ManagementFinding("C9", document.id, fact, fix, document.system, (document.id,))


def _praise(sentences: Iterable[str]) -> str | None:
    """Return the first word of praise in a sentence without a figure or a citation, with that sentence."""
    for sentence in sentences:
        found = PRAISE.search(sentence)
        if found and not re.search(r"\d|\[\^", sentence):
            return f"{found[0]!r} without a figure: “{sentence.strip()[:90]}”"
    return None


def _praised(system: str, version: DeployedVersion, card: CardText) -> Iterator[ManagementFinding]:
    """Yield C9 for praise in the sections of the card that people write."""
    written = " ".join(card.sections.get(name, "") for name in REQUIRED)
    bare = _praise(SENTENCE.split(written))
    if bare:
        fix = "state the figure with its record in aims.yaml, or take the word out, and train again; see aims rule C9"
        yield _found("C9", system, version, f"its card says {bare}", fix, more="card")
