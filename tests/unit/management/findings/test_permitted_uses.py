"""What policy, entry, law and licences forbid is found in what systems are said to do, and nothing that denies it."""

import pytest

from aims_mlflow.gates.document_content.content_words import content_words
from aims_mlflow.management.findings.every import findings
from support import live_states
from support.good_documents import FIELDS
from support.management_states import API, NOW, SYSTEM, document, good, supplier, system


def found(state):
    return [f"{f.rule} {f.about}" for f in findings(state, NOW) if f.rule != "W6"]


def policy(*prohibited):
    return {"ai-policy": document("ai-policy", **{**FIELDS["ai-policy"], "prohibited": prohibited})}


def trained_on(**source):
    """The version in use, trained on data of which this is stated."""
    records = live_states.session_records(
        lambda parts: [
            parts[kind][1]["details"].update(source={**parts[kind][1]["details"]["source"], **source})
            for kind in ("acquisition", "dataset-record", "dataset-record/test")
        ]
    )
    return live_states.with_texts(live_states.live(good(), records), live_states.assessed(records))


POLICY = f"S9 {SYSTEM}/ai-policy"
CASES = {
    "nothing is forbidden that is done": (good(**policy("scoring of employees", "emotion recognition")), []),
    "the policy forbids the purpose": (
        good(**policy("ordering of applications by a score")), [f"{POLICY}/ordering of applications by a score"],
    ),
    "in other forms of the same words": (
        good(**policy("scored applications that are ordered")), [f"{POLICY}/scored applications that are ordered"],
    ),
    "the purpose denies it": (
        good(system=system(purpose="clerks order applications; it never scores employees"), **policy("scoring employees")),
        [],
    ),
    "words of two sentences": (
        good(system=system(purpose="clerks order applications. Employees read each"), **policy("ordering of employees")), [],
    ),
    "the entry forbids its own use": (
        good(system=system(prohibited_use=["to order applications"])), [f"S9 {SYSTEM}/entry/to order applications"],
    ),
    "the intended use forbids it": (
        good(intended=document("intended-use", system=SYSTEM, use="to order applications",
                               not_for=["ordering applications"], users=["clerks"])),
        [f"S9 {SYSTEM}/intended-use/ordering applications"],
    ),
    "the policy forbids a supplier": (good(**policy("models of OpenAI")), [f"{POLICY}/models of OpenAI"]),
    "the policy forbids a source of data": (
        good(**policy("data of the statistics office")), [f"{POLICY}/data of the statistics office"],
    ),
    "a law forbids it": (
        good(system=system(legal_class=[{"framework": "AI Act", "class": "prohibited practice", "reason": "Art. 5",
                                         "checked_on": "2026-06-01"}])),
        [f"S9 {SYSTEM}/law/AI Act"],
    ),
    "a law does not forbid it": (
        good(system=system(legal_class=[{"framework": "AI Act", "class": "not prohibited, high-risk",
                                         "reason": "Annex III", "checked_on": "2026-06-01"}])), [],
    ),
    "a component under a research licence": (
        good(supplier=supplier(licence="research licence of the university")), [f"T9 {SYSTEM}/{API}"],
    ),
    **{
        f"a component: {text}": (good(supplier=supplier(licence=text)), [f"T9 {SYSTEM}/{API}"])
        for text in ("no commercial use", "not for commercial use", "unlicensed", "banned for credit decisions")
    },
    "a component for gain": (good(supplier=supplier(licence="commercial licence")), []),
    "a component that is not for gain": (good(supplier=supplier(licence="CC-BY-NC-4.0")), [f"T9 {SYSTEM}/{API}"]),
    "a component under an open licence": (good(supplier=supplier(licence="Apache-2.0")), []),
    "data for research only": (trained_on(licence="for academic research only"), [f"T9 {SYSTEM}/data/census"]),
    "data whose rights ended": (trained_on(rights="contract until 2025-12-31"), [f"T9 {SYSTEM}/data/census"]),
    "data whose rights last": (trained_on(rights="contract until 2027-12-31"), []),
    "data whose rights ended with the year": (trained_on(rights="until 2025"), [f"T9 {SYSTEM}/data/census"]),
    "data for another system": (
        good(other=system(id="churn-entry", system="churn", models=[], components=[], objectives={}, stage="development")),
        ["S8 scope/churn", "R4 churn"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_forbidden_is_found_and_nothing_else(case):
    state, wanted = CASES[case]
    assert [f for f in found(state) if not f.startswith("I3 churn")] == wanted


def test_data_that_were_given_for_another_system():
    import dataclasses

    other = system(id="churn-entry", system="churn", models=[], components=[], objectives={}, stage="development")
    state = trained_on(purpose="churn")
    state = dataclasses.replace(state, documents=(*state.documents, other))
    (one,) = [f for f in findings(state, NOW) if f.rule == "T9"]
    assert (one.control, "its purpose is 'churn', which is another system" in one.fact) == ("A.7.3", True)


def test_both_texts_are_quoted():
    (one,) = [f for f in findings(CASES["the policy forbids the purpose"][0], NOW) if f.rule == "S9"]
    assert "“ordering of applications by a score”" in one.fact
    assert "“clerks order applications by the score”" in one.fact


@pytest.mark.parametrize(
    ("one", "other"),
    [("scoring", "scores"), ("refusing", "refusal"), ("applications", "application"), ("companies", "company"),
     ("employees", "employed"), ("ordering", "orders")],
)  # fmt: skip
def test_forms_of_one_word_are_one(one, other):
    assert content_words(one) == content_words(other)


@pytest.mark.parametrize(("one", "other"), [("company", "computer"), ("order", "person"), ("credit", "creditor card")])
def test_other_words_stay_others(one, other):
    assert content_words(one) != content_words(other)
