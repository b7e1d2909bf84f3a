"""A risk method gives each level, and somebody who may accept it; a risk takes its words from there and from Annex C."""

import pytest

from aims_mlflow.management.findings.every import findings
from support.management_states import METHOD, NOW, document, good, risk, risks


def found(state):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW)]


def method(**changes):
    return good(**{"risk-method": document("risk-method", **{**METHOD, **changes})})


def accepts(who):
    return [{"level": "medium", "may_accept": who}, {"level": "high", "may_accept": "board"}]


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (method(), []),
        (method(matrix={}), ["W6 risk-method"]),
        (method(matrix={"rare/high": "medium"}), ["R4 risk-method/matrix"]),
        (method(acceptance=[{"level": "high", "may_accept": "board"}]), ["R4 risk-method/acceptance"]),
        (method(acceptance=accepts("the Pope")), ["R4 risk-method/people"]),
        (method(acceptance=accepts("olga")), []),
        (method(acceptance=accepts("the owner of the system and max")), []),
        (method(acceptance=accepts("risk committee")), []),
        (method(sources=["hardware"]), ["R4 risk-register/R1/source"]),
        (good(risks=risks(risk(objective="fairnes"))), ["R4 risk-register/R1/objective"]),
        (good(risks=risks(risk(objective="Fairness"))), []),
        (good(risks=risks(risk(source=None))), ["W6 risk-register"]),
        (good(risks=risks(risk(controls=[]))), ["R1 risk-register/R1"]),
        (good(risks=risks(risk(controls=[], treatment="avoid"))), []),
    ],
)
def test_the_method_covers_its_levels_and_a_risk_keeps_to_it(state, wanted):
    assert found(state) == wanted


def test_controls_of_the_treatment_plan_reduce_a_risk_too():
    entry = {"risk": "R1", "measure": "review", "owner": "olga", "due": "2026-12-01", "residual": "medium",
             "accepted_by": "max", "controls": ["A.9.2"]}  # fmt: skip
    plan = document("treatment-plan", risks=[entry])
    assert found(good(**{"treatment-plan": plan}, risks=risks(risk(controls=[])))) == []


def test_the_facts_name_what_is_missing():
    (cells,) = findings(method(matrix={"rare/high": "medium"}), NOW)
    assert "has no level for likely/high: its matrix lacks 1 of 2" in cells.fact
    (who,) = findings(method(acceptance=accepts("the Pope")), NOW)
    assert "lets 'the Pope' accept a risk of level medium" in who.fact
    assert who.fix == "correct it, and publish it again: aims document publish risk-method"
    (named,) = findings(good(risks=risks(risk(objective="fairnes"))), NOW)
    assert "threatens 'fairnes', which is no objective of Annex C, 'fairness' may be meant" in named.fact


def left(levels, before, after):
    """Findings where likelihood goes from one level to another on a scale that is listed in some order."""
    scales = {**METHOD["scales"], "likelihood": [{"level": level, "meaning": "counted"} for level in levels]}
    matrix = {f"{level}/high": "medium" for level in levels}
    residual = {"likelihood": after, "impact": "high", "level": "medium", "basis": "counted"}
    return found(
        good(
            **{"risk-method": document("risk-method", **{**METHOD, "scales": scales, "matrix": matrix})},
            risks=risks(risk(likelihood=before, residual=residual, treatment="accept")),
        )
    )


@pytest.mark.parametrize("levels", [("rare", "likely"), ("likely", "rare"), ("very high", "very low")])
def test_a_treatment_makes_no_risk_greater_in_whichever_order_the_scale_is_listed(levels):
    low, high = sorted(levels, key=lambda level: level in ("likely", "very high"))
    assert left(levels, high, low) == []
    assert left(levels, low, high) == ["R4 risk-register/R1/left"]
