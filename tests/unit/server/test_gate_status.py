"""`aims gate status`: what is wrong with a gate, and an exit status that a script may rely on."""

import json
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from aims_mlflow.cli.main import cli
from aims_mlflow.records.policy import Caps
from aims_mlflow.server import artifact_repositories
from aims_mlflow.server.gate_status import bytes_in_use, gate_status, shared_password

REGISTRY = "postgresql+psycopg://mlflow@db/mlflow"


@pytest.mark.parametrize(
    ("ledger", "shared"),
    [
        (REGISTRY, "one database and one role"),
        ("postgresql+psycopg://mlflow@db/aims", "one role"),
        ("postgresql://aims@db/mlflow", "one database"),
        ("postgresql+psycopg://aims@db/aims", None),
        ("postgresql+psycopg://mlflow@other/mlflow", None),
        ("sqlite:////srv/ledger.db", None),
    ],
)
def test_a_password_that_opens_registry_and_ledger_is_a_finding(ledger, shared):
    found = shared_password(REGISTRY, ledger)
    assert len(found) == bool(shared)
    if shared:
        assert f"registry and ledger share {shared}: its password opens both" in found[0]
        assert "AIMS_LEDGER_URI" in found[0]


def test_an_address_without_a_host_is_on_the_server_of_pghost(monkeypatch):
    monkeypatch.setenv("PGHOST", "db")
    assert shared_password(REGISTRY, "postgresql+psycopg://mlflow@/aims")


def test_the_longest_time_to_notice_changed_bytes_says_what_it_rests_on():
    assert "no longest time can be stated" in bytes_in_use(Caps())
    assert "a digest counts for 600 s" in bytes_in_use(Caps())
    said = bytes_in_use(Caps(reconcile_hours=1))
    assert (
        "after 1 hour and one run of `aims gate reconcile` at the latest, if it runs as often as the policy says"
        in said
    )
    assert "after 24 hours" in bytes_in_use(Caps(reconcile_hours=24))


def status(*options):
    done = CliRunner().invoke(cli, ["gate", "status", *options], standalone_mode=False)
    assert done.exception is None
    return done.return_value or 0, done.stdout


def test_a_gate_that_refuses_all_is_no_success(registry):
    keyring = registry.office.policy / "keyring.yaml"
    before = keyring.read_text()
    keyring.write_text("keys: [")
    code, text = status()
    assert (code, text.split(",")[0]) == (1, "gated (refuses all)")
    assert "keyring.yaml" in text
    keyring.write_text(before)
    code, text = status()
    assert (code, text.split(",")[0]) == (0, "gated (enforce)")
    assert "bytes in use: hashed when an alias is set" in text


def test_a_registry_without_a_gate_is_no_success(tracking):
    code, text = status()
    assert (code, text.partition(":")[0]) == (1, "NOT gated")
    code, text = status("--json")
    assert (code, json.loads(text)) == (1, {"gated": False})


@pytest.fixture
def findings(client):
    """What the gate of an embedded registry says of itself."""
    gate = client._get_registry_client().store.gate
    return lambda: gate_status(gate).get("aims.findings")


def test_workspaces_that_can_be_deleted_past_the_gate_are_a_finding(findings, monkeypatch):
    monkeypatch.delenv("MLFLOW_WORKSPACE_STORE_URI", raising=False)
    assert findings() is None
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    assert "can delete a workspace with its models past the gate" in findings()
    assert "--workspace-store-uri aims+..." in findings()
    monkeypatch.setenv("MLFLOW_WORKSPACE_STORE_URI", "aims+sqlite:///x.db")
    assert findings() is None


def test_a_proxy_that_asks_nobody_is_a_finding(findings, monkeypatch):
    repositories = SimpleNamespace(get_artifact_repository=lambda *_: None)
    module = SimpleNamespace(**{artifact_repositories.CLASS: repositories})
    monkeypatch.setitem(sys.modules, artifact_repositories.REPOSITORIES, module)
    monkeypatch.setenv("_MLFLOW_SERVER_SERVE_ARTIFACTS", "false")
    assert findings() is None, "clients write to the store themselves"
    monkeypatch.setenv("_MLFLOW_SERVER_SERVE_ARTIFACTS", "true")
    assert "the artifact proxy asks nobody before it changes files of registered models" in findings()
    artifact_repositories.close(repositories)
    assert findings() is None
