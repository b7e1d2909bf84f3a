"""What a sentence says of the evidence that it cites: its figure as people write it, its group, and its result."""

import pytest

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import Folder
from aims_mlflow.management.rules import CHECKS
from aims_mlflow.management.rules.base import LintContext
from aims_mlflow.management.rules.figures import other_values, unadmitted, unresolved
from aims_mlflow.management.shown_numbers import matches
from aims_mlflow.records.evidence import Claim, Interval
from aims_mlflow.signing.keys import ephemeral_key
from support.live_states import read
from support.management_folder import assessment
from support.signed_sessions import MODEL

SENTENCE = "Women (sex=Female) come last more often: the ratio of selection rates is 0.31[^e1]."


def around(result="warned", passed=None):
    """Evidence with one fairness record: 0.3147 for women, limit 0.8, interval from 0.28 to 0.34."""
    writer = SessionWriter(ephemeral_key(), "ana", system="income-screening")
    women = Claim(
        metric="selection_rate_ratio", slice={"sex": "Female"}, value="0.3147", n=100, comparator=">=", limit="0.8",
        passed=passed, interval=Interval(low="0.28", high="0.34", level="0.95", method="delta"),
    )  # fmt: skip
    men = women.model_copy(update={"slice": {"sex": "Male"}, "value": "1", "interval": None})
    subject = Subject(name="m", digest={"dirHash1": MODEL})
    writer.add("fairness", [subject], claims=[women, men], result=result)
    view = EvidenceView(tuple(writer.records), ("run",), (), (MODEL,))
    return LintContext(Folder("."), view, None, "2026-12-01")


def said(check, words, context=None, change=str):
    """The sentences of a check about an assessment whose citation stands in these words."""
    context = context or around()
    text = assessment(context.evidence.records[0].id, MODEL)
    assert SENTENCE in text
    return [s.text for s in check(read(change(text.replace(SENTENCE, words))), context)]


@pytest.mark.parametrize(
    "words",
    ["It is 0,31[^e1].", "It is 31,5 %[^e1].", "It is **0.31**[^e1].", "It is (0.31)[^e1].", "It is 0.31 of all[^e1].",
     "It is 0.31, limit 0.8, 95% interval 0.28 to 0.34[^e1].", "by clause 9.2 it is as it was[^e1].",
     "It is 31 percent of the rate of men[^e1].", "of 2026-11-30, by version 1.2.3 of the pack[^e1]."],
)  # fmt: skip
def test_a_figure_is_read_as_people_write_it(words):
    assert said(other_values, words) == []


@pytest.mark.parametrize(
    ("words", "figure"),
    [("It is 0,95[^e1].", "0,95"), ("It is 95 %[^e1].", "95%"), ("It is **0.55**[^e1].", "0.55"),
     ("It is 0.55 for women, above the limit 0.8 of the pack[^e1].", "0.55"), ("It is 0.55.[^e1]", "0.55"),
     ("It is 55 percent of the rate of men[^e1].", "55%"), ("It is 0.55[^e2][^e1].", "0.55")],
)  # fmt: skip
def test_another_figure_is_found_wherever_the_mark_stands(words, figure):
    assert said(other_values, words) == [f"[^e1] {figure} is shown, the evidence says 0.3147"]


def test_a_figure_that_cites_a_record_alone_is_a_value_of_it():
    def bare(text):
        return text.replace(" selection_rate_ratio sex=Female", "")

    assert said(other_values, SENTENCE, change=bare) == []
    (one,) = said(other_values, "It is 0.55[^e1].", change=bare)
    assert one == "[^e1] 0.55 is shown, and the fairness record has no such value: name the metric"


@pytest.mark.parametrize(
    ("shown", "value", "same"),
    [("0,31", "0.3147", True), ("0,32", "0.3147", False), ("1,234", "1234", True), ("1,234", "1.2341", True),
     ("1,234.5", "1234.5", True), ("1,23,4", "1234", False), ("\u22120.5", "-0.5", True)],
)  # fmt: skip
def test_a_comma_parts_thousands_or_stands_for_the_point(shown, value, same):
    assert matches(shown, value) == same


def test_a_sentence_about_one_group_cites_no_value_of_another():
    (one,) = said(unresolved, "For sex=Male it is 0.31[^e1].")
    assert one == "[^e1] is of sex=Female, the sentence is about sex=Male"
    assert said(unresolved, "for sex=Female it is 0.31[^e1], sex=Male is the reference.") == []


@pytest.mark.parametrize(
    "words", ["The recall is 0.95.", "The recall is 0,95 for all.", "It finds 95 percent of them."]
)
def test_a_figure_at_the_end_of_a_sentence_or_in_another_spelling_needs_evidence(words):
    assert [s for s in said(CHECKS["G3"], f"Of all 0.31[^e1]. {words}") if words in s]


FINE = ("The check passed, with 0.31[^e1].", "It is within its limit, 0.31[^e1].", "It did not fail, with 0.31[^e1].")


@pytest.mark.parametrize("words", FINE)
def test_a_claim_beyond_its_limit_is_not_said_to_be_fine(words):
    """Its record only warns: the result of the record alone does not tell it."""
    context = around(passed=False)
    assert said(unadmitted, words, context) == [
        "[^e1] is beyond its limit, and the sentence that cites it does not say so"
    ]
    assert said(CHECKS["G3B"], words, context) == ["[^e1] is beyond its limit: say so where it is cited"]
    assert said(unadmitted, words) == []


@pytest.mark.parametrize(
    "words", ["It fails, with 0.31[^e1].", "0.31[^e1] is not within its limit.", "It is below, 0.31[^e1]."]
)
def test_a_claim_beyond_its_limit_may_be_cited_by_a_sentence_that_says_so(words):
    context = around(passed=False)
    assert said(unadmitted, words, context) == said(CHECKS["G3B"], words, context) == []
