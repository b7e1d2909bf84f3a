"""The server's limits on comparisons of groups: the same rule, rows and interval as a pack's."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import yaml

from aims_mlflow.checks.claims import hold
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.control_status import CHECKS
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.limits import beyond_limit
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.records.evidence import Claim, Interval, result_of
from aims_mlflow.records.pack import Limit
from aims_mlflow.records.policy import PolicyLimit
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

KEY = ephemeral_key()
MODEL = [Subject(name="m", digest={"dirHash1": signed_sessions.MODEL})]
PACK = [Limit(metric="selection_rate_ratio", comparator=">=", limit="0.8", why="for the test")]
KINDS = ("session-start", "data-quality", "training-provenance", "performance", "model-card")


def ratio(value, low, high, group="Other", n=90, note=None):
    interval = Interval(low=low, high=high, method="score, Bonferroni over 2 groups and both directions")
    at = {"race": group}
    reference = {"race": "White"}
    return Claim(
        metric="selection_rate_ratio", slice=at, reference=reference, value=value, n=n, interval=interval, note=note
    )


def lone(note, group="Other"):
    return Claim(metric="selection_rate_ratio", slice={"race": group}, note=note)


FINE = ratio("0.95", "0.9", "1.01", "Black", 900)
WHITE = Claim(metric="selection_rate_ratio", slice={"race": "White"}, reference={"race": "White"}, value="1", n=9000)
BETWEEN = Claim(metric="demographic_parity_ratio", slice={"race": "*"}, value="0.6", n=90)


def ask(*claims, limit=None, limits=PACK, **system):
    """Decide on a fairness record with these claims, held to the pack's limits, under one limit of the server."""
    rules, sessions = case(claims, limits, limit, system)
    return decide(rules, sessions, [], DecisionRequest(signed_sessions.MODEL, model_id="m-1"), datetime.now(UTC))


def case(claims, limits=PACK, limit=None, system=()):
    held = hold([FINE, WHITE, *claims], limits)
    made = signed_sessions.session(KEY, kinds=KINDS, sensitive=["race"], close=False)
    made.add("fairness", MODEL, claims=(*held, BETWEEN), result=result_of(held), reason="for the test")
    made.close()
    entry = {"kind": "fairness", "control": "A.6.2.4", "why": "test", "comparator": ">=", "limit": 0.8}
    data = yaml.safe_load(default_policy_text())
    data["systems"]["income"] = dict(system)
    data["stages"]["registration"]["limits"] = [{**entry, "metric": "selection_rate_ratio", **(limit or {})}]
    rules = parse_policy(yaml.safe_dump(data, sort_keys=False)).rules("income", "registration")
    return rules, [signed_sessions.checked(made, KEY)]


def texts(decision):
    return [u.text for u in decision.unmet if u.where]


def test_groups_within_the_limit_pass_and_neither_the_reference_group_nor_the_extremes_are_judged():
    assert ask().allowed
    assert ask(limit={"metric": "demographic_parity_ratio"}).allowed


def test_a_refusal_says_against_whom_interval_rows_and_limit():
    (text,) = texts(ask(ratio("0.5", "0.3", "0.8")))
    assert text.startswith(
        "selection-rate ratio for race=Other is 0.5 (against White, 95% 0.3-0.8, n=90), limit >= 0.8 ("
    )


def test_a_refusal_says_who_set_the_limit_and_when():
    named = {"set_by": "the model board", "set_on": "2026-03-02"}
    (text,) = texts(ask(ratio("0.5", "0.3", "0.8"), limit=named))
    assert "limit >= 0.8 (policy.yaml:" in text
    assert text.endswith(", set by the model board on 2026-03-02)")


@pytest.mark.parametrize("metric", ["selection_rate_ratio", "demographic_parity_ratio"])
def test_what_chance_explains_is_not_enough_data_and_not_let_in(metric):
    decision = ask(ratio("0.7", "0.4", "1.2"), limit={"metric": metric})
    assert not decision.allowed
    assert texts(decision)[0].endswith(
        "): not enough data: beyond the limit, and chance alone may explain it, about 210 rows of race=Other would decide "
        "at this value, now 90"
    )


def test_the_servers_limit_may_ask_for_the_whole_interval_and_for_rows():
    assert ask(ratio("0.9", "0.7", "1.2")).allowed
    assert not ask(ratio("0.9", "0.7", "1.2"), limit={"verdict": "interval"}).allowed
    assert ask(ratio("0.9", "0.8", "1.2"), limit={"min_n": 90}).allowed
    (text,) = texts(ask(ratio("0.9", "0.8", "1.2"), limit={"min_n": 91}))
    assert text.endswith("not enough data: n=90, and 91 are asked for")


