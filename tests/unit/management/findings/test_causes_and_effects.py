"""Each failure of each group, and each waiver, has a risk; what closes a risk or a measure is about the same harm."""

import dataclasses

import pytest

from aims_mlflow.management.findings.every import findings
from aims_mlflow.records.decision import Unmet, WaivedBy
from aims_mlflow.records.evidence import Claim
from support.live_states import assessed, fairness_of, good_records, live, session_records, with_texts
from support.management_states import NOW, SYSTEM, good, risk, risks

FAIR = fairness_of(good_records())
WAIVER = "01a2aaaa-0000-7000-8000-000000000001"


def found(state, *rules):
    return [f for f in findings(state, NOW) if f.rule in rules]


def of_kind(kind, records=None):
    return next(r for r in records or good_records() if r.evidence.kind == kind)


def ratio(group, value="0.31", passed=False):
    return Claim(metric="selection_rate_ratio", slice={"sex": group}, value=value, n=3210, comparator=">=", limit="0.8",
                 passed=passed)  # fmt: skip


def failing(*claims):
    return session_records(lambda parts: parts["fairness"][1].update(claims=list(claims), result="failed"))


# -- risks of what failed -------------------------------------------------------------------------------------------


def test_a_risk_to_one_group_answers_no_failure_of_another():
    records = failing(ratio("Female"), ratio("Male", "0.2"))
    of_women = risk(cause_evidence=[fairness_of(records).id])
    (men,) = found(live(good(risks=risks(of_women)), records), "R3")
    assert (men.about, men.system) == (f"{SYSTEM}/fairness/selection_rate_ratio/sex=Male", SYSTEM)
    assert "is about that group" in men.fact
    assert fairness_of(records).id in men.evidence
    of_men = risk(id="R9", group="men", event="they are refused more often", cause_evidence=[fairness_of(records).id])
    assert found(live(good(risks=risks(of_women, of_men)), records), "R3") == []


def test_each_failure_without_a_risk_is_a_finding_and_the_list_of_the_session_is_none():
    records = failing(ratio("Female"), ratio("Male", "0.2"))
    abouts = {f.about for f in found(live(good(), records), "R3")}
    assert abouts == {f"{SYSTEM}/fairness/selection_rate_ratio/sex={group}" for group in ("Female", "Male")}
    assert any(r.evidence.kind == "session" and r.evidence.result == "failed" for r in records)


def test_a_column_is_no_group_of_people():
    beyond = Claim(metric="expect_x", slice={"column": "age"}, role="train", value="0.5", comparator=">=", limit="0.8",
                   passed=False)  # fmt: skip
    records = session_records(lambda parts: parts["data-quality"][1].update(claims=[beyond], result="failed"))
    named = risk(cause_evidence=[of_kind("data-quality", records).id])
    assert found(live(good(risks=risks(named)), records), "R3") == []
    assert len(found(live(good(), records), "R3")) == 1


def waived(**changes):
    unmet = Unmet(control="A.6.2.4", kind="validation-report", text="missing")
    fields = {"unmet": unmet, "waiver": WAIVER, "owner": "olga", "reason": "pilot", "expires": "2099-01-01T00:00:00Z"}
    return WaivedBy(**{**fields, **changes})


def test_a_waiver_is_a_risk():
    (one,) = found(live(good(), waived=(waived(),)), "R3")
    assert (one.about, one.control) == (f"{SYSTEM}/waiver/{WAIVER}", "6.1.2")
    assert WAIVER in one.fact
    assert "by olga let income version 3 pass without validation-report" in one.fact
    named = good(risks=risks(risk(cause_evidence=[WAIVER])))
    assert found(live(named, waived=(waived(),)), "R3", "R4") == []


def test_what_was_waived_and_failed_is_one_finding():
    records = failing(ratio("Female"))
    covered = waived(unmet=Unmet(control="A.5.4", kind="fairness", text="x", metric="selection_rate_ratio"))
    (one,) = found(live(good(), records, waived=(covered,)), "R3")
    assert one.about.endswith("sex=Female")


