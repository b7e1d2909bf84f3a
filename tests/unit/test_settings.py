"""Settings: one file reads the environment, and every command understands a variable in the same way."""

import ast
import runpy
from pathlib import Path

import pytest

import aims_mlflow
from aims_mlflow import settings
from aims_mlflow.server.active_policy import ActivePolicy, init_policy

PACKAGE = Path(aims_mlflow.__file__).parent
WRITTEN_BY_A_PERSON = {name for name in vars(settings).values() if isinstance(name, str) and name.startswith("AIMS_")}


def reads_of_the_environment(path):
    """Yield the lines of a module that use os.environ or os.getenv."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv"):
            yield node.lineno
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {"environ", "getenv"} & {a.name for a in node.names}
        ):
            yield node.lineno


def test_only_the_settings_read_the_environment():
    """`fresh_process` is another process's whole program, and sets there what the settings of this one gave it."""
    elsewhere = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if path.name != "settings.py" and (lines := list(reads_of_the_environment(path)))
    }
    sets = {"os.environ.pop(name, None)", "os.environ[name] = value"}
    lines = (PACKAGE / "adapters" / "fresh_process.py").read_text(encoding="utf-8").splitlines()
    assert {lines[number - 1].strip() for number in elsewhere.pop("adapters/fresh_process.py")} == sets
    assert elsewhere == {}
    assert list(reads_of_the_environment(PACKAGE / "settings.py"))  # the test sees what it looks for


def test_every_variable_is_described():
    assert {s.name for s in settings.SETTINGS} == WRITTEN_BY_A_PERSON
    assert all(s.meaning.endswith(".") and s.default for s in settings.SETTINGS)


def test_the_guide_has_the_table_of_settings():
    """To print it again: `settings_table(but="data scientist")` of docs/site_pages.py."""
    docs = Path(__file__).parents[2] / "docs"
    table = runpy.run_path(str(docs / "site_pages.py"))["settings_table"](but="data scientist")
    assert table.count("\n") > 5
    assert f"-->\n{table}\n<!-- end of settings -->" in (docs / "gate.md").read_text(encoding="utf-8")


def test_what_is_public_is_listed():
    """All else may change in any release; docs/reference shows these names."""
    import aims_mlflow.errors
    from aims_mlflow.checks import own_check

    assert set(own_check.__all__) <= set(vars(own_check))
    errors = {n for n, v in vars(aims_mlflow.errors).items() if isinstance(v, type) and issubclass(v, Exception)}
    assert set(aims_mlflow.errors.__all__) == errors - {"Refusal"}  # a base that only our own code asks for


def test_the_policy_folder_is_the_same_for_server_and_commands(monkeypatch, tmp_path):
    from aims_mlflow.evidence.trust import trusted_keys

    monkeypatch.setenv("HOME", str(tmp_path))
    init_policy(tmp_path / "policy")
    monkeypatch.setenv("AIMS_POLICY", "~/policy")
    assert settings.policy_folder() == tmp_path / "policy"
    entry = next(iter(settings_keyring(tmp_path / "policy").keys))
    assert trusted_keys()(entry.key_id) is not None


def settings_keyring(folder):
    from aims_mlflow.signing.keyring import load_keyring

    return load_keyring(folder / "keyring.yaml")


@pytest.mark.parametrize("separator", [",", " ", ", "])
def test_a_fresh_server_takes_two_pinned_roots(monkeypatch, tmp_path, separator):
    """As the help of `aims keys rotate` says: both roots are pinned until every server has seen the change."""
    from aims_mlflow.ledger.ledger import Ledger

    folder = tmp_path / "policy"
    init_policy(folder)
    root = settings_keyring(folder).signatures[0].key_id
    monkeypatch.setenv("AIMS_KEYRING_ROOT", separator.join(["f" * 64, root]))
    active = ActivePolicy(Ledger(f"sqlite:///{tmp_path}/ledger.db"), folder)
    assert active.current().keyring.signatures[0].key_id == root
    monkeypatch.setenv("AIMS_KEYRING_ROOT", separator.join(["f" * 64, "e" * 64]))
    with pytest.raises(aims_mlflow.AimsError, match="not signed by the root key"):
        ActivePolicy(Ledger(f"sqlite:///{tmp_path}/other.db"), folder).current()


def test_a_setting_is_put_back(monkeypatch):
    monkeypatch.setenv("AIMS_HOME", "/before")
    monkeypatch.delenv("AIMS_POLICY", raising=False)
    with settings.environment({"AIMS_HOME": "/while", "AIMS_POLICY": "/while"}):
        assert (settings.value_of("AIMS_HOME"), settings.value_of("AIMS_POLICY")) == ("/while", "/while")
    assert (settings.value_of("AIMS_HOME"), settings.value_of("AIMS_POLICY")) == ("/before", None)
