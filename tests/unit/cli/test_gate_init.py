"""`aims gate init`: all of it or nothing, in a container too, and the next commands find its folder."""

import os

import pytest
from click.testing import CliRunner

from aims_mlflow.cli.main import cli, run_command
from aims_mlflow.errors import AimsError, ConfigError, KeyUnavailable
from aims_mlflow.gates.policy import load_policy
from aims_mlflow.server import active_policy
from aims_mlflow.signing import lasting_home
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keyring import load_keyring, roots_of


@pytest.fixture
def passing_home(tmp_path, monkeypatch):
    """The home of a CI job's account, in an otherwise empty folder."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CI", "true")
    monkeypatch.chdir(tmp_path)
    return home


def everything(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_where_the_home_passes_nothing_is_written_and_the_command_that_works_is_named(passing_home, tmp_path):
    with pytest.raises(KeyUnavailable) as caught:
        run_command("gate", "init")
    assert caught.value.sentence().startswith(
        "there is no root key and no log key, and none is made because CI is set. Next: `aims gate init --keys-here`"
    )
    assert everything(tmp_path) == ["home"]
    with pytest.raises(KeyUnavailable, match="`aims gate init policy --keys-here`"):
        run_command("gate", "init", "policy")
    run_command("gate", "init", "policy", "--keys-here")
    assert everything(passing_home) == [
        ".aims",
        ".aims/keys",
        ".aims/keys/log.pem",
        ".aims/keys/root.pem",
        ".aims/policy",
    ]


def test_a_server_makes_no_keys_where_the_home_passes(passing_home, tmp_path):
    run_command("keys", "new", "log.pem")
    os.environ["AIMS_LOG_KEY"] = f"file:{tmp_path}/log.pem"
    try:
        with pytest.raises(KeyUnavailable, match="there is no root key, and none is made"):
            active_policy.init_policy(tmp_path / "policy")
        assert "move the root key to a place that lasts" in run_command("gate", "init", "policy")
    finally:
        del os.environ["AIMS_LOG_KEY"]


def test_a_failure_in_the_middle_leaves_nothing_half_made(own_home, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(active_policy, "write_keyring", full)
    with pytest.raises(OSError, match="No space left"):
        active_policy.init_policy(tmp_path / "policy")
    assert everything(own_home) == ["keys"]
    assert everything(tmp_path) == []
    monkeypatch.undo()
    monkeypatch.setenv("AIMS_HOME", str(own_home))
    monkeypatch.setattr(active_policy, "policy_text", full)
    with pytest.raises(OSError, match="No space left"):
        active_policy.init_policy(tmp_path / "policy")
    assert everything(own_home) == ["keys"]
    assert everything(tmp_path) == []


def test_keys_that_were_there_stay(own_home, tmp_path, monkeypatch):
    active_policy.init_policy(tmp_path / "one")
    before = {p.name: p.read_bytes() for p in (own_home / "keys").iterdir()}
    monkeypatch.setattr(active_policy, "write_keyring", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        active_policy.init_policy(tmp_path / "two")
    assert {p.name: p.read_bytes() for p in (own_home / "keys").iterdir()} == before


def test_the_root_key_that_a_setting_names_signs(own_home, tmp_path, monkeypatch):
    run_command("keys", "new", str(tmp_path / "root.pem"))
    monkeypatch.setenv("AIMS_ROOT_KEY", f"file:{tmp_path}/root.pem")
    shown = run_command("gate", "init", str(tmp_path / "policy"))
    root = load_key(f"file:{tmp_path}/root.pem").key_id
    assert f"export AIMS_KEYRING_ROOT={root}" in shown
    assert roots_of(load_keyring(tmp_path / "policy" / "keyring.yaml")) == {root}
    assert not (own_home / "keys" / "root.pem").exists()


def test_the_next_command_finds_the_folder_without_a_setting(own_home, tmp_path):
    shown = run_command("gate", "init", str(tmp_path / "policy"))
    assert f"the server needs: export AIMS_POLICY={tmp_path}/policy" in shown
    run_command("keys", "new", str(tmp_path / "ana.pem"))
    run_command("keys", "add", str(tmp_path / "ana.pub.pem"), "--owner", "ana", "--role", "trainer")
    assert len(load_keyring(tmp_path / "policy" / "keyring.yaml").keys) == 2
    shown = run_command("gate", "init", str(tmp_path / "second"))
    assert f"the next commands and the server need: export AIMS_POLICY={tmp_path}/second" in shown
    assert "2 keys" in run_command("gate", "lint"), "the first folder stays the account's"


def test_a_folder_that_a_setting_names_is_no_link(own_home, tmp_path, monkeypatch):
    monkeypatch.setenv("AIMS_POLICY", str(tmp_path / "policy"))
    assert "export AIMS_POLICY" not in run_command("gate", "init")
    assert not (own_home / "policy").exists()


@pytest.mark.parametrize(
    ("before", "command", "text"),
    [
        ([], ["add", "a.pub.pem", "--owner", "a", "--role", "trainer"], "`aims gate init {home}/policy` makes one"),
        (["gate init"], ["add", "a.pub.pem", "--owner", "a", "--role", "trainer"], "`aims keys export > a.pub.pem`"),
        (["gate init", "keys new a.pem"], ["add", "a.pem", "--owner", "a", "--role", "trainer"], "give its public half: a.pub.pem"),
        (["keys new"], ["new"], "`aims keys export` prints its public half"),
    ],
)  # fmt: skip
def test_an_error_names_the_command_that_works_next(own_home, tmp_path, monkeypatch, before, command, text):
    monkeypatch.chdir(tmp_path)
    if command[1:2] == ["a.pub.pem"] and not before:
        run_command("keys", "new", "a.pem")
    for line in before:
        run_command(*line.split())
    result = CliRunner().invoke(cli, ["keys", *command])
    assert isinstance(result.exception, AimsError)
    assert text.format(home=own_home) in result.exception.sentence()


def test_a_root_key_that_is_elsewhere_is_asked_for(own_home, tmp_path, monkeypatch):
    run_command("gate", "init", str(tmp_path / "policy"))
    run_command("keys", "new", str(tmp_path / "a.pem"))
    monkeypatch.setenv("AIMS_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("AIMS_POLICY", str(tmp_path / "policy"))
    with pytest.raises(KeyUnavailable, match=r"--root file:/path/to/root\.pem"):
        run_command("keys", "add", str(tmp_path / "a.pub.pem"), "--owner", "a", "--role", "trainer")


def test_a_public_half_is_never_replaced(own_home, tmp_path):
    (tmp_path / "a.pub.pem").write_text("someone else's")
    with pytest.raises(ConfigError, match=r"a\.pub\.pem: a file of that name exists"):
        run_command("keys", "new", str(tmp_path / "a.pem"))
    assert not (tmp_path / "a.pem").exists()


def test_what_passes_is_said_where_a_key_is_made_all_the_same(passing_home):
    assert "CI is set" in run_command("keys", "new")
    assert lasting_home.why_home_passes() == "CI is set"


STANDARD = ("impact-assessment", "validation-report", "deployment-plan", "monitoring-plan")
HIGH_RISK = (*STANDARD, "risk-register", "intended-use", "technical-documentation", "user-information", "log-plan")


@pytest.mark.parametrize(
    ("level", "documents", "approvals"),
    [
        ([], (), 1),
        (["--level", "starter"], (), 1),
        (["--level", "standard"], STANDARD, 1),
        (["--level", "high-risk"], HIGH_RISK, 2),
    ],
)
def test_the_policy_that_is_written_asks_for_the_documents_of_its_level(
    own_home, tmp_path, level, documents, approvals
):
    run_command("gate", "init", str(tmp_path / "policy"), *level)
    rules = load_policy(tmp_path / "policy").rules("loans", "deployment", "champion")
    assert (rules.written, rules.approvals.count) == (documents, approvals)


def test_the_default_level_is_standard_once_there_are_documents(tmp_path, monkeypatch):
    from aims_mlflow.cli.gate import default_level

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AIMS_FOLDER", raising=False)
    assert default_level() == "starter"
    (tmp_path / "aims").mkdir()
    assert default_level() == "starter"
    text = "id: context\nkind: context\ntitle: Context\nowner: olga\nauthor: rita\n"
    (tmp_path / "aims" / "context.yaml").write_text(text, encoding="utf-8")
    assert default_level() == "standard"
