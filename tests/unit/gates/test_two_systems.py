"""States of an organisation with two registered systems: each version is judged by the documents about its own."""

import dataclasses

import pytest

from aims_mlflow.gates.control_status import CHECKS, control_status
from aims_mlflow.pages.judging import with_documents
from support.good_documents import ENTRIES, FIELDS, NOW, SYSTEM
from support.status_cases import approval, document, good

ROW, RISKS = FIELDS["register"]["systems"][0], FIELDS["risk-register"]
CHURN = "churn"


class Shelf:
    def __init__(self, subject):
        self.approvals, self._documents = subject.approvals, subject.documents

    def documents(self, day):
        return self._documents


def of(kind, name, system, fields):
    """A document about one of the systems, and its approval."""
    made = dataclasses.replace(
        document(kind), id=name, sha256=f"{abs(hash(name)):064x}"[-64:], system=system, fields=fields
    )
    return made, dataclasses.replace(approval(kind), sha256=made.sha256)


def risks_of(system):
    return of("risk-register", f"risks-{system}", system, {**RISKS, "risks": [{**RISKS["risks"][0], "system": system}]})


def two_systems():
    """An organisation in order with two systems, as the gate, the pages and the organisation judge it."""
    made = [
        of("register", "register", None, {**FIELDS["register"], "systems": [ROW, {**ROW, "id": CHURN}]}),
        of("scope", "scope", None, {**FIELDS["scope"], "systems_in": [SYSTEM, CHURN]}),
        *(of("system", f"entry-{s}", s, {**ENTRIES["system"], "models": [s]}) for s in (SYSTEM, CHURN)),
        *(risks_of(system) for system in (SYSTEM, CHURN)),
    ]
    one, replaced = good(), {document.kind for document, _ in made}
    kept = [d for d in one.documents if d.kind not in replaced]
    gate = dataclasses.replace(
        one, documents=(*kept, *(d for d, _ in made)), approvals=(*one.approvals, *(a for _, a in made))
    )
    whole = dataclasses.replace(gate, scope="organization", name="the organisation", digest=None, rules=None)
    return {"gate": gate, "pages": with_documents(gate, Shelf(gate), NOW), "organisation": whole}


@pytest.fixture(scope="module")
def judged():
    return two_systems()


@pytest.mark.parametrize("condition", ["4.3/roles", "6.1.2/systems", "8.2/assessed"])
def test_with_everything_in_order_each_condition_holds_everywhere(judged, condition):
    assert {who: CHECKS[condition](subject, NOW).outcome for who, subject in judged.items()} == dict.fromkeys(
        ("gate", "pages", "organisation"), "holds"
    )


def test_the_organisation_has_a_risk_of_each_registered_system(judged):
    whole = judged["organisation"]
    less = dataclasses.replace(whole, documents=tuple(d for d in whole.documents if d.id != f"risks-{CHURN}"))
    assert "no risk is assessed for churn" in CHECKS["6.1.2/systems"](less, NOW).sentence


def test_documents_of_another_registered_system_count_for_nothing_and_against_nothing(judged):
    """An incident of churn is nothing that users of this system were to be told of."""
    gate = judged["gate"]
    others = [
        dataclasses.replace(d, system=CHURN, id=f"{d.id}-{CHURN}") if d.system == SYSTEM and d.kind != "system" else d
        for d in gate.documents
    ]
    subject = dataclasses.replace(gate, documents=tuple(d for d in others if d.id != f"risks-{CHURN}"))
    assert CHECKS["7.5/controlled"](gate, NOW).outcome == "holds"
    assert CHECKS["7.5/controlled"](subject, NOW).outcome == "holds"
    for kind in ("notice", "impact-assessment", "monitoring-plan"):
        assert subject.newest(kind) == [], "of a system that is registered, it is about that system"
    state = control_status("A.6.2.6", subject, NOW)
    assert CHURN not in state.reason
