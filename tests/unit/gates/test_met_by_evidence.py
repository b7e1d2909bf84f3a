"""Each row that machine evidence reaches is met by good evidence, and by nothing less."""

import dataclasses
from datetime import timedelta

import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.gates.control_coverage import ControlCoverage
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.gates.status_subject import RegisterEvent
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import WaivedBy
from aims_mlflow.records.evidence import Claim
from support import status_cases
from support.status_cases import FIELDS, NOW, good


def state(control, subject=None, at=NOW, **options):
    return control_status(control, subject or good(**options), at)


def details(kind, **changes):
    def change(parts):
        fields = parts[kind][1]
        fields["details"] = {k: v for k, v in {**fields.get("details", {}), **changes}.items() if v is not None}

    return change


def fields(kind, **changes):
    return lambda parts: parts[kind][1].update(changes)


def without(*kinds):
    return lambda parts: [parts.pop(kind) for kind in kinds]


def source(**changes):
    """Exchange what is stated of the source, everywhere."""
    stated = {k: v for k, v in {**status_cases.SOURCE, **changes}.items() if v is not None}
    return {"session": {"source": stated}}


def claims(kind, *changed):
    return fields(kind, claims=list(changed))


LOW = Claim(metric="balanced_accuracy", value="0.5", n=9769, comparator=">=", limit="0.55", passed=False)
TRAIN_ONLY = LOW.model_copy(update={"role": "train", "value": "0.9", "passed": True})
FILES = Claim(metric="unsafe_model_files", value="0", n=5, comparator="==", limit="0", passed=True)
UNFIT = Claim(metric="share_over_population", role="train", slice={"sex": "Female"}, value="0.03", passed=False)

# control, what is wrong, the state that it gives, a word of the reason.
MACHINE = [
    ("A.4.3", source(owner=None), "missing", "owner of census is not stated"),
    ("A.4.3", source(owner="TODO"), "missing", "states nothing"),
    ("A.4.3", source(retention=None), "missing", "retention"),
    ("A.4.3", source(retention="n/a"), "missing", "states nothing"),
    ("A.4.3", {"session": {"system": "income-screening"}, "change": without("dataset-record/test", "lineage")}, "missing",
     "no dataset-record is about this digest"),
    ("A.4.3", {"change": details("session-start", system={"id": "income-screening"}), **source(purpose=None)}, "missing",
     "purpose of census is not stated"),
    ("A.4.4", {"change": fields("tooling-record", artifacts=())}, "missing", "no list"),
    ("A.4.4", {"change": fields("tooling-record", tools={})}, "missing", "names no tool"),
    ("A.4.4", {"change": details("tooling-record", algorithms=None)}, "missing", "algorithm"),
    ("A.4.4", {"change": details("tooling-record", serving=None)}, "missing", "serving"),
    ("A.4.4", {"change": without("tooling-record")}, "missing", "no tooling-record"),
    ("A.4.5", {"change": details("compute-record", peak_memory_bytes=None)}, "missing", "used memory"),
    ("A.4.5", {"change": details("session-start", system={"id": "x", "intended_use": "order"})}, "missing", "capacity"),
    ("A.6.2.3", {"change": details("training-provenance", code={"commit": "e" * 40, "dirty": True})}, "missing", "differed"),
    ("A.6.2.3", {"change": details("training-provenance", code={"reason": "no git"})}, "missing", "no git"),
    ("A.6.2.3", {"change": details("training-provenance", code={"commit": "e" * 40, "dirty": False, "untracked": {
        "features.py": "f" * 64}})}, "missing", "code in use is not in commit eeeeeeeeeeee: features.py"),
    ("A.6.2.3", {"change": details("training-provenance", code={"commit": "e" * 40, "dirty": False})}, "met with warnings", "warning"),
    ("A.6.2.3", {"change": details("training-provenance", code={"commit": "e" * 40, "untracked": {}})}, "missing",
     "whether tracked files differed from commit eeeeeeeeeeee is not known"),
    ("A.6.2.3", {"change": details("training-provenance", trials=None)}, "missing", "number of trials"),
    ("A.6.2.3", {"change": details("training-provenance", parent_run_id=None)}, "met with warnings",
     "outside a recorded sweep is not known"),
    ("A.6.2.4", {"change": claims("performance", LOW)}, "failed", "0.5"),
    ("A.6.2.4", {"change": claims("performance", TRAIN_ONLY)}, "failed", "was not measured on held-out data"),
    ("A.6.2.4", {"change": without("performance")}, "failed", "was not measured"),
    ("A.6.2.4", {"change": without("robustness")}, "missing", "no robustness"),
    ("A.6.2.4", {"change": fields("robustness", result="not_evaluated", reason="the model raised")}, "not evaluated", "raised"),
    ("A.6.2.4", {"change": claims("robustness", FILES)}, "not evaluated", "robustness was not measured on held-out data"),
    ("A.6.2.7", {"change": without("model-card")}, "missing", "model-card"),
    ("A.6.2.7", {"change": fields("model-card", artifacts=())}, "missing", "without a file"),
    ("A.7.2", {"change": claims("representativeness", UNFIT)}, "failed", "0.03"),
    ("A.7.2", {"change": claims("representativeness", UNFIT.model_copy(update={"passed": None}))}, "not evaluated", "no limit"),
    ("A.7.2", {"change": claims("representativeness", UNFIT.model_copy(update={"metric": "group_share", "passed": None}))},
     "missing", "no population"),
    ("A.7.3", source(rights="as its owner says", licence=None), "missing", "states nothing"),
    ("A.7.3", source(licence="as its owner says"), "missing", "states nothing"),
    ("A.7.3", source(rights=None, licence=None), "missing", "rights"),
    ("A.7.3", source(subjects=None), "missing", "subjects"),
    ("A.7.3", source(selection_reason=" "), "missing", "selection reason"),
    ("A.7.4", {"change": without("data-quality")}, "missing", "no data-quality results"),
    ("A.7.4", {"change": fields("data-quality", result="failed", reason="bad rows")}, "failed", "bad rows"),
    ("A.7.5", {"change": details("lineage", links=[{"role": "train", "digest": "b" * 64, "link": "unlinked", "steps": []}])},
     "missing", "train data: decorate what loads it"),
    ("A.7.5", {"change": details("lineage", links=[{"role": "train", "digest": "b" * 64, "link": "unlinked",
                                                   "reason": "earlier runs were not searched: no answer"}])},
     "missing", "earlier runs were not searched"),
    ("A.7.6", {"change": details("preparation", why="TBD")}, "missing", "has no reason"),
    ("A.7.6", {"change": details("preparation", function="prep.winsorize")}, "stale", "no criterion allows winsorize"),
]  # fmt: skip


