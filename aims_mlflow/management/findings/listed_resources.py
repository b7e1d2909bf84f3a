"""Findings L13 and L15: resources, steps and losses of a version in use beside lists, criteria and requirements."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.preparation import unequal_losses
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.base import EvidenceDetails
from aims_mlflow.records.details.training import PreparationDetails, ToolingDetails
from aims_mlflow.records.documents.information import PreparationCriteriaDocument, QualityRequirementsDocument
from aims_mlflow.records.documents.lifecycle import ResourceInventoryDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
    from aims_mlflow.records.documents.information import PreparationCriterion

PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent\b|per cent\b)")
# A requirement on values that this share of them may break.
HALF = Decimal(50)
# Fields of records in which a host stands: of serving, of logs, of traffic and of runs of a monitor.
HOSTS = ("host", "hosts", "hostname", "endpoint", "endpoints", "server")
SAME = 3  # columns of which one requirement is none of their own
PRESENT = re.compile(r"\b(not|no|non|is) ?(null|missing|empty|gaps?|na|nan)\b|\bpresent\b|\bfilled\b", re.IGNORECASE)


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about what versions in use rest on, and about requirements on data."""
    for system, version in state.live:
        yield from _data(system, version, state)
        yield from _tools(system, version, state)
        yield from _steps(system, version, state)
        yield from _machines(system, version, state)
    for document in state.of(QualityRequirementsDocument):
        yield from _alike(document)


