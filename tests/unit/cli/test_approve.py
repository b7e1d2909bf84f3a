"""`aims approve` and `aims waive`: what their signer reads before it is signed, and what a waiver promises."""

import dataclasses
from datetime import UTC, datetime, timedelta

import mlflow
import pytest
from click.testing import CliRunner

from aims_mlflow.cli.main import cli
from aims_mlflow.errors import AimsError, KeyUnavailable
from aims_mlflow.registry import channel
from aims_mlflow.settings import environment
from support import commands, trainings
from support.plain_registry import reconcile

RATIO = "A.6.2.4: selection-rate ratio for sex=f"


def day(days):
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%d")


def waiver(*target, until=20):
    return ("waive", *target, "--control", "A.6.2.4", "--reason", "pilot", "--until", day(until))


@pytest.fixture
def unfair(registry):
    """An unfair model that is to be registered as loans."""
    return trainings.train("loans", frame=trainings.table(3000, fair=False))[1]


def test_what_the_decision_rests_on_is_printed_before_it_is_signed(registry, client, person, unfair):
    registry.say(*waiver(unfair, "--name", "loans", "--stage", "registration"))
    mlflow.register_model(unfair, "loans")
    registry.say("gate", "revoke", "models:/loans/1", "--reason", "found a leak")
    approve = ["approve", "models:/loans/1", "--stage", "deployment", "--alias", "champion"]

    def told(key):
        with environment({"AIMS_SIGNING_KEY": f"file:{key}"}):
            done = CliRunner().invoke(cli, approve, standalone_mode=False)
        return done.exception, done.output

    stopped, text = told("/nowhere/olga.pem")
    assert isinstance(stopped, KeyUnavailable)
    assert registry.leaves("approval") == []
    assert text.startswith("you approve loans, on ")
    assert f"! revocation of these files on {day(0)} under the name loans (leaf " in text
    assert f"  - {RATIO}" in text
    assert "an approval by another person" not in text, "that is what is about to be signed"
    assert "is sealed" not in text

    person("rosa", "approver")(*waiver("models:/loans/1", "--stage", "deployment", "--alias", "champion"))
    stopped, text = told(registry.office.approver)
    assert stopped is None
    assert f"! WAIVED until {day(20)} by rosa: A.6.2.4 (selection-rate ratio for sex=f" in text
    assert f"  - {RATIO}" not in text
    assert text.index("WAIVED") < text.index("is sealed")
    assert len(registry.leaves("approval")) == 1


def test_a_measure_that_a_waiver_promises_is_due_on_its_own_day(registry, unfair, monkeypatch):
    import aims_mlflow.registry.reconcile as module

    due = day(5)
    command = (*waiver(unfair, "--name", "loans", "--stage", "registration"), "--measure-due", due)
    with pytest.raises(AimsError, match="--measure-due names a day, and no measure is promised"):
        registry.say(*command)
    registry.say(*command, "--measure", "each refusal is reviewed by a person")
    (leaf,) = registry.leaves("waiver")
    assert leaf["measure_due"] == f"{due}T23:59:59Z"
    version = mlflow.register_model(unfair, "loans")
    assert f"Measure promised, evidence due {due}: each refusal is reviewed by a person" in version.tags["aims.waivers"]
    for days, incidents in ((4, []), (6, ["measure-due"])):
        moment = datetime.now(UTC) + timedelta(days=days)

        class Later(datetime):
            @classmethod
            def now(cls, tz=None, moment=moment):
                return moment

        monkeypatch.setattr(module, "datetime", Later)
        reconcile(registry)
        assert [leaf["about"] for leaf in registry.leaves("incident")] == incidents


def test_without_a_day_of_its_own_a_measure_is_due_when_the_waiver_ends(registry, unfair):
    registry.say(*waiver(unfair, "--name", "loans", "--stage", "registration"), "--measure", "a review")
    (leaf,) = registry.leaves("waiver")
    assert leaf["measure_due"] == f"{day(20)}T23:59:59Z"


def refused_waiver(say, *target, until):
    with pytest.raises(AimsError) as stopped:
        say(*waiver(*target, until=until))
    return stopped.value.sentence()


def test_a_waiver_that_is_too_long_is_refused_before_it_is_signed_with_the_last_day_that_counts(registry, unfair):
    change = (unfair, "--name", "loans", "--stage", "registration")
    text = refused_waiver(registry.say, *change, until=91)
    assert text.startswith("nothing is signed: a waiver of 91 days would cover nothing, for the policy allows 90 days")
    assert text.endswith(f"--until {day(90)}")
    assert registry.leaves("waiver") == []
    registry.say(*waiver(*change, until=90))
    assert mlflow.register_model(unfair, "loans").tags["aims.decision"] == "allowed, WAIVED"


def test_a_server_refuses_a_waiver_that_is_too_long_of_a_client_that_does_not_ask(registry, unfair, monkeypatch):
    change = (unfair, "--name", "loans", "--stage", "registration")
    rules = channel.rules_in_force

    def untold(*args):
        return dataclasses.replace(rules(*args), waiver_days=None)

    monkeypatch.setattr(channel, "rules_in_force", untold)
    text = refused_waiver(registry.say, *change, until=91)
    assert "the waiver is too long and would cover nothing: the policy allows 90 days" in text
    assert f"sign one that ends by {day(90)} 23:59 UTC" in text
    assert registry.leaves("waiver") == []
    with registry.as_approver():
        done = CliRunner().invoke(cli, waiver(*change))
    assert "this server does not tell how long a waiver may last" in done.stderr
    assert len(registry.leaves("waiver")) == 1


def test_whoever_trained_is_told_before_they_sign_that_their_waiver_counts_for_nothing(registry, person, unfair):
    ana = person("ana", "approver")  # another key of the trainer
    for option in (["--until", day(9), "--control", "A.6.2.4"], ["--break-glass"]):
        with pytest.raises(AimsError, match=r"nothing is signed, .* count for nothing: its signer trained the model"):
            ana("waive", unfair, "--name", "loans", "--stage", "registration", "--reason", "mine", *option)
    assert registry.leaves("waiver") == []


def test_a_waiver_that_covers_nothing_is_explained_with_its_reason(registry, unfair):
    change = (unfair, "--name", "loans", "--stage", "registration")
    registry.say(*waiver(*change, until=60))
    assert "covers nothing" not in commands.run("gate", "explain", *change)
    registry.change_policy(lambda p: p["waivers"].update(max_days=30))
    told = commands.run("gate", "explain", *change, status=1)
    assert f"of A.6.2.4 by olga until {day(60)} covers nothing: it is too long: the policy allows 30 days" in told
    registry.change_policy(lambda p: p["stages"]["registration"].update(max_age_days=5))
    assert "covers nothing: it was signed under other rules" in commands.run("gate", "explain", *change, status=1)
