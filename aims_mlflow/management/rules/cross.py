"""Cross-checks by kind (X): a document against the register, evidence, keyring and the other documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls
from aims_mlflow.checks.claims import is_left_out
from aims_mlflow.gates.document_content.against_register import why_not_out
from aims_mlflow.gates.document_content.duties import SIGNED_WITH
from aims_mlflow.gates.document_content.own_work import signers_of
from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import mappings, texts
from aims_mlflow.management.assessed_harms import AssessedHarms
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.management.specifics import component_names
from aims_mlflow.records.wording import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext

SAME_REASON = 3


def listed(document: FolderDocument, name: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return (line, entry) of a field that lists entries."""
    return [(document.line(name, i), e) for i, e in enumerate(mappings(document.fields.get(name)))]


def _scope(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    inside = set(texts(document.fields.get("systems_in")))
    outside = {str(e.get("id")) for _, e in listed(document, "systems_out")}
    for system in sorted(set(around.systems) - inside - outside):
        yield Spot(document.line("systems_in"), f"{system} is in the register, and neither in nor out of scope")
    for system in sorted((inside | outside) - set(around.systems)):
        yield Spot(document.line("systems_in"), f"{system} is in no register")
    for system in sorted(inside & outside):
        yield Spot(document.line("systems_out"), f"{system} is in and out of scope")


def _scope_of_system(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    if document.fields.get("in_scope") is False and not says(document.fields.get("scope_reason")):
        yield Spot(document.line("in_scope"), "it is out of scope, and no reason says why")


def _explained(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    for name in ("found", "scan"):
        for line, item in listed(document, name):
            ended = item.get("until") and str(item["until"]) < around.today
            if item.get("system") and str(item["system"]) not in around.systems:
                yield Spot(line, f"{item.get('id')} belongs to {item['system']}, which is in no register")
            elif not item.get("system") and (not says(item.get("explanation")) or ended):
                yield Spot(line, f"{item.get('id')} was found, and is neither a registered system nor explained")


def _accountable(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    seen: dict[str, str] = {}
    for line, entry in listed(document, "assignments"):
        duty, holder = str(entry.get("duty")), str(entry.get("person") or "")
        if not str(entry.get("since") or "") <= around.today <= str(entry.get("until") or around.today):
            continue  # who held the duty before, or will, answers for nothing today
        if duty in seen and not around.documents.is_one_of(holder, (seen[duty],)):
            yield Spot(line, f"{duty} has two persons who answer for it: {seen[duty]} and {holder}")
        seen.setdefault(duty, holder)
        role = SIGNED_WITH.get(duty)
        if around.keyring is None or role is None or not holder:
            continue
        keys = around.documents.keys_of(holder)
        if not any(k.why_not([role], f"{around.today}T12:00:00Z") is None for k in keys):
            yield Spot(line, f"{holder} is to {duty}, and has no valid key with the role {role}")


def _keys_of_people(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    for line, entry in listed(document, "people"):
        until = str(entry.get("employed_until") or "")
        keys = around.documents.keys_of(str(entry.get("id")))
        live = [k for k in keys if k.why_not(k.roles, f"{around.today}T12:00:00Z") is None]
        if until and until < around.today and live:
            yield Spot(
                line, f"{entry.get('id')} left on {until}, and their key still counts as {', '.join(live[0].roles)}"
            )


def _top_management(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    approver = document.written.approver
    known = around.documents.known_person(approver) if approver else None
    if known is not None and not known.top_management:
        yield Spot(document.line("approver"), f"{approver} does not belong to top management")


def _told(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    fields = document.fields
    policy = next((d for d in around.folder.of("ai-policy") if d.id == fields.get("policy")), None)
    if policy is None:
        yield Spot(document.line("policy"), f"{fields.get('policy')!r} is the id of no AI policy")
    elif fields.get("policy_version") != policy.written.version:
        yield Spot(
            document.line("policy_version"), f"version {policy.written.version} of the policy was told to nobody"
        )
    reached, audience = fields.get("reached"), fields.get("headcount")
    if isinstance(reached, int) and isinstance(audience, int) and reached > audience:
        yield Spot(document.line("reached"), f"it reached {reached} of {audience} people")


def _applicability(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    rows = listed(document, "controls")
    stated = {str(e.get("control")) for _, e in rows}
    lacking = [c for c in controls() if c not in stated]
    if lacking:
        yield Spot(
            document.line("controls"),
            f"{len(lacking)} of {len(controls())} controls are missing: {', '.join(lacking[:6])}",
        )
    trained = any(r.evidence.kind == "training-provenance" for r in around.evidence.records)
    for line, entry in rows:
        control = str(entry.get("control"))
        if control not in controls():
            yield Spot(line, f"{control!r} is no control of Annex A")
        elif entry.get("applies") is False:
            against = why_not_out(control, around.systems, around.suppliers)
            if against is None and control.startswith("A.7.") and trained:
                against = "models are trained here"
            if against:
                yield Spot(line, f"{control} is excluded, while {against}")
    reasons: dict[str, list[str]] = {}
    for _, entry in rows:
        reasons.setdefault(" ".join(str(entry.get("reason") or "").casefold().split()), []).append(
            str(entry.get("control"))
        )
    for reason, same in reasons.items():
        if reason and len(same) > SAME_REASON:
            yield Spot(
                document.line("controls"),
                f"{len(same)} controls have the same reason “{reason[:60]}”: {', '.join(same[:6])}",
            )


def _validated(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    records = around.evidence.of_system(document.written.system)
    trained = [r for r in records if r.evidence.kind == "training-provenance"]
    if around.documents.is_one_of(document.written.author, signers_of(trained, around.keyring)):
        yield Spot(document.line("author"), f"{document.written.author} trained the model that they validate")


def _digests(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written, live = document.written, set(around.evidence.model_digests)
    entry = around.systems.get(str(written.system))
    if entry is not None and entry.components and not entry.models and not written.model_digests:
        if not any(name in document.content.decode("utf-8-sig") for name in component_names(entry)):
            named = ", ".join(entry.components)
            text = f"it names none of the components ({named}), so nobody knows which it is about"
            yield Spot(document.line("system"), text)
    elif not written.model_digests:
        yield Spot(
            document.line("system"), "it names no model (model_digests), so nobody knows which version it is about"
        )
    elif live and not live & set(written.model_digests):
        yield Spot(
            document.line("model_digests"),
            f"it is about model {written.model_digests[0][:12]}, {min(live)[:12]} is in use",
        )


def _claims_assessed(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = document.written
    harms = AssessedHarms([(written, document)])
    for record in around.evidence.of_system(written.system):
        about = {d for s in record.subjects for n, d in s.digest.items() if n == "dirHash1"}
        other = bool(about and written.model_digests) and not about & set(written.model_digests)
        if other or record.id in around.evidence.superseded:
            continue
        for claim in record.evidence.claims:
            why = harms.why_not(record, claim) if claim.passed is False or is_left_out(claim) else None
            if why:
                yield Spot(document.line("impacts"), f"{describe(claim)}, and {why}")


def _measures(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    treated = {str(m.get("impact")) for _, m in listed(document, "measures")}
    for line, impact in listed(document, "impacts"):
        if impact.get("kind") == "harm" and str(impact.get("id")) not in treated:
            yield Spot(line, f"nothing is done about the harm {impact.get('id')}")
    for line, measure in listed(document, "measures"):
        if measure.get("done") and not measure.get("effectiveness_evidence"):
            yield Spot(line, f"the measure for {measure.get('impact')} is done, and no evidence shows that it works")


CHECKS: dict[str, Check] = {
    "X1": _scope,
    "X2": _scope_of_system,
    "X3": _explained,
    "X4": _accountable,
    "X5": _keys_of_people,
    "X6": _top_management,
    "X7": _told,
    "X10": _applicability,
    "X11": _validated,
    "X12": _digests,
    "X13": _claims_assessed,
    "X14": _measures,
}
