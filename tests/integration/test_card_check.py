"""A model card is checked on the rows that it was written from, on other rows, and after somebody changed it."""

import json

import mlflow
import pytest

import aims_mlflow as aims
from aims_mlflow.cli.main import cli
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence import tracking as store
from aims_mlflow.evidence.trust import trusted_keys
from aims_mlflow.operation.card_check import check_card
from support import captured_runs, trainings

pytestmark = pytest.mark.usefixtures("tracking")
FEATURES = ["income", "debt"]


@pytest.fixture
def trained(tracking, tmp_path):
    """The address of a trained model, its run, and the file with its held-out rows."""
    frame = trainings.table(900)

    @aims.trains("loans", config=trainings.config())
    def train(train, test):
        return trainings.pipeline().fit(train[FEATURES], train["granted"])

    train(frame[:600], frame[600:])
    run = mlflow.search_runs(output_format="list", max_results=1)[0].info.run_id
    (model,) = [o.model_id for o in mlflow.get_run(run).outputs.model_outputs]
    held_out = tmp_path / "held_out.parquet"
    frame[600:].reset_index(drop=True).to_parquet(held_out)
    return f"models:/{model}", run, held_out


def checked(address, data):
    return check_card(address, data, trusted_keys(), config=trainings.config())


def test_the_cards_own_rows_give_every_figure_again(trained, capsys):
    address, _, held_out = trained
    found = checked(address, held_out)
    assert found.same_rows
    assert len(found.figures) > 20
    assert {f.verdict for f in found.figures} == {"the same"}, [f for f in found.figures if f.verdict != "the same"]
    assert found.problems == ()
    words = ["document", "verify", address, "--data", str(held_out), "--json"]
    assert cli.main(args=words, standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out)["holds"]


def test_rows_that_the_model_learned_from_decide_nothing(trained, tmp_path, capsys):
    address, _, _ = trained
    trainings.table(900)[:600].to_parquet(tmp_path / "train.parquet")
    found = checked(address, tmp_path / "train.parquet")
    assert (found.same_rows, found.seen_as) == (False, "train")
    assert {f.verdict for f in found.figures} <= {"not decided", "not measured"}
    words = ["document", "verify", address, "--data", str(tmp_path / "train.parquet")]
    assert cli.main(args=words, standalone_mode=False) == 1
    assert "the train data of the training, by their digest" in capsys.readouterr().out


def test_other_rows_say_what_is_no_longer_true(trained, tmp_path, capsys):
    address, _, _ = trained
    other = tmp_path / "other.parquet"
    rows = trainings.table(500, seed=7)
    rows["granted"] = rows["granted"].map({"yes": "no", "no": "yes"})  # the world has turned around
    rows.to_parquet(other)
    found = checked(address, other)
    assert not found.same_rows
    assert not found.holds
    verdicts = {f.figure: f.verdict for f in found.figures}
    assert verdicts["accuracy"] in ("no longer true", "not decided")
    assert "no longer true" in verdicts.values()
    assert cli.main(args=["document", "verify", address, "--data", str(other)], standalone_mode=False) == 1
    assert "no longer true" in capsys.readouterr().out


def test_a_card_that_was_changed_is_not_the_one_that_was_signed(trained):
    address, run, held_out = trained
    path = captured_runs.one("model-card", run).evidence.artifacts[0].path
    store.put(run, {path: store.read_file(run, path) + b"\nIt is fair.\n"})
    with pytest.raises(EvidenceError, match="is not the one that was signed"):
        checked(address, held_out)
