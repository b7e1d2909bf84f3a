"""Findings K5: an AI policy that people were not told, or that is not reviewed when time, a law or an incident asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.control_conditions.organisation import too_few
from aims_mlflow.gates.document_content.reviews import next_due, serious_since
from aims_mlflow.management.findings.beginnings import begun, days_after, year_after
from aims_mlflow.management.findings.laws import law_changes
from aims_mlflow.management.findings.managers import decides, managers
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.leadership import (
    CommunicationDocument,
    PolicyDocument,
    PolicyReviewDocument,
    RolesDocument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState

REVIEWS = "A.2.4"
LATEST_CHANGE = 90  # days after which a decided change has to be in force
REVIEW_IT = "review it, and publish the outcome: aims document new policy-review"


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:
    """Yield every finding about the AI policy."""
    policies = {p.id: p for p in state.of(PolicyDocument)}
    all_told = state.of(CommunicationDocument)
    for told in all_told:
        if not any(_replaces(later, told, policies) for later in all_told):
            yield from _told(told, policies)
    yield from _reviewed(state, now.strftime("%Y-%m-%d"))


def _replaces(later: CommunicationDocument, told: CommunicationDocument, policies: dict[str, PolicyDocument]) -> bool:
    """Return whether an older version was told, and after it the version in force."""
    policy = policies.get(told.policy or "")
    if policy is None or later.policy != told.policy or told.policy_version == policy.version:
        return False
    return later.policy_version == policy.version and (told.date or "") <= (later.date or "")


def _told(told: CommunicationDocument, policies: dict[str, PolicyDocument]) -> Iterator[ManagementFinding]:
    """Yield K5 for another version than the one in force, and for too few people."""
    policy = policies.get(told.policy or "")
    if policy is None or told.policy_version != policy.version:
        what = f"version {told.policy_version} of {told.policy}" if told.policy else "no policy that is named"
        force = f"version {policy.version} is in force" if policy else "that is the id of no AI policy in force"
        fact = f"{told.id} says that {what} was told, and {force}"
        fix = "tell the version in force, and publish whom it reached: aims document new communication"
        yield ManagementFinding("K5", told.id, fact, fix, None, (told.id,))
        return
    if told.date and policy.effective_from and told.date < policy.effective_from:
        fact = f"{told.id} was told on {told.date}, before {told.policy} applied on {policy.effective_from}"
        fix = f"tell the version in force, or correct the day: aims document publish {told.id}"
        yield ManagementFinding("K5", f"{told.id}/date", fact, fix, None, (told.id, policy.id))
    if told.headcount is not None and told.reached is not None and told.reached > told.headcount:
        fact = f"{told.id} reached {told.reached:,} of {told.headcount:,} people, which cannot be"
        yield ManagementFinding("K5", told.id, fact, f"count again: aims document publish {told.id}", None, (told.id,))
    least = policy.least_reached or 100
    if told.headcount and told.reached is not None and told.reached * 100 < least * told.headcount:
        reached = f"{told.reached:,} of {told.headcount:,} people whom it binds"
        fact = f"{told.id} says that {told.policy} reached {reached}, {too_few(least)}"
        fix = "tell the others, and publish how many it reached; least_reached of the policy says how many must be"
        yield ManagementFinding("K5", told.id, fact, fix, None, (told.id,))


def _reviewed(state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield K5 for a review that is overdue, that somebody made who may not, or that a law or an incident overtook."""
    newest = max((r for r in state.of(PolicyReviewDocument) if r.date), key=lambda r: str(r.date), default=None)
    if newest is None:
        first = begun(state, state.of(PolicyDocument))
        if first and year_after(first[0]) < today:
            fact = f"{first[1]} applies since {first[0]}, and nobody ever reviewed it: that was due on "
            fact += year_after(first[0])
            yield ManagementFinding("K5", f"{first[1]}/review", fact, REVIEW_IT, None, (first[1],), REVIEWS)
        return
    day = str(newest.date)
    due = next_due(newest)
    if due and due < today:
        fact = f"the AI policy was last reviewed on {day}, and its next review was due on {due}"
        yield ManagementFinding("K5", newest.id, fact, REVIEW_IT, None, (newest.id,), REVIEWS)
    if newest.by and state.people and not decides(newest.by, _may_review(state), state):
        fact = f"{newest.by} reviewed the AI policy on {day}, and manages nothing, does not own or approve it, and has "
        fact += "no role for it"
        fix = f"let top management review it, or give {newest.by} that role: aims document new policy-review"
        yield ManagementFinding("K5", f"{newest.id}/by", fact, fix, None, (newest.id,), REVIEWS)
    yield from _changed(newest, state, today)
    later = serious_since(newest, state)
    events = [(f"serious incident {i.id} of {i.detected_on or i.aware_on}", i.id) for i in later[:1]]
    events += [
        (f"{c.law}, which applies or changed from {c.day} on,", c.document) for c in law_changes(state, day, today)
    ]
    for what, document in events:
        fact = f"{what} came after the last review of the AI policy on {day}"
        fix = "decide whether the policy has to change by it, and publish the outcome: aims document new policy-review"
        ids = (newest.id, document)
        yield ManagementFinding("K5", f"{newest.id}/{document}", fact, fix, None, ids, REVIEWS)


def _changed(review: PolicyReviewDocument, state: ManagementState, today: str) -> Iterator[ManagementFinding]:
    """Yield K5 for a change that was decided a while ago, and the policy in force is older than the decision."""
    day = str(review.date)
    for policy in state.of(PolicyDocument):
        since = policy.effective_from
        if review.decision == "change" and since and since <= day and days_after(day, LATEST_CHANGE) < today:
            fact = f"it was decided on {day} to change the AI policy, and its version of {since} is in force"
            fix = f"publish the changed policy: aims document publish {policy.id}"
            yield ManagementFinding("K5", f"{review.id}/change", fact, fix, None, (review.id, policy.id), REVIEWS)


def _may_review(state: ManagementState) -> list[str]:
    """Return managers, who owns or approves the policy, and whose role is about the policy."""
    names = managers(state)
    names += [name for p in state.of(PolicyDocument) for name in (p.owner, p.approver) if name]
    for document in state.of(RolesDocument):
        for role in document.roles:
            if role.person and "polic" in f"{role.role} {role.duty} {role.authority}".casefold():
                names.append(role.person)
    return names
