"""What a person wrote into an approval or a waiver is in MLflow's tags only until it is erased."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from aims_mlflow.evidence.statement import read, seal
from aims_mlflow.gates.consents import packed
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.leaves.others import ConsentText
from aims_mlflow.signing.key_sources import load_key
from support import trainings
from support.gated_registry import refused

WORDS = "Olga looked at it while she was ill"


def erase(registry, leaf):
    registry.say("evidence", "erase", str(leaf), "--reason", "asked for", "--ledger", str(registry.ledger.uri))


def sequences(registry, *types):
    return [leaf.sequence for leaf in registry.ledger.leaves(types=types)]


@pytest.fixture
def waived(registry, client):
    """A version that a waiver with those words let in."""
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    until = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()
    said = refused(mlflow.register_model, uri, "loans")
    for control in sorted({c for c in ("A.6.2.4", "A.7.4") if c in said}):
        registry.say(
            "waive", uri, "--name", "loans", "--stage", "registration", "--control", control, "--reason", WORDS,
            "--until", until,
        )  # fmt: skip
    return mlflow.register_model(uri, "loans")


def test_the_tag_of_a_consent_has_no_words(waived, client):
    tags = {k: v for k, v in client.get_registered_model("loans").tags.items() if k.startswith("aims.approval.")}
    assert tags
    for value in tags.values():
        assert set(json.loads(value)) == {"payload", "payloadType", "signatures"}
        assert "words" not in value


def test_the_list_of_waivers_goes_after_the_reasons_were_erased(waived, registry, client):
    assert WORDS in waived.tags["aims.waivers"]
    decisions = sequences(registry, "decision")
    for at in (*sequences(registry, "waiver"), *decisions[:-1]):
        erase(registry, at)
    text = refused(client.delete_model_version_tag, "loans", waived.version, "aims.waivers")
    assert f"leaf {decisions[-1]} of the ledger has the same words" in text
    erase(registry, decisions[-1])
    client.delete_model_version_tag("loans", waived.version, "aims.waivers")
    left = client.get_model_version("loans", waived.version).tags
    assert left["aims.decision"] == "allowed, WAIVED"
    assert WORDS not in str(left)
    assert "begins with 'aims.'" in refused(client.delete_model_version_tag, "loans", waived.version, "aims.decision")


def test_a_tag_with_words_of_an_earlier_release_goes_after_they_were_erased(waived, registry, client):
    leaf = next(registry.ledger.leaves(types=("waiver",)))
    words = ConsentText.model_validate(registry.ledger.body(leaf.sequence).words)
    key = f"aims.approval.{secrets.token_hex(16)}"
    plain(registry, key, packed(registry.ledger.envelope(leaf.fact.envelope), words))
    assert WORDS in client.get_registered_model("loans").tags[key]
    assert f"leaf {leaf.sequence} of the ledger" in refused(client.delete_registered_model_tag, "loans", key)
    erase(registry, leaf.sequence)
    client.delete_registered_model_tag("loans", key)
    assert WORDS not in str(client.get_registered_model("loans").tags)
    client.delete_registered_model_tag("loans", key)  # once more: nothing is there


def plain(registry, key, value):
    """Set a tag past the gate, as an earlier release did."""
    from mlflow.entities.model_registry import RegisteredModelTag
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(f"sqlite:///{registry.folder}/mlflow.db").set_registered_model_tag(
        "loans", RegisteredModelTag(key, value)
    )


@pytest.mark.parametrize("written", [{"actor": "olga"}, {"reason": WORDS}])
def test_a_consent_with_words_in_its_signed_record_is_refused(waived, registry, client, written):
    leaf = next(registry.ledger.leaves(types=("waiver",)))
    words = ConsentText.model_validate(registry.ledger.body(leaf.sequence).words)
    record = read(registry.ledger.envelope(leaf.fact.envelope), "waiver")
    body = record.evidence.model_copy(update={"id": uuid7(), **written})
    signed = seal(body, record.subjects, load_key(f"file:{registry.office.approver}"))
    tag = f"aims.approval.{secrets.token_hex(16)}", packed(signed.envelope.raw, words)
    assert "could not be erased" in refused(client.set_registered_model_tag, "loans", *tag)
