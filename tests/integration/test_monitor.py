"""A first monitor, as an operations team runs it: an alias, a file, an exit status, and signed evidence in MLflow."""

import json
import re

import mlflow
import pandas as pd
import pytest
import sqlalchemy as sa

import aims_mlflow as aims
from aims_mlflow.cli.main import main
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence import tracking as store
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.records.keyring import KeyEntry
from aims_mlflow.signing.key_sources import signing_key
from support import trainings

pytestmark = pytest.mark.usefixtures("tracking")
FEATURES = ["income", "debt"]


@pytest.fixture
def version(tracking):
    """A trained, registered model behind the alias `live`; returns its training's run."""
    frame = trainings.table(900)

    @aims.trains("loans", config=trainings.config())
    def train(train, test):
        return trainings.pipeline().fit(train[FEATURES], train["granted"])

    train(frame[:600], frame[600:])
    run = mlflow.search_runs(output_format="list", max_results=1)[0].info.run_id
    (model,) = [o.model_id for o in mlflow.get_run(run).outputs.model_outputs]
    mlflow.register_model(f"models:/{model}", "loans")
    mlflow.MlflowClient().set_registered_model_alias("loans", "live", "1")
    return run


def monitor(*args):
    with pytest.raises(SystemExit) as ended:
        main(["monitor", "run", "models:/loans@live", *map(str, args)])
    return ended.value.code


def write(path, frame):
    frame.drop(columns="granted").to_csv(path, index=False)
    return path


def test_new_data_like_the_training_are_no_breach_and_leave_signed_evidence(version, tmp_path, capsys):
    data = write(tmp_path / "week.csv", trainings.table(500, seed=5))
    assert monitor("--data", data, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["version"], found["result"], found["drifted"], found["rows"]) == ("1", "passed", [], 500)
    compared = {c["slice"]["column"] for c in found["claims"] if c["metric"] == "drift"}
    assert compared == {"income", "debt", "sex", "(prediction)"}
    run = mlflow.get_run(found["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["aims.monitor.version"] == "models:/loans/1"
    (linked,) = run.inputs.model_inputs
    public = signing_key().public
    entry = KeyEntry(key_id=public.key_id, owner="me", roles=("trainer",), pem=public.pem)
    ((name, content),) = store.session_files(found["run_id"]).items()
    session = check_session(content, name, {public.key_id: entry}.get)
    assert session.sound, session.problems
    (record,) = [r for r in session.records if r.evidence.kind == "monitor-run"]
    from aims_mlflow.adapters.models import digest_of_logged

    assert record.has_subject(digest_of_logged(linked.model_id))
    assert "A.6.2.6" in record.evidence.controls
    for artifact in record.evidence.artifacts:
        assert store.read_file(found["run_id"], artifact.path)


def test_drifted_columns_are_printed_and_exit_1(version, tmp_path, capsys):
    frame = trainings.table(500, seed=5)
    data = write(tmp_path / "week.csv", frame.assign(income=frame["income"] + 1500))
    assert monitor("--data", data) == 1
    out = capsys.readouterr().out
    assert "models:/loans@live (version 1): 500 rows, 4 columns compared" in out
    assert "✗ drift for column=income is" in out
    assert "✗ drift for column=(prediction) is" in out
    assert "breach in " in out
    (run_id,) = (w for w in re.findall(r"run (\w+): record", out))
    assert f"aims ledger ingest runs:/{run_id} --reason" in out, "an ungated run is in no ledger"
    a_table_of_a_database_is_monitored_where_it_is(tmp_path, capsys)
    data_that_do_not_fit_are_one_sentence(tmp_path, capsys)


def a_table_of_a_database_is_monitored_where_it_is(tmp_path, capsys):
    frame = trainings.table(500, seed=5)
    url = f"sqlite:///{tmp_path}/calls.db"
    frame.assign(said=frame["granted"]).drop(columns="granted").to_sql("week", sa.create_engine(url), index=False)
    assert monitor("--data", f"{url}#week", "--prediction", "said") == 0
    assert "4 columns compared" in capsys.readouterr().out


def test_a_baseline_that_was_changed_or_is_not_trusted_is_refused(version, tmp_path, capsys, monkeypatch):
    data = write(tmp_path / "week.csv", trainings.table(200, seed=5))
    ((name, content),) = store.session_files(version).items()
    session = check_session(content, name, lambda _: None)
    (record,) = [r for r in session.records if r.evidence.kind == "drift-baseline"]
    (artifact,) = record.evidence.artifacts
    honest = store.read_file(version, artifact.path)
    store.put(version, {artifact.path: honest.replace(b'"rows": 600', b'"rows": 700')})
    assert monitor("--data", data) != 0
    assert "not the one that was signed" in capsys.readouterr().err
    store.put(version, {artifact.path: honest})
    assert monitor("--data", data) == 0
    capsys.readouterr()
    monkeypatch.setenv("AIMS_HOME", str(tmp_path / "stranger"))
    assert monitor("--data", data) != 0
    assert "no drift baseline of this model that verifies" in capsys.readouterr().err


def data_that_do_not_fit_are_one_sentence(tmp_path, capsys):
    pd.DataFrame({"other": [1, 2]}).to_csv(tmp_path / "other.csv", index=False)
    assert monitor("--data", tmp_path / "other.csv") == 1
    assert "could not be evaluated" in capsys.readouterr().out
    assert monitor("--data", tmp_path / "nothing.csv") == 3


def test_a_monitor_that_cannot_keep_its_result_leaves_no_run_that_runs_for_ever(version, tmp_path, monkeypatch):
    def full(*_):
        raise Unreachable("MLflow could not write: no space left")

    data = write(tmp_path / "week.csv", trainings.table(500, seed=5))
    monkeypatch.setattr(store, "put", full)
    assert monitor("--data", data) == 3
    assert mlflow.search_runs(output_format="list", max_results=1)[0].info.status == "FAILED"
