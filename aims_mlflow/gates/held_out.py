"""The rows that values were measured on: how many, of an accepted set, and that the model was not trained on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.checks.metrics import OVERLAP, TRAINED_ON
from aims_mlflow.gates.kind_verdict import stale
from aims_mlflow.gates.limits import HELD_OUT, unmet_claim
from aims_mlflow.records.decision import Unmet
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.checks import PerformanceDetails
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.gates.counting_evidence import CountingEvidence
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.records.evidence import Claim

CONTROL = "A.6.2.4"


def trained_on(counted: CountingEvidence) -> list[Unmet]:
    """Return why the test rows are not held out: the training data have more of them than the pack allows."""
    missed = _missed(counted, TRAINED_ON)
    return [unmet_claim(claim, "lineage", CONTROL, r.id) for r, claim in missed if claim.severity != "warning"]


def repeated(counted: CountingEvidence) -> list[Unmet]:
    """Return the shares of test rows that are training rows too, where they are beyond a limit that warns."""
    missed = [*_missed(counted, OVERLAP), *_missed(counted, TRAINED_ON)]
    return [unmet_claim(claim, "lineage", CONTROL, r.id) for r, claim in missed if claim.severity == "warning"]


def knows_chance(counted: CountingEvidence) -> bool:
    """Return whether the evidence says what chance explains; that of earlier releases did not."""
    return any(claim.metric == TRAINED_ON for r in counted.own_lineages() for claim in r.evidence.claims)


def _missed(counted: CountingEvidence, metric: str) -> Iterator[tuple[SealedRecord, Claim]]:
    for record in counted.own_lineages():
        for claim in record.evidence.claims:
            if (claim.metric, claim.role, claim.passed) == (metric, HELD_OUT, False):
                yield record, claim


def asks(rules: Rules, kind: str) -> bool:
    """Return whether a policy requires a kind of evidence."""
    return any(entry.kind == kind for entry in rules.require)


def held_out_rows(rules: Rules, counted: CountingEvidence) -> list[Unmet]:
    """Results must come from enough held-out rows, and from an accepted set if the policy lists some."""
    records = counted.captured("performance")
    if rules.system is None or not asks(rules, "performance") or not records:
        return []
    rows = max((c.n or 0 for r in records for c in r.evidence.claims if c.role == HELD_OUT and not c.slice), default=0)
    accepted = set(rules.system.held_out_digests)
    if not rows:
        text, advice = "performance was not measured on held-out data (role test)", "pass test data to the training"
    elif rows < rules.system.min_held_out_rows:
        text = f"only {rows:,} held-out rows, the policy asks for {rules.system.min_held_out_rows:,}"
        advice = "hold out more rows"
    elif accepted and not accepted & {d for r in (*counted.trained, *records) for d in _test_digests(r)}:
        text = "the held-out data are none of those that the policy accepts"
        advice = "evaluate on the agreed held-out data"
    else:
        return []
    item = Unmet(control="A.6.2.4", kind="performance", text=text, next=advice, condition="held-out-set")
    few = {"condition": "held-out-rows", "value": str(rows), "comparator": ">="}
    return [item.model_copy(update=few) if rows < rules.system.min_held_out_rows else item]


def reevaluation(rules: Rules, counted: CountingEvidence, now: datetime) -> list[Unmet]:
    """A person other than the trainer, with the policy's role, must measure on data with a listed digest."""
    role = rules.reevaluation
    if role is None or rules.system is None:
        return []
    accepted = set(rules.system.held_out_digests)
    for record in counted.captured("performance"):
        entry = counted.signers[record.sha256]
        independent = role in entry.roles and not is_among(entry.owner, counted.trainers)
        held_out = any(c.role == HELD_OUT for c in record.evidence.claims)
        if (
            independent
            and held_out
            and accepted & set(_test_digests(record))
            and not stale(record, rules.max_age_days, now)
        ):
            return []
    text = f"an evaluation signed with the role {role} on the held-out data that the policy names is missing"
    advice = f"someone with the role {role} runs aims.evaluate on the agreed held-out data"
    return [Unmet(control="A.6.2.4", kind="performance", text=text, next=advice, condition="reevaluation")]


def _test_digests(record: SealedRecord) -> list[str]:
    test = (read_details(record.evidence, PerformanceDetails).data or {}).get("test")
    return list(test.digest.values()) if test is not None else []
