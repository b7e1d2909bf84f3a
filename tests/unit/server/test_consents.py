"""Approvals, waivers, revocations and the emergency waiver: who may say them, what they are bound to."""

import base64
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aims_mlflow.errors import AimsError
from support import commands, trainings
from support.gated_registry import refused


@pytest.fixture
def version(registry):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000))
    return str(mlflow.register_model(uri, "loans").version)


def champion(client, version):
    client.set_registered_model_alias("loans", "champion", version)


APPROVE = ("--stage", "deployment", "--alias", "champion")


def test_two_approvals_are_two_people(registry, client, version, person):
    registry.change_policy(lambda p: p["stages"]["deployment"].update(approvals={"count": 2}))
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    assert "an approval by another person" in refused(champion, client, version)
    person("piet", "approver")("approve", f"models:/loans/{version}", *APPROVE)
    champion(client, version)
    assert len(registry.leaves("approval")) == 3


def test_roles_of_approvals_are_named_by_the_policy(registry, client, version, person):
    registry.change_policy(
        lambda p: p["stages"]["deployment"].update(approvals={"roles": {"approver": 1, "risk-officer": 1}})
    )
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    assert "with the role risk-officer is missing" in refused(champion, client, version)
    person("rita", "risk-officer")("approve", f"models:/loans/{version}", *APPROVE)
    champion(client, version)


def test_a_trainer_cannot_approve_their_own_work(registry, client, version, person, monkeypatch):
    from aims_mlflow.registry import channel

    ana = person("ana", "approver")  # a second key of the same owner
    with pytest.raises(AimsError, match="count for nothing: its signer trained the model"):
        ana("approve", f"models:/loans/{version}", *APPROVE)
    assert registry.leaves("approval") == []
    explain = channel.explain
    with monkeypatch.context() as older:  # a server that does not tell who trained
        older.setattr(channel, "explain", lambda *args: replace(explain(*args), involved_keys=None))
        ana("approve", f"models:/loans/{version}", *APPROVE)
    assert "an approval by another person than the trainer is missing" in refused(champion, client, version)
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    champion(client, version)


def test_an_approval_is_bound_to_name_bytes_stage_and_rules(registry, client, version):
    import mlflow

    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    (leaf,) = registry.leaves("approval")
    raw = registry.ledger.envelope(leaf["envelope"]).decode()
    client.create_registered_model("other")
    tag = f"aims.approval.{secrets.token_hex(16)}"
    assert "it is for the model 'loans'" in refused(client.set_registered_model_tag, "other", tag, raw)

    _, uri = trainings.train("loans", frame=trainings.table(3000, seed=4))
    second = mlflow.register_model(uri, "loans").version
    refused(champion, client, second)
    registry.change_policy(lambda p: p["stages"]["deployment"].update(max_age_days=60))
    refused(champion, client, version)
    assert "the policy has changed since" in refused(client.set_registered_model_tag, "loans", tag, raw)


@pytest.mark.parametrize("log", ["ai.example.org/another", None])
def test_an_approval_for_another_registry_is_refused_and_a_revocation_counts(
    registry, client, version, monkeypatch, log
):
    from aims_mlflow.registry import channel

    here = channel.rules_in_force
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(channel, "rules_in_force", lambda *args: replace(here(*args), log=log))
        with pytest.raises(AimsError, match=f"signed for the log {log or '.none is named.'}, and this registry's is "):
            registry.say("approve", f"models:/loans/{version}", *APPROVE)
        assert registry.leaves("approval") == []
        registry.say("gate", "revoke", f"models:/loans/{version}", "--reason", "found a leak")
    assert len(registry.leaves("revocation")) == 1
    registry.say("approve", f"models:/loans/{version}", *APPROVE)


def test_a_consent_that_was_altered_is_refused(registry, client, version):
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    raw = json.loads(registry.ledger.envelope(registry.leaves("approval")[0]["envelope"]))
    tag = f"aims.approval.{secrets.token_hex(16)}"
    for spoilt in (
        "nonsense",
        json.dumps(raw),
        "x" * 5000,
        json.dumps({**raw, "payload": raw["payload"][:-4] + "AAAA"}),
    ):
        text = refused(client.set_registered_model_tag, "loans", tag, spoilt)
        assert text.startswith("The approval refused: ")
    assert len(registry.leaves("approval")) == 1


