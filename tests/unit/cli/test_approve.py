"""`aims approve` and `aims waive`: what their signer reads before it is signed, and what a waiver promises."""

from datetime import UTC, datetime, timedelta

import mlflow
import pytest
from click.testing import CliRunner

from aims_mlflow.cli.main import cli
from aims_mlflow.errors import AimsError, KeyUnavailable
from aims_mlflow.settings import environment
from support import trainings
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
