"""An error of ours that nobody catches ends a script or a cell with one sentence."""

import os
import subprocess
import sys

import pytest

from aims_mlflow.errors import ConfigError

SCRIPT = """
import mlflow
import aims_mlflow as aims

@aims.trains("loans", config={"system": {"id": "loans", "owner": "a@example.org"}, "data": {"target": "y"}})
def train(train, test): ...

def main():
    train([], [])

main()
"""


def run(folder, script, **settings):
    (folder / "script.py").write_text(script)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    (folder / "home").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder, env={**environment, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db", **settings},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_a_training_in_ci_without_a_key_ends_with_one_sentence_and_the_line_of_the_script(tmp_path):
    done = run(tmp_path, SCRIPT, CI="true")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("aims: script.py:9: there is no signing key, and none is made because CI is set. Next: ")
    assert "`aims keys new`" in last
    assert done.stderr.count("\n") == 1


def test_other_errors_keep_their_frames(tmp_path):
    done = run(tmp_path, "import aims_mlflow as aims\naims.trains\n1 / 0\n")
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_hook_that_someone_set_stays(tmp_path):
    script = "import sys\nsys.excepthook = lambda *a: print('MINE', a[0].__name__)\nimport aims_mlflow as aims\naims.trains('')\n"
    assert run(tmp_path, script).stdout == "MINE ConfigError\n"


def test_a_notebook_shows_the_sentence_alone():
    display = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")
    shell = display.InteractiveShell()
    shown = []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.run_cell(
        "from aims_mlflow.errors import ConfigError\n"
        "raise ConfigError('there is no key', where='aims.yaml', next='name one')"
    )
    assert shown == ["aims: aims.yaml: there is no key. Next: name one"]


def test_a_reason_that_several_steps_share_is_told_in_full_once(capsys, clean_state):
    from aims_mlflow.capture import data_steps

    for what in ("the acquisition", "the preparation"):
        with data_steps._observing(what):
            raise ConfigError("there is no key", next="`aims keys new`")
    first, second = capsys.readouterr().err.splitlines()
    assert first == "aims: the acquisition is not recorded: there is no key. Next: `aims keys new`"
    assert second == "aims: the preparation is not recorded: there is no key"