def test_a_consent_that_is_sent_again_within_ten_minutes_adds_nothing(registry, version, monkeypatch):
    from aims_mlflow.registry import channel
    from aims_mlflow.server import consent_intake

    sent, send = [], channel.send_consent
    monkeypatch.setattr(channel, "send_consent", lambda *args: sent.append(args) or send(*args))
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    leaves = registry.ledger.proofs.size()
    for minutes in (0, 9.9, 10.1):

        class Later(datetime):
            @classmethod
            def now(cls, tz=None, minutes=minutes):
                return datetime.now(tz) + timedelta(minutes=minutes)

        with monkeypatch.context() as patch:
            patch.setattr(consent_intake, "datetime", Later)
            if minutes < 10:
                send(*sent[0])
            else:
                with pytest.raises(AimsError, match=r"this approval was sealed on .* and counts once"):
                    send(*sent[0])
        assert registry.ledger.proofs.size() == leaves
    registry.say("gate", "revoke", f"models:/loans/{version}", "--reason", "found a leak")
    with pytest.raises(AimsError, match="counts once"):
        send(*sent[0])
    assert len(registry.leaves("approval")) == 1


def test_adding_a_key_voids_no_approval(registry, client, version, person):
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    before = client.get_registered_model("aims.status").tags["aims.keyring_digest"]
    person("nina", "trainer")
    assert client.get_registered_model("aims.status").tags["aims.keyring_digest"] != before
    champion(client, version)
    assert str(client.get_registered_model("loans").aliases["champion"]) == version


def test_a_revocation_takes_back_what_was_said_before_it(registry, client, version):
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    registry.say("gate", "revoke", f"models:/loans/{version}", "--reason", "found a leak")
    assert "an approval by another person than the trainer is missing" in refused(champion, client, version)
    registry.say("approve", f"models:/loans/{version}", *APPROVE)
    champion(client, version)
    assert str(client.get_registered_model("loans").aliases["champion"]) == version


@pytest.mark.parametrize("args", [("gate", "revoke"), ("gate", "retire")])
def test_taking_back_needs_the_role_approver(registry, client, version, args):
    with pytest.raises(AimsError, match="has no role 'approver'"):
        commands.aims(*args, f"models:/loans/{version}", "--reason", "mine")


def test_break_glass_takes_two_approvers_and_opens_an_incident(registry, client, person):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    emergency = ["waive", uri, "--name", "loans", "--stage", "registration", "--break-glass", "--reason", "outage"]
    registry.say(*emergency)
    refused(mlflow.register_model, uri, "loans")
    registry.say(*emergency)
    refused(mlflow.register_model, uri, "loans")
    person("piet", "approver")(*emergency, "--hours", "5")
    version = mlflow.register_model(uri, "loans")
    assert version.tags["aims.decision"] == "allowed, WAIVED"
    assert "BREAK-GLASS" in version.tags["aims.waivers"]
    (incident,) = registry.leaves("incident")
    assert incident["about"] == "break-glass"
    assert registry.leaves("decision")[-1]["basis"] == "break-glass"


