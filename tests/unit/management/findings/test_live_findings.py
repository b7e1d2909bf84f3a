"""Assessments and documentation against the version in use: each planted fault is found, and nothing else."""

import dataclasses
from pathlib import Path

import pytest

from aims_mlflow.checks.claims import LEFT_OUT
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.rules import RULES
from aims_mlflow.records.decision import Unmet, WaivedBy
from aims_mlflow.records.evidence import Claim, Interval
from support import live_states
from support.live_states import INFORMATION, assessed, card_of, fairness_of, live, session_records, with_texts
from support.management_states import MODEL, NOW, SYSTEM, document, good
from support.signed_sessions import MODEL as DIGEST
from support.signed_sessions import TRAIN

AT = f"{SYSTEM}/{MODEL}@champion"


def found(state, *rules):
    """The findings of some rules; of all but that a field says nothing (W6), which tests leave out here."""
    return [f for f in findings(state, NOW) if (f.rule in rules if rules else f.rule != "W6")]


def names(state):
    return sorted({f.rule for f in findings(state, NOW)})


def with_assessment(text, **more):
    return with_texts(good(**more), text)


def ratio(value="0.31", passed=False, **more):
    return Claim(
        metric="selection_rate_ratio", slice={"sex": "Female"}, value=value, n=3210, comparator=">=", limit="0.8",
        passed=passed, **more,
    )  # fmt: skip


def failing(*claims, result="failed"):
    return session_records(lambda parts: parts["fairness"][1].update(claims=list(claims), result=result))


# -- impact assessments ---------------------------------------------------------------------------------------------


def test_a_sentence_of_harm_about_nobody_is_generic():
    state = with_assessment(assessed(more="\n\nThe bank takes measures that mitigate harm to affected people."))
    (one,) = found(state)
    assert (one.rule, one.system) == ("F1", SYSTEM)
    assert "'mitigate'" in one.fact or "'harm'" in one.fact
    assert "line 3" in one.fact


def test_an_assessment_that_fits_another_system_is_found():
    """The header and the lists that a draft fills in are of this system, and its words are of any."""
    head = assessed().partition("# Impact assessment")[0]
    words = "Clerks decide by the order that the model gives. Women may come last more often, 7 of 100 of them."
    assert "F2" in names(with_assessment(f"{head}\n{words}\n"))
    assert "F2" not in names(with_assessment(f"{head}\n{words} These are sex=Female in the data.\n"))


def test_a_citation_that_leads_nowhere_and_one_that_hides_a_failure():
    lost = assessed().replace(fairness_of(live_states.good_records()).id, "01a22579-e332-7000-8000-000000000000")
    assert "leads to no record" in found(with_assessment(lost), "F3")[0].fact
    records = failing(ratio())
    text = assessed(records, value="0.31").replace("more often: the ratio", "often. The ratio")
    state = live(with_assessment(text), records)
    assert "the sentence that cites it does not say so" in found(state, "F3")[0].fact
    honest = live(with_assessment(text.replace("is 0.31[^e1]", "is below its limit, 0.31[^e1]")), records)
    assert found(honest, "F3") == []


def test_a_figure_that_is_not_the_evidences_is_found_at_the_digits_shown():
    assert [f.rule for f in found(with_assessment(assessed(value="0.94")))] == ["F4"]
    assert found(with_assessment(assessed(value="0.950"))) == []


def test_groups_of_text_and_data_have_to_be_the_same():
    made_up = assessed().replace("{name: men, in_data: sex=Male}", "{name: elderly, in_data: age=old}")
    facts = " ".join(f.fact for f in found(with_assessment(made_up.replace("sex=Male", "men")), "F5"))
    assert "age=old is no value of a column that was compared" in facts
    assert "sex=Male" in facts


def test_a_failure_and_a_left_out_group_that_no_impact_cites():
    left_out = Claim(metric="selection_rate", slice={"sex": "Other"}, note=LEFT_OUT)
    records = failing(ratio(), left_out)
    text = assessed(records, value="0.31").replace(f"evidence: [{fairness_of(records).id}]", "evidence: [e9]")
    text = text.partition("[^e1]:")[0].replace("[^e1]", "")
    rows = {f.about.rpartition("/")[2] for f in found(live(with_assessment(text), records), "F6")}
    assert rows == {"sex=Female", "sex=Other"}
    one_group = assessed(records, value="0.31")
    (other,) = found(live(with_assessment(one_group), records), "F6")
    assert "no harm that rests on" in other.fact
    assert "names that group" in other.fact
    assert found(live(with_assessment(both_groups(one_group)), records), "F6") == []


