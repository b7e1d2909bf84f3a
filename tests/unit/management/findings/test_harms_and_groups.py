"""A harm says what happens by what, alone; the people whom an assessment names are in the data or declared absent."""

import pytest

from aims_mlflow.gates.document_content.content_words import is_vague
from aims_mlflow.management.findings.every import findings
from support.live_states import assessed, with_texts
from support.management_states import NOW, SYSTEM, good, risk, risks, system

MECHANISM = "mechanism: a lower score puts women last"


def found(state):
    return [f for f in findings(state, NOW) if f.rule != "W6"]


def changed(before, after, **more):
    text = assessed()
    assert before in text
    return with_texts(good(**more), text.replace(before, after))


@pytest.mark.parametrize("words", ["potential bias", "bias", "Bias may occur.", "discrimination of certain groups"])
def test_a_mechanism_that_is_true_of_any_harm_is_generic_beside_a_group(words):
    (one,) = found(changed(MECHANISM, f"mechanism: {words}"))
    assert (one.rule, one.system) == ("F1", SYSTEM)
    assert words in one.fact
    assert found(changed(MECHANISM, "mechanism: a lower score")) == []


@pytest.mark.parametrize(
    ("words", "vague"),
    [
        ("a lower score", False), ("bias against women by postcode", False), ("Altersdiskriminierung", False),
        ("低いスコアが女性を最後に置くために起こる", False), ("a system error affects people", True), ("risk of harm", True),
    ],
)  # fmt: skip
def test_what_is_vague_has_no_words_of_its_own(words, vague):
    assert is_vague(words) is vague


def test_the_event_of_a_risk_says_what_happens():
    (one,) = found(good(risks=risks(risk(event="bias may occur"))))
    assert (one.rule, one.about) == ("R5", "risk-register/R1")
    assert "'bias may occur', states neither what happens nor by what" in one.fact
    assert "aims document lint risk-register" in one.fix


def test_the_group_of_a_harm_is_in_the_data_or_listed():
    (one,) = found(changed("group: sex=Female,", "group: elderly people,"))
    assert (one.rule, "'elderly people' of impact I1 is none of the groups" in one.fact) == ("F5", True)
    (two,) = found(changed("group: sex=Female,", "group: age=old,"))
    assert (two.rule, "age=old of impact I1 is no value of a column that was compared" in two.fact) == ("F5", True)
    assert found(changed("group: sex=Female,", "group: women who apply,")) == []
    assert found(changed("group: sex=Female,", "group: clerks,")) == []
    assert found(changed("group: sex=Female,", "group: everyone whom the model is asked about,")) == []
    assert found(changed("group: sex=Female,", "group: the public, dimension: society,")) == []
    listed = "groups:\n  - {name: elderly people, not_in_data: their age is not asked}\n"
    whom = {"name": "elderly people", "not_in_data": "their age is not asked"}
    groups = [{"name": "women", "in_data": "sex=Female"}, {"name": "men", "in_data": "sex=Male"}, whom]
    text = assessed().replace("group: sex=Female,", "group: elderly people,").replace("groups:\n", listed)
    assert found(with_texts(good(system=system(affected_groups=groups)), text)) == []


def test_a_value_of_the_data_in_the_text_was_compared():
    (one,) = found(changed("Men (sex=Male) are", "Elderly people (age=old) wait longest. Men (sex=Male) are"))
    assert (one.rule, "age=old is no value of a column that was compared" in one.fact) == ("F5", True)
    for other in ("at age=41.", "with penalty=l2.", 'among "sex=Male".'):
        assert found(changed("Men (sex=Male) are", f"Scores were repeated {other} Men (sex=Male) are")) == []
