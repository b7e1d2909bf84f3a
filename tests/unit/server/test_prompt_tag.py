"""The tag of a prompt, which every client may set, hides versions from MLflow's search: not from the gate."""

import json

import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag

from support import trainings
from support.long_runs import full_but
from support.plain_registry import kinds, reconcile, ungated

IS_PROMPT = "mlflow.prompt.is_prompt"

IN_STORE = ("a version", "the model", "both")


def store_of(client):
    return client._get_registry_client().store


def tag(client, which, version="1", name="loans"):
    store = store_of(client)
    if which != "the model":
        store.set_model_version_tag(name, version, ModelVersionTag(IS_PROMPT, "true"))
    if which != "a version":
        store.set_registered_model_tag(name, RegisteredModelTag(IS_PROMPT, "true"))


def hidden(client, name="loans"):
    """Tell whether MLflow shows nothing of a model."""
    found = client.search_model_versions(f"name = '{name}'")
    return list(found) == [] or name not in [m.name for m in client.search_registered_models()]


def compliant(seed=1):
    run, uri = trainings.train("loans", frame=trainings.table(3000, seed=seed))
    return {"name": "loans", "source": uri, "run_id": run, "model_id": uri.removeprefix("models:/")}


def posing(client, which):
    """Register a model and give it the tag of a prompt; returns the call that registered it."""
    call = compliant()
    client.create_registered_model("loans")
    store_of(client).create_model_version(**call)
    tag(client, which)
    return call


def numbers(registry, name="loans"):
    import sqlite3

    with sqlite3.connect(registry.folder / "mlflow.db") as database:
        query = "SELECT version FROM model_versions WHERE name = ? AND current_stage != 'Deleted_Internal'"
        return [row[0] for row in database.execute(query, (name,))]


def dying(monkeypatch, call):
    """Let the server die after the registry's commit, before the outcome is sealed."""
    from aims_mlflow.ledger.ledger import Ledger

    append = Ledger.seal

    def die(self, *entries):
        if entries[0].content.type == "outcome":
            raise KeyboardInterrupt
        return append(self, *entries)

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "seal", die)
        with pytest.raises(KeyboardInterrupt):
            call()


@pytest.mark.parametrize("which", IN_STORE)
def test_a_retry_makes_no_second_version(registry, client, which):
    call = posing(client, which)
    assert hidden(client)
    assert store_of(client).create_model_version(**call).version == 1
    assert numbers(registry) == [1]


@pytest.mark.parametrize(
    ("which", "settled_by"),
    full_but(
        [("a version", "the next change"), ("the model", "aims gate reconcile"), ("both", "the next change")],
        IN_STORE,
        ["the next change", "aims gate reconcile"],
    ),
)
def test_a_version_that_was_made_is_settled_as_made(registry, client, use, monkeypatch, which, settled_by):
    """The tag is on another version: the one that was made has none, and no search shows it."""
    use()
    tag(client, which)
    call = compliant(seed=2)
    dying(monkeypatch, lambda: store_of(client).create_model_version(**call))
    assert numbers(registry) == [1, 2]
    if settled_by == "the next change":
        store_of(client).create_model_version(**call)
    else:
        found = reconcile(registry)[1]
        assert [(s["done"], s["version"]) for s in found["settled"]] == [(True, "2")]
    made = [x for x in registry.leaves("outcome") if x["stage"] == "registration"]
    assert [(x["version"], x["done"], x.get("closed_by")) for x in made] == [("1", True, None), ("2", True, settled_by)]
    assert numbers(registry) == [1, 2]


@pytest.mark.parametrize("which", IN_STORE)
def test_an_alias_that_was_set_is_settled_as_set(registry, client, use, monkeypatch, which):
    version, _ = use()
    client.delete_registered_model_alias("loans", "champion")
    tag(client, which)
    dying(monkeypatch, lambda: store_of(client).set_registered_model_alias("loans", "champion", version))
    assert [s["done"] for s in reconcile(registry)[1]["settled"]] == [True]


@pytest.mark.parametrize("which", IN_STORE)
def test_what_mlflow_deletes_is_kept(registry, client, which):
    call = posing(client, which)
    store_of(client).delete_registered_model("loans")
    (leaf,) = registry.ledger.leaves(types=("deleted",))
    (row,) = registry.ledger.body(leaf.sequence).rows
    assert (row["version"], row["source"], row["run_id"]) == ("1", call["source"], call["run_id"])


def test_who_loses_a_stage_is_superseded(registry, client, use):
    first, _ = use(seed=1)
    second, _ = use(seed=2)
    before = len(registry.leaves("superseded"))
    store = store_of(client)
    for version in (first, second):
        registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "production")
    store.transition_model_version_stage("loans", first, "Production", False)
    tag(client, "both", first)
    store.transition_model_version_stage("loans", second, "Production", True)
    assert [(x["version"], x["by"]) for x in registry.leaves("superseded")[before:]] == [(first, second)]


@pytest.mark.parametrize("which", full_but(["both"], IN_STORE))
def test_a_finding_stays_open_and_no_version_seems_lost(registry, plain, client, use, which):
    use()
    version, _ = ungated(plain, "loans", alias="production")
    status, before = reconcile(registry)
    assert (status, kinds(before)) == (1, ["ungated-alias", "ungated-version"])
    tag(plain, which, version)
    assert hidden(plain)
    status, after = reconcile(registry)
    assert (status, after["closed"]) == (1, [])
    # A model that is tagged as a prompt is loaded by no client: its files are not to be had by its name.
    more = [] if which == "a version" else ["unreadable-bytes", "unreadable-bytes"]
    assert kinds(after) == [*kinds(before), *more]


@pytest.mark.parametrize("which", IN_STORE)
def test_what_came_in_with_the_tag_is_found(registry, plain, client, which):
    version, _ = ungated(plain, "old", alias="champion")
    ungated(plain, "old")
    tag(plain, which, version, "old")
    found = reconcile(registry)[1]
    assert sorted((f["about"], f["version"]) for f in found["findings"] if f["about"].startswith("ungated")) == [
        ("ungated-alias", "1"),
        ("ungated-version", "1"),
        ("ungated-version", "2"),
    ]


def test_prompts_are_no_finding(registry, client):
    import mlflow

    for text in ("Hello {{name}}", "Good day, {{name}}"):
        mlflow.genai.register_prompt("greeting", text)
    assert json.dumps(reconcile(registry)[1]["findings"]) == "[]"