def both_groups(text):
    """The assessment with a harm to those who were left out, beside that to women."""
    harm = "  - {id: I2, kind: harm, group: sex=Other, mechanism: nobody knows, severity: grave, likelihood: likely, "
    return text.replace("\nmeasures:", f"\n{harm}evidence: [{fairness_of_text(text)}]}}\nmeasures:", 1)


def fairness_of_text(text):
    return text.partition("[^e1]: evidence ")[2].split()[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda text, record: text.replace("kind: harm, group: sex=Female", "kind: benefit, group: sex=Female"),
        lambda text, record: text.replace("kind: harm, group: sex=Female", "kind: harm, group: sex=Male"),
        lambda text, record: text.replace(f"evidence: [{record}]", "evidence: []"),  # it is cited in the text alone
        lambda text, record: text.replace("system: income-screening", "system: churn"),
    ],
    ids=["a benefit", "another group", "the text alone", "another system"],
)
def test_a_failure_is_answered_by_a_harm_to_its_group_in_an_assessment_of_its_system(change):
    records = failing(ratio())
    text = assessed(records, value="0.31")
    assert found(live(with_assessment(text), records), "F6", "F8") == []
    changed = change(text, fairness_of(records).id)
    assert changed != text
    assert found(live(with_assessment(changed), records), "F6", "F8") != []


def test_a_mark_stands_for_the_record_of_its_line():
    records = failing(ratio())
    text = assessed(records, value="0.31").replace(f"evidence: [{fairness_of(records).id}]", "evidence: [e1]")
    assert found(live(with_assessment(text), records), "F6") == []


def test_data_that_the_version_was_not_made_of():
    text = assessed().replace("groups:\n", f"data: [{{digest: {'d' * 64}, role: train}}]\ngroups:\n", 1)
    (one,) = found(with_assessment(text), "F9")
    assert "assesses data dddddddddddd" in one.fact
    known = TRAIN
    assert found(with_assessment(text.replace("d" * 64, known)), "F9") == []


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("", "no evidence shows that it works"),
        (", effectiveness_evidence: [01a22579-e332-7000-8000-000000000000]", "leads to no record"),
        (", effectiveness_evidence: [{record}]", "before that"),
    ],
)
def test_a_measure_that_is_done_needs_later_evidence_about_the_version_in_use(more, word):
    record = fairness_of(live_states.good_records()).id
    done = "2099-01-01" if "{record}" in more else "2026-05-01"
    text = assessed().replace("due: 2028-01-01}", f"due: 2028-01-01, done: {done}{more.format(record=record)}}}")
    (one,) = found(with_assessment(text), "F7")
    assert (one.rule, one.about) == ("F7", "aiia/I1")
    assert word in one.fact
    shown = assessed().replace(
        "due: 2028-01-01}", f"due: 2028-01-01, done: 2026-05-01, effectiveness_evidence: [{record}]}}"
    )
    assert found(with_assessment(shown)) == []


def test_no_assessment_and_one_of_other_bytes():
    state = good()
    none = dataclasses.replace(state, documents=tuple(d for d in state.documents if d.id != "aiia"))
    (one,) = found(none)
    assert (one.rule, one.about, one.of.grade) == ("F8", AT, "major")
    assert "no impact assessment" in one.fact
    stale = with_assessment(assessed().replace(DIGEST, "b" * 64))
    assert {f.about for f in found(stale, "F8")} == {AT}
    assert "is about bbbbbbbbbbbb" in found(stale, "F8")[0].fact


# -- documentation --------------------------------------------------------------------------------------------------


def test_a_version_without_a_card_and_one_with_the_card_of_another():
    bare = session_records(lambda parts: parts.pop("model-card"))
    text = assessed(bare)
    assert "there is no model card" in found(live(with_assessment(text), bare), "C1")[0].fact
    record = next(r for r in live_states.good_records() if r.evidence.kind == "model-card")
    subject = record.subjects[0].model_copy(update={"digest": {"dirHash1": "9" * 64}})
    other = dataclasses.replace(record, subjects=(subject,))
    records = tuple(other if r.id == record.id else r for r in live_states.good_records())
    assert "is about 999999999999" in found(live(good(), records), "C1")[0].fact


def test_a_card_that_came_after_the_registration():
    state = live(good(), registered="2026-06-01T00:00:00.000000Z")
    (one,) = found(state)
    assert one.rule == "C2"
    assert "days after the version was registered on 2026-06-01" in one.fact


def test_what_neither_card_nor_document_states():
    missing, one = found(good(log_plan=None))
    assert (missing.rule, missing.about, one.rule, one.about) == ("W7", "income-screening/log-plan", "C3", AT)
    assert "Logging" in one.fact
    assert "aims document new log-plan" in one.fix


