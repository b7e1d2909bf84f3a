"""What a policy may ask for beside kinds and limits, through the real gate: signers, objectives, a re-evaluation."""

from datetime import UTC, datetime, timedelta

import mlflow
import pytest

from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.digests import arrow_digest
from aims_mlflow.settings import environment
from support import commands, trainings
from support.gated_registry import refused
from support.long_runs import full_but

CUT = 1800  # of 3000 rows, as `gated.train` cuts


def compliant(name="loans", seed=0, **objectives):
    """Train a fair model; returns models:/m-... of it."""
    frame, settings = trainings.table(3000, seed=seed), trainings.config(name)
    settings["system"]["objectives"] = objectives
    import aims_mlflow as aims

    @aims.trains(name, config=settings)
    def fit(train, test):
        return trainings.pipeline().fit(train[["income", "debt"]], train["granted"])

    with mlflow.start_run() as run:
        fit(frame[:CUT], frame[CUT:])
    return f"models:/{mlflow.get_run(run.info.run_id).outputs.model_outputs[0].model_id}"


# -- signers ----------------------------------------------------------------------------------


def signers(registry, stage, *names):
    registry.change_policy(lambda p: p["stages"][stage].update(signers=list(names)))


@pytest.mark.parametrize("patterns", full_but([["olga", "an?"]], [["ana"], ["olga", "an?"], ["*"]]))
def test_an_owner_whom_the_policy_names_may_train(registry, client, patterns):
    signers(registry, "registration", *patterns)
    assert mlflow.register_model(compliant(), "loans").version == 1


def test_another_owner_may_not_whatever_is_waived(registry, client, person):
    uri = compliant()
    signers(registry, "registration", "nina", "team-*")
    said = "ana may not train this model: the policy names nina, team-*"
    assert said in refused(mlflow.register_model, uri, "loans")
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.3", "--reason", "she may", "--until", until]
    with pytest.raises(AimsError, match=r"no failure of A\.6\.2\.3 that.*no waiver covers what is open \(A\.6\.2\.3"):
        registry.say("waive", uri, "--name", "loans", "--stage", "registration", *waiver)
    assert said in refused(mlflow.register_model, uri, "loans")
    person("nina", "trainer")
    nina = environment({"AIMS_SIGNING_KEY": f"file:{registry.folder / 'nina.pem'}"})
    with nina:
        own = compliant(seed=2)
    assert mlflow.register_model(own, "loans").version == 1


def test_signers_of_a_stage_are_of_that_stage_alone(registry, client):
    signers(registry, "deployment", "nina")
    version = mlflow.register_model(compliant(), "loans").version
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment")
    text = refused(client.set_registered_model_alias, "loans", "champion", version)
    assert "ana may not train this model: the policy names nina" in text
    signers(registry, "deployment", "nina", "ana")
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment")  # the rules are others now
    client.set_registered_model_alias("loans", "champion", version)


# -- objectives of Annex C ----------------------------------------------------------------------


@pytest.fixture
def stricter(registry):
    """A limit that no model here meets, for systems that rank fairness high, and systems that rank it otherwise."""
    limit = {
        "kind": "fairness",
        "metric": "selection_rate_ratio",
        "comparator": ">=",
        "limit": 1.01,
        "control": "A.6.2.4",
        "why": "stricter",
        "objectives": {"fairness": "high"},
    }

    def change(policy):
        policy["stages"]["registration"]["limits"].append(limit)
        for priority in ("low", "medium", "high"):
            policy["systems"][f"{priority}-*"] = {"objectives": {"fairness": priority}}
        policy["systems"]["private-*"] = {"objectives": {"privacy": "high"}}

    registry.change_policy(change)
    return registry


def test_a_system_that_ranks_fairness_high_gets_the_stricter_limit(stricter, client):
    uri = compliant()
    text = refused(mlflow.register_model, uri, "high-loans")
    assert "A.6.2.4: selection-rate ratio for sex=" in text
    assert "limit >= 1.01 (policy.yaml:" in text
    for name in ("medium-loans", "low-loans", "private-loans", "loans"):
        assert mlflow.register_model(uri, name).version == 1, name


def test_a_team_can_ask_more_of_itself_and_never_less(stricter, client):
    assert "limit >= 1.01" in refused(mlflow.register_model, compliant(fairness="high"), "loans")
    assert "limit >= 1.01" in refused(mlflow.register_model, compliant(seed=2, fairness="low"), "high-loans")
    assert mlflow.register_model(compliant(seed=3, fairness="medium"), "loans").version == 1


# -- a re-evaluation by another role --------------------------------------------------------------

MISSING = "an evaluation signed with the role validator on the held-out data that the policy names is missing"


@pytest.fixture
def model(registry, client):
    """A model of ana's; the policy names its held-out data, and asks for a validator's word on them."""
    uri = compliant()
    digest = arrow_digest(held_out())

    def change(policy):
        policy["stages"]["registration"]["require_reevaluation"] = "validator"
        policy["default"]["held_out_digests"] = [digest]

    registry.change_policy(change)
    return uri


def held_out():
    return trainings.table(3000)[CUT:]


def evaluate(registry, owner, uri, test=None):
    import aims_mlflow as aims

    key = registry.office.approver if owner == "olga" else registry.folder / f"{owner}.pem"
    with environment({"AIMS_SIGNING_KEY": f"file:{key}"}):
        aims.evaluate(uri, test=held_out() if test is None else test, config=trainings.config("loans"))


def test_a_validator_other_than_the_trainer_lets_it_pass(registry, client, person, model):
    assert MISSING in refused(mlflow.register_model, model, "loans")
    person("vera", "validator")
    evaluate(registry, "vera", model)
    assert mlflow.register_model(model, "loans").version == 1
    leaf = registry.leaves("decision")[-1]
    assert leaf["allowed"]
    assert commands.aims("gate", "replay", leaf["request"]).endswith("decided again from the ledger: the same\n")


def test_an_evaluation_on_other_data_is_none(registry, client, person, model):
    person("vera", "validator")
    evaluate(registry, "vera", model, trainings.table(900, seed=77))
    assert MISSING in refused(mlflow.register_model, model, "loans")


def test_the_trainer_in_another_role_is_the_trainer(registry, client, person, model):
    person("ana", "validator")  # a second key of the same owner
    evaluate(registry, "ana", model)
    assert MISSING in refused(mlflow.register_model, model, "loans")


def test_a_trainer_who_did_not_train_it_has_not_the_role(registry, client, person, model):
    person("nina", "trainer")
    evaluate(registry, "nina", model)
    assert MISSING in refused(mlflow.register_model, model, "loans")


def test_a_role_that_gives_no_evidence_speaks_for_nothing(registry, client, model):
    evaluate(registry, "olga", model)  # an approver
    text = refused(mlflow.register_model, model, "loans")
    assert "evidence is unverifiable" in text
    assert "olga" in text
