"""`aims keys`: the life of a keyring at the command line."""

import json
import sys

import pytest
from click.testing import CliRunner

from aims_mlflow.cli.keyring_files import root_key
from aims_mlflow.cli.main import cli
from aims_mlflow.errors import AimsError, ConfigError, EvidenceError, KeyUnavailable, Unreachable
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import configured_log
from aims_mlflow.server.active_policy import ActivePolicy, init_policy
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import add_key, load_keyring, sign_keyring, write_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "policy"
    init_policy(folder)
    monkeypatch.setenv("AIMS_POLICY", str(folder))
    return folder


def aims(*arguments, **more):
    result = CliRunner().invoke(cli, ["keys", *map(str, arguments)], **more)
    if isinstance(result.exception, AimsError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def public(tmp_path, name, monkeypatch=None):
    aims("new", tmp_path / f"{name}.pem")
    (tmp_path / f"{name}.pub").write_text(aims("export", "--key", f"file:{tmp_path}/{name}.pem"))
    return tmp_path / f"{name}.pub"


def test_added_rotated_revoked_and_listed(folder, tmp_path):
    ana, new = public(tmp_path, "ana"), public(tmp_path, "ana2")
    assert "may now act as trainer" in aims("add", ana, "--owner", "ana", "--role", "trainer")
    assert "ana signs with" in aims("rotate", "ana", new, "--from", "2030-01-01")
    old = load_key(f"file:{tmp_path}/ana.pem").key_id
    assert "is revoked from" in aims("revoke", old[:12], "--from", "2026-01-01T12:00:00")
    keys = {k["key_id"]: k for k in json.loads(aims("list", "--json"))}
    assert keys[old]["revoked"] == "2026-01-01T12:00:00.000000Z"
    assert sorted(k["owner"] for k in keys.values()) == ["ana", "ana", "registry"]
    assert load_keyring(folder / "keyring.yaml").version == 4
    listed = aims("list")
    assert "REVOKED 2026-01-01" in listed
    assert "version 4, root " in listed


def test_the_root_is_rotated_and_the_old_one_is_refused_from_then_on(folder, tmp_path, monkeypatch):
    ana = public(tmp_path, "ana")
    aims("new", tmp_path / "root2.pem")
    said = aims("rotate", "root", f"file:{tmp_path}/root2.pem", "--owner", "platform team")
    assert f"export AIMS_ROOT_KEY=file:{tmp_path}/root2.pem" in said
    with pytest.raises(ConfigError, match="is not the root key of this keyring"):
        aims("add", ana, "--owner", "ana", "--role", "trainer")
    monkeypatch.setenv("AIMS_ROOT_KEY", f"file:{tmp_path}/root2.pem")
    aims("add", ana, "--owner", "ana", "--role", "trainer")
    keyring = load_keyring(folder / "keyring.yaml", load_key(f"file:{tmp_path}/root2.pem").key_id)
    assert keyring.version == 3
    with pytest.raises(ConfigError, match="takes over at once"):
        aims("rotate", "root", f"file:{tmp_path}/root2.pem", "--from", "2030-01-01")
    with pytest.raises(ConfigError, match="no root would be left"):
        aims("revoke", "platform team")
    assert load_keyring(folder / "keyring.yaml").version == 3


def test_a_server_takes_no_keyring_that_an_ended_root_signed(folder, tmp_path, monkeypatch):
    aims("new", tmp_path / "root2.pem")
    old, new = root_key(None), load_key(f"file:{tmp_path}/root2.pem")
    monkeypatch.setenv("AIMS_KEYRING_ROOT", f"{old.key_id},{new.key_id}")  # both, until every server knows the new one
    ledger = Ledger(f"sqlite:///{tmp_path}/l.db", configured_log())
    active = ActivePolicy(ledger, folder)
    active.require()
    aims("rotate", "root", f"file:{tmp_path}/root2.pem")
    assert active.current().keyring.version == 2
    by_old = add_key(active.current().keyring, signed_sessions.entry(ephemeral_key(), "mallory"))
    write_keyring(folder / "keyring.yaml", sign_keyring(by_old, old))
    assert active.current().keyring.version == 2, "the last good one stays in force"
    assert "version 3 may not follow version 2" in active.findings[0]


def test_a_mistake_changes_nothing(folder, tmp_path):
    before = (folder / "keyring.yaml").read_bytes()
    ana = public(tmp_path, "ana")
    with pytest.raises(ConfigError, match="this is a private key"):
        aims("add", tmp_path / "ana.pem", "--owner", "ana", "--role", "trainer")
    with pytest.raises(ConfigError, match="no key of the keyring"):
        aims("revoke", "nobody")
    aims("add", ana, "--owner", "ana", "--role", "trainer")
    after = (folder / "keyring.yaml").read_bytes()
    with pytest.raises(ConfigError, match="revoked from now or from an earlier time"):
        aims("revoke", "ana", "--from", "2999-01-01")
    with pytest.raises(Unreachable, match="cannot be read"):
        aims("rotate", "ana", tmp_path / "none")
    assert (folder / "keyring.yaml").read_bytes() == after != before
    (folder / "keyring.yaml").write_bytes(after.replace(b"owner: ana", b"owner: eve"))
    with pytest.raises(EvidenceError, match="changed after the root signed it"):
        aims("revoke", "eve")


def test_a_password_comes_from_the_variable_or_a_person(folder, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="no terminal"):
        aims("new", tmp_path / "none.pem", "--password")
    assert not (tmp_path / "none.pem").exists()
    monkeypatch.setenv("AIMS_SIGNING_KEY_PASSWORD", "secret")
    aims("new", tmp_path / "p.pem", "--password")
    assert "BEGIN PUBLIC KEY" in aims("export", "--key", f"file:{tmp_path}/p.pem")
    monkeypatch.delenv("AIMS_SIGNING_KEY_PASSWORD")
    with pytest.raises(KeyUnavailable, match="AIMS_SIGNING_KEY_PASSWORD"):
        aims("export", "--key", f"file:{tmp_path}/p.pem")


def at_a_terminal(*arguments, answers):
    """Run the command on a terminal of its own; each prompt that ends in a colon gets the next answer."""
    import os
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execv(
            sys.executable,
            [sys.executable, "-c", "from aims_mlflow.cli.main import main; main()", *map(str, arguments)],
        )
    shown, answers = b"", list(answers)
    while True:
        try:
            part = os.read(terminal, 1000)
        except OSError:
            break
        if not part:
            break
        shown += part
        if shown.rstrip(b" ").endswith(b":") and answers:
            os.write(terminal, answers.pop(0).encode() + b"\n")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    return status, shown.decode()


def test_a_person_at_a_terminal_is_asked(tmp_path):
    status, shown = at_a_terminal("keys", "new", tmp_path / "p.pem", "--password", answers=["s3cret", "s3cret"])
    assert (status, "wrote" in shown) == (0, True), shown
    assert b"ENCRYPTED" in (tmp_path / "p.pem").read_bytes()
    status, shown = at_a_terminal("keys", "export", "--key", f"file:{tmp_path}/p.pem", answers=["s3cret"])
    assert (status, "BEGIN PUBLIC KEY" in shown) == (0, True), shown
    assert "s3cret" not in shown
    status, shown = at_a_terminal("keys", "export", "--key", f"file:{tmp_path}/p.pem", answers=["wrong"])
    assert (status, "does not open the key" in shown) == (2, True), shown
