"""A stage asks for documents: published ones count, about this version, approved by another person, and nothing less."""

import dataclasses

import pytest
import yaml

from aims_mlflow.errors import ConfigError
from aims_mlflow.gates.control_status import CHECKS, control_status
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.policy_levels import DOCUMENTS, policy_text
from aims_mlflow.gates.published_documents import DocumentShelf
from aims_mlflow.gates.required_documents import STANDARD
from aims_mlflow.gates.wording import lines
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.evidence import Claim
from support.good_documents import NOW, SYSTEM
from support.signed_sessions import MODEL
from support.status_cases import approval, good, other_session, sha_of

APPROVERS = {"approvals": {"count": 0}}


class WrittenShelf(DocumentShelf):
    """A shelf that has the documents of a test, all in force."""

    written = ()

    def documents(self, day):
        return self.written


def shelf(subject):
    made = WrittenShelf(approvals=subject.approvals)
    object.__setattr__(made, "written", subject.documents)
    return made


def policy(*asked, stage="deployment"):
    data = yaml.safe_load(default_policy_text())
    data["stages"][stage] |= {"require": ["session", *asked], **APPROVERS, "limits": []}
    return parse_policy(yaml.safe_dump(data, sort_keys=False))


def decided(subject, *asked, stage="deployment", alias="champion", now=NOW):
    rules = policy(*asked, stage=stage).rules(SYSTEM, stage, alias if stage == "deployment" else None)
    asked_for = DecisionRequest(MODEL, model_id="m-1", shelf=shelf(subject))
    return decide(rules, subject.sessions, [], asked_for, now)


def written(subject, kind, **changes):
    """The subject with another document of a kind."""
    found = [dataclasses.replace(d, **changes) if d.kind == kind and d.id == kind else d for d in subject.documents]
    return dataclasses.replace(subject, documents=tuple(found))


def fields(subject, kind, **changes):
    mine = next(d for d in subject.documents if d.id == kind)
    return written(subject, kind, fields={**mine.fields, **changes})


@pytest.fixture(scope="module")
def subject():
    made = good()
    # The plan of a release is about one version, too.
    return written(made, "deployment-plan", model_digests=(MODEL,))


@pytest.mark.parametrize("kind", STANDARD)
def test_a_published_and_approved_document_about_this_version_is_enough(kind, subject):
    decision = decided(subject, {"document": kind})
    assert decision.allowed, decision.unmet
    assert decision.documents == (sha_of(kind),)
    assert kind not in (decision.not_asked or ())


def without(kind):
    return lambda s: dataclasses.replace(s, documents=tuple(d for d in s.documents if d.kind != kind))


def approved(kind, **changes):
    def change(s):
        others = [a for a in s.approvals if a.sha256 != sha_of(kind)]
        return dataclasses.replace(s, approvals=(*others, approval(kind, **changes)) if changes else tuple(others))

    return change


def faults(kind):
    """What is wrong with a document, and a word of the refusal."""
    yield "not published", without(kind), f"no {kind} is published"
    yield "empty", lambda s: written(s, kind, fields={}), "not state"
    yield "never approved", approved(kind), "approval by another person"
    yield "wrong approver", approved(kind, roles=("trainer",)), "role 'approver'"
    yield "own approval", approved(kind, owner="rita"), "approval by another person"
    yield "past date", lambda s: written(s, kind, review_by="2026-01-01"), "its review was due"
    yield "other system", lambda s: written(s, kind, system="churn"), "it is about churn"
    if kind != "monitoring-plan":
        yield "other digest", lambda s: written(s, kind, model_digests=("9" * 64,)), "9" * 12
        yield "no digest", lambda s: written(s, kind, model_digests=()), "does not name the model"


CASES = [(kind, name, change, word) for kind in STANDARD for name, change, word in faults(kind)]


