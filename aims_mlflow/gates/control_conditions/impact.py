"""Conditions about impact assessments (A.5, clause 6.1.4)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import is_left_out, is_set_aside
from aims_mlflow.gates.control_conditions.by_document import by_document, entries, states
from aims_mlflow.gates.document_content.decisions import why_not_go
from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.gates.limits import set_aside
from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import mapping, mappings, texts
from aims_mlflow.gates.verdict import Judgement, joined
from aims_mlflow.records.wording import describe, verdict_word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.gates.verdict import Problem
    from aims_mlflow.records.evidence import Claim


UNDECIDED = ("not enough data", "not evaluated")
SHORTEST = 8  # of a record's id that is not written out


def cites(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """Each record that the document cites counts for this model; what did not pass in it is a harm to its group."""
    cited = texts(document.fields.get("evidence"))
    if not cited:
        return "missing", "it cites no evidence"
    unknown = [c for c in cited if subject.by_id(c) is None]
    if unknown:
        return (
            "missing",
            f"{len(unknown)} of {len(cited)} evidence ids lead to no record about this model ({unknown[0]})",
        )
    found = {r.id: r for c in cited if (r := subject.by_id(c)) and r.evidence.result in ("failed", "not_evaluated")}
    groups = [e for d in (document, *subject.written("impact-people")) for e in mappings(d.fields.get("groups"))]
    harms = [e for e in mappings(document.fields.get("impacts")) if e.get("kind") == "harm"]
    bare = [text for r in found.values() if (text := _without_harm(r, harms, groups))]
    more = f" and {len(bare) - 1} more" if len(bare) > 1 else ""
    return ("failed", f"it cites {bare[0]}{more}") if bare else None


def _without_harm(record: SealedRecord, harms: list[Mapping[str, Any]], groups: list[Mapping[str, Any]]) -> str | None:
    """Return what of a record that did not pass no harm is about; None where each such value has its harm.

    A harm is about it that names the record as its evidence, and the group of the value as it stands in the data.
    """
    kind = record.evidence.kind
    mine = [harm for harm in harms if any(leads_to(name, record) for name in texts(harm.get("evidence")))]
    if not mine:
        return f"{kind}, which did not pass, and no harm rests on it"
    bad = [c for c in record.evidence.claims if verdict_word(c) == "failed" or is_left_out(c)]
    lacking = [c for c in bad if not any(names_group(harm, c, groups) for harm in mine)]
    if not lacking:
        return None
    what = describe(lacking[0]) + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
    return f"{kind}, which did not pass, and no harm that rests on it names the group of: {what}"


def leads_to(name: str, record: SealedRecord) -> bool:
    """Return whether an id, or the beginning of one, is that of a record."""
    return len(name) >= SHORTEST and record.id.startswith(name.rstrip(".…"))


def names_group(harm: Mapping[str, Any], claim: Claim, groups: list[Mapping[str, Any]]) -> bool:
    """Return whether a harm is about a claim's rows: by value, as column=value, or by the name of that group."""
    group = str(harm.get("group"))
    same = {str(e.get("in_data")) for e in groups if str(e.get("name")).casefold() == group.casefold()}
    named = {column: value for column, value in claim.slice.items() if value != "*"}
    return all(
        f"{column}={value}" in same
        or _says_word(group, value)
        or _says_word(str(harm.get("mechanism")), f"{column}={value}")
        for column, value in named.items()
    ) and (bool(named) or all(_says_word(f"{group} {harm.get('mechanism')}", column) for column in claim.slice))


def _says_word(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words.casefold())}(?!\w)", text.casefold()) is not None


