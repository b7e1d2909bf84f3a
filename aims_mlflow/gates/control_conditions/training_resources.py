"""Conditions about tools and computing resources of a training, and of what serves its model (A.4.4, A.4.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.kind_verdict import judge_records
from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import mappings
from aims_mlflow.gates.verdict import Judgement
from aims_mlflow.records.details import Details, read_details
from aims_mlflow.records.details.training import ComputeDetails, ToolingDetails

if TYPE_CHECKING:
    from datetime import datetime

    from aims_mlflow.gates.control_conditions.by_document import ConditionCheck
    from aims_mlflow.gates.status_subject import StatusSubject

PACKAGES = "packages.txt"
PIN = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s,;]+)")
SEPARATORS = re.compile(r"[-_.]+")  # which names of packages take for the same
MOST_NEEDS = 6
UNCOMPARED = (
    "what serves it was compared with nothing: no approved inventory names its tools of operation with versions"
)


def _recorded(subject: StatusSubject, kind: str, model: type[Details], at: datetime) -> tuple[Judgement, Details]:
    """Return the verdict on the newest record of a kind, and its details where it may be read."""
    records = subject.of(kind)[-1:]
    verdict = judge_records(kind, records, at)
    readable = records and verdict.outcome in ("holds", "warned")
    return verdict, read_details(records[0].evidence, model) if readable else model()


def tools(subject: StatusSubject, at: datetime) -> Judgement:
    """The tools of the training are named with their versions."""
    verdict, _ = _recorded(subject, "tooling-record", ToolingDetails, at)
    records = subject.of("tooling-record")[-1:]
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    named = records[0].evidence.tools
    if not named:
        return Judgement("missing", "the tooling-record names no tool").about(*records)
    listed = ", ".join(f"{k} {v}" for k, v in sorted(named.items()))
    return Judgement("holds", f"loaded by the process of the training: {listed}").about(*records)


def versions(subject: StatusSubject, at: datetime) -> Judgement:
    """Every installed package stands in a signed list."""
    verdict, details = _recorded(subject, "tooling-record", ToolingDetails, at)
    records = subject.of("tooling-record")[-1:]
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    listed = next((a for a in records[0].evidence.artifacts if a.path.endswith(PACKAGES) and a.size), None)
    if listed is None or not details.packages:
        text = "the packages are known only by one digest: no list of them is kept"
        return Judgement("missing", text).about(*records)
    return Judgement("holds", f"{details.packages:,} packages with their versions in {listed.path}").about(*records)


def algorithms(subject: StatusSubject, at: datetime) -> Judgement:
    """The class of each model that the training made is recorded."""
    verdict, details = _recorded(subject, "tooling-record", ToolingDetails, at)
    records = subject.of("tooling-record")[-1:]
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    known = {k: v for k, v in (details.algorithms or {}).items() if says(v)}
    lacking = [m.name for m in subject.provenance.models or () if m.model_id not in known]
    if lacking or not known:
        return Judgement("missing", f"the algorithm of {', '.join(lacking) or 'the model'} is not known").about(
            *records
        )
    return Judgement("holds", ", ".join(dict.fromkeys(known.values()))).about(*records)


def _pins(text: str) -> list[tuple[str, str]]:
    """Return each package of a text with its version, such as `mlflow==3.17.2, scikit-learn==1.7.0`."""
    return [(SEPARATORS.sub("-", name).lower(), version) for name, version in PIN.findall(text)]


def serving(subject: StatusSubject, at: datetime) -> Judgement:
    """The packages that serving needs are listed; an approved inventory of operation has none of another version."""
    verdict, details = _recorded(subject, "tooling-record", ToolingDetails, at)
    records = subject.of("tooling-record")[-1:]
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    needs = {line for lines in (details.serving or {}).values() for line in lines}
    if not needs:
        return Judgement("missing", "what serving the model needs is not recorded").about(*records)
    pinned = dict(pin for line in needs for pin in _pins(line))
    compared = ""
    for document in subject.written("resource-inventory")[-1:]:
        if subject.judged(document, at).outcome != "holds":
            continue
        tools_used = [e for e in mappings(document.fields.get("resources")) if e.get("stage") == "operation"]
        served = [pin for e in tools_used for pin in _pins(str(e.get("id")))]
        same = [name for name, _ in served if name in pinned]
        if same:
            compared = f"{document.name} names {len(same)} of them as serving, in these versions"
        for name, version in served:
            if name in pinned and pinned[name] != version:
                text = f"serving differs: {name} {version} serves, the model was made with {pinned[name]}"
                return Judgement("stale", text, (document.id,), document.time).about(*records)
    more = f" and {len(needs) - MOST_NEEDS} more" if len(needs) > MOST_NEEDS else ""
    text = f"the model lists what serving needs: {', '.join(sorted(needs)[:MOST_NEEDS])}{more}"
    text = f"{text}; {compared or UNCOMPARED}"
    if subject.aliases and not compared:
        return Judgement("warned", text, warnings=(UNCOMPARED,)).about(*records)
    return Judgement("holds", text).about(*records)


def measured(subject: StatusSubject, at: datetime) -> Judgement:
    """Processors, memory and duration of the training were measured."""
    verdict, details = _recorded(subject, "compute-record", ComputeDetails, at)
    records = subject.of("compute-record")[-1:]
    if verdict.outcome not in ("holds", "warned"):
        return verdict
    wanted = {"cpu_count": "processors", "peak_memory_bytes": "used memory", "fit_seconds": "duration"}
    lacking = [word for key, word in wanted.items() if getattr(details, key) in (None, "", 0, "0")]
    if lacking:
        return Judgement("missing", f"not measured: {', '.join(lacking)}").about(*records)
    memory = (details.peak_memory_bytes or 0) / 2**20
    accelerators = ", ".join(details.accelerators or ()) or "no accelerator"
    text = f"{details.cpu_count} processors, {memory:,.0f} MiB at most, {details.fit_seconds} s, {accelerators}"
    return Judgement("holds", text).about(*records)


def capacity(subject: StatusSubject, at: datetime) -> Judgement:  # noqa: ARG001
    """The capacity that serving needs is declared in aims.yaml."""
    value = subject.stated_system.serving_capacity
    if not says(value):
        return Judgement(
            "missing", "serving capacity is not declared: system.serving_capacity in aims.yaml", basis="person"
        )
    return Judgement("holds", f"{value!r}, as aims.yaml states", basis="person").about(*subject.counted.starts[-1:])


CHECKS: dict[str, ConditionCheck] = {
    "A.4.4/tools": tools,
    "A.4.4/versions": versions,
    "A.4.4/algorithms": algorithms,
    "A.4.4/serving": serving,
    "A.4.5/measured": measured,
    "A.4.5/capacity": capacity,
}
