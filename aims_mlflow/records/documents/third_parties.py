"""A.10: suppliers, components, responsibilities and customers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Day, Record, Sha256
from aims_mlflow.records.documents.base import (
    Count,
    LogDocument,
    Person,
    Text,
    TextDocument,
    Texts,
    WrittenDocument,
    entries,
    needed,
    optional,
)

PapersKind = Literal["card", "evaluation", "system card", "SOC 2", "ISO 42001", "terms", "DPA", "other"]


class SharedDuty(Record):
    """A duty that is shared out among the organisation, its suppliers and its customers."""

    duty: Text = Field(description="duty")
    accountable: Texts = needed("which one party answers for it: us, the supplier or the customer", ())
    clause: Text | None = optional("clause of the contract")


class ResponsibilityDocument(LogDocument):
    """Which party answers for which duty."""

    ABOUT = "system"

    duties: tuple[SharedDuty, ...] = entries("which duties there are, and who answers for each")


class SupplierContract(Record):
    """The contract with a supplier."""

    id: Text = Field(description="id of the contract")
    start: Day | None = optional("first day")
    end: Day | None = optional("last day")
    sha256: Sha256 | None = optional("sha256 of its text")
    clauses: Texts = optional("what it settles: change notice, data use, incident notice, audit, exit", ())


class SupplierPaper(Record):
    """A document of a supplier that somebody read."""

    kind: PapersKind = Field(description="kind of document")
    issuer: Text | None = optional("who issued it")
    accreditation: Text | None = optional("which body accredited whoever issued it; an ISO 42001 certificate names it")
    entity: Text | None = optional("to which legal entity it was issued")
    scope: Text | None = optional("which service it covers")
    covers_service: bool | None = optional("whether that is the service that is used")
    period: Text | None = optional("for which time")
    expires: Day | None = optional("last day; a certificate or a report of an auditor has one")
    sha256: Sha256 | None = optional("sha256 of its bytes")
    read_by: Person | None = optional("who read it")
    conclusions: Texts = needed("what was concluded from it", ())


class SuppliedComponent(Record):
    """A component of a third party, with its documents."""

    component: Text = Field(description="component")
    supplier: Text | None = needed("who supplies it")
    role: Text | None = optional("what the supplier does in this, such as develops, hosts, resells")
    country: Text | None = optional("country of the supplier, and of the place where the data go")
    kind: Literal["model API", "weights", "data", "library", "embedded"] | None = optional("kind of component")
    version: Text | None = needed("which version, or which identifier")
    pinned: bool | None = optional("whether the version is pinned")
    licence: Text | None = optional("licence")
    contract: SupplierContract | None = optional("the contract")
    documents: tuple[SupplierPaper, ...] = entries("which documents of the supplier were read, with what conclusion")


class SupplierDocument(LogDocument):
    """Suppliers' documents and certificates for the components of a system."""

    ABOUT = "system"

    components: tuple[SuppliedComponent, ...] = entries("which components come from others, with which documents")


class ComponentTest(Record):
    """The organisation's own test of a component on its own use."""

    component: Text = Field(description="component")
    version: Text | None = needed("which version was tested")
    version_in_use: Text | None = needed("which version is in use")
    data_digest: Text | None = needed("on which data of the system's own use")
    n: Count | None = needed("on how many cases")
    results: Texts = needed("which results, with their limits", ())
    red_team: Text | None = optional("what an attack showed")
    date: Day | None = needed("on which day")
    evaluator: Person | None = needed("who tested")
    decision: Text | None = needed("whether it may be used, e.g. yes, yes with conditions, no")
    conditions: Texts = optional("under which conditions", ())


class SupplierEvaluationDocument(LogDocument):
    """Own tests and judgement of a supplied model, component or data set."""

    ABOUT = "system"

    tests: tuple[ComponentTest, ...] = entries("which version was tested on which data of the system's own use")


class CustomerWish(Record):
    """What a customer needs."""

    need: Text = Field(description="what they need")
    customer: Text | None = optional("which customer: who gets the system, or its service, from the organisation")
    requirement: Text | None = needed("which requirement it is in")


class CustomerNeedsDocument(LogDocument):
    """What customers need and expect of a system."""

    ABOUT = "system"

    needs: tuple[CustomerWish, ...] = entries("what customers need, and which requirement each need is in")


class CustomerInformationDocument(TextDocument):
    """What customers were told about a system and its limits."""

    ABOUT = "system"

    told: Texts = needed("who was told, and how", ())
    limits: Texts = needed("which limits they were told", ())
    date: Day | None = optional("when")


KINDS: dict[str, type[WrittenDocument]] = {
    "responsibility-matrix": ResponsibilityDocument,
    "supplier-record": SupplierDocument,
    "supplier-evaluation": SupplierEvaluationDocument,
    "customer-needs": CustomerNeedsDocument,
    "customer-information": CustomerInformationDocument,
}
