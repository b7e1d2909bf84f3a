"""Values are of held-out data only where the model was not trained on their rows."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from aims_mlflow.checks.quality.leakage import overlap
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.control_status import CHECKS
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.gates.wording import lines
from aims_mlflow.records.evidence import result_of
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

KEY = ephemeral_key()
RULES = parse_policy(default_policy_text()).rules("income", "registration")


def frame(first, count):
    return pd.DataFrame({"x": range(first, first + count), "y": [i % 2 for i in range(count)]})


def trained(copied, *, train=signed_sessions.TRAIN, model=signed_sessions.MODEL):
    """A session whose test table of 100 rows has so many rows of the training table."""
    made = signed_sessions.session(KEY, ratio="0.95", model=model, close=False)
    digests = {"train": train, "test": signed_sessions.TEST}
    data = [Subject(name=name, digest={"arrowIpcSha256": digest}) for name, digest in digests.items()]
    claims = overlap(frame(0, 400), frame(400 - copied, 100))
    made.add("lineage", data, claims=tuple(claims), result=result_of(claims))
    made.close()
    return made


def decided(*sessions):
    checked = [signed_sessions.checked(each, KEY, f"aims/sessions/{i}.jsonl") for i, each in enumerate(sessions)]
    subject = StatusSubject("income", digest=signed_sessions.MODEL, sessions=tuple(checked), rules=RULES)
    asked = DecisionRequest(signed_sessions.MODEL, model_id="m-1")
    return decide(RULES, checked, [], asked, datetime.now(UTC)), subject


@pytest.mark.parametrize("kind", ["performance", "fairness"])
def test_test_rows_that_were_trained_on_are_no_held_out_data(kind):
    decision, subject = decided(trained(100))
    (item,) = decision.unmet
    assert item.text.startswith("share of test rows trained on is 1 (n=100), limit <= 0.05 (the pack's")
    assert (item.control, item.waivable) == ("A.6.2.4", True)
    state = CHECKS[f"A.6.2.4/{kind}"](subject, datetime.now(UTC))
    assert state.outcome == "failed"
    assert state.sentence.startswith(f"{kind} was not measured on held-out data: share of test rows trained on is 1")
    assert CHECKS["A.7.5/chain"](subject, datetime.now(UTC)).outcome == "failed"


@pytest.mark.parametrize("kind", ["performance", "fairness"])
def test_fewer_of_them_warn_wherever_held_out_data_are_named(kind):
    decision, subject = decided(trained(4))
    assert decision.allowed
    said = "A.6.2.4: train test overlap is 0.04 (n=100), limit <= 0.01 (the pack's"
    assert any(line.startswith(f"  ~ warning: {said}") for line in lines(decision))
    state = CHECKS[f"A.6.2.4/{kind}"](subject, datetime.now(UTC))
    assert state.outcome == "warned"
    assert any("test rows are training rows too: train test overlap is 0.04" in each for each in state.warnings)


def test_another_training_on_rows_of_the_same_test_data_is_not_this_ones_fault():
    decision, subject = decided(trained(0), trained(100, train="c" * 64, model="d" * 64))
    assert decision.allowed, decision.unmet
    assert CHECKS["A.6.2.4/performance"](subject, datetime.now(UTC)).outcome == "holds"