def test_a_figure_of_the_card_that_no_evidence_has_and_one_of_the_user_information():
    card = card_of(live_states.good_records())
    assert "0.85" in card
    (one,) = found(live(good(), card=card.replace("0.85", "0.91")))
    assert (one.rule, one.about) == ("C4", AT)
    assert "0.91" in one.fact
    record = fairness_of(live_states.good_records()).id
    cited = f"{INFORMATION}\nWomen get a score as often: 0.99[^e1].\n\n[^e1]: evidence {record} selection_rate_ratio sex=Female\n"
    (two,) = found(with_texts(good(), cited))
    assert (two.rule, two.system) == ("C4", SYSTEM)
    assert "0.99 is shown, the evidence says 0.95" in two.fact


def test_inputs_that_are_not_those_of_the_signature():
    def change(parts):
        parts["training-provenance"][1]["details"]["models"][0]["inputs"] = ["age", "postcode"]

    records = session_records(change)
    card = card_of(records).replace("postcode", "sex")
    (one,) = found(live(with_assessment(assessed(records)), records, card), "C5")
    assert "lacks postcode and has sex" in one.fact
    assert found(live(with_assessment(assessed(records)), records), "C5") == []


def test_limits_that_users_are_not_told():
    waived = WaivedBy(
        unmet=Unmet(control="A.6.2.4", kind="fairness", text="x"), waiver="01a2w", owner="olga", reason="pilot",
        expires="2099-01-01T00:00:00Z",
    )  # fmt: skip
    more = [Unmet(control="A.6.2.4", kind="fairness", text="x", metric="f1", slice={"sex": s}) for s in "FM"]
    state = live(good(), waived=(waived, *(waived.model_copy(update={"unmet": u}) for u in more)))
    (one,) = found(state, "C6")
    assert one.fact.endswith(": waiver 01a2w of A.6.2.4, for fairness, f1 of sex=F, f1 of sex=M")
    told = INFORMATION.replace("limits: [adults only,", "limits: [A.6.2.4 is waived,")
    assert found(with_texts(state, told), "C6") == []
    untold = with_texts(good(), INFORMATION.replace(", R1 is accepted for women", ""))
    assert "what is left of risk R1" in found(untold, "C6")[0].fact


def test_a_group_that_the_card_does_not_show():
    card = card_of(live_states.good_records()).replace("| Female |", "| women |")
    (one,) = found(live(good(), card=card))
    assert one.rule == "C7"
    assert "lacks Female" in one.fact


def test_a_monitored_value_outside_the_interval_of_the_card():
    interval = Interval(low="0.9", high="0.97", method="bootstrap")

    def change(parts, value):
        parts["fairness"][1]["claims"][0] = ratio("0.95", passed=True, interval=interval)
        parts["monitor-run"][1]["claims"] = [ratio(value, passed=None)]

    inside, outside = (session_records(lambda parts, v=v: change(parts, v)) for v in ("0.92", "0.5"))
    assert found(live(with_assessment(assessed(inside)), inside), "C8") == []
    (one,) = found(live(with_assessment(assessed(outside)), outside), "C8")
    assert "is 0.5 in monitor run" in one.fact
    assert "outside 0.9 to 0.97" in one.fact


def test_what_changed_is_written_and_praise_has_a_figure():
    state = live(good(), before="8" * 64)
    (one,) = found(state)
    assert one.rule == "C9"
    change = document("change", system=SYSTEM, what="new data", assessment="none", model_digest=DIGEST)
    assert found(dataclasses.replace(state, documents=(*state.documents, change))) == []
    (two,) = found(with_texts(good(), INFORMATION + "\nThe score is fair and robust.\n"))
    assert (two.rule, two.about) == ("C9", "information")


# -- life ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "more", "word"),
    [
        ("9", {}, "does not have"),
        ("3", {}, "which is the version that it releases"),
        ("version 2", {"retired": ("2",)}, "is retired"),
    ],
)
def test_a_version_to_go_back_to_that_is_not_there(to, more, word):
    plan = document("deployment-plan", system=SYSTEM, model_digests=[DIGEST], rollback_to=to)
    (one,) = found(live(good(release=plan), **more))
    assert (one.rule, one.about) == ("L1", AT)
    assert word in one.fact


def test_a_run_of_the_monitor_that_was_missed():
    (one,) = found(live(good(), since="2026-01-01T00:00:00Z"))
    assert (one.rule, one.about) == ("L2", f"{AT}/monitoring-plan")
    assert "5 runs" in one.fact