# -- what closes a risk ---------------------------------------------------------------------------------------------


def closed(record, **changes):
    return risks(risk(**{"status": "closed", "treated_on": "2026-01-01", "closed_by": [record.id], **changes}))


@pytest.mark.parametrize(
    ("kind", "changes", "word"),
    [
        ("tooling-record", {"group": "clerks"}, "has no result that passed a limit (tooling-record)"),
        ("performance", {"group": "women"}, "has no result of women"),
        ("performance", {"group": "clerks", "likelihood_basis": of_kind("robustness").id}, "on which the harm rests"),
        ("performance", {}, "says nothing of sex=Female, whom the risk hits"),
    ],
)
def test_a_risk_closes_on_a_result_of_its_group_or_on_what_it_rests_on(kind, changes, word):
    (one,) = found(good(risks=closed(of_kind(kind), **changes)), "R2")
    assert word in one.fact
    assert found(good(risks=closed(fairness_of(good_records()), **{**changes, "likelihood_basis": "x"})), "R2") == []


def test_a_risk_closes_where_the_failed_result_passes_and_not_where_it_only_is_there():
    records = failing(ratio("Female"))
    cause = fairness_of(records)
    passing = dataclasses.replace(cause, evidence=cause.evidence.model_copy(update={
        "id": "01a2bbbb-0000-7000-8000-000000000001", "result": "passed", "claims": (ratio("Female", "0.9", passed=True),),
    }))  # fmt: skip
    again = closed(passing, cause_evidence=[cause.id])
    assert found(live(good(risks=again), (*records, passing)), "R2") == []
    undecided = passing.evidence.model_copy(update={"claims": (ratio("Female", "0.7", passed=None),)})
    (one,) = found(live(good(risks=again), (*records, dataclasses.replace(passing, evidence=undecided))), "R2")
    assert "it passes no limit" in one.fact


def test_a_risk_of_bought_parts_closes_on_an_own_test():
    """Where no model of a system is in use, its risks close on the tests of its components, after the treatment."""
    bought = dataclasses.replace(good(risks=closed(FAIR, closed_by=["supplier-evaluation"])), deployed=())
    assert found(bought, "R2") == []
    other = dataclasses.replace(good(risks=closed(FAIR)), deployed=())
    assert "no own test of a component" in found(other, "R2")[0].fact
    early = closed(FAIR, closed_by=["supplier-evaluation"], treated_on="2026-03-01")
    (one,) = found(dataclasses.replace(good(risks=early), deployed=()), "R2")
    assert "the tests of supplier-evaluation are of 2026-02-01, before its treatment on 2026-03-01" in one.fact


def test_a_result_that_is_a_judgement_needs_no_limit():
    assert found(good(risks=closed(of_kind("log-coverage"), group="clerks")), "R2") == []


# -- what shows the effect of a measure -----------------------------------------------------------------------------


BARE = (f"evidence: [{FAIR.id}]", "evidence: []")


def done(record, *harm):
    """The assessment with a measure that is done, as a record shows; `harm` are words and those in their place."""
    text = assessed()
    for before, after in harm:
        text = text.replace(before, after)
    return with_texts(
        good(), text.replace("2028-01-01}", f"2028-01-01, done: 2026-05-01, effectiveness_evidence: [{record.id}]}}")
    )


@pytest.mark.parametrize(
    ("kind", "harm", "word"),
    [
        ("lineage", (), "has no result of sex=Female, and none on which the harm rests"),
        ("performance", (BARE,), "has no result of sex=Female"),
        ("tooling-record", (BARE, ("group: sex=Female", "group: clerks")), "has no result that passed a limit"),
    ],
)
def test_a_measure_is_shown_by_a_result_of_those_whom_it_protects(kind, harm, word):
    (one,) = found(done(of_kind(kind), *harm), "F7")
    assert (one.about, word in one.fact) == ("aiia/I1", True)
    assert found(done(FAIR, *harm), "F7") == []