@pytest.mark.parametrize("control", sorted({row[0] for row in MACHINE}))
def test_good_evidence_meets_the_control(control):
    found = state(control)
    assert found.state == "met", found.reason
    assert found.since
    assert all(c.verdict.sentence for c in found.conditions)


@pytest.mark.parametrize(("control", "options", "wanted", "word"), MACHINE)
def test_less_than_that_does_not(control, options, wanted, word):
    found = state(control, **options)
    assert (found.state, word in found.reason) == (wanted, True), found.reason


def test_a_purpose_that_follows_from_the_intended_use_is_called_derived():
    found = state("A.4.3", **source(purpose=None))
    assert found.state == "met", found.reason
    assert any("purpose of the test data, derived from what is stated" in c.verdict.sentence for c in found.conditions)


@pytest.mark.parametrize("control", ["A.4.3", "A.4.4", "A.4.5", "A.6.2.4", "A.7.3", "A.7.4", "A.7.5"])
def test_evidence_about_another_model_meets_nothing(control):
    assert state(control, sessions=(status_cases.other_session(),)).state in ("missing", "failed")


def test_a_trainers_own_report_is_no_validation_and_neither_is_one_by_another_spelling():
    for author in ("ana", " Ana", "\u0430na"):
        documents = [status_cases.document("validation-report", author=author)]
        found = state("A.6.2.4", documents=documents)
        assert found.state == "missing"
        assert "who trained the model" in found.reason


def test_a_state_is_not_due_before_an_alias_is_held_and_never_while_one_is():
    before = good(documents=(), aliases=(), decisions=())
    held = good(documents=(), decisions=())
    for control in ("A.5.3", "A.6.2.5", "A.6.2.6", "A.6.2.8", "A.8.2", "A.9.2"):
        assert state(control, before).state == "not due"
        assert state(control, held).state == "missing"


def no_runs(parts):
    parts.pop("monitor-run")


def test_a_first_monitoring_run_is_missing_with_its_day_before_it_is_due_and_after_its_grace():
    plan = {**FIELDS["monitoring-plan"], "every_days": 30, "grace_days": 2}
    written = [status_cases.document("monitoring-plan", fields=plan)]
    found = state("A.6.2.6", change=no_runs, documents=written)
    assert found.state == "missing", "never not due while an alias is held"
    assert "no monitoring run is known here (the ledger knows those that `aims ledger ingest` added)" in found.reason
    assert all("that was due is lacking" not in c.condition.holds for c in found.conditions), "nothing was due yet"
    assert f"the first is due on {(NOW + timedelta(days=30)):%Y-%m-%d}" in found.reason
    assert "due from operation on" not in found.reason
    assert state("9.1", change=no_runs, documents=written).state == "missing", "its own plan is not here"
    subject = good(change=no_runs, documents=written)
    assert "the first is due" in control_status("A.6.2.6", subject, NOW + timedelta(days=32)).reason
    late = control_status("A.6.2.6", subject, NOW + timedelta(days=33))
    assert late.state == "missing"
    assert "the first was due" in late.reason
    assert state("A.6.2.6", change=no_runs, documents=[]).state == "missing"


