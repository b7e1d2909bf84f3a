"""The policy's review, incidents, reports of audits and of outsiders, duties that need two people, the register."""

import pytest

from aims_mlflow.management.findings.every import COMMAND, findings
from aims_mlflow.management.findings.rules import rule_reasons
from aims_mlflow.management.stated_numbers import within_days
from support import management_states as states
from support.good_documents import FIELDS
from support.management_states import NOW, SYSTEM, competence, document, good, report, report_log, risk, risks, system

LAW = {"framework": "AI Act", "class": "high-risk", "reason": "Annex III", "checked_on": "2026-05-01"}
ENTRY = {
    "audit": "A1",
    "grade": "major",
    "owner": "olga",
    "due": "2026-09-01",
    "finding": "no log",
    "cause": "no deputy",
}
LETTERS = {
    "letters": system(id="letters", system="letters", models=[], components=[], affected_groups=[
        {"name": "applicants", "not_in_data": "no data of theirs is sent"}], objectives={
        "safety": {"priority": "low", "reason": "a clerk reads each"}}),
    "scope": states.in_scope(systems_in=[SYSTEM, "letters"], sources=["registered models", "providers in traces"]),
}  # fmt: skip


def policy_review(**changes):
    return {
        "reviewed": document(
            "policy-review", **{**FIELDS["policy-review"], "by": "max", "date": "2026-02-01", **changes}
        )
    }


def told(**changes):
    fields = {**FIELDS["communication"], "reached": 130, "date": "2026-02-01"}
    return {"told_policy": document("communication", **{**fields, **changes})}


def incident(**changes):
    fields = {
        "detected": "a call", "detected_on": "2026-05-02", "aware_on": "2026-05-02", "harm": {"kind": "delay"},
        "serious": "no", "serious_reason": "nobody was refused", "root_cause": {"cause": "a column was renamed"},
        "status": "open", "actions": ["K1"], "risks": ["R1"],
    }  # fmt: skip
    return {"incident": document("incident", **{"id": "N1", "system": SYSTEM, **fields, **changes})}


def plan_to_tell(audience, within):
    told = [{"audience": audience, "within": within}]
    return {"plan_to_tell": document("incident-communication-plan", system=SYSTEM, audiences=told)}


def notice(audience):
    sent = [{"incident": "N1", "audience": audience, "sent": "2026-05-02", "due": "2026-05-03"}]
    return {"notice": document("notice", system=SYSTEM, notices=sent)}


def audited(**changes):
    entry = {k: v for k, v in {**ENTRY, **changes}.items() if k != "audit"}
    return {"report": report(findings=[{"id": "N1", **entry}])}


def reported(**changes):
    fields = {"id": "P1", "from": "outside", "received": "2026-05-01", "answered": "2026-05-05",
              "triage": {"by": "olga", "time": "2026-05-02"}}  # fmt: skip
    return {"log": report_log(reports=[{**fields, **changes}])}


def channel(**changes):
    fields = {**FIELDS["report-channel"], "who_reads": "olga"}
    return {"channel": document("report-channel", system=SYSTEM, **{**fields, **changes})}


def owed(**changes):
    duty = {"to": "applicants", "law": "AI Act Art. 26", "checked_on": "2026-05-01", **changes}
    return {"owed": document("disclosure-duties", system=SYSTEM, duties=[duty])}


def party(**changes):
    fields = {"who": "applicants", "need": "the reason of a refusal", "binding": "duty", "how_met": ["A.8.2"]}
    return {"parties": document("parties", parties=[{**fields, **changes}])}