@pytest.mark.parametrize(("kind", "name", "change", "word"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_less_than_that_is_refused(kind, name, change, word, subject):
    decision = decided(change(subject), {"document": kind})
    assert not decision.allowed, name
    (lacking,) = decision.unmet
    assert word in lacking.text, lacking.text
    assert lacking.kind == kind
    assert decision.documents is None


def test_a_kind_is_asked_for_by_its_name_alone_as_well_and_at_registration_too(subject):
    assert decided(subject, "impact-assessment", stage="registration").allowed
    refused = decided(without("impact-assessment")(subject), "impact-assessment", stage="registration")
    assert "no impact-assessment is published" in refused.unmet[0].text


def test_a_plan_for_another_alias_and_a_report_by_the_trainer_do_not_count(subject):
    other = decided(fields(subject, "monitoring-plan", model=f"{SYSTEM}@shadow"), {"document": "monitoring-plan"})
    assert f"it watches {SYSTEM}@shadow, not {SYSTEM}@champion" in other.unmet[0].text
    trainer = next(iter(subject.counted.trainers))
    own = decided(written(subject, "validation-report", writers=(trainer,)), {"document": "validation-report"})
    assert "trained the model" in own.unmet[0].text


def test_each_alias_is_judged_by_the_plan_that_watches_it(subject):
    """Plans of both aliases are approved: the other's is newer, says something else, and changes nothing."""
    mine = fields(subject, "monitoring-plan", model=f"{SYSTEM}@champion", every_days=30)
    base = next(d for d in mine.documents if d.id == "monitoring-plan")
    stated = {**base.fields, "model": f"{SYSTEM}@shadow", "every_days": 1, "least_rows": 9_999_999}
    other = dataclasses.replace(base, id="plan-shadow", sha256="7" * 64, time=utc_text(NOW), fields=stated)
    approvals = (*mine.approvals, dataclasses.replace(approval("monitoring-plan"), sha256=other.sha256))
    both = dataclasses.replace(mine, documents=(*mine.documents, other), approvals=approvals)
    decision = decided(both, {"document": "monitoring-plan"})
    assert decision.allowed, decision.unmet
    assert decision.documents == (base.sha256,)
    for place, expected in (
        (("champion",), "holds"),
        (("shadow",), "not evaluated"),
        (("champion", "shadow"), "not evaluated"),
    ):
        found = dataclasses.replace(both, aliases=place)
        assert CHECKS["A.6.2.6/data"](found, NOW).outcome == expected, place
    alone = dataclasses.replace(both, documents=tuple(d for d in both.documents if d is not base))
    assert f"it watches {SYSTEM}@shadow" in CHECKS["A.6.2.6/runs"](alone, NOW).sentence


def test_a_report_that_the_trainer_wrote_and_another_published_is_no_validation_anywhere(subject):
    trainer = next(iter(subject.counted.trainers))
    found = CHECKS["A.6.2.4/reviewed"](written(subject, "validation-report", writers=(trainer,)), NOW)
    assert found.outcome == "missing"
    assert f"is by {trainer}, who trained the model" in found.sentence


def test_an_assessment_cites_evidence_and_of_this_model_alone(subject):
    own = subject.written("impact-assessment")[-1].fields["evidence"]
    foreign = next(r.id for r in other_session().records if r.evidence.kind == "fairness")
    for cited, word in (
        ([], "it cites no evidence"),
        ([foreign], f"1 of 1 evidence ids lead to no record about this model ({foreign})"),
        ([*own, foreign], "1 of 2 evidence ids lead to no record about this model"),
    ):
        decision = decided(fields(subject, "impact-assessment", evidence=cited), {"document": "impact-assessment"})
        assert word in decision.unmet[0].text, decision.unmet[0].text


@pytest.mark.parametrize("kind", ["user-information", "technical-documentation"])
def test_what_users_and_operators_read_names_the_model_too(kind, subject):
    assert decided(written(subject, kind, model_digests=(MODEL,)), {"document": kind}).allowed
    for digests, word in ((("9" * 64,), "9" * 12), ((), "does not name the model")):
        decision = decided(written(subject, kind, model_digests=digests), {"document": kind})
        assert [word in u.text for u in decision.unmet] == [True], decision.unmet


def test_an_assessment_may_cite_a_failure_where_a_harm_rests_on_it(subject):
    low = Claim(
        metric="selection_rate_ratio", slice={"sex": "Female"}, value="0.3", n=90, comparator=">=", limit="0.8",
        passed=False,
    )  # fmt: skip
    failing = good(change=lambda parts: parts["fairness"][1].update(claims=[low], result="failed"))
    record = next(r for r in failing.sessions[0].records if r.evidence.kind == "fairness")
    asked = {"document": "impact-assessment"}

    def about_it(decision):
        return [u.text for u in decision.unmet if u.kind == "impact-assessment"]

    assert "no harm rests on it" in about_it(decided(failing, asked))[0]
    impacts = [{**i, "evidence": [record.id]} for i in failing.written("impact-assessment")[-1].fields["impacts"]]
    assert not about_it(decided(fields(failing, "impact-assessment", impacts=impacts), asked))


def test_a_harm_to_one_group_does_not_answer_the_failure_of_another():
    """A harm that rests on the same record is about its own group alone; `male` is no part of `female`."""
    female = Claim(metric="true_positive_rate_difference", slice={"sex": "Female"}, value="0.3", passed=False)
    male, other = (female.model_copy(update={"slice": s}) for s in ({"sex": "Male"}, {"race": "Black"}))
    failing = good(change=lambda parts: parts["fairness"][1].update(claims=[female, male, other], result="failed"))
    record = next(r for r in failing.sessions[0].records if r.evidence.kind == "fairness")
    harm = {**failing.written("impact-assessment")[-1].fields["impacts"][0], "evidence": [record.id]}

    def unmet(*groups):
        impacts = [{**harm, "id": f"I{n}", "group": group} for n, group in enumerate(groups)]
        stated = fields(failing, "impact-assessment", impacts=impacts)
        found = decided(stated, {"document": "impact-assessment"}).unmet
        return [u.text for u in found if u.kind == "impact-assessment"]

    (text,) = unmet("sex=Female")
    assert "no harm that rests on it names the group of" in text
    assert "sex=Male" in text
    assert "1 more" in text
    assert "race=Black" in unmet("women", "men")[0]
    assert unmet("women", "sex=Male", "Black people") == []
    assert unmet("all applicants")


def test_controls_that_people_answer_are_met_by_published_documents(subject):
    data = yaml.safe_load(default_policy_text())
    data["stages"]["deployment"] |= {"require": ["session"], **APPROVERS, "require_controls": ["A.5.3", "A.8.4"]}
    rules = parse_policy(yaml.safe_dump(data)).rules(SYSTEM, "deployment", "champion")
    request = DecisionRequest(MODEL, shelf=shelf(subject))
    assert decide(rules, subject.sessions, [], request, NOW).allowed
    bare = decide(rules, subject.sessions, [], DecisionRequest(MODEL), NOW)
    assert {u.control for u in bare.unmet} == {"A.5.3", "A.8.4"}


def test_what_the_software_measures_is_no_document():
    with pytest.raises(ConfigError, match=r"policy\.yaml:\d+: performance is no document that people write"):
        policy({"document": "performance"})
    assert policy("session").rules("x", "deployment", "champion").stage_digest


def test_every_decision_about_a_deployment_lists_what_its_policy_did_not_ask_for(subject):
    starter = decided(subject)
    assert starter.not_asked == STANDARD
    assert "  not asked for by this policy: impact-assessment, validation-report" in "\n".join(lines(starter))
    assert decided(subject, stage="registration").not_asked is None


@pytest.mark.parametrize("level", DOCUMENTS)
def test_a_level_asks_at_deployment_and_changes_nothing_else(level):
    loaded, plain = parse_policy(policy_text(level)), parse_policy(default_policy_text())
    assert loaded.rules("x", "deployment", "champion").written == DOCUMENTS[level]
    assert loaded.policy.stages["registration"] == plain.policy.stages["registration"]
    rest = {e.kind for e in loaded.policy.stages["deployment"].require} - set(DOCUMENTS[level])
    assert rest == {e.kind for e in plain.policy.stages["deployment"].require}
    assert loaded.policy.stages["deployment"].limits == plain.policy.stages["deployment"].limits
    assert loaded.policy.stages["deployment"].approvals.count == (2 if level == "high-risk" else 1)


@pytest.mark.parametrize(
    ("kind", "changes", "word"),
    [
        ("impact-assessment", {"decision": "no go"}, "it decides that the system may not be used: no go"),
        ("impact-assessment", {"decision": "go with conditions"}, "go with conditions, and states none"),
        ("impact-assessment", {"decision": "perhaps"}, "its decision is 'perhaps'"),
        ("validation-report", {"verdict": "unfit"}, "the model is unfit for its use"),
        ("validation-report", {"conclusion": "not fit for use"}, "its verdict is fit, and its conclusion 'not fit"),
        ("validation-report", {"verdict": "fit with conditions"}, "fit with conditions, and it states none"),
        ("validation-report", {"verdict": None}, "verdict"),
        (
            "validation-report",
            {"repeated": [{"claim": "balanced accuracy", "value": "0.61", "equal": False}]},
            "balanced accuracy had another value",
        ),
    ],
)
def test_what_decides_against_the_use_lets_no_version_in(kind, changes, word, subject):
    """The document is approved, in date and about these bytes: what it decides holds the stage up."""
    against = fields(subject, kind, **changes)
    decision = decided(against, {"document": kind})
    assert (decision.allowed, [word in u.text for u in decision.unmet]) == (False, [True]), decision.unmet
    control = {"impact-assessment": "A.5.3", "validation-report": "A.6.2.4"}[kind]
    status = control_status(control, against, NOW)
    assert status.state in ("failed", "missing")
    assert word in status.reason


def test_a_decision_with_its_conditions_and_a_deviation_that_is_explained_let_it_in(subject):
    conditional = fields(subject, "impact-assessment", decision="go with conditions", conditions=["a person decides"])
    assert decided(conditional, {"document": "impact-assessment"}).allowed
    other = [{"claim": "balanced accuracy", "value": "0.84", "equal": False}]
    explained = fields(subject, "validation-report", repeated=other, deviations=["another seed"])
    assert decided(explained, {"document": "validation-report"}).allowed


def test_a_validation_is_by_somebody_whose_duty_it_is_where_that_is_written(subject):
    held = [{"duty": "validate", "person": "noa"}]
    given = fields(subject, "role-assignment", assignments=held)
    refused = decided(given, {"document": "validation-report"})
    assert "rita wrote it, and to validate is the duty of noa" in refused.unmet[0].text
    assert decided(written(given, "validation-report", writers=("noa",)), {"document": "validation-report"}).allowed