@pytest.mark.parametrize(
    ("limit", "word"),
    [
        (
            {"metric": "selection_rate_ratio", "slice": {"sex": "Female"}, "limit": "0.9"},
            "compared with >= 0.8, which is looser",
        ),
        ({"metric": "recall", "limit": "0.5"}, "was not measured on test data"),
        ({"metric": "balanced_accuracy", "limit": "0.5", "min_n": 90000}, "measured on 9769 rows"),
    ],
)
def test_required_limits_are_measured_and_no_looser_ones_decided(limit, word):
    asked = document(
        "requirements", system=SYSTEM, requirements=[{"text": "x"}], acceptance=[{"comparator": ">=", **limit}]
    )
    state = good(asked=asked)
    (one,) = found(state)
    assert one.rule == "L3"
    assert word in one.fact


def incident(**changes):
    record = fairness_of(live_states.good_records()).id
    fields = {
        "id": "N1", "system": SYSTEM, "detected": "a call", "detected_on": "2026-05-02", "aware_on": "2026-05-02",
        "serious": "other serious harm", "serious_reason": "loans were refused", "contained_on": "2026-05-03",
        "duties": [{"to": "authority", "law": "Art. 73", "sent": "2026-05-10"}],
        "root_cause": {"cause": "a column was renamed upstream"}, "risks_reviewed": "2026-05-20",
        "impact_reassessed": "2026-05-20", "monitoring_changed": "names of columns", "status": "closed",
        "closed_by": [record], "actions": ["K1"], "risks": ["R1"],
    }  # fmt: skip
    return document("incident", **{**fields, **changes})


ACTION = document(
    "corrective-action", actions=[{"id": "K1", "action": "check names", "owner": "olga", "done": "2026-05-12"}]
)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"duties": []}, "no duty to tell the authority is listed"),
        ({"duties": [{"to": "authority", "sent": "2026-05-30"}]}, "was told on 2026-05-30, after 2026-05-17"),
        ({"serious": "death", "duties": [{"to": "authority", "sent": "2026-05-14"}]}, "after 2026-05-12"),
        ({"status": "open", "duties": [{"to": "authority"}]}, "had to be told by 2026-05-17, and was not"),
        ({"root_cause": {"cause": "human error"}}, "is no cause"),
        ({"closed_by": []}, "no test shows"),
        ({"closed_by": ["01a22579-e332-7000-8000-000000000000"]}, "no record about a version in use"),
        ({"contained_on": "2099-01-01"}, "before it was contained"),
        ({"risks_reviewed": "2026-04-01"}, "risks were not reviewed"),
        ({"impact_reassessed": None}, "impact assessment was not reviewed"),
        ({"actions": ["K2"]}, "K2 is not done"),
        ({"monitoring_changed": None}, "nothing is watched"),
    ],
)
def test_an_incident_is_told_in_time_and_closed_on_the_right_test(changes, word):
    assert found(good(incident=incident(), action=ACTION)) == []
    (one,) = found(good(incident=incident(**changes), action=ACTION), "L4")
    assert (one.rule, one.about) == ("L4", "N1")
    assert word in one.fact


def test_a_cause_that_comes_back_was_not_removed():
    (one,) = found(good(incident=incident(), again=incident(id="N2"), action=ACTION))
    assert (one.rule, one.about) == ("L4", "cause/N1/N2")


def test_every_rule_about_what_is_in_use_has_a_test_here():
    text = Path(__file__).read_text(encoding="utf-8")
    # test_people_and_risks, test_entries_and_plans, test_treatment_and_references, test_before_and_again,
    # test_plans_and_objectives, test_monitor_runs, test_card_before
    elsewhere = {f"F{n}" for n in range(10, 15)} | {f"L{n}" for n in range(5, 18)} | {"C10", "C11"}
    assert [r for r in RULES if r[0] in "FCL" and f'"{r}"' not in text and r not in elsewhere] == []


def test_what_the_cards_own_limitations_tell_is_told():
    """The card names a failure of all rows by its metric, and one of a group by metric and group."""
    low = Claim(metric="balanced_accuracy", value="0.5", n=9769, comparator=">=", limit="0.55", passed=False)

    def change(parts):
        parts["fairness"][1].update(claims=[ratio()], result="failed")
        parts["performance"][1].update(claims=[low], result="failed")

    records = session_records(change)
    assert found(live(with_assessment(assessed(records, value="0.31")), records), "C6") == []
    card = card_of(records).replace("balanced accuracy", "it").replace("selection-rate ratio", "it")
    (one,) = found(live(with_assessment(assessed(records, value="0.31")), records, card), "C6")
    assert "2 things that users have to know are told in no document" in one.fact


def test_a_version_in_use_without_entry_and_evidence_is_not_passed_over():
    state = live(good(), (), card="", model="adopted")
    assert {"C1", "F8"} <= {f.rule for f in found(state) if f.system == "adopted"}
