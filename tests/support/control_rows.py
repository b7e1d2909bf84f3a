"""Which evidence each row of Annex A and each clause needs, a line each, and six things that only look like it.

A variant that cannot be made of a kind has a reason instead; nothing is left out without one.
"""

import dataclasses
from datetime import timedelta

from aims_mlflow.evidence.verify import check_session
from aims_mlflow.records.base import utc_text
from support.good_documents import NOW
from support.signed_sessions import entry, lookup
from support.status_cases import machine_session, sha_of

ROWS = """
A.2.2    ai-policy communication
A.2.3    policy-alignment
A.2.4    policy-review
A.3.2    role-assignment
A.3.3    concern-process concern-log
A.4.2    resource-inventory
A.4.3    dataset-record
A.4.4    tooling-record
A.4.5    compute-record
A.4.6    competence-record
A.5.2    impact-process
A.5.3    impact-assessment
A.5.4    impact-people
A.5.5    impact-society
A.6.1.2  development-objectives
A.6.1.3  lifecycle-process gate-policy
A.6.2.2  requirements
A.6.2.3  design-record training-provenance
A.6.2.4  performance fairness robustness validation-report
A.6.2.5  deployment-plan approval gate-decision
A.6.2.6  monitoring-plan monitor-run
A.6.2.7  technical-documentation model-card
A.6.2.8  log-plan log-coverage
A.7.2    data-management representativeness
A.7.3    acquisition
A.7.4    quality-requirements data-quality
A.7.5    provenance-process lineage
A.7.6    preparation-criteria preparation
A.8.2    user-information
A.8.3    report-channel report-log
A.8.4    incident-communication-plan notice
A.8.5    disclosure-duties disclosure
A.9.2    use-process oversight-record
A.9.3    use-objectives
A.9.4    intended-use use-conformance
A.10.2   responsibility-matrix
A.10.3   supplier-record supplier-evaluation
A.10.4   customer-needs customer-information
4.1      context
4.2      parties
4.3      scope register
4.4      lifecycle-process review-minutes
5.1      leadership
5.2      ai-policy communication
5.3      roles
6.1.1    context parties treatment-plan
6.1.2    risk-method risk-register
6.1.3    treatment-plan soa
6.1.4    impact-process impact-assessment
6.2      development-objectives use-objectives
6.3      change
7.1      leadership resource-inventory
7.2      competence-record
7.3      communication
7.4      communication disclosure-duties
7.5      ai-policy scope risk-method soa
8.1      gate-decision change
8.2      risk-register reassessment
8.3      treatment-plan
8.4      impact-assessment reassessment
9.1      measurement-plan monitor-run
9.2      audit-programme audit-report
9.3      review-inputs review-minutes
10.1     review-minutes corrective-action
10.2     nonconformity corrective-action effectiveness-check
"""
LINES = {row: tuple(kinds) for row, *kinds in (line.split() for line in ROWS.strip().splitlines())}
# What hooks capture in a session; all other kinds but those of the gate are documents by people.
CAPTURED = (
    "dataset-record", "tooling-record", "compute-record", "training-provenance", "performance", "fairness", "robustness",
    "monitor-run", "model-card", "log-coverage", "representativeness", "acquisition", "data-quality", "lineage",
    "preparation", "use-conformance",
)  # fmt: skip
OF_THE_GATE = ("gate-policy", "gate-decision", "approval")
VARIANTS = ("empty", "wrong approver", "own approval", "past date", "other digest", "other system")
RECORD = "nobody approves a record that hooks sign: it counts by its bytes, its signer and the gate's limits"
DECIDED = "the gate judged it when it decided; what ended since is a finding, and the alias is held until it is moved"
POLICY = "a policy is data of the server about a pattern of names, and its digest stands in each decision"
NOT_MADE = {
    **{(kind, "own approval"): RECORD for kind in CAPTURED},
    **{("gate-policy", v): POLICY for v in ("wrong approver", "own approval", "past date", "other digest", "other system")},
    ("gate-decision", "wrong approver"): "the gate decides, and no person",
    ("gate-decision", "own approval"): "the gate decides, and no person",
    ("gate-decision", "past date"): DECIDED,
    ("gate-decision", "other system"): "a decision is about bytes and the name of a model; the system is the policy's word",
    ("approval", "wrong approver"): "the gate counts none by another role: the decision does not name it (test_authority)",
    ("approval", "past date"): DECIDED,
    ("approval", "other system"): "an approval is about bytes, a name and a stage, and no system",
}  # fmt: skip


def bad(subject, kind, variant):
    """The good subject with that variant of that kind in place of the good evidence."""
    if kind in CAPTURED:
        return _captured(subject, kind, variant)
    return _of_the_gate(subject, kind, variant) if kind in OF_THE_GATE else _document(subject, kind, variant)


def _document(subject, kind, variant):
    changes = {
        "empty": {"fields": {}},
        "past date": {"review_by": "2026-01-01"},
        "other digest": {"model_digests": ("9" * 64,)},
        "other system": {"system": "churn"},
    }
    if variant in changes:
        found = tuple(dataclasses.replace(d, **changes[variant]) if d.kind == kind else d for d in subject.documents)
        return dataclasses.replace(subject, documents=found)
    change = {"roles": ("trainer",)} if variant == "wrong approver" else {"owner": "rita"}
    found = tuple(dataclasses.replace(a, **change) if a.sha256 == sha_of(kind) else a for a in subject.approvals)
    return dataclasses.replace(subject, approvals=found)


def _captured(subject, kind, variant):
    named = (kind, f"{kind}/test")  # a kind may have a record for each data set

    def change(parts):
        for name in (n for n in named if n in parts):
            subjects, fields = parts[name]
            parts[name] = (subjects, {"details": {}} if variant == "empty" else {**fields, "valid_until": ENDED})

    options = (
        {"model": "9" * 64} if variant == "other digest" else {"system": "churn"} if variant == "other system" else {}
    )
    writer = machine_session(change if variant in ("empty", "past date") else None, **options)
    role = ("approver",) if variant == "wrong approver" else ("trainer",)
    session = check_session(writer.jsonl(), "s.jsonl", lookup(entry(writer._key, roles=role)))
    return dataclasses.replace(subject, sessions=(session,))


def _of_the_gate(subject, kind, variant):
    if kind == "gate-policy":
        return dataclasses.replace(subject, rules=None)
    (decision,) = subject.decisions
    if variant == "empty":
        told = () if kind == "gate-decision" else (decision.model_copy(update={"approvals": ()}),)
    elif variant == "own approval":
        told = (decision.model_copy(update={"approvals": ("ana",)}),)
    else:
        told = (decision.model_copy(update={"model_digest": "9" * 64}),)
    return dataclasses.replace(subject, decisions=told)


ENDED = utc_text(NOW - timedelta(days=1))
