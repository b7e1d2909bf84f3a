"""`aims check`: a verdict, a table that a person can read, a report, and an exit status, without training code."""

import datetime as dt
import json
import os
import pty
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from aims_mlflow.checks.engines.opening import shown_name
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.cli.main import main
from aims_mlflow.records.expectation import DataQuality, Expectation
from aims_mlflow.records.pack import Pack

SHARED = ["--target", "repaid", "--favourable", "yes", "--sensitive", "sex"]


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, rows in (("train", 1200), ("test", 600)):
        sex = rng.choice(["F", "M"], rows)
        income = rng.normal(50, 10, rows) + np.where(sex == "M", 8, 0)
        repaid = np.where(income + rng.normal(0, 6, rows) > 54, "yes", "no")
        score = 1 / (1 + np.exp(-(income - 54) / 4))
        frame = pd.DataFrame({"income": income, "sex": sex, "repaid": repaid})
        frame = frame.assign(said=np.where(score > 0.5, "yes", "no"), score=score) if name == "test" else frame
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def aims(*args):
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, args)])
    return ended.value.code


def test_a_table_alone_is_checked_and_a_report_written(tables, capsys):
    assert aims("run", "train.csv", "--role", "train", *SHARED) == 0
    out = capsys.readouterr()
    assert "train.csv: 1,200 rows, held to tabular-classification 1" in out.out
    assert "data quality         passed" in out.out
    assert "representativeness   warned" in out.out
    assert out.err == ""
    page = (tables / "aims-check-train" / "index.html").read_text()
    assert 'href="data_docs.html"' in page
    assert (tables / "aims-check-train" / "data_docs.html").is_file()


def test_predictions_in_a_column_are_held_to_limits_and_a_miss_exits_1(tables, capsys):
    asked = ("run", "test.csv", *SHARED, "--prediction", "said", "--score", "score", "--train", "train.csv")
    assert aims(*asked, "--out", "here") == 1
    out = capsys.readouterr().out
    assert "fairness             failed" in out
    assert "✗ selection-rate ratio for sex=F is 0." in out
    assert "performance          passed" in out
    assert "drift                passed" in out
    assert (tables / "here" / "fairness.html").is_file()


def test_json_is_one_object_with_every_claim(tables, capsys):
    assert aims("run", "test.csv", *SHARED, "--prediction", "said", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["result"] == "failed"
    assert [c["check"] for c in found["checks"]] == [
        "data_quality",
        "representativeness",
        "leakage",
        "privacy",
        "performance",
        "fairness",
    ]
    ratio = [
        c for c in found["checks"][5]["claims"] if c["metric"] == "selection_rate_ratio" and c["slice"] == {"sex": "F"}
    ]
    assert ratio[0]["passed"] is False


def test_aims_yaml_says_what_the_options_do_not(tables, capsys):
    (tables / "aims.yaml").write_text(
        "system: {id: loans, owner: a@b.c}\ndata: {target: repaid, favourable: 'yes', sensitive: [sex]}\n"
    )
    assert aims("run", "test.csv", "--score", "score", "--threshold", "0.2", "--json") in (0, 1)
    found = json.loads(capsys.readouterr().out)
    selected = [
        c
        for check in found["checks"]
        for c in check["claims"]
        if (c["metric"], c["slice"]) == ("selection_rate", {"sex": "M"})
    ]
    test = pd.read_csv(tables / "test.csv")
    assert float(selected[0]["value"]) == pytest.approx((test["score"][test["sex"] == "M"] >= 0.2).mean())


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["run", "nowhere.csv", *SHARED], 3, "nowhere.csv: there is no such file"),
        (["run", "test.csv"], 2, "no aims.yaml found"),
        (["run", "test.csv", "--target", "repayd"], 2, "no target column 'repayd', did you mean 'repaid'?"),
        (["run", "test.csv", *SHARED, "--prediction", "sad"], 2, "no column 'sad', did you mean 'said'?"),
        (["run", "test.csv", *SHARED, "--pack", "tabular-clasification"], 2, "did you mean 'tabular-classification'?"),
        (["run", "test.csv", *SHARED, "--model", "m", "--score", "score"], 2, "give one of them"),
        (["run", "test.csv", *SHARED, "--threshold", "half"], 2, "threshold"),
        (["infer", "train.csv", "--target", "repayed"], 2, "did you mean 'repaid'?"),
        (["infer", "sqlite:///loans.db#train", "--target", "repaid"], 2, "as parquet or CSV and name that file"),
        (["infer", "spark:loans", "--target", "repaid"], 2, "as parquet or CSV and name that file"),
    ],
)
def test_a_mistake_gets_one_sentence_and_its_status(tables, capsys, args, status, said):
    assert aims(*args) == status
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert not list(tables.glob("aims-check-*"))


def test_inferred_expectations_are_a_packs_section_that_the_table_meets(tables, capsys):
    assert aims("infer", "train.csv", "--target", "repaid", "--out", "more/quality.yaml") == 0
    section = yaml.safe_load((tables / "more" / "quality.yaml").read_text())
    pack = load_pack("tabular-classification").model_dump(mode="json", exclude_none=True)
    (tables / "mine").mkdir()
    (tables / "mine" / "pack.yaml").write_text(yaml.safe_dump({**pack, "name": "mine", **section}))
    assert aims("run", "train.csv", *SHARED, "--pack", "mine") == 0
    assert aims("infer", "train.csv", "--target", "repaid") == 0
    assert "# Inferred from train.csv" in capsys.readouterr().out


