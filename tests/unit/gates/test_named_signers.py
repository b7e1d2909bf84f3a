"""Who stated something: a person where a keyring knows the key, else an account of the operating system."""

import dataclasses

from aims_mlflow.evidence.trust import trust_account
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.signing.keys import ephemeral_key
from support.status_cases import NOW, good, machine_session


def said_of_the_source(subject):
    return " ".join(c.verdict.sentence for c in control_status("A.7.3", subject, NOW).conditions)


def test_without_a_keyring_a_source_is_stated_by_an_account_and_by_no_person():
    key, subject = ephemeral_key(), good()
    own = check_session(machine_session(key=key).jsonl(), "aims/sessions/s.jsonl", trust_account(key.public, "root"))
    without = dataclasses.replace(subject, sessions=(own,))
    assert "as the operating-system account root stated" in said_of_the_source(without)
    assert "operating-system account" not in said_of_the_source(subject)
