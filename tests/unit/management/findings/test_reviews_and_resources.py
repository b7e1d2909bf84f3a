"""Reviews and what they decide, planned measurements, words of the scope, resources and data of a version in use."""

import dataclasses

import pytest

from aims_mlflow.gates.published_documents import DocumentShelf
from aims_mlflow.management.findings.every import COMMAND, findings
from aims_mlflow.management.findings.rules import rule_reasons
from aims_mlflow.management.published import PublishedShelf
from aims_mlflow.records.decision import Unmet, WaivedBy
from support import live_states
from support import management_states as states
from support.good_documents import FIELDS, NO_ACTION
from support.management_states import MODEL, NOW, SYSTEM, document, good, system
from support.signed_sessions import TEST, TRAIN

AT = f"{SYSTEM}/{MODEL}@champion"
MEASURE = {
    "what": "drafts that name a reason",
    "method": "by hand",
    "every_days": 90,
    "limit": "36 of 40",
    "who_acts": "olga",
}
OLD = "2026-01-01"


def minutes(**changes):
    decision = {"decision": "hire a second auditor", "owner": "olga", "due": "2026-05-01", **changes}
    return {"minutes": document(
        "review-minutes", date="2026-03-01", attendees=["max"], top_management=["max"], inputs="first",
        decisions=[decision], no_action=NO_ACTION), "first": states.review_inputs(
            id="first", cutoff="2026-02-28T00:00:00Z", audits=["none was held"])}  # fmt: skip


def told(**changes):
    return {"inputs": states.review_inputs(**changes)}


def measured(since=OLD, **changes):
    return {"measured": document("measurement-plan", measures=[{**MEASURE, **changes}], effective_from=since)}


def out(**changes):
    left = {"id": "chess", "reason": "a game that decides nothing", "approved_by": "max", **changes}
    return {"scope": states.in_scope(systems_out=[left], sources=["registered models", "providers in traces"])}


def inventory(*resources):
    return {"inventory": document("resource-inventory", system=SYSTEM, resources=[
        {"stage": "operation", "resource": kind, "id": name} for kind, name in resources])}  # fmt: skip


def quality(*limits, **changes):
    rows = [{"column": f"c{n}", "expectation": "not null", "limit": limit, "reason": "scores need it", **changes}
            for n, limit in enumerate(limits)]  # fmt: skip
    return {"quality": document("quality-requirements", system=SYSTEM, requirements=rows)}


