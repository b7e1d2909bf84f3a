"""Advice names the place where the reader has set what is wrong: an option, aims.yaml, the code, or the pack."""

import pandas as pd
import pytest
import yaml

import aims_mlflow as aims
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.cli.main import main
from aims_mlflow.errors import DataError, set_elsewhere
from support import trainings

OPTIONS = {"--target": "granted", "--favourable": "yes", "--sensitive": "sex"}
WRONG = [("--target", "grantd"), ("--favourable", "yess"), ("--sensitive", "sexx")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainings.table(600).to_csv("loans.csv", index=False)
    return tmp_path


def said_by(capsys, *args):
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    assert ended.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def written(options):
    return [word for pair in options.items() for word in pair]


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_without_aims_yaml_the_option_is_named(folder, capsys, option, value):
    said = said_by(capsys, "check", "run", "loans.csv", *written(OPTIONS | {option: value}))
    assert said.endswith(f"Next: correct {option}")


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_what_aims_yaml_says_is_corrected_there(folder, capsys, option, value):
    """Only the option that was given is named as one."""
    data = {"target": "granted", "favourable": "yes", "sensitive": ["sex"]}
    wrong = [value] if option == "--sensitive" else value
    settings = {"system": {"id": "loans", "owner": "ana"}, "data": data | {option[2:]: wrong}}
    (folder / "aims.yaml").write_text(yaml.safe_dump(settings))
    entry = f"data.{option[2:]} in aims.yaml"
    assert said_by(capsys, "check", "run", "loans.csv").endswith(f"Next: correct {entry}")
    other = "--favourable" if option == "--target" else "--target"
    said = said_by(capsys, "check", "run", "loans.csv", other, OPTIONS[other])
    assert said.endswith(f"Next: correct {entry}")
    assert said_by(capsys, "check", "run", "loans.csv", option, value).endswith(f"Next: correct {option}")


def test_a_favourable_label_that_nobody_said_is_asked_for_by_its_option(folder, capsys):
    said = said_by(capsys, "check", "run", "loans.csv", "--target", "granted")
    assert said.endswith("Next: set --favourable to the outcome that is good for the person")


@pytest.mark.parametrize("command", [["init", "loans.csv", "--owner", "ana"], ["demo", "--csv", "loans.csv"]])
def test_init_and_demo_know_options_alone(folder, capsys, command):
    said = said_by(capsys, *command, *written(OPTIONS | {"--favourable": "yess"}))
    assert said.endswith("Next: correct --favourable")


@pytest.mark.parametrize("key", ["target", "favourable"])
def test_what_code_says_is_corrected_there(tracking, key):
    config = trainings.config()
    config["data"][key] = "nothing like it"

    @aims.trains("loans", config=config)
    def train(train, test):
        pytest.fail("the data do not fit")

    frame = trainings.table(600)
    with pytest.raises(DataError) as refused:
        train(frame[:400], frame[400:])
    assert refused.value.next == f"correct data.{key} in config="


def test_a_column_that_the_pack_names_is_corrected_in_the_pack():
    frame = pd.DataFrame({"income": range(100), "sex": ["f", "m"] * 50, "granted": [0, 1] * 50})
    data = make_dataset("test", frame, PredictionTask(target="granted"), sensitive=["sex"])
    pack = load_pack("tabular-classification")
    population = {"column": "sexx", "source": "s", "shares": {"f": "0.5", "m": "0.5"}}
    pack = pack.model_validate({**pack.model_dump(), "representativeness": {"populations": [population]}})
    assert "correct representativeness.populations in the pack" in str(
        run_check("representativeness", data, pack).reason
    )


def test_both_tables_need_the_same_columns(folder, capsys):
    frame = trainings.table(300)
    frame.rename(columns={"debt": "dept"}).to_csv("new.csv", index=False)
    said = said_by(capsys, "check", "run", "new.csv", "--train", "loans.csv", *written(OPTIONS))
    assert said.endswith("Next: give both tables the same columns")


def test_the_sentence_of_the_error_says_it_too():
    with pytest.raises(DataError, match=r"correct --target$"), set_elsewhere({"data.target": "--target"}.get):
        raise DataError("there is no such column", next="correct data.target in aims.yaml")
