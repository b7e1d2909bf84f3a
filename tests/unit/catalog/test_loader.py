"""The catalog: the right controls, each answered by kinds that exist, and wrong ids that name the right one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aims_mlflow.catalog import loader
from aims_mlflow.errors import ConfigError

TITLES = """
A.2.2,AI policy
A.2.3,Alignment with other organizational policies
A.2.4,Review of the AI policy
A.3.2,AI roles and responsibilities
A.3.3,Reporting of concerns
A.4.2,Resource documentation
A.4.3,Data resources
A.4.4,Tooling resources
A.4.5,System and computing resources
A.4.6,Human resources
A.5.2,AI system impact assessment process
A.5.3,Documentation of AI system impact assessments
A.5.4,Assessing AI system impact on individuals or groups of individuals
A.5.5,Assessing societal impacts of AI systems
A.6.1.2,Objectives for responsible development of AI system
A.6.1.3,Processes for responsible AI system design and development
A.6.2.2,AI system requirements and specification
A.6.2.3,Documentation of AI system design and development
A.6.2.4,AI system verification and validation
A.6.2.5,AI system deployment
A.6.2.6,AI system operation and monitoring
A.6.2.7,AI system technical documentation
A.6.2.8,AI system recording of event logs
A.7.2,Data for development and enhancement of AI system
A.7.3,Acquisition of data
A.7.4,Quality of data for AI systems
A.7.5,Data provenance
A.7.6,Data preparation
A.8.2,System documentation and information for users
A.8.3,External reporting
A.8.4,Communication of incidents
A.8.5,Information for interested parties
A.9.2,Processes for responsible use of AI systems
A.9.3,Objectives for responsible use of AI system
A.9.4,Intended use of the AI system
A.10.2,Allocating responsibilities
A.10.3,Suppliers
A.10.4,Customers
"""
KNOWN = {**loader.controls(), **loader.clauses()}


def test_the_38_controls_by_id_and_title():
    wanted = dict(line.split(",", 1) for line in TITLES.strip().splitlines())
    assert {c.id: c.title for c in loader.controls().values()} == wanted
    assert len(wanted) == 38
    assert sum(c.group == "A.6" for c in loader.controls().values()) == 9


def test_every_kind_that_is_used_exists_and_every_kind_is_used():
    used = {u.kind for c in KNOWN.values() for u in c.evidence}
    assert used <= set(loader.kinds())
    assert {k for k, v in loader.kinds().items() if v.internal} == set(loader.kinds()) - used


@pytest.mark.parametrize(
    ("control", "kinds"),
    [
        ("A.4.3", {"dataset-record": "required", "acquisition": "supports", "datasheet": "supports"}),
        ("A.5.4", {"impact-people": "required", "fairness": "supports"}),
        ("A.6.2.3", {"design-record": "required", "training-provenance": "required", "trial": "supports"}),
        (
            "A.6.2.4",
            {
                "performance": "required",
                "fairness": "required",
                "robustness": "required",
                "validation-report": "required",
                "drift": "supports",
            },
        ),
        ("A.6.2.5", {"deployment-plan": "required", "approval": "required", "gate-decision": "required"}),
        ("A.6.2.6", {"monitoring-plan": "required", "monitor-run": "required", "drift-baseline": "supports"}),
        ("A.7.2", {"data-management": "required", "representativeness": "required", "drift": "supports"}),
        ("A.7.4", {"quality-requirements": "required", "data-quality": "required"}),
        ("A.7.6", {"preparation-criteria": "required", "preparation": "required"}),
        ("9.1", {"measurement-plan": "required", "monitor-run": "required"}),
    ],
)
def test_what_answers_a_control(control, kinds):
    assert {u.kind: u.need for u in loader.require_control(control).evidence} == kinds


def test_a_control_always_has_a_required_kind():
    for control in KNOWN.values():
        assert any(u.need == "required" for u in control.evidence), control.id


def test_the_crosswalk_is_related_and_not_verified():
    rows = loader.crosswalk()
    assert (len(rows.rows), rows.relation, rows.verified) == (16, "related", False)
    assert loader.crosswalk_for("A.6.2.4").eu_ai_act.startswith("Art. 9")
    assert loader.crosswalk_for("A.5.4").hitrust is None
    assert loader.crosswalk_for("A.9.4").soc_2 is None
    assert loader.crosswalk_for("A.8.2").nist_csf is None
    assert loader.crosswalk_for("A.3.2") is None
    assert loader.crosswalk_for("10.2").element == "10"


def test_annex_c_has_eleven_objectives():
    assert len(loader.objectives()) == 11
    assert {"fairness", "privacy", "safety", "security", "environmental-impact"} <= set(loader.objectives())


def test_texts_are_our_own_words_and_promise_nothing():
    for control in KNOWN.values():
        for text in (control.explanation, control.auditor_asks, control.answered_by):
            assert 15 < len(text) < 300
            assert not re.search(r"certif|complian|guarant|\bshall\b", text, re.IGNORECASE), text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("A.6.2.9", "'A.6.2.8'"),
        ("a.6.2.4", "'A.6.2.4'"),
        ("A6.2.4", "'A.6.2.4'"),
        ("A.6.2", "is a group"),
        ("A.7.1", "'A.7.2'"),
        ("A.11.2", "'A.10.2'"),
        ("A-7-4", "'A.7.4'"),
        ("9.5", "'9.3'"),
    ],
)
def test_a_wrong_id_names_the_nearest(wrong, right):
    with pytest.raises(ConfigError, match=re.escape(right)):
        loader.require_control(wrong)


@given(st.sampled_from(sorted(KNOWN)), st.integers(0, 9), st.characters(codec="ascii", categories=("L", "N", "P")))
def test_a_typo_never_passes_for_another_thing(right, place, letter):
    wrong = right[: place % len(right)] + letter + right[place % len(right) + 1 :]
    if wrong in KNOWN:
        return
    with pytest.raises(ConfigError, match="control"):
        loader.require_control(wrong)


def test_wrong_kinds_and_objectives_name_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'data-quality'"):
        loader.require_kind("data_quality")
    with pytest.raises(ConfigError, match="did you mean 'fairness'"):
        loader.require_objective("fairnes")


def test_every_clause_from_4_to_10_has_an_entry():
    wanted = "4.1 4.2 4.3 4.4 5.1 5.2 5.3 6.1.1 6.1.2 6.1.3 6.1.4 6.2 6.3 7.1 7.2 7.3 7.4 7.5 8.1 8.2 8.3 8.4"
    assert list(loader.clauses()) == [*wanted.split(), "9.1", "9.2", "9.3", "10.1", "10.2"]


def test_a_row_about_a_whole_clause_is_never_one_about_a_part_of_it():
    assert loader.crosswalk_for("4.3").element == "4"
    assert loader.crosswalk_for("6.1.2").element == "6.1.2"
    assert loader.crosswalk_for("6.1.3") is None
    assert loader.crosswalk_for("7.2") is None
