"""A server whose gate cannot be opened does not start, and says why in its last line; others get a refusal."""

import click
import pytest
from mlflow.exceptions import MlflowException

from aims_mlflow.hooks import registry_store
from aims_mlflow.server import gated_store


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Open a gated registry as `mlflow server` does, in its own process before it starts workers; returns the last words."""

    def server():
        registry_store.build(f"aims+sqlite:///{tmp_path}/m.db")

    server.__module__ = "mlflow.cli"

    def call():
        with pytest.raises(SystemExit) as caught:
            click.Command("server", callback=server).main(args=[], standalone_mode=False)
        return str(caught.value.code)

    return call


def test_a_missing_key_is_the_servers_last_line(start, tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    said = start()
    assert said.startswith("aims: the server does not start: there is no root key and no log key")
    assert "`aims gate init --keys-here`" in said
    assert "\n" not in said
    assert not [r for r in caplog.records if r.exc_info], "a reason of one sentence needs no frames"
    assert not (tmp_path / ".aims").exists()


def test_a_ledger_that_is_away_is_named(start, monkeypatch):
    monkeypatch.setenv("AIMS_LEDGER_URI", "sqlite:////nowhere/ledger.db")
    assert start().endswith("Next: check AIMS_LEDGER_URI")


def test_frames_of_an_error_that_is_not_ours_stand_above(start, monkeypatch, caplog):
    monkeypatch.setattr(gated_store, "GatedStore", lambda *_, **__: 1 / 0)
    assert start().startswith("aims: the server does not start: ZeroDivisionError: division by zero.")
    assert "ZeroDivisionError" in caplog.text


def test_elsewhere_than_at_a_servers_start_the_registry_refuses(tmp_path, monkeypatch):
    monkeypatch.setenv("AIMS_LEDGER_URI", "sqlite:////nowhere/ledger.db")
    with pytest.raises(MlflowException, match="The registry is closed"):
        registry_store.build(f"aims+sqlite:///{tmp_path}/m.db")
