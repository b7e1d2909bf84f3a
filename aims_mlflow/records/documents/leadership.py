"""Clause 5, A.2 and A.3: leadership, people, roles, the AI policy and concerns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aims_mlflow.records.base import Day, Record, Sha256
from aims_mlflow.records.documents.base import (
    Count,
    Days,
    DocumentId,
    LogDocument,
    Percent,
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
from aims_mlflow.records.system import SystemId

Activity = Literal["train", "validate", "approve", "operate", "stop", "report", "retire"]


class KnownPerson(Record):
    """A person of the organisation."""

    id: Person = Field(description="name of the person, exactly as it stands with their signing key")
    name: Text | None = optional("name")
    function: Text | None = needed("function in the organisation")
    top_management: bool = optional("whether the person belongs to top management", default=False)
    key_ids: tuple[Sha256, ...] = optional("keys of the person", ())
    employed_from: Day | None = optional("first day")
    employed_until: Day | None = optional("last day")

    def active(self, day: str) -> bool:
        """Return whether the person is there on a day, as YYYY-MM-DD."""
        return (self.employed_from or day) <= day <= (self.employed_until or day)

    def absence(self, day: str) -> str:
        """Return why the person is not there on a day on which they are not, as the end of a sentence."""
        began = self.employed_from or day
        return f"is there from {began} on" if began > day else f"left on {self.employed_until}"


class PeopleEntry(RegisterEntry):
    """The people whom documents and keys name."""

    people: tuple[KnownPerson, ...] = entries("who the people are, with function and time of employment")


class LeadershipDocument(TextDocument):
    """Top management's commitment and the authority that it gave."""

    members: Texts = needed("who of top management answers for AI", ())
    mandate: Text | None = optional("what they are to decide")
    resources: Text | None = needed("which people, money and time top management committed")
    date: Day | None = optional("day of the commitment")
    minutes: Sha256 | None = optional("sha256 of the file of the minutes, as `sha256sum FILE` prints it")


class AuthorityRole(Record):
    """A role in the management system."""

    role: Text = Field(description="name of the role")
    duty: Text | None = optional("what it has to do")
    authority: Text | None = needed("what this role may stop or approve")
    person: Person | None = needed("who holds it")
    deputy: Person | None = optional("who stands in")
    systems: tuple[SystemId, ...] = optional("systems that it is for", ())
    accepted: Day | None = optional("day on which the person accepted it")
    since: Day | None = optional("first day")
    until: Day | None = optional("last day")


class RolesDocument(LogDocument):
    """Roles and authority in the management system."""

    roles: tuple[AuthorityRole, ...] = entries("which roles there are, what each may stop or approve, and who holds it")


class Assignment(Record):
    """Who answers for one duty of a system: exactly one person is accountable."""

    duty: Activity = Field(description="train, validate, approve, operate, stop, report or retire")
    person: Person | None = needed("who answers for it")
    responsible: Texts = optional("who does it", ())
    consulted: Texts = optional("who is asked", ())
    informed: Texts = optional("who is told", ())
    accepted: Day | None = optional("day on which the person accepted it")
    since: Day | None = optional("first day")
    until: Day | None = optional("last day")


class RoleAssignmentDocument(LogDocument):
    """Who holds which role for a system."""

    ABOUT = "system"

    assignments: tuple[Assignment, ...] = entries("who trains, validates, approves, operates and may stop the system")


class PolicyDocument(TextDocument):
    """The approved AI policy."""

    principles: Texts = needed("which principles bind everyone who builds or uses AI here", ())
    commitments: Texts = optional("what the organisation commits itself to", ())
    applies_to: Texts = needed("to whom and to which systems it applies", ())
    objectives_frame: Text | None = optional("how objectives are set")
    prohibited: Texts = needed("which uses of AI are forbidden here", ())
    exceptions: Text | None = needed("how an exception is asked for, and who grants it")
    published_where: Text | None = optional("where people find it")
    longest_review_days: Days | None = optional(
        "how many days at most lie between two reviews of a document; 1098, which are three years, if left out"
    )
    least_reached: Percent | None = optional(
        "least percentage of the people whom it binds who must have been told; 100 if left out"
    )


class CommunicationDocument(LogDocument):
    """Proof that a policy reached the people whom it binds."""

    policy: DocumentId | None = needed("which policy was communicated, by the id of its document")
    policy_version: Text | None = needed("which version of the policy was communicated")
    audience: Text | None = needed("whom it was to reach")
    headcount: Count | None = needed("how many people that are")
    channel: Text | None = needed("by which way it was told")
    date: Day | None = needed("on which day")
    reached: Count | None = needed("how many it reached")
    acknowledgements: Sha256 | None = optional("sha256 of the list of acknowledgements")


class AlignedPolicy(Record):
    """Another policy of the organisation that AI touches."""

    policy: Text = Field(description="name of the other policy")
    version: Text | None = optional("its version")
    touched: bool | None = optional("whether AI touches it")
    outcome: Text | None = needed("what came out: which section changed, or why none has to")
    date: Day | None = optional("day on which that was decided")


class PolicyAlignmentDocument(LogDocument):
    """Other policies that AI touches, with the outcome for each."""

    policies: tuple[AlignedPolicy, ...] = entries("which other policies AI touches, and what was changed in each")


class PolicyReviewDocument(LogDocument):
    """A review of the AI policy and its decision."""

    inputs: Texts = needed("what the reviewers looked at", ())
    decision: Literal["keep", "change"] | None = needed("whether the policy stays or changes")
    by: Person | None = needed("who reviewed it")
    date: Day | None = needed("on which day it was reviewed")
    next: Day | None = optional("day of the next review")


class ConcernProcessDocument(TextDocument):
    """How concerns are raised and handled."""

    channel: Text | None = needed("where people raise a concern")
    protection: Text | None = needed("how whoever raises one is protected")
    who_reads: Person | None = optional("who reads concerns")
    target_days: Days | None = optional("within how many days a case is answered")


class ConcernCase(Record):
    """One concern that was raised."""

    id: Text = Field(description="id of the case")
    received: Day | None = optional("day on which it came")
    about: Text | None = optional("what it is about, without names")
    outcome: Text | None = needed("what became of it")
    closed: Day | None = optional("day on which it was closed")


class ConcernLogDocument(LogDocument):
    """Concerns that were raised, and what became of them."""

    tested: Day | None = needed("when the channel was last tested")
    tested_by: Person | None = optional("who tested it")
    cases: tuple[ConcernCase, ...] = optional("which concerns were raised, and what became of each", ())


KINDS: dict[str, type[WrittenDocument]] = {
    "people": PeopleEntry,
    "leadership": LeadershipDocument,
    "roles": RolesDocument,
    "role-assignment": RoleAssignmentDocument,
    "ai-policy": PolicyDocument,
    "communication": CommunicationDocument,
    "policy-alignment": PolicyAlignmentDocument,
    "policy-review": PolicyReviewDocument,
    "concern-process": ConcernProcessDocument,
    "concern-log": ConcernLogDocument,
}
