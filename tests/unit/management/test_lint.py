"""Rules find what is generic, what is not so, and what does not fit; a good document is left alone."""

import json
from pathlib import Path

import pytest

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.management import lint as linting
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.rules import CHECKS, rules
from aims_mlflow.management.rules.base import LintContext
from aims_mlflow.management.shown_numbers import matches
from aims_mlflow.records.evidence import Claim
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.signing.keys import ephemeral_key
from support.management_folder import PEOPLE, POLICY, REGISTER_ENTRY, assessment, write
from support.signed_sessions import MODEL

TODAY = "2026-12-01"


def view(value="0.3147", result="passed", passed=True, model=MODEL, system="income-screening"):
    """Evidence with one fairness record about two groups."""
    writer = SessionWriter(ephemeral_key(), "ana", system=system)
    claims = [
        Claim(metric="selection_rate_ratio", slice={"sex": group}, value=number, n=100, passed=passed, comparator=">=", limit="0.2")
        for group, number in (("Female", value), ("Male", "1"))
    ]  # fmt: skip
    writer.add("fairness", [Subject(name="m", digest={"dirHash1": model})], claims=claims, result=result)
    return EvidenceView(tuple(writer.records), ("run",), (), (model,))


def found(tmp_path, evidence=None, keyring=None, **files):
    around = LintContext(read_folder(write(tmp_path, **files)), evidence or EvidenceView(), keyring, TODAY)
    return linting.lint(around)


def good(tmp_path, evidence=None, change=str, **more):
    evidence = evidence or view()
    text = change(assessment(evidence.records[0].id, MODEL))
    return found(tmp_path, evidence, aiia=text, system=REGISTER_ENTRY, people=PEOPLE, **more)


def said(results, rule):
    return [r.text for r in results if r.rule.id == rule]


def test_every_rule_has_a_check_and_a_text_in_full():
    assert list(CHECKS) == list(rules()) or set(CHECKS) == set(rules())
    for rule in rules().values():
        assert min(len(rule.title), len(rule.why), len(rule.fix)) > 10


def test_a_document_about_the_organisation_names_no_one_system_and_one_about_either_may(tmp_path):
    """An AI policy of one system would leave all others without one; an audit may be of one system."""
    audit = "id: audit\nkind: audit-report\ntitle: t\nowner: o\nauthor: a\nsystem: income-screening\n"
    policy = POLICY.replace("kind: ai-policy", "kind: ai-policy\nsystem: income-screening")
    results = found(tmp_path, policy=policy, audit=audit, system=REGISTER_ENTRY)
    wrong = [r for r in results if r.rule.id == "D10"]
    assert [(r.rule.severity, r.path.stem, r.line) for r in wrong] == [("error", "policy", 4)]
    assert "a document of kind ai-policy is about the whole organisation" in wrong[0].text
    assert linting.stops(wrong), "and so it is not published"


def test_a_good_assessment_has_no_error_and_no_warning(tmp_path):
    results = [r for r in good(tmp_path) if r.document == "aiia"]
    assert [r.sentence() for r in results] == []


