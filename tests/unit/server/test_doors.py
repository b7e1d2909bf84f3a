"""A gated alias points only to versions that the gate let in, and to the files that the gate hashed."""

import json
import sqlite3

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException

from aims_mlflow.server.stored_rows import RegistryRows
from support import trainings
from support.embedded_registry import files_of, restart
from support.gated_registry import refused
from support.plain_registry import kinds, reconcile

PROMPT = {"name": "loans", "source": "dummy-source", "tags": [ModelVersionTag("mlflow.prompt.is_prompt", "true")]}


@pytest.fixture
def store(client):
    return client._get_registry_client().store


def in_database(registry, statement, *values):
    with sqlite3.connect(registry.folder / "mlflow.db") as database:
        database.execute(statement, values)


def test_a_name_holds_either_models_or_prompts(registry, plain, store, use):
    use()
    assert "loans has versions of a model" in refused(store.create_model_version, **PROMPT)
    store_of_plain = plain._get_registry_client().store
    number = str(store_of_plain.create_model_version(**PROMPT).version)
    assert "loans has versions of a model" in refused(store.set_registered_model_alias, "loans", "champion", number)
    plain.set_registered_model_alias("loans", "champion", number)
    assert "ungated-alias" in kinds(reconcile(registry)[1])

    mlflow.genai.register_prompt("greeting", "Hello {{name}}")
    store.set_registered_model_alias("greeting", "champion", "1")
    uri = trainings.plain_model()
    assert "greeting has versions of a prompt" in refused(
        store.create_model_version, "greeting", uri, model_id=uri.removeprefix("models:/")
    )


def test_the_kind_of_a_name_is_told_by_versions_that_came_since_and_of_a_model_made_again(registry, plain, store):
    """A worker remembers up to which version a name holds no prompt; others make and delete meanwhile."""
    rows, other = RegistryRows(store), plain._get_registry_client().store
    uri = trainings.plain_model()
    model = {"name": "loans", "source": uri, "model_id": uri.removeprefix("models:/")}
    other.create_registered_model("loans")
    assert not rows.holds("loans", prompts=True)
    other.create_model_version(**model)
    assert [rows.holds("loans", prompts=kind) for kind in (True, False, True)] == [False, True, False]
    other.create_model_version(**PROMPT)
    assert [rows.holds("loans", prompts=kind) for kind in (True, False)] == [True, True]
    other.delete_model_version("loans", "2")
    assert not rows.holds("loans", prompts=True)

    other.delete_registered_model("loans")
    with pytest.raises(MlflowException, match="loans not found"):
        rows.holds("loans", prompts=True)
    other.create_registered_model("loans")
    other.create_model_version(**PROMPT)
    assert [rows.holds("loans", prompts=kind) for kind in (True, False)] == [True, False]


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_a_version_that_came_past_the_gate_needs_adoption_before_it_is_used(registry, plain, client, mode):
    registry.change_policy(lambda p: p.update(enforcement=[{"models": "*", "stage": "*", "mode": mode}]))
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    plain.create_registered_model("loans")
    version = plain.create_model_version("loans", uri, model_id=uri.removeprefix("models:/")).version
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")
    if mode == "observe":
        client.set_registered_model_alias("loans", "champion", version)
        assert registry.leaves("decision")[-1]["would_refuse"]
    else:
        text = refused(client.set_registered_model_alias, "loans", "champion", version)
        assert "came past this gate" in text
        assert "aims gate adopt" in text


def test_what_is_hashed_is_what_the_alias_loads(registry, client, use):
    version, _ = use()
    other = mlflow.MlflowClient().get_logged_model(trainings.plain_model().removeprefix("models:/"))
    client.delete_registered_model_alias("loans", "champion")
    sealed = client.get_model_version_download_uri("loans", version)
    in_database(registry, "UPDATE model_versions SET storage_location = ?", other.artifact_location)
    assert client.get_model_version_download_uri("loans", version) == sealed, "what is loaded is what was hashed"
    assert "loads other files than those that its source names" in refused(
        client.set_registered_model_alias, "loans", "champion", version
    )