def test_break_glass_lasts_at_most_what_the_policy_says(registry, person):
    import mlflow

    registry.change_policy(lambda p: p.update(break_glass={"approvers": 2, "max_hours": 4}))
    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    emergency = ["waive", uri, "--name", "loans", "--stage", "registration", "--break-glass", "--reason", "outage"]
    both = (registry.say, person("piet", "approver"))
    with pytest.raises(AimsError, match=r"5 hours would cover nothing, for the policy allows 4 hours.*--hours 4"):
        registry.say(*emergency, "--hours", "5")
    assert registry.leaves("waiver") == []
    for say in both:
        say(*emergency)
    registry.change_policy(lambda p: p.update(break_glass={"approvers": 2, "max_hours": 3}))
    assert "A.6.2.4: selection-rate ratio for sex=f" in refused(mlflow.register_model, uri, "loans")
    told = commands.run("gate", "explain", uri, "--name", "loans", "--stage", "registration", status=1)
    too_long = "covers nothing: it is too long: the policy allows 3 hours"
    assert told.count(too_long) == 2
    explained = {line for line in told.splitlines() if too_long in line}
    listed = commands.run("gate", "status").splitlines()
    assert {line.replace("loans: ", "") for line in listed if line.startswith("! ")} == explained
    assert json.loads(commands.run("gate", "status", "--json"))["void_waivers"] == [
        line.removeprefix("! ") for line in listed if line.startswith("! ")
    ]
    for say in both:
        say(*emergency)
    assert mlflow.register_model(uri, "loans").tags["aims.decision"] == "allowed, WAIVED"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--break-glass", "--control", "A.6.2.4"], "waives everything for hours"),
        ([], "names one control and its last day"),
        (["--control", "A.6.2.5", "--until", "2020-01-01"], "is past"),
        (["--control", "A.6.2.44", "--until", "2099-01-01"], "A.6.2.4"),
    ],
)
def test_a_waiver_that_makes_no_sense_is_refused_before_it_is_signed(registry, options, text):
    with pytest.raises(AimsError, match=text):
        commands.aims("waive", "models:/loans/1", "--stage", "registration", "--reason", "r", *options)


def test_a_waiver_is_shown_where_the_decision_is_shown(registry, client):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.4", "--reason", "pilot until the new data", "--until", until]
    change = [uri, "--name", "loans", "--stage", "registration"]
    assert f"    aims waive {' '.join(change)}" in commands.run("gate", "explain", *change, status=1)
    registry.say("waive", *change, *waiver)
    version = mlflow.register_model(uri, "loans")
    assert "pilot until the new data" in version.tags["aims.waivers"]
    leaf = registry.leaves("decision")[-1]
    assert leaf["waived_until"][:10] >= until
    shown = commands.aims("gate", "explain", f"models:/loans/{version.version}", "--stage", "registration")
    assert "! WAIVED until" in shown
    assert "pilot until the new data" in shown


def test_a_waiver_for_an_alias_is_shown_on_the_version_and_in_the_history(registry, client, person):
    import mlflow

    from support.plain_registry import run

    registry.change_policy(lambda p: p["stages"]["deployment"].update(require=["impact-assessment"]))
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    version = mlflow.register_model(uri, "loans")
    assert version.tags["aims.decision"] == "allowed"
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    registry.say("approve", f"models:/loans/{version.version}", "--stage", "deployment")
    refused(put := lambda: champion(client, version.version))
    (control,) = registry.leaves("decision")[-1]["unmet"]
    waiver = ["--control", control, "--reason", "the assessment comes on Monday", "--until", until]
    person("rosa", "approver")("waive", f"models:/loans/{version.version}", "--stage", "deployment", *waiver)
    put()
    tags = client.get_model_version("loans", version.version).tags
    assert tags["aims.decision"] == "allowed, WAIVED"
    assert tags["aims.waivers"].startswith("WAIVED until 20")
    assert "reason: the assessment comes on Monday" in tags["aims.waivers"]
    shown = run(registry, "gate", "history", "loans")[1]
    assert f"! {tags['aims.waivers']}" in shown
    (row,) = json.loads(run(registry, "gate", "history", "loans", "--json")[1])["history"]
    assert row["waivers"] == [tags["aims.waivers"]]

    registry.change_policy(lambda p: p["stages"]["deployment"].update(require=[]))
    client.delete_registered_model_alias("loans", "champion")
    registry.say("approve", f"models:/loans/{version.version}", "--stage", "deployment")
    put()
    assert client.get_model_version("loans", version.version).tags == tags


def test_break_glass_for_an_alias_is_shown_on_the_version_beside_what_it_was_registered_with(registry, client, person):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.4", "--reason", "pilot", "--until", until]
    registry.say("waive", uri, "--name", "loans", "--stage", "registration", *waiver)
    version = mlflow.register_model(uri, "loans").version
    emergency = ["waive", f"models:/loans/{version}", "--stage", "deployment", "--break-glass", "--reason", "outage"]
    for say in (registry.say, person("piet", "approver")):
        say(*emergency)
    client.set_registered_model_alias("loans", "champion", version)
    tags = client.get_model_version("loans", version).tags
    assert tags["aims.decision"] == "allowed, WAIVED"
    first, second = tags["aims.waivers"].split(" | ")
    assert "reason: pilot" in first
    assert "BREAK-GLASS" in second
    assert "reason: outage" in second


