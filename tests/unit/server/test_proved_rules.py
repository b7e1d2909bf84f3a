"""Who has the ledger's database, but no key of log or root, puts no rules in force and gets no leaf under a seal."""

import json

import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.server.active_policy import policy_entry
from aims_mlflow.signing.keyring import sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import commands, trainings
from support.gated_registry import refused
from support.signed_sessions import entry
from support.small_bundle import put_keyring


@pytest.fixture
def asked(registry, client):
    """Asks the gate about a model; returns why it is refused."""
    uri = trainings.plain_model()
    client.create_registered_model("loans")

    def ask(**more):
        return refused(client.create_model_version, "loans", uri, model_id=uri.removeprefix("models:/"), **more)

    assert "evidence" in ask()
    return ask


def keyring_now(ledger):
    return Keyring.model_validate(json.loads(ledger.state.stored(ledger.in_force()["keyring"])))


def test_another_keyring_or_policy_in_the_database_is_never_followed(registry, asked):
    ledger, mallory = registry.ledger, ephemeral_key()
    before = keyring_now(ledger)
    mine = before.model_copy(
        update={
            "version": before.version + 1,
            "keys": (*before.keys, entry(mallory, "mallory", ("trainer", "approver"))),
        }
    )
    put_keyring(ledger, sign_keyring(mine, mallory))
    assert "the keyring in force is not the root's" in asked()
    assert len(registry.leaves("decision")) <= 2, "nothing is decided by it"


def test_a_looser_policy_in_the_database_is_never_followed(registry, asked):
    text = default_policy_text().replace("count: 1", "count: 0")
    loose = parse_policy(text).digest
    assert registry.ledger.put_in_force("policy", loose, text, policy_entry(loose, text))
    said = asked()
    assert "the policy in force" in said
    assert "stands under no checkpoint of this log" in said
    status, report = commands.command("ledger", "verify", "--ledger", registry.ledger.uri)
    assert status == 1, report


def test_the_log_signs_no_decision_that_it_did_not_write(registry, asked):
    """Its key signs each append: what stands under no checkpoint came from elsewhere, until somebody has looked."""
    where = ("--ledger", registry.ledger.uri)
    size = registry.ledger.proofs.size()
    old = next(registry.ledger.leaves(types=("decision",)))
    registry.ledger.seal(Entry(old.fact.changed(request=uuid7(), allowed=True), registry.ledger.body(old.sequence)))
    assert f"leaf {size} (decision) stands under no checkpoint" in asked(description="another call")
    with pytest.raises(EvidenceError, match="someone wrote it past the log, and nothing is signed"):
        commands.aims("ledger", "checkpoint", *where)
    commands.aims("ledger", "checkpoint", "--accept", *where)
    assert "under no checkpoint" not in asked(description="a third call")