WRONG = [
    ("D2", lambda t: t.replace("Clerks of", "TODO: who decides? Clerks of"), "TODO: who decides?"),
    ("D3", lambda t: t.replace("decision: go with conditions\n", ""), "decision is not stated"),
    ("D5", lambda t: t.replace("system: income-screening", "system: incom-screening"), "no system of the register"),
    ("D6", lambda t: t.replace("approver: olga", "approver: ' Rita'"), "cannot approve it"),
    ("D8", lambda t: t.replace("review_by: 2028", "review_by: 2199"), "more than three years"),
    ("D8", lambda t: t.replace("review_by: 2028", "review_by: 2001"), "was due on 2001-01-01"),
    ("G1", lambda t: t[: t.index("# Impact assessment\n")], "there is no text"),
    ("G1", lambda t: t.replace("# Impact assessment\n", "<!--\n"), "there is no text"),
    ("G1", lambda t: t.replace("# Impact assessment\n", "<div hidden>\n"), "there is no text"),
    ("G3", lambda t: t.replace("0.31[^e1]", "0.31 as tested"), "rests on no evidence"),
    ("G3A", lambda t: t.replace("0.31[^e1]", "0.33[^e1]"), "0.33 is shown, the evidence says 0.3147"),
    ("G3A", lambda t: t.replace("0.31[^e1]", "31%[^e2]"), "[^e2] has no line below"),
    ("G3A", lambda t: t.replace("selection_rate_ratio sex", "selection_rate_ratio age"), "has no selection_rate_ratio for"),
    ("G3A", lambda t: t.replace("[^e1]: evidence 0", "[^e1]: evidence f"), "leads to no record"),
    ("G3A", lambda t: t.replace("[^e1]: evidence", "[^e1]: see"), "names no evidence"),
    ("G4", lambda t: t.replace("# Impact assessment\n", "# A\n\nBias may occur in various ways.\n"), "'may' stands without"),
    ("G5", lambda t: t.replace("in_data: sex=Female", "in_data: age=elderly"), "age=elderly is no value"),
    ("G5", lambda t: t.replace("sex=Male", "of it"), "values of the data that it does not name: sex=Male"),
    ("G7", lambda t: t.replace("owner: olga\n", "owner: nobody\n"), "'nobody' is not in the people register"),
    ("G8", lambda t: t.replace("review_by: 2028-01-01", "review_by: 2027-01-01\neffective_from: 2028-01-01"), "is before effective_from"),
    ("X12", lambda t: t.replace(MODEL, "f" * 64), "is about model ffffffffffff"),
    ("X14", lambda t: t.replace("{impact: I1,", "{impact: I2,"), "nothing is done about the harm I1"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change", "word"), WRONG, ids=[f"{w[0]}-{w[2][:12]}" for w in WRONG])
def test_each_fault_is_found_with_its_line(tmp_path, rule, change, word):
    results = good(tmp_path, change=change)
    mine = [r for r in results if r.rule.id == rule and word in r.text]
    assert mine, [r.sentence() for r in results]
    assert all(r.line >= 1 and r.path.name == "aiia.md" for r in mine)


def test_a_text_that_would_fit_another_system_is_generic(tmp_path):
    """The swap test: only what is true of this system alone makes the text its own."""
    plain = (
        "The system supports decisions about people. " * 8 + "People who are hit can complain to the bank's office. "
    )
    text = (
        assessment("x", MODEL).partition("# Impact")[0]
        + f"# Impact\n\n{plain}by letter, within a week, and get an answer.\n"
    )
    text = text.replace("evidence: [x]", "").replace("sex=Female", "described").replace("sex=Male", "described")
    other = REGISTER_ENTRY.replace("income-screening", "churn").replace("Income", "Churn")
    text = "\n".join(line for line in text.splitlines() if MODEL not in line)
    results = found(
        tmp_path, aiia=text.replace("women", "people").replace("men,", "folk,"), system=REGISTER_ENTRY, other=other
    )
    assert said(results, "G2") == [
        "this text would fit churn: nothing in it is true of income-screening alone (evidence, group, model, data)"
    ]


def test_a_failing_result_must_be_an_impact_and_a_risk(tmp_path):
    evidence = view(result="failed", passed=False)
    register = "id: r\nkind: risk-register\ntitle: R\nowner: olga\nauthor: rita\nsystem: income-screening\nrisks: []\n"
    results = found(tmp_path, evidence, aiia=assessment("0" * 20, MODEL), system=REGISTER_ENTRY, r=register)
    assert "no harm rests on" in said(results, "X13")[0]
    assert f"no risk of income-screening names {evidence.records[0].id} as its cause" in said(results, "X9")[0]


def test_a_result_that_only_warned_is_a_failure_where_a_claim_is_beyond_its_limit(tmp_path):
    register = RISK % ""
    warned = found(tmp_path, view(result="warned", passed=False), system=REGISTER_ENTRY, r=register)
    assert "no risk of income-screening names" in said(warned, "X9")[0]
    assert said(found(tmp_path, view(result="warned"), system=REGISTER_ENTRY, r=register), "X9") == []


RISK = """id: r
kind: risk-register
title: Risks
owner: olga
author: rita
system: income-screening
risks:
  - {id: R1, system: income-screening, event: women come last, group: sex=Female, likelihood: likely, likelihood_basis: b,
     impact: grave, impact_basis: b, level: high, owner: olga, treatment: reduce, treated_on: 2020-01-31,
     status: closed, closed_by: [%s]}
"""


def test_a_risk_is_closed_by_a_passed_test_of_the_model_in_use(tmp_path):
    evidence = view()
    risk = RISK % evidence.records[0].id
    assert said(found(tmp_path, evidence, r=risk, system=REGISTER_ENTRY), "X8") == []
    men = risk.replace("group: sex=Female", "group: sex=Other").replace("women come", "they come")
    (of_others,) = said(found(tmp_path, evidence, r=men, system=REGISTER_ENTRY), "X8")
    assert "is closed by a record that has no result" in of_others
    old = view(model="9" * 64)
    stale = EvidenceView(old.records, old.sources, (), (MODEL,))
    assert "is closed by a test of model 999999999999, which is not the one in use" in said(
        found(tmp_path, stale, r=RISK % old.records[0].id, system=REGISTER_ENTRY), "X8"
    )[0]  # fmt: skip


def test_a_closed_risk_states_the_day_of_its_treatment(tmp_path):
    evidence = view()
    without = (RISK % evidence.records[0].id).replace("treated_on: 2020-01-31,", "")
    told = ["risk R1 is closed, and the day of its treatment is not stated (treated_on)"]
    assert said(found(tmp_path, evidence, r=without, system=REGISTER_ENTRY), "X8") == told
    accepted = without.replace("treatment: reduce", "treatment: accept")
    assert said(found(tmp_path, evidence, r=accepted, system=REGISTER_ENTRY), "X8") == []


UNKNOWN = "01a22579-e332-7000-8000-000000000000"
BASES = [
    ("impact_basis: b", f"impact_basis: 'as {UNKNOWN} shows'", [UNKNOWN]),
    ("treatment: reduce", f"treatment: reduce, cause_evidence: [{UNKNOWN}, '01a22579…']", [UNKNOWN, "01a22579…"]),
    ("treatment: reduce", "treatment: reduce, cause_evidence: [r, R1]", []),  # a document, and an entry of one
    ("impact_basis: b", "impact_basis: the loss of 2025", []),
]


@pytest.mark.parametrize(("field", "now", "unknown"), BASES)
def test_the_records_that_a_risk_rests_on_are_there(tmp_path, field, now, unknown):
    evidence = view()
    written = (RISK % evidence.records[0].id).replace(field, now)
    told = [f"risk R1 rests on {name}, which leads to no record that was read" for name in unknown]
    assert said(found(tmp_path, evidence, r=written, system=REGISTER_ENTRY), "G3A") == told
    other = written.replace("{id: R1, system: income-screening", "{id: R1, system: churn")
    assert said(found(tmp_path, evidence, r=other, system=REGISTER_ENTRY), "G3A") == []  # nothing of churn was read


def test_an_exclusion_that_the_register_speaks_against_is_found(tmp_path):
    register = REGISTER_ENTRY + "components: [model-api]\n"
    soa = "id: soa\nkind: soa\ntitle: S\nowner: max\nauthor: rita\ncontrols:\n  - {control: A.10.3, applies: false, reason: no suppliers}\n"
    texts = said(found(tmp_path, soa=soa, system=register), "X10")
    assert "A.10.3 is excluded, while income-screening uses model-api" in texts
    assert any("37 of 38 controls are missing" in t for t in texts)


def test_what_a_person_sets_aside_is_listed_until_it_ends(tmp_path):
    (write(tmp_path) / "ignored.yaml").write_text(
        "ignored:\n  - {rule: D8, document: ai-policy, reason: the board meets in May, by: max, until: 2026-12-31}\n"
    )
    policy = POLICY.replace("2027-06-30", "2026-06-30")
    results = found(tmp_path, policy=policy)
    mine = next(r for r in results if r.rule.id == "D8")
    assert mine.aside is not None
    assert mine.aside.by == "max"
    assert "set aside by max until 2026-12-31: the board meets in May" in linting.as_text(results)
    later = LintContext(read_folder(tmp_path / "aims"), EvidenceView(), None, "2027-01-01")
    assert next(r for r in linting.lint(later) if r.rule.id == "D8").aside is None


def test_an_id_is_the_same_on_every_run_and_formats_have_file_and_line(tmp_path):
    results = found(tmp_path, policy=POLICY.replace("approver: max", "approver: rita"))
    again = found(tmp_path)
    assert [r.id for r in results] == [r.id for r in again]
    assert linting.stops(results)
    run = json.loads(linting.as_sarif(results))["runs"][0]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] == 7
    assert Path(place["artifactLocation"]["uri"]).name == "policy.md"
    assert "::error file=" in linting.as_github(results)
    assert json.loads(linting.as_json(results))["results"][0]["rule"] == "D6"


@pytest.mark.parametrize(
    ("shown", "value", "same"),
    [("0.31", "0.3147", True), ("0.32", "0.3147", False), ("31%", "0.3147", True), ("31.5%", "0.3147", True),
     ("31.4%", "0.3147", False), ("0.315", "0.3147", True), ("400", "400", True), ("abc", "1", False)],
)  # fmt: skip
def test_a_number_is_the_value_at_the_precision_that_is_shown(shown, value, same):
    assert matches(shown, value) == same


def test_a_value_stands_though_its_record_could_not_be_evaluated_as_a_whole(tmp_path):
    """A group that was left out makes the record undecided; the value of another group is as good as it was."""
    open_ended = view(result="not_evaluated")
    assert said(good(tmp_path, open_ended), "G3A") == []
    assert any("not evaluated as a whole: say so" in text for text in said(good(tmp_path, open_ended), "G3B"))
    whole = good(tmp_path, open_ended, lambda t: t.replace(" selection_rate_ratio sex=Female", ""))
    assert any("could not be evaluated" in text for text in said(whole, "G3A"))


ASSIGNED = """id: duties
kind: role-assignment
title: Who does what
owner: max
author: rita
system: income-screening
assignments: [{duty: train, person: ana}, {duty: approve, person: olga}]
"""


def key(owner, role):
    return KeyEntry(key_id=owner[0].encode().hex() * 32, owner=owner, roles=(role,), pem="x")


def test_who_approves_holds_the_duty_and_so_does_whoever_has_a_key(tmp_path):
    assert said(good(tmp_path, duties=ASSIGNED), "X28") == []
    others = ASSIGNED.replace("person: olga", "person: max")
    (spot,) = [r for r in good(tmp_path, duties=others) if r.rule.id == "X28"]
    assert (spot.document, spot.line) == ("aiia", 7)
    assert "olga holds no duty to approve what is about income-screening" in spot.text
    keyring = Keyring(version=1, keys=(key("rita", "approver"), key("olga", "approver"), key("ana", "trainer")))
    results = found(tmp_path, None, keyring, duties=ASSIGNED, people=PEOPLE)
    (keyed,) = [r for r in results if (r.document, r.rule.id) == ("people", "X28")]
    assert keyed.line == 9
    assert keyed.text == "the key of rita may approve, and no role assignment and no role gives them that duty"


REVIEWED = """id: inputs
kind: review-inputs
title: Inputs
owner: max
author: rita
cutoff: 2026-11-01T00:00:00Z
earlier_actions: none, it is the first
context_changes: none since March
nonconformities: none in the log
monitoring: each planned run was made
audits: none was held
objectives: fairness was reached
incidents: none by the log
opportunities: a second data scientist
"""
HAPPENED = """id: N1
kind: incident
title: Women were put last
owner: max
author: rita
system: income-screening
detected_on: 2026-03-01
"""


def test_a_review_is_told_of_what_happened(tmp_path):
    assert said(found(tmp_path, inputs=REVIEWED), "X29") == []
    (spot,) = [r for r in found(tmp_path, inputs=REVIEWED, incident=HAPPENED) if r.rule.id == "X29"]
    assert (spot.line, spot.text) == (13, "incident N1 of 2026-03-01 is not named")
    told = REVIEWED.replace("none by the log", "N1, which is open")
    assert said(found(tmp_path, inputs=told), "X29") == []
    silent = told.replace("audits: none was held\n", "")
    assert said(found(tmp_path, inputs=silent), "X29") == ["results of audits are not stated"]


def test_a_cause_that_is_recorded_twice_was_not_removed(tmp_path):
    head = "id: actions\nkind: corrective-action\ntitle: A\nowner: max\nauthor: rita\nactions:\n"
    one = "  - {id: K1, cause: a column was renamed, action: it was mapped, owner: olga, done: 2026-02-01}\n"
    two = "  - {id: K2, cause: A column was renamed., action: it was mapped, owner: olga, done: 2026-06-01}\n"
    assert said(found(tmp_path, actions=head + one), "X30") == []
    (spot,) = [r for r in found(tmp_path, actions=head + one + two) if r.rule.id == "X30"]
    assert spot.line == 8
    assert "has the cause of action 'K1'" in spot.text


def test_a_failure_that_a_harm_to_another_group_cites_is_not_assessed(tmp_path):
    evidence = view(result="failed", passed=False)
    found_here = said(good(tmp_path, evidence), "X13")
    assert len(found_here) == 1  # women have their harm, men have none
    assert "names that group" in found_here[0]
    cited_alone = good(tmp_path, evidence, lambda t: t.replace(f"evidence: [{evidence.records[0].id}]", "evidence: []"))
    assert all("no harm rests on" in text for text in said(cited_alone, "X13"))
    assert len(said(cited_alone, "X13")) == 2


def test_a_risk_of_another_system_answers_no_failure(tmp_path):
    evidence = view(result="failed", passed=False)
    mine = RISK.replace("closed_by: [%s]", f"cause_evidence: [{evidence.records[0].id}]").replace(
        "status: closed", "status: open"
    )
    (men,) = said(found(tmp_path, evidence, r=mine, system=REGISTER_ENTRY), "X9")
    assert men.startswith("selection-rate ratio for sex=Male")
    assert men.endswith("as its cause is about that group")
    both = mine.replace("event: women come last", "event: women and men come last")
    assert said(found(tmp_path, evidence, r=both, system=REGISTER_ENTRY), "X9") == []
    other = mine.replace("{id: R1, system: income-screening", "{id: R1, system: churn")
    assert "no risk of income-screening names" in said(found(tmp_path, evidence, r=other), "X9")[0]


METHOD = """---
id: risk-method
kind: risk-method
title: R
owner: max
author: rita
scales:
  likelihood: [{level: rare, meaning: a}, {level: likely, meaning: b}]
  impact_on_people: [{level: small, meaning: a}, {level: grave, meaning: b}]
  impact_on_society: [{level: wide, meaning: c}]
---
"""
PROCESS = "---\nid: impact-process\nkind: impact-process\ntitle: I\nowner: max\nauthor: rita\nscales: SCALES\n---\n"
ON_PEOPLE = """---
id: people-of-loans
kind: impact-people
title: P
owner: max
author: rita
system: income-screening
impacts:
  - {id: I1, kind: harm, group: sex=f, mechanism: m, severity: SEVERITY, likelihood: Rare}
---
"""


@pytest.mark.parametrize(
    ("severity", "documents", "texts"),
    [
        ("Grave", {"method": METHOD}, []),
        ("wide", {"method": METHOD}, []),
        ("huge", {"method": METHOD}, ["severity 'huge' of impact I1 is no level of the written scales: small, grave, wide"]),
        ("huge", {}, []),
        ("rav", {"process": PROCESS.replace("SCALES", "grave; rare")}, [
            "severity 'rav' of impact I1 is no level of the written scales: those of impact-process"
        ]),
        ("grave", {"process": PROCESS.replace("SCALES", "small, grave; rare, likely")}, []),
        ("3", {"process": PROCESS.replace("SCALES", "1 to 5, rare or often")}, []),
    ],
)  # fmt: skip
def test_levels_of_an_impact_are_those_of_the_written_scales(tmp_path, severity, documents, texts):
    assert said(found(tmp_path, people_impact=ON_PEOPLE.replace("SEVERITY", severity), **documents), "X31") == texts
