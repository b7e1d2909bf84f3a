"""A management system without findings, as documents, scan and ledger; tests change one thing in it."""

import functools
from dataclasses import replace
from datetime import UTC, datetime

from aims_mlflow.catalog.loader import clauses, controls
from aims_mlflow.management.findings.state import ManagementState
from aims_mlflow.records.documents import document_model
from aims_mlflow.records.inventory import Inventory, InventoryItem, InventorySource
from support import live_states
from support.good_documents import FIELDS
from support.signed_sessions import MODEL as MODEL_DIGEST

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
# Documents that the clauses ask for, in which nothing is to be found.
CLAUSES = (
    "context", "parties", "leadership", "ai-policy", "roles", "risk-method", "treatment-plan", "impact-process"
)  # fmt: skip
METHOD = {
    **FIELDS["risk-method"],
    "scales": {
        "likelihood": [{"level": level, "meaning": "counted over a year"} for level in ("rare", "likely")],
        "impact_on_people": [{"level": "high", "meaning": "no credit"}],
    },
    "matrix": {"rare/high": "medium", "likely/high": "medium"},
    "acceptance": [{"level": level, "may_accept": "board"} for level in ("medium", "high")],
}
# Documents that a system in use needs, in which nothing is to be found, by the names that tests give them.
OF_SYSTEM = {
    "channel": "report-channel", "plan_to_tell": "incident-communication-plan", "owed": "disclosure-duties",
    "quality": "quality-requirements",
}  # fmt: skip
OF_HERE = {
    "incident-communication-plan": {"audiences": [{"audience": "supervisory authority", "within": "15 days"}]},
    "report-channel": {"who_reads": "olga"},
    "disclosure-duties": {
        "duties": [{"to": "authority", "what": "incidents", "law": "AI Act Art. 73", "checked_on": "2026-05-01"}]
    },
}
SYSTEM, MODEL, API, DATA = "income-screening", "income", "openai/gpt-4o", "f" * 64


def document(kind, **fields):
    """A document of a kind as its model reads it."""
    head = {"id": kind, "kind": kind, "title": kind, "owner": "olga", "author": "rita", "review_by": "2027-06-01"}
    head |= {"retention_until": "2036-06-01"}
    return document_model(kind).model_validate({**head, **fields})


def source(kind, **more):
    return InventorySource(kind=kind, address="here", **more)


def item(kind, name, where="registered models", **more):
    return InventoryItem(kind=kind, id=name, source=where, address="here", **{"names": (name,), **more})


def system(**changes):
    fields = {
        "id": "entry", "system": SYSTEM, "name": "Income screening", "purpose": "clerks order applications by the score",
        "users": ["clerks"], "intended_use": "order applications", "decision_role": "advises", "roles": [{"role": "deployer", "since": "2026-01-01"}], "stage": "operation",
        "stage_dates": {"operation": "2026-01-01"},
        "legal_class": [{"framework": "AI Act", "class": "high-risk", "reason": "Annex III", "checked_on": "2026-05-01"}],
        "in_scope": True, "models": [MODEL], "components": [API], "data_sets": [DATA],
        "objectives": {"fairness": {"priority": "high", "reason": "decides about people"}},
        "affected_groups": [{"name": "women", "in_data": "sex=Female"}, {"name": "men", "in_data": "sex=Male"}],
        "foreseeable_misuse": ["refusing people by the score alone"],
    }  # fmt: skip
    return document("system", **{**fields, **changes})


def supplier(**changes):
    paper = {
        "kind": "SOC 2", "issuer": "auditor", "scope": "API", "covers_service": True, "expires": "2027-01-01",
        "conclusions": ["keeps no prompts"],
    }  # fmt: skip
    component = {
        "component": API,
        "supplier": "OpenAI",
        "kind": "model API",
        "version": "2024-11-20",
        "pinned": True,
        "documents": [paper],
    }
    return document("supplier-record", system=SYSTEM, components=[{**component, **changes}])


def own_test(**changes):
    test = {
        "component": API, "version": "2024-11-20", "version_in_use": "2024-11-20", "data_digest": DATA, "n": 400,
        "results": ["accuracy 0.91 >= 0.85: passed"], "date": "2026-02-01", "evaluator": "rita", "decision": "may be used",
    }  # fmt: skip
    return document("supplier-evaluation", system=SYSTEM, tests=[{**test, **changes}])