def test_a_source_named_by_run_is_stored_as_the_model_that_it_names(registry, client):
    run, uri = trainings.train("loans", frame=trainings.table(3000))
    name = mlflow.get_logged_model(uri.removeprefix("models:/")).name
    client.create_registered_model("loans")
    made = client._get_registry_client().store.create_model_version("loans", f"runs:/{run}/{name}", run)
    assert made.source == uri
    registry.say("approve", f"models:/loans/{made.version}", "--stage", "deployment", "--alias", "champion")
    client.set_registered_model_alias("loans", "champion", made.version)
    assert mlflow.pyfunc.load_model("models:/loans@champion")


def test_a_source_named_by_run_has_one_meaning_and_a_folder_is_stored_as_itself(registry, client, store):
    run, uri = trainings.train("loans", frame=trainings.table(3000))
    name = mlflow.get_logged_model(uri.removeprefix("models:/")).name
    client.create_registered_model("loans")
    client.log_artifacts(run, files_of(uri), "copy")
    made = store.create_model_version("loans", f"runs:/{run}/copy", run)
    assert made.source == f"{mlflow.get_run(run).info.artifact_uri}/copy"

    client.log_artifacts(run, files_of(uri), name)
    text = refused(store.create_model_version, "loans", f"runs:/{run}/{name}", run, description="again")
    assert "has more than one thing of that name. Next: register models:/m-ID" in text.replace("\n", " ")
    assert len(client.search_model_versions("name = 'loans'")) == 1


def test_models_come_from_the_servers_own_store_or_from_places_that_the_policy_names(registry, client, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("mine", artifact_location=elsewhere.as_uri()))
    _, uri = trainings.train("loans", frame=trainings.table(3000))
    assert "a store that the policy does not allow" in refused(mlflow.register_model, uri, "loans")
    registry.change_policy(lambda p: p.update(locations=[elsewhere.as_uri()]))
    assert mlflow.register_model(uri, "loans").version == 1
    assert json.loads(restart(registry.folder).get_registered_model("aims.status").tags["aims.keys"])


@pytest.mark.parametrize("when", ["decided", "hashed"])
def test_a_decision_by_rules_that_changed_before_it_was_sealed_has_no_effect(registry, client, use, monkeypatch, when):
    """Another worker puts a keyring in force that revokes the trainer, after this one has decided by the old one.

    Or while this one hashes the model, after it has read the rules.
    """
    from aims_mlflow.server import decided_change
    from aims_mlflow.server.decision_evidence import DecisionEvidence
    from aims_mlflow.settings import environment

    version, _ = use()
    place, name = (decided_change, "seal_decision") if when == "decided" else (DecisionEvidence, "of_model")
    go_on = getattr(place, name)

    def meanwhile(*args):
        monkeypatch.setattr(place, name, go_on)
        with environment({"AIMS_HOME": str(registry.folder / "office" / "platform")}):
            registry.say("keys", "revoke", "ana")
        restart(registry.folder).get_registered_model("aims.status")
        return go_on(*args)

    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "production")
    monkeypatch.setattr(place, name, meanwhile)
    text = refused(client.set_registered_model_alias, "loans", "production", version)
    assert "the keyring changed meanwhile. Next: call again" in text
    assert [leaf["done"] for leaf in registry.leaves("outcome")][-1] is False
    assert "production" not in client.get_registered_model("loans").aliases
    verified = registry.say("ledger", "verify", "--ledger", registry.ledger.uri)
    assert verified.splitlines()[-1].startswith("verified as of an unpinned root")
    client.set_registered_model_alias("loans", "production", version)  # what was sealed before counts by the new rules
    assert str(client.get_registered_model("loans").aliases["production"]) == version


@pytest.mark.parametrize("seconds", [0.25, 0], ids=["hashed at once", "hashed for long"])
def test_a_consent_that_is_taken_back_while_the_model_is_hashed_does_not_count(
    registry, client, use, monkeypatch, seconds
):
    from aims_mlflow.server import gate
    from aims_mlflow.server.decision_evidence import DecisionEvidence

    version, _ = use()
    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "production")
    go_on = DecisionEvidence.of_model

    def meanwhile(*args):
        monkeypatch.setattr(DecisionEvidence, "of_model", go_on)
        registry.say("gate", "revoke", f"models:/loans/{version}", "--reason", "found a leak")
        return go_on(*args)

    monkeypatch.setattr(DecisionEvidence, "of_model", meanwhile)
    monkeypatch.setattr(gate, "FRESH_SECONDS", 60 if seconds else 0)
    text = refused(client.set_registered_model_alias, "loans", "production", version)
    assert ("a revocation of the same model was sealed meanwhile" if seconds else "an approval") in text
    assert "an approval" in refused(client.set_registered_model_alias, "loans", "production", version)
    assert "production" not in client.get_registered_model("loans").aliases