def test_the_first_assessment_counts_for_its_year():
    for control, kind in (("8.4", "impact-assessment"), ("8.2", "risk-register")):
        subject = good()
        without = dataclasses.replace(
            subject, documents=tuple(d for d in subject.documents if d.kind != "reassessment")
        )
        again = next(c for c in control_status(control, without, NOW).conditions if c.condition.id == "again")
        assert again.verdict.outcome == "holds"
        assert "is to be assessed again by" in again.verdict.sentence
        bare = dataclasses.replace(without, documents=tuple(d for d in without.documents if d.kind != kind))
        last = next(c for c in control_status(control, bare, NOW).conditions if c.condition.id == "again")
        assert last.verdict.outcome == "missing"
        endless = dataclasses.replace(
            without, documents=tuple(dataclasses.replace(d, review_by=None) for d in without.documents)
        )
        later = control_status(control, endless, NOW + timedelta(days=360))
        assert next(c for c in later.conditions if c.condition.id == "again").verdict.outcome == "stale"


def test_without_an_incident_nobody_had_to_be_told_and_one_without_a_notice_is_missing():
    subject = good()
    quiet = tuple(d for d in subject.documents if d.kind not in ("notice", "incident"))
    found = control_status("A.8.4", dataclasses.replace(subject, documents=quiet), NOW)
    assert found.state == "met"
    assert "no incident" in found.reason
    unplanned = tuple(d for d in quiet if d.kind != "incident-communication-plan")
    assert control_status("A.8.4", dataclasses.replace(subject, documents=unplanned), NOW).state == "missing"
    incident = dataclasses.replace(status_cases.document("notice"), kind="incident", id="N1")
    happened = dataclasses.replace(subject, documents=(*quiet, incident))
    assert control_status("A.8.4", happened, NOW).state == "missing"


def test_tools_are_said_to_be_loaded_and_serving_is_met_without_a_warning_only_where_it_was_compared():
    found = state("A.4.4")
    said = [c.verdict.sentence for c in found.conditions]
    assert said[0].startswith("loaded by the process of the training: python")
    assert "names 1 of them as serving, in these versions" in said[3]
    assert found.state == "met"
    in_use = state("A.4.4", documents=[])
    assert in_use.state == "met with warnings"
    assert "compared with nothing" in in_use.conditions[3].verdict.warnings[0]
    nowhere_served = state("A.4.4", documents=[], aliases=(), decisions=())
    assert nowhere_served.state == "met"
    assert "compared with nothing" in nowhere_served.conditions[3].verdict.sentence


@pytest.mark.parametrize(
    ("listed", "wanted", "word"),
    [
        ("scikit-learn==1.7.0, cloudpickle==3.1.3", "met", "names 1 of them as serving"),
        ("cloudpickle==3.1.3, Scikit_Learn == 1.7.0", "met", "names 1 of them as serving"),
        (
            "cloudpickle==3.1.3, scikit-learn==1.6.1",
            "stale",
            "scikit-learn 1.6.1 serves, the model was made with 1.7.0",
        ),
        ("cloudpickle==3.1.3", "met with warnings", "compared with nothing"),
    ],
)
def test_an_entry_that_lists_several_packages_is_compared_package_by_package(listed, wanted, word):
    """All that followed the first `==` was taken for the version of the first package."""
    entry = {"stage": "operation", "resource": "tool", "id": listed}
    written = status_cases.document("resource-inventory", fields={"resources": [entry]})
    found = state("A.4.4", documents=[written])
    assert (found.state, word in found.reason + found.conditions[3].verdict.sentence) == (wanted, True), found.reason


def test_what_is_met_with_warnings_is_counted_apart():
    low = LOW.model_copy(update={"severity": "warning", "metric": "recall", "limit": "0.6"})
    fine = LOW.model_copy(update={"value": "0.9", "passed": True})
    warned = state("A.6.2.4", change=fields("performance", claims=[fine, low], result="warned"))
    found = ControlCoverage.of([warned, state("A.4.4"), state("A.6.2.6", documents=[])])
    assert (found.total, found.met, found.warned) == (3, 2, 1)
    assert found.sentence().startswith("2 of 3 controls met, 1 of them with warnings (")


def test_without_a_policy_the_results_are_captured_and_never_met():
    found = state("A.6.2.4", rules=None, approvals=())
    assert found.state == "captured"
    assert "no policy" in found.reason