def report(**changes):
    fields = {
        "id": "report", "audit": "A1", "author": "eva", "reported_to": "max", "held": "2026-04-01", "team": [
            {"person": p, "competence": "auditing", "independence": "no sampled record is theirs"} for p in ("eva", "ines")
        ],
        "sample": {
            "population": "records of 2026", "population_size": 4, "method": "simple random", "seed": "6",
            "drawn_from": ["r1", "r2", "r3", "entry"], "items": ["r1", "entry"],
        },
        "findings": [{
            "id": "N1", "finding": "late review", "owner": "olga", "due": "2026-05-01", "cause": "no deputy",
            "closed_on": "2026-04-20", "closed_by": ["r1"],
        }],
    }  # fmt: skip
    return document("audit-report", **{**fields, **changes})


def competence(person, requirement, **changes):
    fields = {
        "id": f"competence-{person}", "person": person, "role": "auditor", "requirement": requirement,
        "basis": "course 2025",
        "obtained_on": "2025-03-01", "valid_until": "2027-01-01",
    }  # fmt: skip
    return document("competence-record", **{**fields, **changes})


def soa(control=None, *, without=None, **changes):
    """A statement with a row for every control; `control` names one whose row gets `changes`, other changes its own."""
    rows = {
        c: {"control": c, "applies": True, "reason": f"{controls()[c].title} is needed", "basis": ["R1"],
            "implemented": "by the documents of this state", "owner": "olga", "review": "2027-01-01"}
        for c in controls()
    }  # fmt: skip
    rows.pop(without, None)
    if control is not None:
        rows[control] = {**rows[control], **changes}
        changes = {}
    return document(
        "soa",
        **{
            "effective_from": "2026-03-15",
            "controls": list(rows.values()),
            "residual_risks": ["R1 at medium"],
            **changes,
        },
    )


def risk(**changes):
    fields = {
        "id": "R1", "system": SYSTEM, "source": "machine-learning", "event": "women are refused more often", "group": "sex=Female", "owner": "olga",
        "likelihood": "rare", "likelihood_basis": "passed limits", "impact": "high", "impact_basis": "no credit",
        "level": "medium", "treatment": "reduce", "due": "2026-12-01", "status": "treating", "controls": ["A.6.2.4"],
        "residual": {"likelihood": "rare", "impact": "high", "level": "medium"}, "accepted_by": "max",
    }  # fmt: skip
    return {**fields, **changes}


def programme(scope):
    audit = {"id": "A1", "scope": scope, "planned": "2026-04-01", "auditors": ["eva", "ines"]}
    return document("audit-programme", cycle_years=3, audits=[audit])


def release(**changes):
    fields = {"model_digests": [MODEL_DIGEST], "rollback_to": "2", "steps": ["canary", "all"], "who_may_stop": "olga"}
    return document("deployment-plan", system=SYSTEM, **{**fields, **changes})


