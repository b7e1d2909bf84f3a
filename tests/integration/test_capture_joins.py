"""Evidence from several calls, runs and processes that belongs together."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

import aims_mlflow as aims
import support
from aims_mlflow.audit.report import Report
from aims_mlflow.audit.run_files import check_evidence
from aims_mlflow.capture.state import memory
from aims_mlflow.errors import ConfigError
from aims_mlflow.evidence import tracking as store
from aims_mlflow.evidence.run_source import open_source
from aims_mlflow.evidence.trust import trusted_keys
from support.captured_runs import FEATURES, config, fit, kinds, last_run, one, records

ASSESSMENT = (
    "# Impact\nThe system orders applications for clerks, who decide about each of them and may overrule every score. Women "
    "and men were compared on held-out rows. Refusals are read by a second person each week, and the risk team keeps a list "
    "of overruled cases with reasons, which feeds the next assessment."
)
pytestmark = pytest.mark.usefixtures("tracking")


def test_a_sweep_leaves_small_trials_and_the_chosen_run_gets_it_all(halves):
    import mlflow

    @aims.trains("loans", config=(shared := config()))
    def train(train, test, strength):
        model = fit(train)
        mlflow.log_metric("test_accuracy", model.score(test[FEATURES], test["granted"]))
        return model

    runs = []
    with mlflow.start_run() as parent:
        for strength in (0.1, 1.0, 10.0):
            with mlflow.start_run(nested=True) as run:
                train(halves[0], halves[1], strength)
            runs.append(run.info.run_id)
    assert shared["system"]["id"] == "loans"
    assert kinds(runs[1]) == ["trial", "session"]
    assert "data-quality" in kinds(runs[0])
    assert one("trial", runs[2]).evidence.details["parent_run_id"] == parent.info.run_id
    aims.select(runs[1], metric="test_accuracy")
    training = one("training-provenance", runs[1])
    assert training.evidence.details["trials"] == 3
    assert training.evidence.details["parameters"]["strength"] == "1.0"
    assert training.evidence.details["selection_metric"]["name"] == "test_accuracy"
    assert training.evidence.result == "warned"
    assert training.evidence.claims[0].metric == "selected_on_test_data"
    assert {"performance", "fairness", "model-card", "data-quality"} <= set(kinds(runs[1]))
    report = Report(runs[1])
    check_evidence(report, open_source(f"runs:/{runs[1]}", trusted_keys()))
    assert report.verified, report.problems  # the files about the data were written into the first trial's run
    with pytest.raises(ConfigError, match="did you mean 'test_accuracy'"):
        aims.select(runs[1], metric="test_acuracy")


def test_an_evaluation_in_another_process_keeps_what_the_card_says(halves):
    @aims.trains("loans", config=config())
    def train(train, test, strength=3):
        return fit(train)

    def card():
        return store.read_file(run_id, "aims/model_card.md").decode()

    train(*halves)
    run_id = last_run()
    before = card()
    memory.forget()
    model = one("training-provenance", run_id).evidence.details["models"][0]["model_id"]
    aims.evaluate(f"models:/{model}", test=halves[1], config=config())
    assert "strength=3" in before
    assert "strength=3" in card()
    for denial in ("no record", "not recorded", "No data were bound", "No drift baseline"):
        assert (denial in card()) == (denial in before), denial
    report = Report(run_id)
    check_evidence(report, open_source(f"runs:/{run_id}", trusted_keys()))
    assert report.verified, report.problems


def test_evaluate_and_attach_add_evidence_to_a_logged_model(halves, tmp_path):
    import mlflow

    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(fit(halves[0]), name="model")
    assert aims.evaluate(info.model_uri, test=halves[1], config=config()) == run.info.run_id
    assert "training-provenance" not in kinds(run.info.run_id), "nobody saw it being trained"
    assert one("fairness", run.info.run_id).subjects[0].name == info.model_uri
    (tmp_path / "aiia.md").write_text(ASSESSMENT)
    aims.attach(
        "impact-assessment",
        tmp_path / "aiia.md",
        owner="o",
        version="1",
        approver="p",
        review_date="2027-01-01",
        model=info.model_uri,
        config=config(),
    )
    attached = one("impact-assessment", run.info.run_id)
    assert attached.evidence.result == "warned", "a name that is typed is no approval"
    assert attached.evidence.reason.startswith("aiia.md is stated by hand; publish it as a document")
    assert attached.evidence.artifacts[0].size == len(ASSESSMENT)
    with pytest.raises(ConfigError, match="did you mean 'impact-assessment'"):
        aims.record("impact-asessment", model=info.model_uri, config=config())
    with pytest.raises(ConfigError, match=r"did you mean 'A\.6\.2\.8'"):
        aims.record("robustness", controls=["A.6.2.9"], model=info.model_uri, config=config())


def test_by_hand_inside_a_training_is_bound_to_its_model(halves):
    with aims.training("loans", config=config()) as t:
        t.data(train=halves[0], test=halves[1])
        t.model(fit(halves[0]))
        aims.record("robustness", claims=[{"metric": "noise", "value": "0.9"}])
    by_hand = [r for r in records() if r.evidence.kind == "robustness" and r.evidence.details.get("by_hand")]
    assert [r.subjects for r in by_hand] == [one("fairness").subjects]


def test_owner_and_retention_that_acquires_states_reach_the_data_resources(frame, capsys):
    stated = {
        "owner": "data office",
        "rights": "contract 12",
        "subjects": "applicants",
        "selection_reason": "all of 2024",
        "purpose": "training and test of the model",
    }

    @aims.acquires("loans-2024", config=config(), licence="internal", retention="7 years", **stated)
    def load():
        return frame

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*train_test_split(load(), random_state=0))
    dataset = one("dataset-record").evidence
    assert dataset.result == "passed"
    assert dataset.details["source"]["owner"] == "data office"
    told = capsys.readouterr().err.splitlines()
    met = next(line for line in told if " met: " in line)
    missing = next(i for i, line in enumerate(told) if " missing: " in line)
    assert any(line.startswith("aims: yours next, A.") for line in told[:missing]), "words before control ids"
    assert "A.4.3" in met
    assert "A.4.4" in met, "tools, versions, algorithm and what serving needs are recorded"
    assert "A.7.3" in met
    tooling = one("tooling-record").evidence
    assert "LogisticRegression" in next(iter(tooling.details["algorithms"].values()))
    assert any(line.startswith("scikit-learn==") for line in next(iter(tooling.details["serving"].values())))
    assert tooling.artifacts[0].path.endswith("packages.txt")


# -- lineage ---------------------------------------------------------------------------------


def test_an_undecorated_split_is_joined_by_rows(frame):
    import mlflow

    @aims.acquires(
        "loans-2024", config=config(), owner="o", licence="l", rights="r", subjects="s", selection_reason="x"
    )
    def load():
        return frame

    @aims.prepares(why="more than nine tenths is a typing error", config=config())
    def clean(table):
        return table[table["debt"] < 0.9]

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(*train_test_split(clean(load()), random_state=0))
    links = one("lineage").evidence.details["links"]
    assert [(x["role"], x["link"]) for x in links] == [("train", "subset"), ("test", "subset")]
    assert [s["kind"] for s in links[0]["steps"]] == ["acquisition", "preparation"]
    prepared = one("preparation")
    assert prepared.evidence.details["rows_removed"] == int((frame["debt"] >= 0.9).sum())
    assert one("acquisition").evidence.result == "passed"
    sheet = mlflow.artifacts.load_text(f"runs:/{last_run()}/aims/datasheet.md")
    removed = prepared.evidence.details["rows_removed"]
    assert re.search(rf"clean: more than nine tenths is a typing error \({removed}\[\^e\d+\] rows removed", sheet)
    assert re.search(r"acquired: loans-2024, 600\[\^e\d+\] rows", sheet)
    assert f"evidence `{prepared.id}`, preparation" in sheet


def test_processes_are_joined_by_the_file_between_them(frame, tmp_path):
    frame.to_parquet(tmp_path / "raw.parquet")
    script = tmp_path / "first.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(support.__file__).parents[1])!r})\n"
        "from support import trainings\nimport aims_mlflow as aims, pandas as pd, mlflow\n"
        f"mlflow.set_tracking_uri('sqlite:///{tmp_path}/mlflow.db')\n"
        "@aims.prepares(why='less', config=trainings.config())\n"
        "def clean(frame):\n    out = frame[frame['debt'] < 0.9]\n    out[:400].to_parquet('train.parquet')\n    return 'train.parquet'\n"
        "clean(pd.read_parquet('raw.parquet'))\n"
    )
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True, timeout=200)

    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(pd.read_parquet(train))

    train(tmp_path / "train.parquet", frame[450:])
    links = {x["role"]: x for x in one("lineage").evidence.details["links"]}
    assert links["train"]["link"] == "same-file"
    assert links["train"]["steps"][0]["kind"] == "preparation"
    assert links["test"]["link"] == "unlinked"
    assert "no recorded origin for test data" in one("lineage").evidence.reason


def test_overlap_of_train_and_test_is_a_leakage_claim(frame):
    @aims.trains("loans", config=config())
    def train(train, test):
        return fit(train)

    train(frame[:400], frame[300:])
    claim = next(c for c in one("lineage").evidence.claims if c.metric == "train_test_overlap")
    assert float(claim.value) == pytest.approx(100 / 300)
    assert claim.passed is False
