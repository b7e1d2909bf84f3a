"""The process that loads models back: it stays, and each job has the environment of the process that sent it."""

import json
import pickle

import mlflow
import pytest

from aims_mlflow.adapters.other_process import OtherProcess


@pytest.fixture
def process():
    made = OtherProcess()
    yield made
    made.forget()


def ask(process, folder):
    """What a model answers that tells two environment variables; a library reads its own like this."""
    folder.mkdir()

    def environment(rows):
        import os

        return [os.environ.get(name, "not set") for name in rows["name"]]

    mlflow.pyfunc.save_model(folder / "model", python_model=environment, pip_requirements=[])
    (folder / "model.txt").write_text(str(folder / "model"))
    (folder / "rows.pickle").write_bytes(pickle.dumps({"name": ["BACKEND_OF_NOW", "BACKEND_OF_BEFORE"]}))
    process.send(folder)
    assert process.wait(folder, 120)
    return json.loads((folder / "answer.json").read_text())


def test_each_job_has_the_environment_of_its_own_call(process, tmp_path, monkeypatch):
    monkeypatch.delenv("BACKEND_OF_NOW", raising=False)
    monkeypatch.setenv("BACKEND_OF_BEFORE", "one")
    assert ask(process, tmp_path / "first")["columns"] == [["not set", "one"]]
    started = process._process
    monkeypatch.setenv("BACKEND_OF_NOW", "torch\nand more")
    monkeypatch.delenv("BACKEND_OF_BEFORE")
    assert ask(process, tmp_path / "second")["columns"] == [["torch\nand more", "not set"]]
    monkeypatch.delenv("BACKEND_OF_NOW")
    assert ask(process, tmp_path / "third")["columns"] == [["not set", "not set"]]
    assert process._process is started, "the process stays"
