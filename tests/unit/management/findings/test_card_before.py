"""A card beside that of the version which had the alias before: words that stayed, and people who came or went."""

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.records.wording import slice_text
from support import live_states
from support.management_states import NOW, SYSTEM, document, good
from support.signed_sessions import MODEL

AT, BEFORE = f"{SYSTEM}/income@champion", "b" * 64


def earlier(groups=("applicants",), value="0.91", use="order applications", other=None):
    """The evidence of the version before."""

    def change(parts):
        parts["session-start"][1]["details"]["system"] |= {"affected_groups": list(groups), "intended_use": use}
        claims = parts["fairness"][1]["claims"]
        changed = {"value": value} | ({"slice": {"sex": other}} if other else {})
        parts["fairness"][1]["claims"] = [claims[0].model_copy(update=changed), *claims[1:]]

    return live_states.session_records(change)


def found(previous, said="another learner was taken", **changes):
    told = document("change", id="change", system=SYSTEM, what=said, assessment="R1 as before", model_digest=MODEL)
    state = live_states.live(good(told=told), before=BEFORE, previous=previous, **changes)
    state = live_states.with_texts(state, live_states.assessed())
    return [f for f in findings(state, NOW) if f.rule in ("C9", "C11")]


def test_words_that_stayed_while_results_changed():
    (one,) = found(earlier())
    assert (one.rule, one.about, one.control) == ("C9", f"{AT}/card/words", "A.6.2.7")
    assert "(intended use) are those of the version before, bbbbbbbbbbbb, word for word, while 1 of " in one.fact
    assert found(earlier(use="order the applications of adults")) == []
    assert found(live_states.good_records()) == []
    assert found(earlier(), said="another learner; the text of the card was read again and still holds") == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"groups": ["applicants", "guarantors"]}, "guarantors is not there any more"),
        ({"other": "Unknown"}, "sex=Female is new; sex=Unknown is not there any more"),
    ],
)
def test_people_who_came_or_went(changes, word):
    (one,) = (f for f in found(earlier(use="read letters", **changes)) if f.rule == "C11")
    assert (one.about, one.of.grade) == (f"{AT}/people", "minor")
    assert word in one.fact
    said = "guarantors are not asked any more; rows of sex unknown were dropped, female and male are left"
    assert found(earlier(use="read letters", **changes), said=said) == []


def test_a_version_that_took_nobodys_place_has_nothing_before_it():
    assert slice_text({"sex": "f"}) == "sex=f"
    assert found(()) == []
