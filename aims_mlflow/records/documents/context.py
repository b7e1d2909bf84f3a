"""Clause 4: the register of systems, scans of sources, scope, context and parties."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from aims_mlflow.records.base import Day, Record, Time
from aims_mlflow.records.documents.base import (
    Count,
    LogDocument,
    Person,
    RegisterEntry,
    Text,
    TextDocument,
    Texts,
    WrittenDocument,
    entries,
    needed,
    optional,
)
from aims_mlflow.records.system import Priority, SystemId

LifecycleStage = Literal["idea", "development", "verification", "deployment", "operation", "retirement"]
STAGES = get_args(LifecycleStage)
BEFORE_USE = ("idea", "development", "verification")
IN_USE = ("deployment", "operation")  # the stages in which a system decides about people
RoleOfOrganisation = Literal["provider", "deployer", "supplier", "user"]


class SystemRole(Record):
    """A role that the organisation has for a system."""

    role: RoleOfOrganisation = Field(
        description="provider (offers it), deployer (uses it in its work), supplier (of a part) or user (of results)"
    )
    since: Day | None = optional("since when")


class AffectedGroup(Record):
    """People whom a system affects: a value of a compared column, or not in the data with a reason."""

    name: Text = Field(description="who they are, in plain words")
    how_identified: Text | None = optional("how they were found")
    in_data: Text | None = needed("which column and value of the data they are, as column=value")
    not_in_data: Text | None = optional("why the data do not tell them apart")
    est_size: Text | None = optional("about how many people")


class ServingPlace(Record):
    """Where a system answers requests."""

    endpoint: Text = Field(description="address or name of the endpoint")
    environment: Text | None = optional("environment, such as production")
    since: Day | None = optional("since when")


class LegalClass(Record):
    """How a law classifies the system."""

    framework: Text = Field(description="law or framework")
    legal_class: Text = Field(description="class by that law", alias="class")
    reason: Text = Field(description="why it has this class")
    checked_on: Day = Field(description="day on which the law was looked up")
    changed_on: Day | None = optional("day from which the law, or its last change, applies")


class ObjectivePriority(Record):
    """How much an objective of Annex C matters for the system."""

    priority: Priority = Field(description="low, medium or high")
    reason: Text = Field(description="why")


class SystemEntry(RegisterEntry):
    """A system of the register."""

    ABOUT = "system"

    name: Text | None = needed("what people call the system")
    purpose: Text | None = needed("what it is for: who decides what about whom with it")
    description: Text | None = optional("what it does and how")
    roles: tuple[SystemRole, ...] = entries("which roles the organisation has for it, each since when")
    stage: LifecycleStage | None = needed("in which stage of its life it is")
    stage_dates: dict[LifecycleStage, Day] = optional("day on which each stage began", {})
    in_scope: bool | None = needed("whether the management system covers it")
    scope_reason: Text | None = optional("why it is in or out of scope")
    stages_in_scope: Texts = optional("stages that the scope covers", ())
    users: Texts = needed("who works with it, e.g. loan officers; whom it is about are affected_groups", ())
    affected_groups: tuple[AffectedGroup, ...] = entries("which people it affects, by column=value of the data")
    parties: Texts = optional("interested parties, by their names in `parties`", ())
    intended_use: Text | None = needed("what it is to be used for")
    foreseeable_misuse: Texts = optional("uses that must be expected and are not intended", ())
    prohibited_use: Texts = optional("uses that are forbidden", ())
    models: Texts = optional("registered models of the system", ())
    components: Texts = optional("components of third parties, by their ids", ())
    data_sets: Texts = optional("data sets, by digest or name", ())
    serving: tuple[ServingPlace, ...] = optional("where it answers requests", ())
    decision_role: Literal["advises", "decides"] | None = needed("whether it advises a person or decides by itself")
    legal_class: tuple[LegalClass, ...] = optional("class by each law that applies", ())
    objectives: dict[str, ObjectivePriority] = optional("priority and reason of each objective of Annex C", {})
    next_review: Day | None = optional("day of the next review of the entry")


class ScanSource(Record):
    """A place that a scan looked at."""

    kind: Text = Field(description="kind of source, such as registry, gateway, source tree, vendor list")
    address: Text = Field(description="its address, path or name")
    items_seen: Count = Field(description="how many items it has")
    failed: Text | None = optional("why it could not be read")


class ScanItem(Record):
    """Something that a scan found: it belongs to a system, or is explained."""

    id: Text = Field(description="name of what was found")
    kind: Text | None = optional("kind of thing: registered model, alias, endpoint, provider, import")
    source: Text | None = optional("source in which it was found")
    first_seen: Time | None = optional("when it was first seen")
    system: SystemId | None = optional("system that claims it")
    explanation: Text | None = optional("why it needs no system")
    by: Person | None = optional("who explained it")
    until: Day | None = optional("last day of the explanation")


class ScanEntry(RegisterEntry):
    """What a scan of sources found, for the register to claim or to explain."""

    time: Time | None = needed("when the sources were scanned")
    sources: tuple[ScanSource, ...] = entries("which sources were scanned, and how many items each has")
    not_scanned: Texts = optional("sources in scope that were not scanned", ())
    found: tuple[ScanItem, ...] = optional("what was found", ())
    tool_version: Text | None = optional("version of the software that scanned")


class RegisteredSystem(Record):
    """A system as the register lists it."""

    id: SystemId = Field(description="id of the system")
    roles: Texts = needed("which roles the organisation has for it", ())
    stage: Text | None = needed("in which stage of its life it is")
    owner: Person | None = optional("who answers for it")


class RegisterDocument(LogDocument):
    """The register of AI systems as it is approved: each system with its roles and stage, and the last scan."""

    systems: tuple[RegisteredSystem, ...] = entries("which AI systems there are, with roles and stage")
    scan: tuple[ScanItem, ...] = entries("what the last scan found, and which system or explanation covers it")


class ExcludedSystem(Record):
    """A system outside the scope, with who decided so and why."""

    id: SystemId = Field(description="id of the system")
    reason: Text = Field(description="why it is out of scope")
    approved_by: Person = Field(description="who approved that")


class ScopeDocument(TextDocument):
    """Which systems, stages, units and roles the management system covers."""

    statement: Text | None = needed("what the management system covers, in a few sentences")
    units: Texts = optional("organisational units", ())
    sites: Texts = optional("sites", ())
    systems_in: tuple[SystemId, ...] = entries("which systems are in scope, by their ids")
    systems_out: tuple[ExcludedSystem, ...] = optional("which systems are out, and why", ())
    stages: Texts = optional("life-cycle stages in scope", ())
    roles: Texts = optional("roles of the organisation in scope", ())
    interfaces: Texts = optional("what crosses the boundary: suppliers, other management systems", ())
    sources: Texts = optional("kinds of sources that a scan must look at", ())


class ContextIssue(Record):
    """A matter outside or inside that bears on AI here."""

    issue: Text = Field(description="the matter")
    place: Literal["inside", "outside"] | None = optional("inside or outside the organisation")
    effect: Text | None = needed("what it means for the management system")
    climate: bool | None = optional("whether it is about climate change")
    owner: Person | None = optional("who watches it")


class ContextDocument(LogDocument):
    """Matters outside and inside that bear on AI here."""

    issues: tuple[ContextIssue, ...] = entries("which matters outside and inside bear on AI here, and how")


class InterestedParty(Record):
    """A party with what it needs or expects."""

    who: Text = Field(description="who they are")
    need: Text | None = needed("what they need or expect")
    source: Text | None = optional("document that says so")
    systems: tuple[SystemId, ...] = optional("systems that it is about", ())
    binding: Literal["duty", "wish"] | None = optional("whether it is a duty or a wish")
    how_met: Texts = optional("controls or evidence that meet it", ())


class PartiesDocument(LogDocument):
    """Interested parties and what they expect."""

    parties: tuple[InterestedParty, ...] = entries("who is affected or has an interest, and what they expect")


KINDS: dict[str, type[WrittenDocument]] = {
    "system": SystemEntry,
    "scan": ScanEntry,
    "register": RegisterDocument,
    "scope": ScopeDocument,
    "context": ContextDocument,
    "parties": PartiesDocument,
}
