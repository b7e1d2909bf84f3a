"""What register and evidence know already, in the fields of each kind: a draft begins with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.document_content.reviews import line_digest
from aims_mlflow.management.applicability.proposals import proposals
from aims_mlflow.management.review_inputs import input_lines
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import PreparationDetails, ProvenanceDetails
from aims_mlflow.records.documents import ABOUT_A_MODEL
from aims_mlflow.records.wording import limit_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.management.rules.base import LintContext
    from aims_mlflow.records.evidence import Claim

MOST = 40


def known_facts(kind: str, system: str | None, around: LintContext) -> dict[str, Any]:
    """Return the fields of a kind that can be filled in, as plain values; those that are empty are left out."""
    found = FACTS[kind](system, around) if kind in FACTS else {}
    if kind in ABOUT_A_MODEL:
        found["model_digests"] = list(around.evidence.model_digests) or _trained(system, around)
    return {name: value for name, value in found.items() if value}


def _trained(system: str | None, around: LintContext) -> list[str]:
    """Return the model of the newest training record of a system."""
    records = [r for r in around.evidence.of_system(system) if r.evidence.kind == "training-provenance"]
    return [d for r in records[-1:] for s in r.subjects for n, d in s.digest.items() if n == "dirHash1"][:1]


def _claims(system: str | None, around: LintContext) -> list[tuple[SealedRecord, Claim]]:
    return [(r, c) for r in around.evidence.of_system(system) for c in r.evidence.claims]


def _groups(system: str | None, around: LintContext) -> list[dict[str, str]]:
    return [{"name": g.partition("=")[2], "in_data": g} for g in sorted(around.evidence.groups(system))]


def _beyond(system: str | None, around: LintContext) -> list[tuple[SealedRecord, Claim]]:
    return [(r, c) for r, c in _claims(system, around) if c.passed is False][:MOST]


def _rows(claim: Claim) -> str:
    return ", ".join(f"{k}={v}" for k, v in claim.slice.items())


def _impacts(system: str | None, around: LintContext) -> dict[str, Any]:
    impacts = [
        {
            "id": f"I{number}", "kind": "harm", **({"group": _rows(claim)} if claim.slice else {}),
            "mechanism": f"{claim.metric} is {claim.value}, {limit_text(claim)}",
            "evidence": [record.id],
        }
        for number, (record, claim) in enumerate(_beyond(system, around), 1)
    ]  # fmt: skip
    return {"groups": _groups(system, around), "impacts": impacts}


def _assessment(system: str | None, around: LintContext) -> dict[str, Any]:
    found = _impacts(system, around)
    entry = around.systems.get(system or "")
    data = _data(system, around)
    found["data"] = [{"digest": d, "role": role} for role, d in data.items()]
    if entry and entry.purpose:
        found["described"] = {
            "purpose": entry.purpose,
            **({"intended": entry.intended_use} if entry.intended_use else {}),
        }
    return found


def _data(system: str | None, around: LintContext) -> dict[str, str]:
    """Return the digest of the data of each role, by the newest training record."""
    records = [r for r in around.evidence.of_system(system) if r.evidence.kind == "training-provenance"]
    described = read_details(records[-1].evidence, ProvenanceDetails).data if records else None
    return {role: next(iter(d.digest.values())) for role, d in (described or {}).items() if d.digest}


def _requirements(system: str | None, around: LintContext) -> dict[str, Any]:
    limited = {
        (c.metric, _rows(c)): {
            "metric": c.metric, **({"slice": dict(c.slice)} if c.slice else {}),
            "comparator": c.comparator, "limit": c.limit,
        }
        for _, c in _claims(system, around) if c.limit is not None and "*" not in c.slice.values()
    }  # fmt: skip
    return {"acceptance": list(limited.values())[:MOST]}


def _inventory(system: str | None, around: LintContext) -> dict[str, Any]:
    data = [
        {"stage": "development", "resource": "data", "id": d} for d in dict.fromkeys(_data(system, around).values())
    ]
    records = [r for r in around.evidence.of_system(system) if r.evidence.kind == "tooling-record"]
    tools = records[-1].evidence.tools if records else {}
    return {
        "resources": data
        + [{"stage": "development", "resource": "tool", "id": f"{k}=={v}"} for k, v in sorted(tools.items())]
    }


def _criteria(system: str | None, around: LintContext) -> dict[str, Any]:
    records = [r for r in around.evidence.of_system(system) if r.evidence.kind == "preparation"]
    steps = (str(read_details(r.evidence, PreparationDetails).function).rpartition(".")[2] for r in records)
    return {"criteria": [{"step": step} for step in dict.fromkeys(steps)]}


def _intended(system: str | None, around: LintContext) -> dict[str, Any]:
    entry = around.systems.get(system or "")
    return (
        {"use": entry.intended_use, "not_for": list(entry.prohibited_use), "users": list(entry.users)} if entry else {}
    )


def _information(system: str | None, around: LintContext) -> dict[str, Any]:
    limits = [
        f"{claim.metric} of {_rows(claim) or 'all rows'} is {claim.value}, beyond its {limit_text(claim)}"
        for _, claim in _beyond(system, around)
    ]
    return {"limits": limits}


def _scope(system: str | None, around: LintContext) -> dict[str, Any]:  # noqa: ARG001
    return {"systems_in": [name for name, entry in sorted(around.systems.items()) if entry.in_scope is not False]}


def _register(system: str | None, around: LintContext) -> dict[str, Any]:  # noqa: ARG001
    listed = [
        {"id": name, **({"roles": [r.role for r in entry.roles]} if entry.roles else {}),
         **({"stage": entry.stage} if entry.stage else {}), "owner": entry.owner}
        for name, entry in sorted(around.systems.items())
    ]  # fmt: skip
    scans = around.folder.of("scan")
    return {"systems": listed, "scan": scans[-1].fields.get("found") if scans else None}


def _risks(system: str | None, around: LintContext) -> dict[str, Any]:
    return {
        "risks": [
            {
                "id": f"R{number}", "system": record.evidence.system,
                **({"group": _rows(claim)} if claim.slice else {}),
                "cause_evidence": [record.id],
                "likelihood_basis": f"{claim.metric} is {claim.value}, {limit_text(claim)}",
            }
            for number, (record, claim) in enumerate(_beyond(system, around), 1)
        ]
    }  # fmt: skip


def _applicability(system: str | None, around: LintContext) -> dict[str, Any]:  # noqa: ARG001
    return {"controls": [p.row() for p in proposals(around)]}


def _people(system: str | None, around: LintContext) -> dict[str, Any]:  # noqa: ARG001
    keys = around.keyring.keys if around.keyring else ()
    owners: dict[str, list[str]] = {}
    for key in keys:
        owners.setdefault(key.owner, []).append(key.key_id)
    return {"people": [{"id": owner, "key_ids": ids} for owner, ids in sorted(owners.items())]}


def _communication(system: str | None, around: LintContext) -> dict[str, Any]:  # noqa: ARG001
    policies = around.folder.of("ai-policy")
    return {"policy": policies[-1].id, "policy_version": policies[-1].written.version} if policies else {}


def _review_inputs(system: str | None, around: LintContext) -> dict[str, Any]:  # noqa: ARG001
    """Return what happened until today, each by its id; where nothing is known to have happened, a person says so."""
    lines = input_lines((d.written for d in around.folder.documents), around.evidence.records)
    told: dict[str, list[str]] = {}
    for line in lines:
        told.setdefault(line.input, []).append(line.text)
    return {
        "cutoff": f"{around.today}T00:00:00Z",
        "ledger": around.head.model_dump() if around.head else None,
        "written": [{"input": x.input, "source": x.source, "sha256": line_digest(x.text)} for x in lines],
        **told,
    }


def _review_minutes(system: str | None, around: LintContext) -> dict[str, Any]:  # noqa: ARG001
    inputs = around.folder.of("review-inputs")
    managers = [p.id for p in around.people.values() if p.top_management and p.active(around.today)]
    return {"inputs": inputs[-1].id if inputs else None, "top_management": managers}


FACTS: dict[str, Callable[[str | None, LintContext], dict[str, Any]]] = {
    "impact-people": _impacts,
    "impact-assessment": _assessment,
    "requirements": _requirements,
    "resource-inventory": _inventory,
    "preparation-criteria": _criteria,
    "intended-use": _intended,
    "user-information": _information,
    "scope": _scope,
    "register": _register,
    "risk-register": _risks,
    "soa": _applicability,
    "people": _people,
    "communication": _communication,
    "review-inputs": _review_inputs,
    "review-minutes": _review_minutes,
}
