"""Cross-checks of third parties, oversight, audit, review and corrective action (X20 to X27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.own_work import signers_of
from aims_mlflow.gates.document_content.suppliers import component_faults
from aims_mlflow.gates.shapes import mappings, texts
from aims_mlflow.management.rules.base import Spot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext

BY_RECORD, BY_TEST = ("T1", "T2", "T5", "T6"), ("T3", "T4")


def _supplier(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    yield from _component_spots(document, around, "components", BY_RECORD)


def _component_test(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    yield from _component_spots(document, around, "tests", BY_TEST)


def _component_spots(
    document: FolderDocument, around: LintContext, field: str, rules: Collection[str]
) -> Iterator[Spot]:
    """Yield what is wrong with the components that a document lists, as findings and the state of A.10.3 have it."""
    listed = [str(entry.get("component")) for entry in mappings(document.fields.get(field))]
    for name in dict.fromkeys(listed):
        component = around.components.get((str(document.written.system), name))
        for fault in component_faults(component, around.today) if component else ():
            if fault.rule in rules:
                yield Spot(document.line(field, listed.index(name)), fault.fact)


def _one_party(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    for index, duty in enumerate(mappings(document.fields.get("duties"))):
        parties = texts(duty.get("accountable"))
        if len(parties) != 1:
            yield Spot(document.line("duties", index), f"{duty.get('duty')!r} has {len(parties)} accountable parties")


def _oversight(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    for index, period in enumerate(mappings(document.fields.get("periods"))):
        line, reviewed, promised = document.line("periods", index), period.get("reviewed"), period.get("promised")
        if isinstance(reviewed, int) and isinstance(promised, int) and reviewed < promised:
            yield Spot(line, f"{reviewed} of {promised} promised reviews were made")
        decisions = period.get("decisions")
        if isinstance(reviewed, int) and isinstance(decisions, int) and reviewed > decisions:
            yield Spot(line, f"{reviewed} reviews of {decisions} decisions cannot be")
        overruled = period.get("overruled")
        if isinstance(reviewed, int) and isinstance(overruled, int) and overruled > reviewed:
            yield Spot(line, f"{overruled} decisions overruled of {reviewed} that were reviewed cannot be")


def _independent(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    mine = document.fields
    # What auditors write as auditors is their work, and none of what they audit.
    audited = [d.written for d in around.folder.documents if d.written.kind not in ("audit-programme", "audit-report")]
    owners = {d.owner for d in audited} | {d.author for d in audited}
    signers = signers_of(around.evidence.records, around.keyring)
    for index, member in enumerate(mappings(mine.get("team"))):
        name, line = str(member.get("person")), document.line("team", index)
        if around.documents.is_one_of(name, signers):
            yield Spot(line, f"{name} audits evidence that they signed")
        elif around.documents.is_one_of(name, owners):
            yield Spot(line, f"{name} audits documents that they own or wrote")
    for index, found in enumerate(mappings(mine.get("findings"))):
        line, title = document.line("findings", index), found.get("id") or found.get("finding")
        if found.get("due") and str(found["due"]) < around.today and not found.get("closed_by"):
            yield Spot(line, f"finding {title} was due on {found['due']}, and nothing closed it")
        if found.get("closed_on") and not found.get("closed_by"):
            yield Spot(line, f"finding {title} is closed without evidence")
    planned = {str(a.get("id")) for d in around.folder.of("audit-programme") for a in mappings(d.fields.get("audits"))}
    if planned and mine.get("audit") and str(mine["audit"]) not in planned:  # without a programme there is more to say
        yield Spot(document.line("audit"), f"the audit {mine['audit']} is in no programme")


def _programme(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    held = {str(d.fields.get("audit")) for d in around.folder.of("audit-report")}
    for index, audit in enumerate(mappings(document.fields.get("audits"))):
        if audit.get("planned") and str(audit["planned"]) < around.today and str(audit.get("id")) not in held:
            yield Spot(document.line("audits", index), f"the audit of {audit['planned']} has no report")


def _minutes(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    inputs = document.fields.get("inputs")
    if inputs and not any(d.id == inputs for d in around.folder.of("review-inputs")):
        yield Spot(document.line("inputs"), f"{inputs!r} is the id of no inputs of a review")
    managers = {p.id for p in around.people.values() if p.top_management}
    named = texts(document.fields.get("top_management"))
    if managers and named and not any(around.documents.is_one_of(n, managers) for n in named):
        yield Spot(document.line("top_management"), "nobody of top management was there, by the people register")
    decisions = mappings(document.fields.get("decisions"))
    if decisions and all(str(d.get("decision")).strip().casefold() in ("noted", "none") for d in decisions):
        yield Spot(document.line("decisions"), "every decision is “noted”")


def _effect(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    live = set(around.evidence.model_digests)
    for index, check in enumerate(mappings(document.fields.get("checks"))):
        line = document.line("checks", index)
        if around.documents.is_one_of(str(check.get("by")), (str(check.get("owner")),)):
            yield Spot(line, f"{check.get('by')} checked the effect of an own action")
        if live and check.get("model_digest") not in live:
            yield Spot(
                line, f"the effect was checked on {str(check.get('model_digest'))[:12]}, which is not the model in use"
            )
        if check.get("result") == "failed":
            yield Spot(line, f"the action {check.get('action')!r} did not work")


CHECKS: dict[str, Check] = {
    "X20": _supplier,
    "X21": _component_test,
    "X22": _one_party,
    "X23": _oversight,
    "X24": _independent,
    "X25": _programme,
    "X26": _minutes,
    "X27": _effect,
}