CASES = {
    "a policy that is reviewed each year": (policy_review(), []),
    "a review of long ago that names no next one": (policy_review(date="2021-01-01"), ["K5 policy-review"]),
    "a review by a trainer": (policy_review(by="ana"), ["K5 policy-review/by"]),
    "a review by whoever has the role": (
        {**policy_review(by="noa"), "roles": document("roles", roles=[
            {"role": "officer", "authority": "reviews the AI policy", "person": "noa"}])}, []),
    "a law that changed since the review, and since the statement": (
        {**policy_review(), "system": system(legal_class=[{**LAW, "changed_on": "2026-04-01"}])},
        ["P8 AI Act", "K5 policy-review/entry"]),
    "a change that was decided and not made": (
        {**policy_review(decision="change"),
         "ai-policy": document("ai-policy", **FIELDS["ai-policy"], effective_from="2026-01-01")},
        ["K5 policy-review/change"]),
    "a change that was made": (
        {**policy_review(decision="change"),
         "ai-policy": document("ai-policy", **FIELDS["ai-policy"], effective_from="2026-04-01"), **told(date="2026-04-10")},
        []),
    "told before it applied": (
        {"ai-policy": document("ai-policy", **FIELDS["ai-policy"], effective_from="2026-03-01"), **told()},
        ["K5 communication/date"]),
    "more were reached than there are": (told(reached=200), ["K5 communication"]),
    "a plan that tells the authority after the law's time": (
        plan_to_tell("supervisory authority", "60 days"), ["L8 incident-communication-plan/supervisory authority"]),
    "a law that changes later": (
        {**policy_review(), "system": system(legal_class=[{**LAW, "changed_on": "2026-08-02"}])}, []),
    "an incident": (incident(), []),
    "known before it was detected": (incident(aware_on="2026-05-01"), ["L4 N1"]),
    "known half a year after it was detected": (incident(detected_on="2026-04-10", aware_on="2026-05-30"), ["L4 N1"]),
    "open since a year": (incident(detected_on="2025-01-10", aware_on="2025-01-10"), ["L4 N1"]),
    "contained, and not closed since months": (
        incident(detected_on="2026-01-10", aware_on="2026-01-10", status="contained"), []),
    "a person died, and it is not serious": (incident(harm={"kind": "a person died"}), ["L4 N1"]),
    "nobody died": (incident(harm={"kind": "delay, nobody died"}), []),
    "a death of which a customer is told alone": (
        incident(serious="death", harm={"kind": "a death"}, duties=[{"to": "the customer", "law": "contract",
                                                                     "sent": "2026-05-03"}]),
        ["L4 N1"]),
    "an action that is not there": (incident(actions=["K99"]), ["L4 N1"]),
    "users who are told the same day, and were not": (
        {**incident(), **plan_to_tell("clerks", "the same day")}, ["L8 N1/plan"]),
    "users who were told": ({**incident(), **plan_to_tell("clerks", "the same day"), **notice("all clerks")}, []),
    "users who were told, by the steps that were taken": (
        {**incident(timeline=[{"time": "2026-05-02T10:00:00Z", "what": "clerks were called"}]),
         **plan_to_tell("clerks", "the same day")}, []),
    "users whose time has not passed": ({**incident(), **plan_to_tell("clerks", "ten weeks")}, []),
    "people who were harmed, of an incident that harmed nobody": (
        {**incident(), **plan_to_tell("applicants who were harmed", "two days")}, []),
    "people who were harmed": (
        {**incident(harm={"kind": "refused", "n": 3}), **plan_to_tell("applicants who were harmed", "two days")},
        ["L8 N1/plan"]),
    "a major finding with its action": (audited(corrective_action="K1"), []),
    "a major finding without an action": (audited(), ["I5 report/N1/action"]),
    "an action of a finding that is not there": (audited(corrective_action="K9"), ["I5 report/N1/action"]),
    "a minor finding needs none": (audited(grade="minor"), []),
    "closed before the audit": (
        audited(grade="minor", closed_on="2026-03-01", closed_by=["r1"]), ["I5 report/N1/closed"]),
    "a report by whose work was audited": ({"report": report(author="olga")}, ["I1 report/author"]),
    "a report for nobody": ({"report": report(reported_to=None)}, ["I7 report"]),
    "a report for the trainer": ({"report": report(reported_to="ana")}, ["I7 report"]),
    "a report for the owner of the system": ({"report": report(reported_to="olga")}, []),
    "who approves trained": ({"duty": states.duty_list(train="olga")}, [f"K8 {SYSTEM}/approve/olga"]),
    "competence by its own word": (
        {"ana": competence("ana", "model evaluation, fairness", role="trainer", assessor="ana", valid_until=None)},
        ["K3 competence-ana/assessor"]),
    "competence for something else": (
        {"ana": competence("ana", "cooking", role="trainer", valid_until=None)}, ["K3 competence-ana/requirement"]),
    "competence in another language": (
        {"ana": competence("ana", "Modellbewertung", role="trainer", valid_until=None, language="de")}, []),
    "a release that somebody else may stop": (
        {"release": states.release(who_may_stop="noa")}, [f"K2 {SYSTEM}/deployment-plan/stop"]),
    "whoever may stop it by their role": (
        {"release": states.release(who_may_stop="noa"), "roles": document("roles", roles=[
            {"role": "officer", "authority": "may stop each system", "person": "noa"}])}, []),
    "their own deputy": (
        {"roles": document("roles", roles=[
            {"role": "officer", "authority": "may stop a release", "person": "olga", "deputy": "Olga"}])},
        ["K2 roles/officer/deputy"]),
    "a report in its time": (reported(), []),
    "a report that was answered late": (reported(answered="2026-06-01"), ["O2 log/P1/days"]),
    "a report that was judged late": (reported(triage={"by": "olga", "time": "2026-06-01"}), ["O2 log/P1/days"]),
    "a report that was judged before it came": (reported(triage={"by": "olga", "time": "2026-04-01"}), ["O2 log/P1/days"]),
    "a report without the day on which it came": (reported(received=None), ["O2 log/P1/days"]),
    "no answer beside the slow channel of another system": (
        {**reported(answered=None), "other": channel(target_days=90)["channel"].model_copy(
            update={"id": "slow", "system": "other"}
        )},
        ["S8 slow", "O2 log/P1"],
    ),
    "an answer after a year": (channel(target_days=400), ["O2 report-channel/target"]),
    "an answer within a quarter": (channel(target_days=90), []),
    "a role that begins later": (
        {"system": system(roles=[{"role": "deployer", "since": "2027-01-01"}])}, [f"S4 {SYSTEM}/since"]),
    "in operation since nobody knows when": ({"system": system(stage_dates={})}, [f"S4 {SYSTEM}/stages"]),
    "no class by any law": ({"system": system(legal_class=[])}, [f"S4 {SYSTEM}/law"]),
    "no objective": ({"system": system(objectives={})}, [f"S4 {SYSTEM}/objectives"]),
    "an idea needs neither": (
        {"idea": system(id="idea", system="idea", stage="idea", stage_dates={}, models=[], components=[], legal_class=[],
                        objectives={}),
         "scope": states.in_scope(systems_in=[SYSTEM, "idea"], sources=["registered models", "providers in traces"])},
        ["R4 idea"]),
    "a duty to tell that nobody met": (owed(what="that a machine scores them"), ["L12 disclosure-duties/that a machine scores them/open"]),
    "a duty to tell that was met": (
        {**owed(what="that a machine scores them"), "told": document("disclosure", system=SYSTEM, disclosures=[
            {"duty": "That a machine scores them", "sent": "2026-05-02", "proof": "the form of May"}])}, []),
    "a duty to tell whose time has not passed": (owed(what="that a machine scores them", deadline="50 weeks"), []),
    "a duty to tell on request": (owed(what="the logic of the score", trigger="the applicant asks"), []),
    "a need that is met": (party(), []),
    "a need that a control of no standard meets": (party(how_met=["A.99.4"]), ["S10 parties/applicants"]),
    "a need that an excluded control meets": (
        {**party(how_met=["A.10.4"]), "soa": states.soa("A.10.4", applies=False, reason="nobody gets a system from us")},
        ["S10 parties/applicants"]),
    "a duty that nothing meets": (party(how_met=[]), ["S10 parties/applicants"]),
    "a wish that nothing meets": (party(how_met=[], binding="wish"), []),
    "a part of Annex A": (party(how_met=["A.8"]), []),
    "climate left out": (
        {"context": document("context", issues=[{"issue": "new law", "effect": "duties"}])}, ["W6 context/climate"]),
    "climate in words": (
        {"context": document("context", issues=[{"issue": "climate change", "effect": "looked at, and small here"}])}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fault_makes_its_finding_and_no_other(case):
    changes, wanted = CASES[case]
    found = findings(good(**changes), NOW)
    assert [f"{f.rule} {f.about}".replace("report-log", "log") for f in found] == wanted, [f.fact for f in found]
    assert all(COMMAND.search(f.fix) and f.evidence for f in found), [(f.fix, f.evidence) for f in found]
    assert {f.rule for f in found} <= set(rule_reasons())


@pytest.mark.parametrize(
    ("said", "days"),
    [("the same day", 0), ("one hour", 0), ("48 hours", 2), ("ten days", 10), ("15 days after the bank knows", 15),
     ("two weeks", 14), ("a working day", 1), ("without delay", 0), ("as agreed", None), (None, None),
     ("one month", 31), ("1 year", 365), ("eleven days", 11), ("15 days, and a report within 6 months", 15),
     ("FİVE days", None), ("9" * 5000 + " days", None)],
)  # fmt: skip
def test_the_time_of_a_plan_is_read_from_its_words(said, days):
    assert within_days(said) == days


def test_what_is_left_of_a_risk_is_told_to_users_of_a_system_whose_model_is_kept_elsewhere():
    left = risks(risk(), risk(id="R2", system="letters", event="a letter hides its reason", group="applicants"))

    def untold(limits):
        told = document("user-information", id="told", system="letters", limits=[limits])
        return [f for f in findings(good(**LETTERS, risks=left, told=told), NOW) if f.rule == "C6"]

    assert untold("R2 is accepted by the board") == []
    (found,) = untold("English only")
    assert (found.about, found.system, found.evidence) == ("letters/limits", "letters", ("told",))
    assert "what is left of risk R2" in found.fact