def test_a_warning_is_named_and_is_never_plain_met():
    low = LOW.model_copy(update={"severity": "warning", "metric": "recall", "limit": "0.6"})
    good_one = LOW.model_copy(update={"value": "0.9", "passed": True})
    found = state("A.6.2.4", change=fields("performance", claims=[good_one, low], result="warned"))
    assert found.state == "met with warnings"
    assert "recall" in found.reason
    assert any("recall" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("start", "policy", "wanted", "word"),
    [
        ({}, None, "missing", "no group was compared"),
        (
            {"not_compared": "no data about people", "system": {"id": "income-screening"}},
            None,
            "missing",
            "the policy does not state it",
        ),
        ({}, "no data about people", "missing", "contradicted by affected_groups: applicants"),
        (
            {"system": {"id": "income-screening", "affected_groups": ["none"]}},
            "no data about people",
            "met",
            "not applicable",
        ),
    ],
)
def test_fairness_is_left_out_only_for_a_reason_of_the_policy(start, policy, wanted, word):
    def change(parts):
        parts.pop("fairness")
        details("session-start", sensitive=[], **start)(parts)

    subject = good(change)
    rules = dataclasses.replace(
        subject.rules,
        system=subject.rules.system.model_copy(update={"sensitive": (), "not_compared": policy}),
    )
    found = state("A.6.2.4", dataclasses.replace(subject, rules=rules))
    assert (found.state, word in found.reason) == (wanted, True), found.reason


def test_a_failure_that_a_waiver_covers_shows_its_last_day_and_who_signed():
    bad = good(claims("performance", LOW))
    failed = state("A.6.2.4", bad)
    items = next(c.verdict.unmet for c in failed.conditions if c.condition.id == "performance")
    until = utc_text((NOW + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0))
    waived = tuple(
        WaivedBy(unmet=u, waiver=f"w{i}", owner="olga", reason="pilot", expires=until) for i, u in enumerate(items)
    )
    decided = (bad.decisions[0].model_copy(update={"waived": waived}),)
    found = state("A.6.2.4", dataclasses.replace(bad, decisions=decided))
    assert found.state == "failed and waived"
    assert f"waived by olga until and including {(NOW + timedelta(days=2)):%Y-%m-%d}" in found.reason
    assert found.next_time == until
    assert state("A.6.2.4", dataclasses.replace(bad, decisions=decided), NOW + timedelta(days=4)).state == "failed"
    other = tuple(w.model_copy(update={"unmet": w.unmet.model_copy(update={"metric": "recall"})}) for w in waived)
    narrow = (bad.decisions[0].model_copy(update={"waived": other}),)
    assert state("A.6.2.4", dataclasses.replace(bad, decisions=narrow)).state == "failed"


def test_an_event_of_the_register_makes_a_control_stale_and_evidence_not_yet_sealed_is_told():
    event = RegisterEvent(("A.7.3",), utc_text(NOW + timedelta(days=1)), "the licence of census ended")
    found = state("A.7.3", events=(event,))
    assert (found.state, "the licence of census ended" in found.reason) == ("stale", True)
    assert state("A.7.3", sealed=frozenset()).state == "not sealed yet"
    whole = good()
    assert state("A.7.3", dataclasses.replace(whole, sealed=frozenset(r.sha256 for r in whole.records))).state == "met"


def test_a_control_left_out_by_an_approved_statement_of_applicability_is_not_applicable():
    rows = [{"control": "A.10.3", "applies": False, "reason": "nothing is supplied by others"}]
    soa = status_cases.document("soa", fields={"controls": rows})
    assert state("A.10.3", documents=[soa]).state == "not applicable"
    assert "nothing is supplied" in state("A.10.3", documents=[soa]).reason
    assert state("A.10.3", documents=[soa], approvals=()).state != "not applicable"


@pytest.mark.parametrize(
    "shapes",
    [
        {"tooling-record": {"algorithms": ["x"]}},
        {"tooling-record": {"packages": "many"}},
        {"session-start": {"system": [1, 2]}},
        {"lineage": {"links": {"role": []}}},
    ],
)
def test_a_session_whose_details_are_not_of_the_format_meets_nothing(shapes):
    def change(parts):
        for kind, fields in shapes.items():
            details(kind, **fields)(parts)

    for control in ("A.4.3", "A.4.4", "A.6.2.3", "A.7.5"):
        found = state(control, change=change)
        assert found.state == "unverifiable"
        assert "not of this format" in found.reason


def test_a_training_record_whose_details_are_not_of_the_format_is_not_even_signed():
    with pytest.raises(EvidenceError, match="training-provenance record are not of this format"):
        good(change=details("training-provenance", models="x"))
