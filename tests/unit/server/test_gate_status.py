"""`aims gate status`: what is wrong with a gate, and an exit status that a script may rely on."""

import pytest
from click.testing import CliRunner

from aims_mlflow.cli.main import cli
from aims_mlflow.records.policy import Caps
from aims_mlflow.server.gate_status import bytes_in_use, shared_password

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


def status():
    done = CliRunner().invoke(cli, ["gate", "status"], standalone_mode=False)
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
