"""Hosts and accelerators that evidence names are in the register or in the inventory."""

import pytest

from aims_mlflow.management.findings.every import findings
from support import live_states
from support.good_documents import FIELDS
from support.management_states import NOW, SYSTEM, document, good, system

AT = f"{SYSTEM}/income@champion/compute"


def found(kind="log-coverage", serving=(), resources=(), **details):
    def change(parts):
        parts[kind][1]["details"] |= details

    records = live_states.session_records(change)
    listed = [*FIELDS["resource-inventory"]["resources"], *resources]
    state = good(
        inventory_of=document("resource-inventory", system=SYSTEM, resources=listed),
        system=system(serving=list(serving)),
    )
    state = live_states.live(live_states.with_texts(state, live_states.assessed(records)), records)
    return [f for f in findings(state, NOW) if f.rule == "L13" and "/compute/" in f.about]


@pytest.mark.parametrize(
    ("kind", "details", "name"),
    [
        ("log-coverage", {"host": "scores-7.internal"}, "scores-7.internal"),
        ("use-conformance", {"endpoint": "https://scores-7.internal:8443/loan"}, "scores-7.internal"),
        ("monitor-run", {"hosts": ["scores-7.internal"]}, "scores-7.internal"),
        ("compute-record", {"accelerators": ["NVIDIA A100"]}, "NVIDIA A100"),
    ],
)
def test_a_machine_that_nobody_lists(kind, details, name):
    (one,) = found(kind, **details)
    assert (one.about, one.control) == (f"{AT}/{name}", "A.4.5")
    assert f"names {name}, and neither the register nor resource-inventory does" in one.fact
    listed = {"stage": "operation", "resource": "compute", "id": f"two machines, {name}"}
    assert found(kind, resources=[listed], **details) == []


def test_an_endpoint_of_the_register_is_a_host_of_it():
    served = [{"endpoint": "https://scores-7.internal/loan", "environment": "production", "since": "2026-01-01"}]
    assert found(host="scores-7.internal", serving=served) == []
    assert len(found(host="scores-70.internal", serving=served)) == 1