def test_an_observed_alias_is_shown_on_the_version(registry, client):
    import mlflow

    entry = {"models": "*", "stage": "deployment", "mode": "observe"}
    registry.change_policy(lambda p: p["enforcement"].append(entry))
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    version = mlflow.register_model(uri, "loans").version
    client.set_registered_model_alias("loans", "champion", version)
    assert client.get_model_version("loans", version).tags["aims.decision"] == "observed"


def test_a_mark_that_cannot_be_written_does_not_undo_the_alias(registry, client, monkeypatch, caplog):
    import mlflow
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    entry = {"models": "*", "stage": "deployment", "mode": "observe"}
    registry.change_policy(lambda p: p["enforcement"].append(entry))
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    version = mlflow.register_model(uri, "loans").version

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SqlAlchemyStore, "set_model_version_tag", fail)
    client.set_registered_model_alias("loans", "champion", version)
    assert client.get_registered_model("loans").aliases == {"champion": version}
    assert "showing a waiver on its version" in caplog.text


def test_an_erased_reason_is_gone_and_the_waiver_still_counts(registry, client):
    """The signed record holds a salted commitment alone: reason and account stand in bodies, and go with them."""
    import mlflow

    from aims_mlflow.audit.whole_ledger import verify_ledger
    from aims_mlflow.ledger.ledger import Ledger

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    reason = "Olga Meier was ill and said so by phone 555-1234"
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.4", "--reason", reason, "--until", until]
    registry.say("waive", uri, "--name", "loans", "--stage", "registration", *waiver)
    version = mlflow.register_model(uri, "loans").version
    registry.say("approve", f"models:/loans/{version}", *APPROVE, "--comment", reason)
    request = registry.leaves("decision")[-1]["request"]
    ledger = Ledger(registry.ledger.uri)
    for each in registry.leaves("waiver") + registry.leaves("approval"):
        body = json.loads(base64.b64decode(json.loads(ledger.envelope(each["envelope"]))["payload"]))
        assert "555-1234" not in json.dumps(body)
        assert body["predicate"]["aims"]["actor"] == "beside it"

    files = Path(registry.folder).glob("mlflow.db.aims.db*")
    assert b"".join(p.read_bytes() for p in files if p.is_file()).count(b"555-1234") >= 3
    for leaf in list(ledger.leaves(types=("waiver", "approval"))):
        registry.say("evidence", "erase", str(leaf.sequence), "--reason", "asked for", "--ledger", ledger.uri)
    assert "the same" in commands.aims("gate", "replay", request)
    registry.say("evidence", "erase", request, "--reason", "asked for", "--ledger", ledger.uri)
    files = Path(registry.folder).glob("mlflow.db.aims.db*")
    assert b"555-1234" not in b"".join(p.read_bytes() for p in files if p.is_file())
    assert verify_ledger(ledger, "ledger").problems == []
    shown = commands.aims("gate", "explain", f"models:/loans/{version}", "--stage", "registration")
    assert "! WAIVED until" in shown
    assert "555-1234" not in shown


def test_words_that_were_not_signed_are_refused(registry, client, version):
    from aims_mlflow.gates.consents import packed
    from aims_mlflow.records.leaves.others import ConsentText

    registry.say("approve", f"models:/loans/{version}", *APPROVE, "--comment", "looked at all of it")
    raw = registry.ledger.envelope(registry.leaves("approval")[0]["envelope"])
    tag = f"aims.approval.{secrets.token_hex(16)}"
    for sent in (raw.decode(), packed(raw, ConsentText.of("looked at nothing", "eve"))):
        assert "the words beside it are missing, or not those" in refused(
            client.set_registered_model_tag, "loans", tag, sent
        )
    assert len(registry.leaves("approval")) == 1