def test_an_alias_that_was_gated_a_while_ago_is_asked_by_the_rules_of_now(registry, client, use):
    """A worker remembers that an alias was gated, to take the lock first: the rules are read under it all the same."""
    version, _ = use()
    client.set_registered_model_alias("loans", "champion", version)
    worse = mlflow.register_model(trainings.train("loans", frame=trainings.table(3000, seed=8))[1], "loans").version
    assert "an approval" in refused(client.set_registered_model_alias, "loans", "champion", worse)
    registry.change_policy(lambda p: p["stages"]["deployment"].update(aliases=["production"]))
    client.set_registered_model_alias("loans", "champion", worse)
    assert str(client.get_registered_model("loans").aliases["champion"]) == str(worse)
    registry.change_policy(lambda p: p["stages"]["deployment"].update(aliases=["champion"]))
    assert "an approval" in refused(client.set_registered_model_alias, "loans", "champion", worse)


def test_a_version_whose_files_change_while_it_is_made_is_taken_back(registry, client, monkeypatch):
    """Nothing protects a model's files before a version's row names them."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    make = SqlAlchemyStore.create_model_version

    def exchanged(self, *args, **kwargs):
        file = files_of(uri) / "MLmodel"
        file.with_suffix(".part").write_text(file.read_text() + "# other bytes\n")
        file.with_suffix(".part").replace(file)
        return make(self, *args, **kwargs)

    _, uri = trainings.train("loans")
    client.create_registered_model("loans")
    monkeypatch.setattr(SqlAlchemyStore, "create_model_version", exchanged)
    made = refused(client.create_model_version, "loans", uri, model_id=uri.removeprefix("models:/"))
    assert "the model's files changed meanwhile" in made
    assert client.search_model_versions("name='loans'") == []
    assert [x["done"] for x in registry.leaves("outcome")] == [False]


def test_a_name_that_can_be_taken_for_another_is_refused(registry, client):
    """An alias that looks like a gated one would lead its readers past the gate; a model's name has one spelling."""
    client.create_registered_model("loans")
    for alias in ("\u0441hampion", "ch\u00e1mpion", "\uff23hampion", "champi0n", "charnpion", "champlon"):
        assert "can be taken for 'champion', which is gated" in refused(
            client.set_registered_model_alias, "loans", alias, "1"
        )
    look_alike = ("lo\u0430ns", "lo\u0430n\u2010screening", "another \u0440\u0430\u0441e")
    for name in ("loans ", "loans\u200b", "\uff4coans", "cafe\u0301", "loan\u2010screening", *look_alike):
        assert "can be taken for another name" in refused(client.create_registered_model, name)
        assert "can be taken for another name" in refused(client.rename_registered_model, "loans", name)
    assert "can be taken for 'loans', which is there" in refused(client.create_registered_model, "lo\u00e1ns")
    for name in ("caf\u00e9", "\u043c\u043e\u0434\u0435\u043b\u044c", "k\u00fcndigung", "\u6a21\u578b"):
        assert client.create_registered_model(name).name == name


def test_explanations_have_turns_of_their_own(registry, use, monkeypatch):
    """Whoever may read a model may ask about it, and its files are hashed for that: changes do not wait behind."""
    version, _ = use()
    ask = ("loans", f"aims.explain.registration.v{version}")
    assert restart(registry.folder).get_model_version_by_alias(*ask).tags["aims.decision"]
    monkeypatch.setattr("aims_mlflow.server.answers.MAX_ANSWERING", 0)
    monkeypatch.setattr("aims_mlflow.server.answers.ANSWER_WAIT", 0.1)
    said = refused(restart(registry.folder).get_model_version_by_alias, *ask)
    assert "0 explanations or publications are being made. Next: ask again in a minute" in said
    told = refused(restart(registry.folder).get_model_version_by_alias, "aims.status", f"aims.publish.{'0' * 32}")
    assert "explanations or publications are being made" in told