def odd_columns():
    """Few values each, of types that a YAML file does not give back as what they were."""
    return {
        "times": [dt.time(i // 7 % 5) for i in range(600)],
        "bytes": [b"\xff", b"\xff", b"\xfe", b"\xfe"] * 150,
    }


def read_as_others():
    """Decimals are read as numbers, bytes as texts where they are some."""
    return {"decimals": [Decimal(f"{i % 5}.5") for i in range(600)], "texts": [b"a", b"a", b"b", b"b"] * 150}


@pytest.mark.parametrize("target", ["y", "decimals"])
def test_a_column_whose_values_no_pack_can_write_is_named_with_its_reason(tables, capsys, target):
    """With a label missing here and there too: what is proposed holds for the reference itself."""
    y = pd.array(np.where(np.arange(600) % 25 == 0, None, np.arange(600) % 2), dtype="Int64")
    frame = pd.DataFrame({**odd_columns(), **read_as_others()}).assign(y=y)
    frame.to_parquet("odd.parquet")
    assert aims("infer", "odd.parquet", "--target", target, "--out", "odd.yaml") == 0
    text = (tables / "odd.yaml").read_text()
    for name in odd_columns():
        assert f'#   "{name}": its values are of a type that a pack cannot write' in text
    section = yaml.safe_load(text)
    asked = [Expectation(**e) for e in section["data_quality"]["expectations"]]
    assert not [e for e in asked if e.type.endswith("in_set") and e.kwargs["column"] in odd_columns()]
    proposed = {e.kwargs["column"]: e.kwargs for e in asked if e.kwargs.get("column") in read_as_others()}
    assert proposed["texts"]["value_set"] == ["a", "b"]
    assert set(read_as_others()) <= set(proposed)
    label = next(e for e in asked if e.type == "expect_column_values_to_not_be_null" and e.kwargs["column"] == "y")
    assert label.severity == ("blocking" if target == "y" else "warning")
    assert 0.9 < label.kwargs["mostly"] < 0.96
    assert label.why.startswith("96% of 600 cells are filled in the reference")
    pack = Pack(name="p", version="1", description="d", data_quality=DataQuality(expectations=tuple(asked)))
    outcome = run_check("data_quality", make_dataset("train", frame, PredictionTask(target="y")), pack)
    assert outcome.result == "passed", outcome.reason


def test_a_logged_model_predicts(tables, tracking, capsys):
    import mlflow
    from sklearn.linear_model import LogisticRegression

    train = pd.read_csv(tables / "train.csv")
    with mlflow.start_run():
        model = LogisticRegression().fit(train[["income"]], train["repaid"])
        logged = mlflow.sklearn.log_model(
            model, name="loans", registered_model_name="loans", serialization_format="cloudpickle"
        )
    test = pd.read_csv(tables / "test.csv").drop(columns=["said", "score"])
    test.to_parquet(tables / "new.parquet")
    capsys.readouterr()
    for uri in (logged.model_uri, "models:/loans/1"):
        assert aims("run", "new.parquet", *SHARED, "--model", uri, "--against", "models:/loans/1", "--json") == 1
        found = {c["check"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
        accuracy = [c for c in found["performance"]["claims"] if (c["metric"], c["slice"]) == ("accuracy", {})]
        assert float(accuracy[0]["value"]) == pytest.approx(model.score(test[["income"]], test["repaid"]))
        values = {c["metric"]: c.get("value") for c in found["performance"]["claims"]}
        assert "roc_auc" in values
        assert values["accuracy_over_production"] == "0"  # against itself
        steady = {c["metric"]: c for c in found["robustness"]["claims"]}
        assert found["robustness"]["result"] == "warned"
        assert "model.pkl" in steady["unsafe_model_files"]["note"]  # logged as a pickle above
    in_a_file = found
    engine = sa.create_engine(f"sqlite:///{tables}/loans.db")
    test.to_sql("new", engine, index=False)
    engine.dispose()
    source = f"sqlite:///{tables}/loans.db#new"
    assert aims("run", source, *SHARED, "--model", "models:/loans/1", "--against", "models:/loans/1", "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["data"] == source
    found = {c["check"]: c for c in said["checks"]}
    assert all(found[check]["claims"] == in_a_file[check]["claims"] for check in ("performance", "fairness"))
    assert "s3cret" not in shown_name("postgresql://u:s3cret@h/b#new")
    assert aims("run", "new.parquet", *SHARED, "--model", "models:/none/1") == 3


def test_list_names_checks_and_packs(capsys):
    assert aims("list") == 0
    out = capsys.readouterr().out
    assert "representativeness" in out
    assert "tabular-regression" in out


def test_progress_is_for_terminals_alone(tables):
    command = [sys.executable, "-c", "from aims_mlflow.cli.main import main; main()"]
    command += ["check", "run", "train.csv", *SHARED, "--role", "train"]
    parent, child = pty.openpty()
    done = subprocess.run(command, cwd=tables, stdout=subprocess.PIPE, stderr=child, check=False, env={**os.environ})
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert done.returncode == 0, shown
    assert b"[1/4] data quality ..." in shown
    assert b"[4/4]" in shown
    assert b"[1/4]" not in done.stdout
