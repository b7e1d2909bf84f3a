"""Trainings that fail, and mistakes that are found before fitting."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import aims_mlflow as aims
from aims_mlflow.errors import AimsError, ConfigError, DataError, KeyUnavailable, Unreachable
from aims_mlflow.evidence import tracking as store
from support import trainings
from support.captured_runs import FEATURES, FULL, config, fit, kinds, last_run, one

pytestmark = pytest.mark.usefixtures("tracking")


# -- what goes wrong -------------------------------------------------------------------------


def test_a_failing_function_leaves_its_failure_but_not_its_message(halves):
    @aims.trains("loans", config=config())
    def train(train, test):
        raise ZeroDivisionError("Mrs Smith owes 12 pounds")

    with pytest.raises(ZeroDivisionError, match="Mrs Smith"):
        train(*halves)
    body = one("training-provenance").evidence
    assert body.result == "failed"
    assert body.details["failure"]["type"] == "ZeroDivisionError"
    assert Path(__file__).name in body.details["failure"]["where"]
    assert b"Smith" not in b"".join(store.session_files(last_run()).values())


def test_a_model_that_cannot_predict_is_returned_and_said(halves, capsys):
    class Broken:
        def predict(self, features):
            raise RuntimeError("no")

    @aims.trains("loans", config=config())
    def train(train, test):
        return Broken()

    assert isinstance(train(*halves), Broken)
    assert one("performance").evidence.result == "not_evaluated"
    assert "the model could not predict (RuntimeError)" in capsys.readouterr().err


@pytest.mark.usefixtures("warnings_as_shipped")
def test_warnings_that_are_errors_in_the_persons_code_stop_no_evidence(halves):
    class Warns:
        def __init__(self, inner):
            self.inner = inner

        def predict(self, features):
            warnings.warn("old", DeprecationWarning, stacklevel=1)
            return self.inner.predict(features[FEATURES])

    @aims.trains("loans", config=config())
    def train(train, test):
        with pytest.raises(UserWarning, match="mine"):
            warnings.warn("mine", stacklevel=1)
        return Warns(fit(train))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)  # of what earlier tests left to the garbage collector
        model = train(*halves)
        with pytest.raises(DeprecationWarning):
            model.predict(halves[1][FEATURES])
    assert one("performance").evidence.result != "not_evaluated"


def test_a_store_that_goes_away_during_fitting_loses_nothing(halves, tracking, capsys):
    artifacts = tracking / "mlruns"

    @aims.trains("loans", config=config())
    def train(train, test):
        artifacts.rename(tracking / "gone")
        artifacts.write_text("not a folder")
        return fit(train)

    model = train(*halves)
    assert hasattr(model, "predict")
    said = capsys.readouterr().err
    assert "The evidence was kept in" in said
    kept = list((tracking / "aims-unsent").rglob("*.jsonl"))
    assert kept
    assert b"payload" in kept[0].read_bytes()


def test_a_read_only_store_is_found_before_fitting(halves, tracking):
    (tracking / "mlruns").write_text("not a folder")
    entered = []

    @aims.trains("loans", config=config())
    def train(train, test):
        entered.append(1)

    with pytest.raises(Unreachable, match="MLflow could not write evidence into the run"):
        train(*halves)
    assert not entered


def test_on_failure_raise_raises_after_everything_is_logged():
    from mlflow.exceptions import MlflowException

    frame = trainings.table(600, fair=False)

    @aims.trains("loans", config=config(), on_failure="raise")
    def train(train, test):
        return fit(train)

    with pytest.raises(aims.GateRefused) as caught:
        train(frame[:360], frame[360:])
    error = caught.value
    assert isinstance(error, AimsError)
    assert isinstance(error, MlflowException)
    assert error.model_uri.startswith("models:/m-")
    assert any("selection-rate ratio for sex=f" in text for text in error.unmet)
    assert set(kinds(error.run_id)) >= FULL


def test_blocking_data_stop_a_training_before_it_starts(halves, tmp_path):
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "pack.yaml").write_text(
        "name: strict\nversion: 1\ndescription: d\ndata_quality:\n  expectations:\n"
        "    - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 10000}, severity: blocking, why: too few}\n"
    )
    entered = []

    @aims.trains("loans", config={**config(), "pack": str(folder)})
    def train(train, test):
        entered.append(1)

    with pytest.raises(aims.GateRefused, match=r"Training refused: loans\. A\.7\.4: expect_table_row_count"):
        train(*halves)
    assert not entered
    assert one("data-quality").evidence.result == "failed"


@pytest.mark.parametrize("broken", ["config", "columns", "key"])
def test_observe_never_raises(halves, monkeypatch, broken):
    settings = config(sensitive=["nobody"]) if broken == "columns" else config()
    if broken == "key":
        monkeypatch.delenv("AIMS_HOME")
        monkeypatch.setenv("CI", "true")

    @aims.trains("loans", config=None if broken == "config" else settings, mode="observe")
    def train(train, test):
        return fit(train)

    assert hasattr(train(*halves), "predict")


def test_no_git_leaves_the_source_digest_with_the_reason(halves, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*halves)
    code = one("training-provenance").evidence.details["code"]
    assert "git is not installed" in code["reason"]
    assert len(code["source_digest"]) == 64


def trains(**more):
    @aims.trains("loans", **{"config": config(), **more})
    def train(train, test):
        raise AssertionError("entered")

    return train


@pytest.mark.parametrize(
    ("settings", "change", "error", "text"),
    [
        ({"data": {"target": "grantd"}}, None, DataError, "did you mean 'granted'"),
        ({"data": {"sensitive": ["sx"]}}, None, DataError, "did you mean 'sex'"),
        ({"data": {"favourable": "ja"}}, None, DataError, "does not occur in 'granted'"),
        ({}, lambda f: f[:0], DataError, "the table has no rows"),
        ({}, lambda f: f.assign(debt=np.nan), DataError, "'debt' has no value in any of its"),
        ({}, lambda f: f.assign(granted=["yes", "no", "maybe"] * (len(f) // 3)), DataError, "outside the two expected"),
        ({"system": {"intended_use": None, "affected_groups": []}}, None, ConfigError, "intended_use"),
        ({"system": {"affected_groups": [" "]}}, None, ConfigError, "affected_groups"),
        ({"pack": "tabular-clasification"}, None, ConfigError, "did you mean 'tabular-classification'"),
        ({"system": {"ownr": "x"}}, None, ConfigError, "unknown key 'system.ownr', did you mean 'owner'?"),
        ({"system": {"objectives": {"fairnes": "high"}}}, None, ConfigError, "did you mean 'fairness'"),
    ],
)
def test_bad_input_gets_one_clear_sentence_before_fitting(frame, settings, change, error, text):
    found = config()
    for section, values in settings.items():
        found[section] = {**found[section], **values} if isinstance(values, dict) else values
    frame = change(frame[:600]) if change else frame
    with pytest.raises(error, match=re.escape(text)):
        trains(config=found)(frame[:360], frame[360:])


def test_no_aims_yaml_names_the_command_that_writes_one(halves, tmp_path, monkeypatch):
    monkeypatch.setenv("AIMS_CONFIG", str(tmp_path / "nowhere.yaml"))
    with pytest.raises(ConfigError, match="AIMS_CONFIG names"):
        trains(config=None)(*halves)
    monkeypatch.delenv("AIMS_CONFIG")
    with pytest.raises(ConfigError, match=r"run `aims init DATA\.csv"):
        trains(config=None)(*halves)


def test_errors_in_a_file_name_file_and_line(halves, tmp_path):
    path = tmp_path / "aims.yaml"
    path.write_text("system: {id: loans, owner: o}\ndata:\n  target: granted\n  favorable: yes\n")
    with pytest.raises(ConfigError, match=r"aims\.yaml:4: unknown key 'data\.favorable', did you mean 'favourable'\?"):
        trains(config=path)(*halves)


def test_a_pack_with_a_wrong_control_names_the_nearest(halves, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "pack.yaml").write_text("name: p\nversion: 1\ndescription: d\nfairness:\n  controls: [A.6.2.9]\n")
    with pytest.raises(ConfigError, match=r"pack\.yaml:5: unknown control 'A\.6\.2\.9', did you mean 'A\.6\.2\.8'"):
        trains(config={**config(), "pack": str(tmp_path / "p")})(*halves)


def test_one_group_is_not_evaluated_and_never_a_pass(halves, capsys):
    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*(part.assign(sex="f") for part in halves))
    body = one("fairness").evidence
    assert body.result == "not_evaluated"
    assert "only one group" in body.reason or any("only one group" in (c.note or "") for c in body.claims)
    assert "unmet: fairness" in capsys.readouterr().err


def test_no_server_and_no_key_are_found_at_once(halves, monkeypatch):
    import mlflow

    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(KeyUnavailable, match="AIMS_SIGNING_KEY"):
        trains()(*halves)
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"no MLflow server answers .* Next: start it, or correct"):
        trains()(*halves)