def _data(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L13: data of a version in use that no inventory lists, one without data included."""
    inventories = state.about(ResourceInventoryDocument, system)
    listed = {str(r.id) for d in inventories for r in d.resources if r.resource == "data"}
    used = {s.name: set(s.digest.values()) for r in version.of("lineage") for s in r.subjects}
    for role, digests in used.items() if inventories else ():
        if not digests & listed:
            fact = f"{version.name} used {role} data {min(digests, default='')[:12]}, which {inventories[-1].id} does "
            fact += "not list"
            fix = f"add the data by their digest to {inventories[-1].id}, or find out why they were used"
            about = f"{system}/{version.model}@{version.place}/{role}"
            yield ManagementFinding("L13", about, fact, fix, system, (inventories[-1].id,))


def _tools(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L13: packages that serve the version in use, and that no inventory lists in the version that it has."""
    inventories = state.about(ResourceInventoryDocument, system)
    listed = " ".join(r.id for d in inventories for r in d.resources if r.resource == "tool").casefold()
    records = version.of("tooling-record")
    if not inventories or not records:
        return
    details = read_details(records[-1].evidence, ToolingDetails)
    if details.packages_digest and details.packages_digest in listed:
        return  # the list of all packages is a resource by its digest
    serving = details.serving
    packages = sorted({p for several in (serving or {}).values() for p in several})
    lacking = [p for p in packages if not _is_listed(p, listed)]
    if lacking:
        fact = f"{version.name} is served with {', '.join(lacking[:5])}, which {inventories[-1].id} does not list"
        fix = "add them as resources of kind tool, as package==version or by the digest of all: aims document publish "
        fix += inventories[-1].id
        about, ids = f"{system}/{version.model}@{version.place}/tools", (inventories[-1].id, records[-1].id)
        yield ManagementFinding("L13", about, fact, fix, system, ids, "A.4.4")


def _machines(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L13: hosts and accelerators that evidence names, and neither the entry of the system nor its inventory."""
    inventories = state.about(ResourceInventoryDocument, system)
    entry = state.systems.get(system)
    if not inventories:
        return
    listed = [f"{r.id} {r.purpose}" for d in inventories for r in d.resources]
    listed += [f"{s.endpoint} {s.environment}" for s in entry.serving] if entry else []
    known = " ".join(listed).casefold()
    for name, record in _named_machines(version):
        if not re.search(rf"(?<![\w.-]){re.escape(name.casefold())}(?![\w-])", known):
            fact = (
                f"{record.evidence.kind} {record.id[:13]} of {version.name} names {name}, and neither the register nor "
            )
            fact += f"{inventories[-1].id} does"
            fix = f"add it as a resource of kind compute to {inventories[-1].id}, or find out why it was used"
            about, ids = f"{system}/{version.model}@{version.place}/compute/{name}", (inventories[-1].id, record.id)
            yield ManagementFinding("L13", about, fact, fix, system, ids, "A.4.5")


def _named_machines(version: DeployedVersion) -> Iterator[tuple[str, SealedRecord]]:
    """Yield each host, by its name without scheme, port and path, and each accelerator that a record names."""
    for record in version.records:
        stated = read_details(record.evidence, EvidenceDetails).plain()
        for field in (f for f in (*HOSTS, "accelerators") if f in stated):
            value = stated[field]
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and text.strip():
                    yield (text if field == "accelerators" else _host(text)), record


def _host(text: str) -> str:
    return re.sub(r"^\w+://", "", text.strip()).partition("/")[0].partition(":")[0]


def _is_listed(package: str, listed: str) -> bool:
    """Return whether a text lists a package, alone or in its version."""
    name, _, number = package.casefold().partition("==")
    found = re.findall(rf"(?<![\w.-]){re.escape(name)}(?:==([\w.+]*\w))?(?![\w-])", listed)
    return any(stated in ("", number) for stated in found)


def _steps(system: str, version: DeployedVersion, state: ManagementState) -> Iterator[ManagementFinding]:
    """Yield L13: steps of preparation that no criterion allows, or that lost more rows than it does."""
    documents = state.about(PreparationCriteriaDocument, system)
    criteria = {c.step: c for d in documents for c in d.criteria}
    seen: set[str] = set()
    for record in version.of("preparation") if documents else ():
        done = read_details(record.evidence, PreparationDetails)
        step = (done.function or "").rpartition(".")[2]
        about = f"{system}/{version.model}@{version.place}/step/{step}"
        ids = (documents[-1].id, record.id)
        if step not in criteria and step not in seen:
            fact = f"the data of {version.name} went through the step {step}, which no criterion of "
            fact += f"{documents[-1].id} allows"
            fix = f"say when and why it is allowed: {documents[-1].id}; or train without it"
            yield ManagementFinding("L13", about, fact, fix, system, ids)
        elif step in criteria and (lost := _too_many(done, criteria[step])):
            fact = f"the step {step} took {lost} from the data of {version.name}, and {documents[-1].id} allows "
            fact += f"{criteria[step].most_rows_lost}"
            fix = f"find out why, and train again or state another limit with its reason: {documents[-1].id}"
            yield ManagementFinding("L13", f"{about}/rows", fact, fix, system, ids, "A.7.6")
        named = criteria.get(step)
        for group, lost in unequal_losses(record, _words_of(named) if named else ""):
            fact = f"the step {step} took {lost} from the data of {version.name}, and no reason names that group"
            fix = f"find out why, and prepare the data otherwise, or name the group in a reason: {documents[-1].id}"
            yield ManagementFinding("L13", f"{about}/{group}", fact, fix, system, ids, "A.7.6")
        seen.add(step)


def _words_of(criterion: PreparationCriterion) -> str:
    return " ".join(filter(None, (criterion.allowed_when, criterion.reason, criterion.most_rows_lost)))


def _too_many(done: PreparationDetails, criterion: PreparationCriterion) -> str | None:
    """Return how many rows a step took away, where these are more than the criterion's percentage of all."""
    most = PERCENT.search(criterion.most_rows_lost or "")
    rows = done.input.rows if done.input else None
    if most is None or not rows or not done.rows_removed:
        return None
    share = Decimal(done.rows_removed * 100) / rows
    return f"{done.rows_removed:,} of {rows:,} rows ({share:.1f}%)" if share > Decimal(most[1]) else None


def _alike(document: QualityRequirementsDocument) -> Iterator[ManagementFinding]:
    """Yield L15: requirements that are one for all columns, and values that may be missing in half of the rows."""
    rows = [(r.expectation, r.limit, r.reason) for r in document.requirements]
    wrong = None
    if len(rows) >= SAME and len(set(rows)) == 1:
        wrong = f"asks the same of {len(rows)} columns, for the same reason: {rows[0][0]!r}"
    for requirement in document.requirements:
        share = PERCENT.search(requirement.limit or "")
        if share and Decimal(share[1]) == HALF and PRESENT.search(requirement.expectation or ""):
            wrong = f"lets half of the values of {requirement.column or 'a column'} be missing ({requirement.limit})"
            break
    if wrong:
        fix = f"state for each column what the use needs, and why: aims document publish {document.id}"
        yield ManagementFinding("L15", document.id, f"{document.id} {wrong}", fix, document.system, (document.id,))
