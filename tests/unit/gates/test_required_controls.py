"""Controls that the policy asks for by name: the gate judges every condition, as the pages do."""

from datetime import UTC, datetime

import pytest
import yaml

from aims_mlflow.errors import ConfigError
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from support import status_cases
from support.signed_sessions import MODEL
from support.status_cases import good

# Without anything that people write, and with it.
MACHINE_MADE = ["A.4.3", "A.4.4", "A.4.5", "A.7.3"]
ASKED = [*MACHINE_MADE, "A.6.2.4", "A.7.4", "A.7.6"]


def policy(controls, stage="registration"):
    data = yaml.safe_load(default_policy_text())
    data["stages"][stage] = {"require": ["session"], "aliases": ["champion"] if stage == "deployment" else []}
    data["stages"][stage] |= {"require_controls": controls} if controls else {}
    return parse_policy(yaml.safe_dump(data, sort_keys=False))


def decided(controls, stage="registration", alias=None, **options):
    subject = good(**options)
    rules = policy(controls, stage).rules(status_cases.SYSTEM, stage, alias)
    return decide(rules, subject.sessions, [], DecisionRequest(MODEL, model_id="m-1"), datetime.now(UTC))


def changed(kind, **fields):
    return lambda parts: parts[kind][1].update(fields)


def detail(kind, **details):
    def change(parts):
        fields = parts[kind][1]
        fields["details"] = {**fields.get("details", {}), **details}

    return change


def test_good_evidence_is_let_in_and_without_the_key_nothing_is_asked():
    assert decided(MACHINE_MADE).allowed, decided(MACHINE_MADE).unmet
    assert decided([], change=detail("preparation", why="TBD")).allowed


@pytest.mark.parametrize(
    ("control", "change", "word"),
    [
        ("A.4.4", changed("tooling-record", artifacts=()), "no list"),
        ("A.7.6", detail("preparation", why="TBD"), "has no reason"),
        ("A.6.2.4", changed("robustness", result="not_evaluated", reason="the model raised"), "raised"),
        ("A.7.4", lambda parts: parts.pop("data-quality"), "no data-quality results"),
    ],
)
def test_a_kind_that_is_there_is_not_enough_where_its_content_does_not_do(control, change, word):
    decision = decided(ASKED, change=change)
    assert not decision.allowed
    lacking = [u for u in decision.unmet if u.control == control]
    assert any(word in u.text for u in lacking), decision.unmet
    assert all(u.waivable for u in lacking)
    assert all(u.condition for u in lacking)


def test_a_failure_is_told_once():
    failed = decided(["A.7.4"], change=changed("data-quality", result="failed", reason="bad rows"))
    assert [u.text for u in failed.unmet if "bad rows" in u.text] == ["data-quality failed: bad rows"]


def test_a_person_owes_what_only_people_state():
    decision = decided(["A.6.2.4"])
    (lacking,) = decision.unmet
    assert "validated this model" in lacking.text
    assert lacking.next.endswith("owes it; `aims evidence controls` shows every condition")


def test_at_deployment_what_is_due_from_then_on_is_asked_for():
    before, at = decided(["A.6.2.6"]), decided(["A.6.2.6"], "deployment", "champion")
    assert not at.allowed
    assert len([u for u in at.unmet if u.control == "A.6.2.6"]) >= len(before.unmet) > 0
    assert all("owes it" in u.next or u.metric for u in at.unmet if u.control == "A.6.2.6")


def test_the_digest_that_binds_consents_knows_the_controls_and_stays_where_none_is_named():
    plain, more, other = (
        policy(controls).rules("x", "registration").stage_digest for controls in ([], ["A.7.4"], ["A.7.6"])
    )
    assert len({plain, more, other}) == 3
    data = yaml.safe_load(default_policy_text())
    assert "require_controls" not in data["stages"]["registration"]


def test_an_unknown_control_is_named_with_its_line():
    with pytest.raises(ConfigError, match=r"policy\.yaml:\d+: .*A\.6\.2\.44"):
        policy(["A.6.2.44"])