def required(**changes):
    fields = {
        "requirements": [{"id": "Q1", "text": "no group is last", "source": "R1"}],
        "acceptance": [{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.55", "requirement": "Q1"}],
    }
    return document("requirements", system=SYSTEM, **{**fields, **changes})


def in_scope(**changes):
    return document("scope", **{"statement": "all systems that score people", "systems_in": [SYSTEM], **changes})


def duty_list(**changes):
    """Who holds which duty for the system; `changes` names other holders, None takes a duty away."""
    held = {"train": "ana", "validate": "noa", "approve": "olga", "operate": "olga", "stop": "olga", **changes}
    return document(
        "role-assignment",
        system=SYSTEM,
        assignments=[{"duty": d, "person": p} for d, p in held.items() if p is not None],
    )


def report_log(**changes):
    fields = {"tests": [{"by": "outside", "reached": "2026-02-01"}]}
    return document("report-log", system=SYSTEM, **{**fields, **changes})


def oversight(**changes):
    fields = {"by": "olga", "decisions": 400, "reviewed": 400, "promised": 400, "end": "2026-05-31"}
    return document("oversight-record", system=SYSTEM, periods=[{**fields, **changes}])


def review_inputs(**changes):
    """Inputs of a management review that leave out nothing that happened until the day of these states."""
    said = dict.fromkeys(
        ("earlier_actions", "context_changes", "nonconformities", "monitoring", "objectives", "incidents", "opportunities"),
        "none, by the registers of 14 June",
    )  # fmt: skip
    fields = {**said, "audits": ["A1 found a late review"], "cutoff": "2026-06-14T00:00:00Z"}
    return document("review-inputs", **{**fields, **changes})


def risks(*entries, **fields):
    return document("risk-register", risks=list(entries), **fields)


@functools.cache
def documents():
    scope = [*clauses(), *controls(), SYSTEM]
    person = {"function": "staff", "employed_from": "2020-01-01"}
    return {
        "system": system(),
        "people": document(
            "people",
            people=[{"id": p, **person} for p in ("ana", "olga", "rita", "eva", "ines", "noa")]
            + [{"id": "max", "function": "board", "top_management": True}],
        ),
        "supplier": supplier(),
        "own_test": own_test(),
        "duties": document("responsibility-matrix", system=SYSTEM, duties=[{"duty": "uptime", "accountable": ["us"]}]),
        "programme": programme(scope),
        "report": report(),
        "eva": competence("eva", "auditing, suppliers"),
        "ana": competence("ana", "model evaluation, fairness", role="trainer", valid_until=None),
        "ines": competence("ines", "model evaluation, fairness analysis, data quality"),
        "soa": soa(),
        "risks": document("risk-register", risks=[risk()]),
        "intended": document(
            "intended-use", system=SYSTEM, use="to order applications", not_for=["refusing people"], users=["clerks"]
        ),
        "use_process": document("use-process", process="a clerk decides", oversight="a clerk may overrule"),
        "log_plan": document(
            "log-plan", system=SYSTEM, events=[{"event": "score", "where": "log"}], retention="2 years"
        ),
        "release": release(),
        "watch": document(
            "monitoring-plan",
            system=SYSTEM,
            model=f"{MODEL}@champion",
            every_days=30,
            grace_days=3,
            least_rows=100,
            metrics=[{"metric": "drift", "limit": "0.1"}],
            who_acts="olga",
            within_hours=24,
        ),
        "scope": in_scope(sources=["registered models", "providers in traces"]),
        "duty": duty_list(),
        "goals": document("development-objectives", **FIELDS["development-objectives"], system=SYSTEM),
        **{kind: document(kind, **FIELDS[kind]) for kind in CLAUSES},
        "risk-method": document("risk-method", **METHOD),
        "told_policy": document("communication", **{**FIELDS["communication"], "reached": 130, "date": "2026-02-01"}),
        "measured": document("measurement-plan", **FIELDS["measurement-plan"]),
        **{
            name: document(kind, system=SYSTEM, **{**FIELDS[kind], **OF_HERE.get(kind, {})})
            for name, kind in OF_SYSTEM.items()
        },
        "asked": required(),
        "action": document(
            "corrective-action", actions=[{"id": "K1", "action": "check names", "owner": "olga", "due": "2026-12-01"}]
        ),
    }


def inventory(*more, **changes):
    held = item("alias", f"{MODEL}@champion", names=(f"{MODEL}@champion", MODEL))
    called = item(
        "provider", API, "providers in traces", names=(API, "openai", "gpt-4o"), facts={"model": "gpt-4o"}, volume=9
    )
    fields = {
        "time": "2026-06-10T08:00:00Z", "tool_version": "1", "items": (item("registered model", MODEL), held, called, *more),
        "sources": (source("registered models", items_seen=2), source("providers in traces", items_seen=1)),
    }  # fmt: skip
    return Inventory(**{**fields, **changes})


def good(**changes):
    """A state with no finding; `name=document` puts another document in the place of one, None takes it away."""
    written = {**documents(), **changes}
    state = ManagementState(
        tuple(d for d in written.values() if d is not None), inventory(), signers={"r1": frozenset({"ana"})}
    )
    return live_states.with_texts(live_states.live(state), live_states.assessed(), live_states.INFORMATION)


def with_items(*more, state=None):
    return replace(state or good(), inventory=inventory(*more))
