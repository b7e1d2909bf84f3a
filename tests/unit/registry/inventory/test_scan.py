"""A scan lists what MLflow's stores show, page by page, and the sources that could not be read."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mlflow
import pytest
import yaml

from aims_mlflow.errors import Unreachable
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory import (
    flavours,
    gateway,
    logged_models,
    mcp_servers,
    pages,
    registered_models,
    traces,
)
from aims_mlflow.registry.inventory.scan import SourceContent, SourceReader, scan
from support.fresh_database import fresh_database


@pytest.fixture
def client(tmp_path, monkeypatch, clean_state):
    monkeypatch.setenv("MLFLOW_CRYPTO_KEK_PASSPHRASE", "x" * 32)
    mlflow.set_tracking_uri(fresh_database(tmp_path))
    mlflow.set_experiment(experiment_id="0")
    return mlflow.MlflowClient()


def ids(content):
    return [(i.kind, i.id) for i in content.items]


def test_models_with_alias_and_stage_over_several_pages(client, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 2)
    for name in ("a", "b", "c"):
        client.create_registered_model(name)
        client.create_model_version(name, "s3://bucket/x")
    client.set_registered_model_alias("b", "champion", 1)
    client.transition_model_version_stage("c", "1", "Production")
    found = registered_models.read_models(client, "here")
    held = [("alias", "b@champion"), ("alias", "c in stage Production")]
    assert sorted(ids(found)) == [*held, *(("registered model", n) for n in "abc")]
    assert next(i for i in found.items if i.kind == "alias").names == ("b@champion", "b")


def logged(client, name, files):
    """A logged model whose artifacts are `files` (name -> text)."""
    made = client.create_logged_model("0", name=name)
    folder = Path(url2pathname(urlsplit(made.artifact_location).path))
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(text)
    return made


def held(client, name, files, alias="champion"):
    """A version behind an alias whose artifacts are `files` (name -> text)."""
    made = logged(client, name, files)
    client.create_registered_model(name)
    client.create_model_version(name, f"models:/{made.model_id}", model_id=made.model_id)
    if alias:
        client.set_registered_model_alias(name, alias, 1)


def mlmodel(**flavors):
    return {"MLmodel": yaml.safe_dump({"flavors": {"python_function": {"loader_module": "x"}, **flavors}})}


def test_flavours_of_versions_in_use_are_read_and_what_was_not_read_is_told(client):
    held(client, "a", mlmodel(sklearn={"sklearn_version": "1.7.2"}))
    held(client, "b", mlmodel(openai={"openai_version": "2.1"}))
    held(client, "c", mlmodel())
    held(client, "d", {"MLmodel": "flavors: ["})
    held(client, "idle", {}, alias=None)
    found = registered_models.read_models(client, "here")
    said = {i.facts["model"]: i.facts["flavours"] for i in found.items if i.kind == "alias"}
    assert (said["a"], said["b"]) == ("sklearn 1.7.2", "openai 2.1")
    assert said["c"] == "python_function alone: what its code uses or calls is not known"
    assert said["d"] == "not read: its MLmodel is not YAML"
    (called,) = (i for i in found.items if i.kind == "provider")
    assert (called.id, called.volume, called.facts) == ("openai", 1, {"in the flavours of": "b version 1"})
    assert found.unread == {"flavours of versions in use": "1 of 4: d version 1: its MLmodel is not YAML"}
    assert found.left_out == "flavours of versions that no alias or stage holds"


def test_a_store_that_fails_is_asked_three_times_and_reading_ends_after_a_time(client):
    for name in "abcde":
        held(client, name, {})
    reader = flavours.FlavourReader(client)
    said = [reader.flavours("", name, "1") for name in "abcde"]
    assert sum("not tried, since 3 others of models could not be read" in text for text in said) == 2
    assert reader.unread()[flavours.NOT_READ].startswith("5 of 5: a version 1: ")
    assert reader.unread()[flavours.NOT_READ].endswith("and 4 more")
    times = iter((0.0, flavours.SECONDS + 1))
    reader = flavours.FlavourReader(client, lambda: next(times))
    reader.flavours("", "a", "1")
    assert reader.flavours("", "b", "1") == "not read: the 20 seconds for reading flavours were over"


def test_a_model_behind_the_tag_of_a_prompt_is_a_model(client):
    mlflow.genai.register_prompt(name="greeting", template="Hello {{name}}")
    client.create_registered_model("hidden")
    client.create_model_version("hidden", "s3://bucket/x")
    client.set_registered_model_tag("hidden", "mlflow.prompt.is_prompt", "true")
    assert ids(registered_models.read_models(client, "here")) == [("registered model", "hidden")]
    assert ids(registered_models.read_prompts(client, "here")) == [("prompt", "greeting")]


def test_logged_models_that_nobody_registered_are_counted_by_experiment(client):
    for number in range(3):
        made = client.create_logged_model("0", name=f"m{number}")
    client.create_registered_model("kept")
    client.create_model_version("kept", f"models:/{made.model_id}", model_id=made.model_id)
    (item,) = logged_models.read(client, "here").items
    assert (item.id, item.volume) == ("experiment Default", 2)


def test_flavours_of_logged_models_that_nobody_registered_name_their_providers(client):
    for name, files in {
        "a": mlmodel(sklearn={"sklearn_version": "1.7.2"}),
        "b": mlmodel(openai={"openai_version": "2.1"}),
    }.items():
        logged(client, name, files)
    logged(client, "c", {"MLmodel": "flavors: ["})
    found = logged_models.read(client, "here")
    (experiment, called) = found.items
    assert sorted(experiment.facts["flavours"].split("; ")) == [
        "not read: its MLmodel is not YAML", "openai 2.1", "sklearn 1.7.2"
    ]  # fmt: skip
    assert (called.kind, called.id, called.source) == ("provider", "openai", "logged models")
    assert called.facts["in the flavours of"].startswith("b (m-")
    (reason,) = found.unread.values()
    assert reason.startswith("1 of 3: c (m-")


def test_providers_are_counted_by_span(client):
    for model in ("gpt-4o", "gpt-4o", "claude"):
        with mlflow.start_span("call") as span:
            span.set_attribute("mlflow.llm.model", model)
            span.set_attribute("mlflow.llm.provider", "openai" if model != "claude" else "anthropic")
    with mlflow.start_span("no call of a model"):
        pass
    mlflow.flush_trace_async_logging()
    found = traces.read(client, "here")
    assert [(i.id, i.volume) for i in found.items] == [("anthropic/claude", 1), ("openai/gpt-4o", 2)]
    assert found.left_out == "spans that name no provider, and calls that no trace was made of"


def test_endpoints_and_mcp_servers(client):
    from mlflow.entities import GatewayEndpointModelConfig, GatewayModelLinkageType

    store = client._tracking_client.store  # MLflow's client makes no endpoints
    secret = store.create_gateway_secret(secret_name="k", secret_value={"api_key": "x"}, provider="openai")
    made = store.create_gateway_model_definition("gpt", secret.secret_id, "openai", "gpt-4o")
    config = GatewayEndpointModelConfig(made.model_definition_id, GatewayModelLinkageType.PRIMARY, 1.0)
    store.create_gateway_endpoint(name="chat", model_configs=[config])
    client.create_mcp_server("org.example/tool")
    store.create_gateway_endpoint(name="draft", model_configs=[config])
    endpoint, _, behind = gateway.read(client, "here").items
    assert (endpoint.id, endpoint.facts) == ("chat", {"calls": "openai/gpt-4o"})
    assert "secret" not in endpoint.model_dump_json()
    assert (behind.key, behind.names) == ("provider:openai/gpt-4o@here", ("openai/gpt-4o", "openai", "gpt-4o"))
    assert behind.facts == {"provider": "openai", "model": "gpt-4o", "behind": "chat, draft"}
    assert ids(mcp_servers.read(client, "here")) == [("MCP server", "org.example/tool")]


def test_a_source_that_cannot_be_read_is_listed_with_its_reason():
    def lost():
        raise Unreachable("nothing answers", where="http://x")

    item = InventoryItem(kind="provider", id="openai", source="s", address="here")
    readers = [SourceReader("s", "here", partial(SourceContent, (item, item))), SourceReader("t", "x", lost)]
    found = scan(readers, datetime(2026, 1, 1, tzinfo=UTC), "1.0")
    assert [(s.kind, s.items_seen, s.failed) for s in found.sources] == [
        ("s", 1, None),
        ("t", 0, "http://x: nothing answers"),
    ]
    assert [s.kind for s in found.scanned] == ["s"]