DATA = [("data", TRAIN), ("data", TEST)]
TOOL = ("tool", "mlflow, scikit-learn==1.7.0")
CASES = {
    "a decision that nobody carried out": (minutes(), ["M4 review-minutes/1"]),
    "a decision that is due later": (minutes(due="2026-09-01"), []),
    "a decision with its action": (minutes(action="K1"), []),
    "a decision with an action that is not there": (minutes(action="K77", due="2026-09-01"), ["M4 review-minutes/1"]),
    "the next review is told none": (
        {**minutes(), **told(earlier_actions=["none, by the minutes"])}, ["M4 review-minutes/1"]),
    "the inputs of the review that decided it": (
        {**minutes(), "first": states.review_inputs(id="first", cutoff="2026-02-28T00:00:00Z", audits=["none was held"],
                                                   earlier_actions=["the second auditor began in April"])},
        ["M4 review-minutes/1"]),
    "the next review is told": ({**minutes(), **told(earlier_actions=["the second auditor began in April"])}, []),
    "a measurement that was never made": (measured(), ["L2 measurement-plan/drafts that name a reason"]),
    "a measurement by its own word": (measured(measured_on="2026-05-01"), []),
    "a measurement of long ago": (
        measured(measured_on="2026-02-01"), ["L2 measurement-plan/drafts that name a reason"]),
    "a measurement that may be late": (measured(grace_days=90), []),
    "a plan of last week": (measured(since="2026-06-08"), []),
    "a measurement that a test of the component shows": (
        {**measured(), "own_test": states.own_test(results=["drafts that name a reason: 38 of 40, at least 36: passed"],
                                                   date="2026-06-01")}, []),
    "a metric that the evidence of the version has": (measured(what="selection_rate_ratio of women"), []),
    "a scope that fits any organisation": (
        {"scope": states.in_scope(statement="All AI systems of our organisation.",
                                  sources=["registered models", "providers in traces"])}, ["S8 scope/statement"]),
    "a system that is out with a reason": (out(), ["S8 scope/chess"]),
    "a system that is out for no reason": (out(reason="n/a"), ["S8 scope/out/chess", "S8 scope/chess"]),
    "a system that a trainer put out of scope": (out(approved_by="ana"), ["S8 scope/out/chess", "S8 scope/chess"]),
    "an objective for which nobody answers": (
        {"goals": document("development-objectives", system=SYSTEM, objectives=[
            {k: v for k, v in FIELDS["development-objectives"]["objectives"][0].items() if k != "owner"}])},
        ["W6 development-objectives"]),
    "groups that are anybody": (
        {"system": system(affected_groups=[{"name": "women", "in_data": "sex=Female"}, {"name": "men", "in_data": "sex=Male"},
                                           {"name": "our customers", "not_in_data": "nobody asks"}])},
        [f"S4 {SYSTEM}/group/our customers", "F5 aiia/not assessed/our customers"]),
    "resources that are listed": (inventory(*DATA, TOOL), []),
    "no data are listed": (inventory(TOOL), [f"L13 {AT}/test", f"L13 {AT}/train"]),
    "another version is listed": (inventory(*DATA, ("tool", "scikit-learn==1.6.0")), [f"L13 {AT}/tools"]),
    "no tool is listed": (inventory(*DATA), [f"L13 {AT}/tools"]),
    "half of the values may be missing": (quality("1%", "50%"), ["L15 quality-requirements"]),
    "one requirement for all columns": (quality("1%", "1%", "1%"), ["L15 quality-requirements"]),
    "requirements of their own": (quality("1%", "2%", "95%"), []),
    "a review further away than the policy has it": (
        {"ai-policy": document("ai-policy", **FIELDS["ai-policy"], longest_review_days=700),
         "context": document("context", **FIELDS["context"], review_by="2028-06-01")},
        ["W3 context"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fault_makes_its_finding_and_no_other(case):
    changes, wanted = CASES[case]
    found = findings(good(**changes), NOW)
    assert [f"{f.rule} {f.about}" for f in found] == wanted, [f.fact for f in found]
    assert all(COMMAND.search(f.fix) and f.evidence for f in found), [(f.fix, f.evidence) for f in found]
    assert {f.rule for f in found} <= set(rule_reasons())


def test_a_review_is_told_of_runs_beyond_a_limit_and_of_waivers():
    def change(parts):
        parts["monitor-run"][1].update(result="failed")

    records = live_states.session_records(change)
    (run,) = (r for r in records if r.evidence.kind == "monitor-run")
    waived = WaivedBy(
        unmet=Unmet(control="A.6.2.4", kind="robustness", text="it failed", next="mitigate"), waiver="0197" + "a" * 28,
        owner="olga", reason="a month", expires="2027-01-01T00:00:00Z",
    )  # fmt: skip

    def facts(**changes):
        cutoff = max(run.evidence.time, "2026-06-14T00:00:00Z")
        state = good(**told(cutoff=cutoff, **changes))
        state = live_states.live(
            live_states.with_texts(state, live_states.assessed(records)), records, waived=(waived,)
        )
        return [f.fact for f in findings(state, NOW) if f.about == "review-inputs/evidence"]

    (fact,) = facts()
    assert f"monitor run {run.id[:13]}" in fact
    assert "waiver 0197aaaaaaaaa" in fact
    assert facts(monitoring=[f"run {run.id[:13]} was beyond"], waivers=["0197aaaaaaaaa until January"]) == []


def test_praise_on_the_card_needs_a_figure():
    state = good()
    card = live_states.card_of(live_states.good_records())
    heading = "## Limitations\n"
    assert heading in card

    def said(words):
        praised = card.replace(heading, f"{heading}\n{words}\n", 1)
        return [f.about for f in findings(live_states.live(state, card=praised), NOW) if f.rule == "C9"]

    assert said("The model is fair, robust and state of the art.") == [f"{AT}/card"]
    assert said("The model is fair: the ratio is 0.95.") == []


def test_types_and_gaps_of_the_cards_inputs_are_those_of_the_training_data():
    def change(parts):
        details = {"role": "train", "columns": ["age"], "column_types": {"age": "float64"}, "missing": {"age": 1200}}
        parts["dataset-record"][1].update(details={**parts["dataset-record"][1].get("details", {}), **details})
        parts["training-provenance"][1]["details"]["models"][0]["inputs"] = ["age"]

    records = live_states.session_records(change)
    card = live_states.card_of(records)
    assert "| age | float64 | 1,200" in card

    def said(shown):
        state = live_states.with_texts(good(), live_states.assessed(records))
        found = findings(live_states.live(state, records, card.replace("| age | float64 | 1,200", shown)), NOW)
        return [(f.about, f.fact.partition(": ")[2].rpartition(": ")[2]) for f in found if f.rule == "C5"]

    assert said("| age | float64 | 1,200") == []
    assert said("| age | int64 | 1,200") == [(f"{AT}/types", "age is int64 on the card and float64 in the data")]
    assert said("| age | float64 | 0") == [
        (f"{AT}/types", "age has 0 missing values on the card and 1,200 in the data")
    ]


def test_a_step_loses_no_more_rows_than_its_criterion_allows():
    criteria = {
        "step": "clean",
        "allowed_when": "no label",
        "reason": "cannot be learned from",
        "most_rows_lost": "5 % of all",
    }
    allowed = {"criteria": document("preparation-criteria", system=SYSTEM, criteria=[criteria])}

    def lost(rows):
        def change(parts):
            details = parts["preparation"][1]["details"]
            parts["preparation"][1]["details"] = {**details, "rows_removed": rows}

        records = live_states.session_records(change)
        state = live_states.live(live_states.with_texts(good(**allowed), live_states.assessed(records)), records)
        return [(f.about, f.control) for f in findings(state, NOW) if f.rule == "L13"]

    assert lost(2) == []
    assert lost(30_000) == [(f"{AT}/step/clean/rows", "A.7.6")]


def test_what_is_said_to_be_implemented_and_is_not_by_its_computed_state():
    nothing = PublishedShelf(DocumentShelf(), "the ledger")
    rows = {f.about for f in findings(dataclasses.replace(good(), published=nothing), NOW) if f.rule == "P9"}
    assert {"A.2.2/computed", "A.10.3/computed"} <= rows
    planned = states.soa("A.2.2", implemented=None, reason="everybody is bound; not in place: planned for May")
    rows = {f.about for f in findings(dataclasses.replace(good(soa=planned), published=nothing), NOW)}
    assert "A.2.2/computed" not in rows
    said = states.soa("A.2.2", reason="everybody is bound; not in place: planned for May")
    rows = {f.about for f in findings(dataclasses.replace(good(soa=said), published=nothing), NOW)}
    assert "A.2.2/computed" not in rows
    assert [f for f in findings(good(), NOW) if f.rule == "P9"] == []
