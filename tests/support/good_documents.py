"""What a good document of each kind states, in the fields of its form."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aims_mlflow.catalog.loader import controls
from aims_mlflow.gates.document_content.reviews import REVIEW_INPUTS
from aims_mlflow.records.base import utc_text
from support.signed_sessions import MODEL, TEST, TRAIN

# Tests sign their evidence after this module was imported, in a slow run an hour later: none of it is of the future.
NOW = datetime.now(UTC) + timedelta(hours=3)
SYSTEM = "income-screening"
DAY = (NOW - timedelta(days=5)).strftime("%Y-%m-%d")
NEXT = (NOW + timedelta(days=90)).strftime("%Y-%m-%d")
EARLIER = utc_text(NOW - timedelta(days=20))
IMPACT = {
    "id": "I1", "kind": "harm", "group": "women", "mechanism": "a lower score", "severity": "grave", "likelihood": "likely",
}  # fmt: skip
LEVEL = {"level": "high", "meaning": "once a month or more"}
# A management review that decides about no single input: each has its reason.
NO_ACTION = [{"input": field, "reason": "the registers of this week show nothing new"} for field in REVIEW_INPUTS]

# What a good document of each kind states.
FIELDS: dict[str, dict[str, Any]] = {
    "ai-policy": {"principles": ["People decide about people"], "applies_to": "all systems", "prohibited": ["scoring staff"],
                  "exceptions": "the board, in writing", "least_reached": 90},
    "communication": {"audience": "all staff", "channel": "intranet", "policy": "ai-policy", "reached": 120,
                      "policy_version": "1", "headcount": 130, "date": DAY},
    "policy-alignment": {"policies": [{"policy": "privacy policy", "outcome": "section 4 now names AI"}]},
    "policy-review": {"by": "board", "date": DAY, "decision": "keep", "inputs": "audit and incident reports"},
    "role-assignment": {
        "assignments": [{"duty": "train", "person": "ana"}, {"duty": "approve", "person": "olga"}],
    },
    "concern-process": {"channel": "ombudsperson", "protection": "reports may be anonymous"},
    "concern-log": {"tested": DAY, "cases": [{"id": "C1", "outcome": "wording of a letter was changed"}]},
    "resource-inventory": {
        "resources": [
            {"stage": "development", "resource": "data", "id": TRAIN},
            {"stage": "development", "resource": "data", "id": TEST},
            {"stage": "operation", "resource": "tool", "id": "scikit-learn==1.7.0"},
        ]
    },
    "competence-record": {"person": "ana", "role": "trainer", "basis": "course on model evaluation, 2026",
                          "requirement": "model evaluation", "obtained_on": EARLIER[:10]},
    "impact-process": {
        "triggers": "each new version", "method": "interviews and results", "scales": "five levels",
        "assessors": "risk team", "approvers": "board",
    },
    "impact-assessment": {
        "assessors": [{"person": "olga"}], "decision": "go", "evidence": [], "feeds_risks": ["R1"],
        "assessed_use": {"scope": "screening of applications"},
        "impacts": [IMPACT], "failures_and_misuse": ["refusing people by the score alone"],
    },
    "impact-people": {
        "groups": [{"name": "women", "in_data": "sex=Female"}, {"name": "men", "in_data": "sex=Male"}],
        "impacts": [IMPACT],
        "measures": [{"impact": "I1", "measure": "review of each refusal by a person", "owner": "olga", "due": NEXT}],
    },
    "impact-society": {"effects": [{"effect": "trust", "judgement": "small", "reason": "30 decisions a day"}]},
    "development-objectives": {
        "objectives": [{"objective": "fairness", "metric": "selection_rate_ratio", "limit": "0.8", "owner": "olga",
                        "slice": {"sex": "Female"}}],
    },
    "lifecycle-process": {"stages": [{"stage": "deployment", "criteria": "evidence and approval"}]},
    "requirements": {
        "requirements": [{"id": "R-7", "text": "no group is refused more often", "source": "law"}],
        "acceptance": [{"metric": "balanced_accuracy", "comparator": ">=", "limit": "0.55"}],
    },
    "design-record": {"choices": [{"choice": "logistic regression", "alternatives": "trees", "reason": "can be read"}]},
    "validation-report": {"scope": "all results", "verdict": "fit", "conclusion": "fit for screening"},
    "deployment-plan": {"rollback_to": "version 1", "who_may_stop": "olga", "steps": ["canary", "all"]},
    "monitoring-plan": {"every_days": 30, "least_rows": 100, "who_acts": "olga", "within_hours": 24,
                        "metrics": [{"metric": "drift", "limit": "0.1"}]},
    "technical-documentation": {"audiences": [{"audience": "operators", "text": "how scores are read"}]},
    "log-plan": {"events": [{"event": "decision", "where": "database"}], "retention": "two years"},
    "data-management": {"process": "data board decides", "responsible": "ana"},
    "quality-requirements": {
        "requirements": [{"expectation": "age between 0 and 120", "limit": "100%", "reason": "other values are typing errors"}],
    },
    "provenance-process": {"process": "every load is decorated", "responsible": "ana"},
    "preparation-criteria": {
        "criteria": [{"step": "clean", "allowed_when": "label is missing", "reason": "cannot be learned from"}],
    },
    "user-information": {"where": "https://example.org/info", "says": "a score is advice", "limits": "adults only",
                         "audience": "user", "how_to_contest": "by letter", "contact": "ai@example.org"},
    "report-channel": {"address": "ai@example.org", "who_reads": "ombudsperson", "target_days": 10},
    "report-log": {
        "tests": [{"by": "outside", "reached": DAY}],
        "reports": [{"id": "P1", "from": "outside", "triage": {"by": "olga"}}],
    },
    "incident-communication-plan": {"audiences": [{"audience": "users", "within": "two days"}]},
    "notice": {"notices": [{"incident": "N1", "audience": "users", "sent": DAY, "due": NEXT}]},
    "disclosure-duties": {"duties": [{"to": "authority", "what": "incidents", "law": "AI Act Art. 73", "checked_on": DAY}]},
    "disclosure": {"disclosures": [{"duty": "incidents", "sent": DAY, "proof": "receipt 12"}]},
    "use-process": {"process": "scores are advice", "oversight": "a person may overrule"},
    "oversight-record": {"periods": [{"by": "olga", "decisions": 400, "reviewed": 400, "promised": 400, "end": DAY}]},
    "use-objectives": {
        "objectives": [{"objective": "oversight", "metric": "reviews", "target": "all", "result": "all", "reviewed": DAY}]
    },
    "intended-use": {"use": "order applications", "not_for": "refusing people", "users": "clerks"},
    "responsibility-matrix": {"duties": [{"duty": "monitoring", "accountable": ["us"]}]},
    "supplier-record": {
        "components": [
            {"component": "model API", "supplier": "Vendor", "version": "2026-01", "pinned": True,
             "documents": [{"kind": "evaluation", "conclusions": "fits", "expires": NEXT, "covers_service": True}]}
        ]
    },
    "supplier-evaluation": {
        "tests": [{"component": "model API", "version": "2026-01", "version_in_use": "2026-01", "n": 500,
                   "data_digest": TEST, "results": ["accuracy 0.9 >= 0.8: passed"], "date": DAY, "evaluator": "olga",
                   "decision": "may be used"}]
    },
    "customer-needs": {"needs": [{"need": "decisions within a day", "requirement": "R-7"}]},
    "customer-information": {"told": "customers by contract", "limits": "adults only"},
    "register": {
        "systems": [{"id": SYSTEM, "roles": ["deployer"], "stage": "operation"}],
        "scan": [{"id": "model-1", "system": SYSTEM}],
    },
    "scope": {"statement": "all credit systems", "systems_in": [SYSTEM]},
    "context": {"issues": [{"issue": "new law", "effect": "duties from 2027", "climate": False}]},
    "parties": {"parties": [{"who": "applicants", "need": "a reason for each refusal"}]},
    "leadership": {"resources": "two people", "members": ["max"]},
    "roles": {"roles": [{"role": "approver", "authority": "may stop a release", "person": "olga"}]},
    "risk-method": {
        "scales": {"likelihood": [LEVEL], "impact_on_people": [LEVEL]}, "triggers": ["a new version"], "interval_days": 180,
        "matrix": {"high/high": "high"}, "acceptance": [{"level": "high", "may_accept": "board"}]},
    "risk-register": {"risks": [{"id": "R1", "system": SYSTEM, "event": "women are refused more often", "owner": "olga",
                                 "source": "machine-learning", "controls": ["A.5.4"],
                                 "group": "sex=Female", "likelihood": "likely", "likelihood_basis": "first results",
                                 "impact": "grave", "impact_basis": "no credit", "level": "high", "treatment": "reduce",
                                 "status": "treating"}]},
    "soa": {"controls": [{"control": c, "applies": True, "reason": "risk R1"} for c in controls()]},
    "treatment-plan": {"risks": [{"risk": "R1", "residual": "medium", "accepted_by": "max", "measure": "review", "owner": "olga", "due": NEXT}]},
    "change": {"what": "new version", "assessment": "no new risk"},
    "reassessment": {"risk": DAY, "impact": DAY, "changed": "nothing: same data and use"},
    "measurement-plan": {
        "measures": [{"what": "accuracy", "method": "labels of the month", "every_days": 30, "limit": "0.7", "who_acts": "olga"}]
    },
    "audit-programme": {"audits": [{"id": "A1", "scope": ["A.6", SYSTEM], "planned": NEXT, "auditors": "eva"}]},
    "audit-report": {
        "audit": "A1", "held": DAY, "sample": {"population": "decisions of 2026", "population_size": 40, "method": "random"},
        "team": [{"person": "eva", "competence": "lead auditor course", "independence": "signed none of the sampled records"}],
        "findings": [{"finding": "late review", "owner": "olga", "due": NEXT}],
    },
    "review-inputs": dict.fromkeys(("earlier_actions", "context_changes", "nonconformities", "monitoring", "audits", "objectives", "incidents", "opportunities"), "discussed, see minutes"),
    "review-minutes": {"date": DAY, "attendees": ["max", "olga"], "top_management": ["max"], "inputs": "review-inputs",
                       "decisions": [{"decision": "hire", "owner": "olga", "due": NEXT}], "no_action": NO_ACTION},
    "nonconformity": {"nonconformities": [{"fact": "run missed", "cause": "no deputy"}]},
    "corrective-action": {"actions": [{"action": "name a deputy", "owner": "olga", "done": DAY}]},
    "effectiveness-check": {
        "checks": [{"action": "name a deputy", "by": "eva", "owner": "olga", "model_digest": MODEL, "result": "passed"}]
    },
}  # fmt: skip
# Entries of the register that other documents are compared with; no control needs one by its kind.
ENTRIES: dict[str, dict[str, Any]] = {
    "system": {
        "name": "Income screening", "purpose": "clerks order applications by the score", "users": ["clerks"],
        "intended_use": "order applications", "decision_role": "advises", "in_scope": True, "stage": "operation",
        "roles": [{"role": "deployer", "since": "2026-01-01"}], "models": [SYSTEM], "components": ["model API"],
        "data_sets": [TRAIN, TEST], "affected_groups": [{"name": "women", "in_data": "sex=Female"}],
        "objectives": {"fairness": {"priority": "high", "reason": "decides about people"}},
    },
    "people": {
        "people": [{"id": "max", "function": "board", "top_management": True, "employed_from": "2020-01-01"}]
        + [{"id": p, "function": "staff", "employed_from": "2020-01-01"} for p in ("ana", "olga", "rita", "eva")]
    },
}  # fmt: skip
# What a good document of each kind and a good entry of the register state.
STATED = {**FIELDS, **ENTRIES}
