"""Where a key is not known, a refusal says so once, and names what is not counted because of it."""

import pytest

from aims_mlflow.evidence.unsigned_lines import signed_lines_only
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions, status_cases

NAME = "aims/sessions/01890000-0000-7000-8000-000000000000.jsonl"
KINDS = "training-provenance, data-quality, performance, fairness, model-card"


def rules_with_controls():
    head, mark, rest = default_policy_text().partition("\n  deployment:\n")
    text = head + mark + rest.replace("require:", "require_controls: [A.6.2.4, A.7.4]\n    require:", 1)
    return parse_policy(text).rules("income-screening", "deployment", "champion")


def nobody(key_id):
    """A keyring without keys."""


def told(files, lookup=nobody):
    checked = [check_session(data, name, lookup) for name, data in files.items()]
    decided = decide(rules_with_controls(), checked, [], DecisionRequest(signed_sessions.MODEL), status_cases.NOW)
    assert not decided.allowed
    return [(item.kind, item.text) for item in decided.unmet if item.kind != "approval"]


@pytest.mark.parametrize("as_read", ["in a run", "in the ledger"])
def test_an_unknown_key_stands_once_and_nothing_is_called_missing(as_read):
    files = {NAME: status_cases.machine_session().jsonl()}
    if as_read == "in the ledger":
        files = signed_lines_only(files, nobody, 10_000)
    ((kind, text),) = told(files)
    assert kind == "session"
    assert "signed by a key that the keyring does not know" in text
    lost = KINDS if as_read == "in a run" else "all that it signed"
    assert text.endswith(f"; not counted, because of the key: {lost}")


def test_a_changed_record_is_no_question_of_a_key():
    key = ephemeral_key()
    data = status_cases.machine_session(key=key).jsonl().replace(b'"sig":"', b'"sig":"A', 1)
    ((_, text),) = told({NAME: data}, signed_sessions.lookup(signed_sessions.entry(key)))
    assert text.endswith(f"; not counted, because of that: {KINDS}")


def test_what_nobody_signed_leaves_the_advice_to_train():
    files = signed_lines_only({NAME: b"anything\n"}, nobody, 10_000)
    texts = dict(told(files))
    assert "there is no training record" in texts["training-provenance"]
