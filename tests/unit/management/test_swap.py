"""The swap test: assessments that would fit any system are caught, and good ones are not called generic."""

import pytest

from aims_mlflow.management import lint as linting
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.rules.base import LintContext
from support import assessment_texts, live_states
from support.management_folder import PEOPLE, REGISTER_ENTRY, assessment, write

CHURN = """id: churn
kind: system
title: Churn
owner: olga
author: rita
system: churn
name: Churn
affected_groups: [{name: customers in arrears, in_data: arrears=yes}]
models: [churn-forest]
"""
# Written as consultants, templates and language models write them.
GENERIC = {
    "values": "Our organisation is committed to responsible AI. The system was designed with fairness, transparency and "
    "accountability in mind, and people who are affected by it are treated with respect at every step of the process.",
    "potential bias": "Like any AI system, this system may exhibit potential bias towards certain groups. Appropriate "
    "measures have been put in place to mitigate such risks, and they are reviewed regularly by qualified personnel.",
    "testing": "The system has been extensively tested by our data science team before its release. Its results were found "
    "to be satisfactory, and no relevant issues were identified that would stand against its use in production.",
    "human oversight": "A human is in the loop at all times. Employees were trained to question the output of the system, "
    "and they may overrule it where they consider that to be necessary in the interest of the person concerned.",
    "numbers": "The system was assessed in 3 workshops with 12 participants on 4 June 2026. All 9 dimensions of the method "
    "were discussed, and 27 risks were rated on a scale of 1 to 5. None of them was rated 4 or higher by the group.",
    "named people": "rita and olga discussed the possible effects of the system on people in May 2026. Both came to the view "
    "that its benefits outweigh its harms, and that the remaining harms are acceptable for the organisation as a whole.",
    "plain groups": "Women, older people, migrants and people with disabilities may be disadvantaged by automated decisions. "
    "The system treats all groups equally, irrespective of sex, race, age, religion, health or sexual orientation.",
    "law": "The system was classified under Regulation (EU) 2024/1689. The obligations of providers and deployers were "
    "analysed, and the duties of Article 26 and Article 27 are fulfilled by the measures of the management system.",
    "its own name": "Income screening is used by the bank. Income screening was assessed for its impact on individuals, on "
    "groups and on society. Income screening has no impact that would be out of proportion to its purpose.",
    "technical": "A gradient boosted model is trained on historic records. Hyper-parameters are found by cross-validation, "
    "features are standardised, and missing values are imputed. Drift is monitored, and the model is retrained yearly.",
}


def text(record, body):
    """An assessment whose header and lists are filled in as a draft does it, with these words."""
    return (
        assessment(record.id, live_states.MODEL).partition("# Impact assessment")[0]
        + f"# Impact assessment\n\n{body}\n"
    )


def good(record, digest):
    """Words that are true of one system alone, each for another reason."""
    padding = (
        "Clerks of the bank decide about each application, by the order that the model gives, and may overrule it."
    )
    return {
        "a figure with its evidence": f"{padding} For women the ratio is 0.95[^e1], within its limit.\n\n[^e1]: evidence "
        f"{record} selection_rate_ratio sex=Female",
        "a group of the data": f"{padding} The score of sex=Female is lower in rows where working hours are missing.",
        "the bytes": f"{padding} What is assessed is model {digest[:12]} alone, as it was registered in June.",
        "a record": f"{padding} What the by-group record {record} shows was read row by row with the works council.",
        "the registered model": f"{padding} The registered model income-forest takes nine columns, and no postcode.",
    }


CENSUS = ("age", "workclass", "occupation", "marital-status", "relationship", "sex", "hours-per-week", "native-country")


def of_census(parts):
    """The training was planned with these columns."""
    data = parts["session-start"][1]["details"]["data"]["train"]
    data["columns"] = [*data["columns"], *CENSUS]


@pytest.fixture(scope="module")
def generic_marks(tmp_path_factory):
    """Return a function from words to the results of G2."""
    folder = tmp_path_factory.mktemp("bank")
    records = live_states.session_records(of_census)
    record = live_states.fairness_of(records)
    evidence = EvidenceView(records, ("run",), (), (live_states.MODEL,))
    entry = REGISTER_ENTRY.replace("models: [income-screening]", "models: [income-forest]")

    def marks(body):
        body = body.replace("RECORD", record.id).replace("DIGEST12", live_states.MODEL[:12])
        write(folder, aiia=text(record, body), system=entry, churn=CHURN, people=PEOPLE)
        around = LintContext(read_folder(folder / "aims"), evidence, None, "2026-12-01")
        return [r.text for r in linting.lint(around, ["aiia"]) if r.rule.id == "G2"]

    return marks


@pytest.mark.parametrize("name", [*GENERIC, *assessment_texts.GENERIC])
def test_a_generic_assessment_is_caught(name, generic_marks):
    (mark,) = generic_marks({**GENERIC, **assessment_texts.GENERIC}[name])
    assert "this text would fit churn" in mark


@pytest.mark.parametrize("named", ["01a00000-0000-7000-8000-000000000000", "the annual report"])
def test_a_citation_that_is_of_no_evidence_of_the_system_makes_it_no_less_generic(named, generic_marks):
    body = f"{GENERIC['testing']} The ratio is 0.95[^e1].\n\n[^e1]: evidence {named} selection_rate_ratio"
    (mark,) = generic_marks(body)
    assert "this text would fit churn" in mark


@pytest.mark.parametrize("name", assessment_texts.GOOD)
def test_one_that_says_what_is_true_of_this_system_is_not_called_generic(name, generic_marks):
    assert generic_marks(assessment_texts.GOOD[name]) == []


@pytest.mark.parametrize("column", ["income", "age", "hours-per-day"])
def test_a_plain_word_and_a_column_that_the_data_do_not_have_make_it_no_less_generic(column, generic_marks):
    (mark,) = generic_marks(f"{GENERIC['testing']} The column {column} was looked at.")
    assert "this text would fit churn" in mark


@pytest.mark.parametrize("name", range(5))
def test_a_good_one_is_not_called_generic(name, generic_marks):
    bodies = good("RECORD", live_states.MODEL)
    assert generic_marks(list(bodies.values())[name]) == []
