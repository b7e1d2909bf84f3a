"""A server whose gate cannot be opened does not start, and says why in its last line; others get a refusal."""

import os
from pathlib import Path

import click
import pytest
from mlflow.exceptions import MlflowException

from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.hooks import registry_store
from aims_mlflow.server import gated_store


def server_of(folder):
    """The function behind `mlflow server`, as far as it opens the registry."""

    def server():
        registry_store.build(f"aims+sqlite:///{folder}/m.db")

    server.__module__ = "mlflow.cli"
    return server


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Open a gated registry as `mlflow server` does, in its own process before it starts workers; returns the last words."""

    server = server_of(tmp_path)

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


def test_a_policy_folder_that_is_not_there_is_named_with_its_variable(start, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("AIMS_POLICY", str(tmp_path / "policy"))
    said = start()
    assert said.startswith(f"aims: the server does not start: {tmp_path}/policy: there is no such policy folder.")
    assert said.endswith(f"Next: correct AIMS_POLICY; `aims gate init {tmp_path}/policy` writes a policy there")
    assert "stays in force" not in caplog.text, "there never was one"


@pytest.mark.parametrize(
    ("files", "said", "advice"),
    [
        ({}, "policy.yaml: cannot be read (No such file or directory)", "init"),
        ({"policy.yaml": "enforcement: [oops"}, "policy.yaml:2", "lint"),
        pytest.param(
            {"policy.yaml": "", "keyring.yaml": ""}, "policy.yaml: the policy is empty", "lint", marks=pytest.mark.full
        ),
        pytest.param(
            {"policy.yaml": None},
            "keyring.yaml: cannot be read (No such file or directory)",
            "lint",
            marks=pytest.mark.full,
        ),
    ],
    ids=["empty folder", "no YAML", "empty files", "no keyring"],
)
def test_an_invalid_policy_folder_is_named_with_what_is_wrong(start, tmp_path, monkeypatch, files, said, advice):
    folder = tmp_path / "policy"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(default_policy_text() if content is None else content)
    monkeypatch.setenv("AIMS_POLICY", str(folder))
    words = start()
    assert words.startswith(f"aims: the server does not start: {folder}: the registry has no valid policy: ")
    assert said in words
    assert f"`aims gate {advice} {folder}`" in words
    assert "\n" not in words


def test_a_folder_that_broke_later_leaves_the_last_good_policy_in_force(tmp_path, monkeypatch, capsys, caplog):
    registry_store.build(f"aims+sqlite:///{tmp_path}/m.db")
    policy = next(Path(os.environ["AIMS_HOME"]).glob("policy/policy.yaml"))
    policy.write_text("enforcement: [oops")
    command = click.Command("server", callback=server_of(tmp_path))
    command.main(args=[], standalone_mode=False)
    assert "FINDING: policy.yaml:2" in capsys.readouterr().err
    assert "the last good policy stays in force" in caplog.text


def test_frames_of_an_error_that_is_not_ours_stand_above(start, monkeypatch, caplog):
    monkeypatch.setattr(gated_store, "GatedStore", lambda *_, **__: 1 / 0)
    assert start().startswith("aims: the server does not start: ZeroDivisionError: division by zero.")
    assert "ZeroDivisionError" in caplog.text


def test_elsewhere_than_at_a_servers_start_the_registry_refuses(tmp_path, monkeypatch):
    monkeypatch.setenv("AIMS_LEDGER_URI", "sqlite:////nowhere/ledger.db")
    with pytest.raises(MlflowException, match="The registry is closed"):
        registry_store.build(f"aims+sqlite:///{tmp_path}/m.db")


def test_a_database_that_holds_other_names_equal_is_not_offered():
    def server():
        registry_store.build("aims+mysql+pymysql://registry:secret@db/mlflow")

    server.__module__ = "mlflow.cli"
    with pytest.raises(SystemExit) as caught:
        click.Command("server", callback=server).main(args=[], standalone_mode=False)
    said = str(caught.value.code)
    assert said.startswith("aims: the server does not start: no gate is offered on MySQL and MariaDB")
    assert said.endswith("Next: keep the registry in PostgreSQL or SQLite")
    assert "secret" not in said
