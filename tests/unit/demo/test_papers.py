"""The demo's documents state what its evidence shows: each missed limit is a harm, with a measure that can find it."""

import dataclasses

import pytest
import yaml

from aims_mlflow.checks.claims import LEFT_OUT
from aims_mlflow.demo.data import generated
from aims_mlflow.demo.harms import harms
from aims_mlflow.demo.papers import DemoPapers, waiver_reason
from aims_mlflow.gates.control_conditions.impact import cites
from aims_mlflow.management.folder import read_document
from aims_mlflow.management.passages import citation_lines
from aims_mlflow.records.evidence import Claim, Interval
from support import status_cases
from support.status_cases import MODEL, NOW, SYSTEM, good

LIMITED = {"comparator": ">=", "limit": "0.8"}


def ratio(group, value, passed, **more):
    return Claim(
        metric="selection_rate_ratio", slice={"sex": group}, reference={"sex": "male"}, value=value, n=900, passed=passed,
        **LIMITED, **more,
    )  # fmt: skip


ABOVE = Claim(
    metric="true_positive_rate_difference", slice={"sex": "female"}, reference={"sex": "male"}, value="0.2", n=400,
    passed=False, comparator="<=", limit="0.1", note="above the reference group",
    interval=Interval(method="bootstrap-t", level="0.95", low="0.15", high="0.25"),
)  # fmt: skip
CLAIMS = [
    ratio("female", "0.5", passed=False),
    ratio("other", "0.6", passed=None, note="not enough data"),
    ratio("male", "1", passed=True),
    Claim(metric="selection_rate", slice={"age_group": "under 18"}, value=None, note=LEFT_OUT),
    ABOVE,
]
FILES = Claim(metric="unsafe_model_files", value="1", n=6, passed=False, severity="warning", comparator="==", limit="0")
ACCURACY = Claim(metric="accuracy", value="0.85", n=9769, role="test", passed=True, **LIMITED)


@pytest.fixture(scope="module")
def subject():
    def change(parts):
        parts["fairness"][1].update(claims=CLAIMS, result="failed")
        parts["robustness"][1].update(claims=[FILES], result="warned")
        parts["performance"][1].update(claims=[ACCURACY])

    return good(change=change)


@pytest.fixture(scope="module")
def written(subject, tmp_path_factory):
    """Kind to the fields and the text of each document that the demo writes."""
    folder = tmp_path_factory.mktemp("aims")
    DemoPapers(generated(), SYSTEM, subject.sessions[0].records, MODEL).write(folder)
    out = {}
    for path in folder.iterdir():
        text = path.read_text()
        _, head, body = text.split("---\n", 2) if path.suffix == ".md" else ("", text, "")
        out[path.stem] = (yaml.safe_load(head), body)
    return out


def test_each_missed_limit_and_each_group_that_was_left_out_is_a_harm(written, subject):
    fields, _ = written["impact-assessment"]
    named = [(e["group"], e["mechanism"].partition(" for ")[0]) for e in fields["impacts"]]
    assert ("sex=female", "selection-rate ratio") in named
    assert any(group == "age_group=under 18" for group, _ in named)
    assert len(fields["impacts"]) == 4
    assert {m["impact"] for m in fields["measures"]} == {e["id"] for e in fields["impacts"]}
    cited = [r.id for r in subject.sessions[0].records if r.evidence.kind in ("fairness", "robustness")]
    document = status_cases.document("impact-assessment", fields={**fields, "evidence": cited})
    assert cites(document, subject, NOW) is None
    less = [e for e in fields["impacts"] if e["group"] != "age_group=under 18"]
    without = dataclasses.replace(document, fields={**document.fields, "impacts": less})
    assert "age_group=under 18" in cites(without, subject, NOW)[1]
    assert "3 limits are missed and 1 groups were too small to show" in written["validation-report"][1]


def test_citations_of_columns_and_groups_with_blanks_and_marks_are_read_back_as_they_are(tmp_path):
    rows = [{"Alter (Jahre)": "28 to under 37"}, {"#1: it's": 'say "no"'}, {"b": ">=50K"}, {"Geschlecht": "männlich"}]
    claims = [CLAIMS[0].model_copy(update={"slice": each, "reference": None}) for each in rows]
    subject = good(change=lambda parts: (parts["fairness"][1].update(claims=claims, result="failed"),
                                         parts["performance"][1].update(claims=[ACCURACY])))  # fmt: skip
    DemoPapers(generated(), SYSTEM, subject.sessions[0].records, MODEL).write(tmp_path)
    cited = citation_lines(read_document(tmp_path / "impact-assessment.md"))
    assert [dict(line.slice) for line in cited] == rows
    assert {line.metric for line in cited} == {"selection_rate_ratio"}


def test_a_value_beyond_its_limit_is_never_said_to_be_within_it(written):
    text = written["impact-assessment"][1]
    assert (
        "For sex=other, against male, the ratio of selection rates is 0.60[^e2], beyond its limit, and not decided"
        in text
    )
    assert "For sex=female, against male, the ratio of selection rates is 0.50[^e1], beyond its limit." in text


def test_a_measure_can_find_the_harm_that_it_is_for(subject):
    found = {(h.claim.metric, h.group): h for h in harms(subject.sessions[0].records, ("sex", "age_group"))}
    files = found["unsafe_model_files", "everyone whom the model is asked about"]
    assert "reviews" not in files.measure("olga")
    assert (files.severity.partition(":")[0], files.likelihood) == ("not known", "not known")
    assert "each no to sex=female" in found["selection_rate_ratio", "sex=female"].measure("olga")
    higher = found["true_positive_rate_difference", "sex=female"].measure("olga")
    assert "each yes to sex=female" in higher
    assert "each no to male" in higher


def test_a_harm_of_wrong_answers_yes_is_not_said_to_be_of_wrong_answers_no(subject):
    wrong_yes = ABOVE.model_copy(update={"metric": "false_positive_rate_difference"})
    (record,) = (r for r in subject.sessions[0].records if r.evidence.kind == "fairness")
    changed = dataclasses.replace(record, evidence=record.evidence.model_copy(update={"claims": (wrong_yes,)}))
    (harm,) = harms([changed], ("sex",))
    assert harm.severity == (
        "not known: the value counts wrong answers yes, and what one of them costs a person is not measured"
    )


def test_the_risk_of_being_treated_worse_rests_on_groups_and_the_decision_has_its_conditions(written):
    (risk,) = written["risk-register"][0]["risks"]
    assert risk["likelihood_basis"] == (
        "3 values of groups beyond a limit, or groups left out; 1 other value beyond one: see the impact assessment"
    )
    assert written["impact-assessment"][0]["conditions"]


def test_a_waiver_gives_no_reason_that_does_not_exist_yet_or_is_about_another_failure():
    assert "impact assessment" not in waiver_reason("registration", "A.6.2.4"), "nothing is assessed before it"
    assert "mitigation" not in waiver_reason("deployment", "A.5.3")
    assert waiver_reason("deployment", "A.6.2.4") == (
        "a pilot with the measures of its impact assessment; mitigation goes on"
    )


def test_what_the_documents_name_is_there_and_speaks_of_this_table(written):
    risks = {risk["id"] for risk in written["risk-register"][0]["risks"]}
    assert set(written["impact-assessment"][0]["feeds_risks"]) <= risks
    assert written["system"][0]["stage"] == "operation"
    said = str(written)
    for invented in ("clerk", "branch", "400 applications", "applicants", "2026-01-01"):
        assert invented not in said, invented
