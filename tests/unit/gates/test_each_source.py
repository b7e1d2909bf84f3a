"""Data from several sources: each states its rights and its origin, in whatever order they are read."""

import itertools
from types import SimpleNamespace

import pytest

from aims_mlflow.gates.control_conditions import data_resources
from aims_mlflow.gates.control_conditions.data_resources import origin, rights
from aims_mlflow.records.details.base import SourceStatement

SUBJECT = SimpleNamespace(
    data={"train": None}, about_data=lambda *_: [1], acquisitions=lambda *_: [], named_signer=lambda _: "ana"
)


def judged(monkeypatch, condition, *stated):
    """The verdict on a data set of these sources, in every order that they can be read in."""
    made = [
        (
            SimpleNamespace(evidence=SimpleNamespace(id=name, time="2026", valid_until=None, kind="dataset-record")),
            SourceStatement(name=name, **fields),
        )
        for name, fields in zip("ABC", stated, strict=False)
    ]
    found = []
    for order in itertools.permutations(made):
        monkeypatch.setattr(data_resources, "sources", lambda *_, order=order: list(order))
        found.append(condition(SUBJECT, None))
    assert len({verdict.outcome for verdict in found}) == 1, "in another order the verdict is another"
    return found[0]


CC = {"licence": "CC-BY-4.0"}
OPEN = {"rights": "open data licence"}


@pytest.mark.parametrize(
    ("stated", "outcome"),
    [
        ([CC, CC], "holds"),
        ([OPEN, CC], "holds"),
        ([{**OPEN, **CC}, CC], "holds"),
        ([{"rights": "TBD", **CC}, CC], "missing"),
        ([{"rights": "TBD"}, CC], "missing"),
        ([{}, CC], "missing"),
        ([{}, {}], "missing"),
        ([{"rights": f"bought, see {data_resources.WHERE}"}, CC], "holds"),
    ],
)
def test_each_source_states_rights_or_licence_and_no_placeholder_in_either(monkeypatch, stated, outcome):
    assert judged(monkeypatch, rights, *stated).outcome == outcome


def test_a_source_without_rights_is_named_and_no_other(monkeypatch):
    found = judged(monkeypatch, rights, CC, {}, OPEN)
    assert found.sentence == f"rights of B is not stated: {data_resources.WHERE}"


@pytest.mark.parametrize(
    ("stated", "outcome"),
    [
        ([{"uri": "https://example.org/a"}, {"description": "a register of the city"}], "holds"),
        ([{"uri": "https://example.org/a"}, {"description": "TBD"}], "missing"),
        ([{"uri": "https://example.org/a"}, {}], "missing"),
    ],
)
def test_each_source_has_an_address_or_a_description(monkeypatch, stated, outcome):
    assert judged(monkeypatch, origin, *stated).outcome == outcome