def names_model(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """The document names the model that is assessed by its digest."""
    if subject.digest and subject.digest not in document.model_digests:
        return "missing", f"it does not name the model {subject.digest[:12]}"
    return None


def may_go(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """The assessment decides that the system may be used, and states each condition of that."""
    return why_not_go(document.fields.get("decision"), document.fields.get("conditions"))


def real_groups(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    """Each group is one of the data, or said to be absent with a reason; each group of the data is named."""
    named = mappings(document.fields.get("groups"))
    if not named:
        return "missing", "it names no group"
    levels = {
        f"{column}={value}"
        for r in subject.of("fairness")
        for c in r.evidence.claims
        for column, value in c.slice.items()
        if value != "*"
    }
    said = {str(e.get("in_data")) for e in named}
    made_up = [e for e in named if str(e.get("in_data")) not in levels and not says(e.get("not_in_data"))]
    if made_up:
        return "missing", f"group {made_up[0].get('name')!r} is in no compared column, and no reason says why"
    unnamed = sorted(levels - said)
    return ("missing", f"groups of the data that it does not name: {', '.join(unnamed[:5])}") if unnamed else None


def results(subject: StatusSubject, at: datetime) -> Judgement:
    """Outcomes by group were measured for this model, and did not fail."""
    system = subject.rules.system if subject.rules else None
    verdict = judge_records("fairness", subject.of("fairness"), at, system=system)
    claims = [c for r in subject.of("fairness") for c in r.evidence.claims if not is_set_aside(c)]
    undecided = [c for c in claims if verdict_word(c) in UNDECIDED]
    if subject.rules is None and verdict.outcome in ("holds", "warned") and undecided:
        text = f"{len(undecided)} outcomes by group are not decided, such as: {describe(undecided[0])}"
        return Judgement("not evaluated", text).about(*subject.of("fairness"))
    aside = tuple(item.text for item in set_aside(system, subject.counted))
    if verdict.outcome not in ("holds", "warned") or not aside:
        return verdict
    return replace(verdict, outcome="warned", warnings=(*verdict.warnings, *aside))


def _process(subject: StatusSubject, at: datetime) -> Judgement:
    names = [k for k in CHECKS if k.startswith(("A.5.2/", "A.5.3/", "A.5.4/", "A.5.5/"))]
    return joined([CHECKS[name](subject, at) for name in names], f"the {len(names)} conditions of A.5.2 to A.5.5 hold")


def _feeds(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:
    """Each risk that the assessment feeds stands in an approved risk register."""
    registers = [d for d in subject.written("risk-register") if subject.judged(d, at).outcome == "holds"]
    known = {str(e.get("id")) for d in registers for e in mappings(d.fields.get("risks"))}
    fed = texts(document.fields.get("feeds_risks"))
    if not fed:
        return "missing", "it names no risk that it feeds"
    unknown = [r for r in fed if r not in known]
    return ("missing", f"risk {unknown[0]} is in no approved risk register") if unknown else None


def _mitigated(document: PublishedDocument, subject: StatusSubject, at: datetime) -> Problem:  # noqa: ARG001
    harms = [e for e in mappings(document.fields.get("impacts")) if e.get("kind") == "harm"]
    measures = {
        str(e.get("impact")) for e in mappings(document.fields.get("measures")) if says(mapping(e).get("measure"))
    }
    bare = [str(e.get("id")) for e in harms if str(e.get("id")) not in measures]
    if not harms:
        return "missing", "it names no harm"
    return ("missing", f"harm {bare[0]} has no mitigation") if bare else None


ASSESSED = by_document("impact-assessment", states("assessors", "decision"), names_model, may_go)
CHECKS: dict[str, ConditionCheck] = {
    "A.5.2/triggers": by_document("impact-process", states("triggers")),
    "A.5.2/method": by_document("impact-process", states("method", "scales")),
    "A.5.2/roles": by_document("impact-process", states("assessors", "approvers")),
    "A.5.3/signed": ASSESSED,
    "A.5.3/evidence": by_document("impact-assessment", cites),
    "A.5.4/groups": by_document("impact-people", real_groups),
    "A.5.4/results": results,
    "A.5.4/mitigations": by_document("impact-people", entries("impacts", "id", "kind", "group"), _mitigated),
    "A.5.5/effects": by_document("impact-society", entries("effects", "effect", "judgement")),
    "A.5.5/reasons": by_document("impact-society", entries("effects", "reason")),
    "8.4/assessed": ASSESSED,
    "6.1.4/assessed": _process,
    "6.1.4/risks": by_document("impact-assessment", _feeds),
}