def test_a_group_too_small_to_judge_is_not_let_in_unless_the_policy_sets_it_aside():
    small = lone("too few rows: under 20 rows, groups are judged from 30 on")
    entry = {"column": "race", "group": "Other", "reason": "a code of the old form, given out no more"}
    assert not ask(small).allowed
    decision = ask(small, set_aside=[entry])
    assert decision.allowed, decision.unmet
    (shown,) = decision.warnings
    assert shown.text == "race=Other is set aside by the policy: a code of the old form, given out no more"
    assert not ask(small, lone(small.note, "Black Caribbean"), set_aside=[entry]).allowed


@pytest.mark.parametrize(("condition", "else_"), [("A.6.2.4/fairness", "failed"), ("A.5.4/results", "not evaluated")])
def test_a_control_knows_the_groups_that_the_policy_sets_aside(condition, else_):
    small = lone("too few rows: under 20 rows, groups are judged from 30 on")
    entry = {"column": "race", "group": "Other", "reason": "a code of the old form, given out no more"}

    def judged(**system):
        rules, sessions = case([small], system=system)
        subject = StatusSubject("income", digest=signed_sessions.MODEL, sessions=tuple(sessions), rules=rules)
        return CHECKS[condition](subject, datetime.now(UTC))

    assert judged().outcome == else_
    found = judged(set_aside=[entry])
    assert found.outcome == "warned"
    assert "race=Other is set aside by the policy: a code of the old form, given out no more" in found.warnings


def test_a_pack_sets_nothing_aside_for_the_server():
    aside = lone("set aside: a code of the old form, given out no more (under 20 rows)")
    assert "set aside: a code of the old form" in texts(ask(aside))[0]


def test_the_policys_reference_group_is_the_one_that_counts():
    assert ask(reference={"race": "White"}).allowed
    decision = ask(ratio("0.9", "0.8", "1.2"), reference={"race": "Black"})
    (item,) = decision.unmet
    assert item.text == "groups of race were compared with another group than Black, the policy's reference group"


def test_a_record_from_before_reference_groups_is_judged_by_its_values_alone():
    made = signed_sessions.session(KEY, ratio="0.79")
    data = yaml.safe_load(default_policy_text())
    rules = parse_policy(yaml.safe_dump(data)).rules("income", "registration")
    asked = DecisionRequest(signed_sessions.MODEL, model_id="m-1")
    decision = decide(rules, [signed_sessions.checked(made, KEY)], [], asked, datetime.now(UTC))
    assert any("selection-rate ratio for sex=Female is 0.79 (95% 0.28-0.34" in text for text in texts(decision))


def test_the_highest_against_the_lowest_group_decides_nothing_about_missing_cells_either():
    at, base = {"column": "income", "sex": "F"}, {"column": "income", "sex": "M"}
    score, drawn = (Interval(low="0.01", high="0.3", method=method) for method in ("score", "bootstrap range"))
    metric = "missing_rate_difference"
    small = Claim(metric=metric, slice=at, reference=base, role="train", value="0.04", n=50, interval=score)
    extremes = Claim(metric=metric, slice={**at, "sex": "*"}, role="train", value="0.2", n=50, interval=drawn)
    missed = small.model_copy(update={"value": "0.2"})
    entry = {"kind": "representativeness", "control": "A.7.2", "why": "test", "comparator": "<=", "limit": 0.1}
    limit = PolicyLimit.model_validate({**entry, "metric": metric})

    def texts_of(*claims):
        record = SimpleNamespace(id="r", evidence=SimpleNamespace(claims=claims))
        counted = SimpleNamespace(captured=lambda kind: [record])
        return [u.text for u in beyond_limit(limit, "policy.yaml:1", counted, [], None)]

    assert texts_of(small, extremes) == []
    (text,) = texts_of(missed, extremes)
    assert "for sex=F is 0.2 (against M, 95% 0.01-0.3, n=50)" in text
    assert len(texts_of(extremes)) == 1, "a record from before has nothing else"


@pytest.mark.parametrize(
    "note", ["too few rows: under 20 rows, groups are judged from 30 on", "set aside: an old form"]
)
def test_a_column_of_which_groups_are_only_named_was_not_measured(note):
    entry = {"column": "race", "group": "Other", "reason": "a code of the old form, given out no more"}
    named = [Claim(metric="selection_rate_ratio", slice={"race": "Other"}, note=note)]
    made = signed_sessions.session(KEY, kinds=KINDS, sensitive=["race"], close=False)
    made.add("fairness", MODEL, claims=tuple(named), result="passed", reason="for the test")
    made.close()
    data = yaml.safe_load(default_policy_text())
    data["systems"]["income"] = {"set_aside": [entry]}
    rules = parse_policy(yaml.safe_dump(data, sort_keys=False)).rules("income", "registration")
    asked = DecisionRequest(signed_sessions.MODEL, model_id="m-1")
    decision = decide(rules, [signed_sessions.checked(made, KEY)], [], asked, datetime.now(UTC))
    assert "selection-rate ratio was not measured by race" in texts(decision)
    assert not any("undefined" in text for text in texts(decision))
