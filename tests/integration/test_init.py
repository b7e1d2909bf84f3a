"""`aims init` writes files that a training runs with at once."""

import os

import pandas as pd
import pytest

from aims_mlflow.checks.packs import load_pack, shipped_packs
from aims_mlflow.cli.main import main
from aims_mlflow.errors import AimsError


@pytest.fixture
def table(tmp_path):
    import numpy as np

    draw = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"id": range(1000, 1400), "income": draw.normal(3000, 500, 400), "sex": draw.choice(["f", "m"], 400)}
    )
    frame["granted"] = np.where(frame["income"] + draw.normal(0, 200, 400) > 3000, "yes", "no")
    frame.to_csv(tmp_path / "loans.csv", index=False)
    return tmp_path / "loans.csv"


def init(*args, owner=("--owner", "me@example.org")):
    with pytest.raises(SystemExit) as ended:
        main(["init", *map(str, args), *owner])
    return ended.value.code


def test_a_training_runs_with_what_init_wrote(table, tracking, capsys):
    from sklearn.linear_model import LogisticRegression

    import aims_mlflow as aims

    folder = tracking / "project"
    assert (
        init(
            table,
            "--target",
            "granted",
            "--favourable",
            "yes",
            "--sensitive",
            "sex",
            "--intended-use",
            "Order applications.",
            "--affected-group",
            "applicants",
            "--dir",
            folder,
        )
        == 0
    )
    frame = pd.read_csv(table)

    @aims.trains("loans", config=folder)
    def train(train, test):
        return LogisticRegression().fit(train[["income"]], train["granted"])

    train(frame[:300], frame[300:])
    said = capsys.readouterr().err
    assert "data-quality" not in said.split("unmet")[-1] if "unmet" in said else True
    assert "evidence of loans: run" in said


def test_what_only_a_person_can_say_is_left_as_a_comment(table, tmp_path, capsys):
    assert init(table, "--target", "granted", "--favourable", "yes", "--dir", tmp_path / "p") == 0
    text = (tmp_path / "p" / "aims.yaml").read_text()
    assert '# intended_use: "' in text
    assert "# affected_groups: [" in text
    out = capsys.readouterr().out
    assert "the training gate asks for both" in out
    assert "guessed as sensitive by their names, correct that: sex" in out


def test_nobody_is_made_up_as_the_owner(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    assert init(table, "--target", "granted", "--favourable", "yes", "--system", "loans", owner=()) == 0
    assert "fill in owner in aims.yaml" in capsys.readouterr().out
    pack = (tmp_path / "checks" / "loans" / "pack.yaml").read_text()
    assert "\nset_by" not in pack
    assert "# Add `set_by` and `set_on`" in pack
    assert written(tmp_path)[0].config.system.owner == "TODO"


def test_nothing_is_overwritten_and_nothing_half_written(table, tmp_path, capsys):
    folder = tmp_path / "p"
    assert init(table, "--target", "granted", "--favourable", "yes", "--dir", folder) == 0
    before = (folder / "aims.yaml").read_bytes()
    assert init(table, "--target", "granted", "--favourable", "yes", "--dir", folder, "--system", "other") == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert (folder / "aims.yaml").read_bytes() == before
    assert not (folder / "checks" / "other").exists()
    assert init(table, "--target", "grnted", "--dir", tmp_path / "q") == 2
    assert "did you mean 'granted'?" in capsys.readouterr().err
    assert not (tmp_path / "q").exists()
    assert init(tmp_path / "none.csv", "--target", "x") == 3


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a,b,y\n1,caf\u00e9,0\n2,z,1\n".encode("latin-1"), "the file is not UTF-8 text"),
        (b"", "the file has no header"),
        (b"a,y\n", "the table has no rows"),
        (b"a,y\n1,1\n2,1\n", "every row has the same label"),
    ],
)
def test_a_file_that_is_no_table_of_ours_gets_one_sentence(tmp_path, capsys, content, text):
    (tmp_path / "t.csv").write_bytes(content)
    assert init(tmp_path / "t.csv", "--target", "y", "--dir", tmp_path / "p") == 2
    said = capsys.readouterr().err.strip()
    assert text in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "p").exists()


def written(folder, name="loans"):
    """Return what `aims init` wrote, read as the product reads it: aims.yaml, and its pack over the parent."""
    import yaml

    from aims_mlflow.capture.setup import load_setup

    own = yaml.safe_load((folder / "checks" / name / "pack.yaml").read_text())
    return load_setup(folder, None, None), own


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        ("label", "tabular-classification"),
        ("labels", "tabular-multiclass"),
        ("few numbers", "tabular-multiclass"),
        ("number", "tabular-regression"),
    ],
)
def test_the_pack_fits_the_target_without_a_terminal(table, tmp_path, capsys, kind, parent):
    frame = pd.read_csv(table)
    frame["y"] = {
        "label": frame["granted"],
        "labels": frame.index.map(lambda i: "ABC"[i % 3]),
        "few numbers": frame.index % 5,
        "number": frame["income"] * 2,
    }[kind]
    frame.to_csv(table, index=False)
    assert init(table, "--target", "y", "--dir", tmp_path / "p") == 0
    setup, own = written(tmp_path / "p")
    assert (own["extends"], setup.pack.task) == (parent, load_pack(parent).task)
    assert setup.config.data.favourable is None
    text = (tmp_path / "p" / "aims.yaml").read_text()
    assert ("# favourable: ..." in text) == (kind != "number")
    assert ("# threshold: ..." in text) == (kind == "number")
    out = capsys.readouterr().out
    assert f"extends {parent}, which fits 'y': --pack names another" in out
    assert ("fill in favourable in aims.yaml, 'no' or 'yes'" in out) == (kind == "label")


def test_a_label_that_nobody_called_good_is_asked_for_before_the_training(table, tracking):
    import aims_mlflow as aims

    sure = ("--intended-use", "Order applications.", "--affected-group", "applicants")
    assert init(table, "--target", "granted", "--dir", tracking / "p", *sure) == 0
    trained = []

    @aims.trains("loans", config=tracking / "p")
    def train(train, test):
        trained.append(1)

    frame = pd.read_csv(table)
    with pytest.raises(AimsError, match=r"which label of 'granted' is favourable.*data\.favourable in aims\.yaml"):
        train(frame[:300], frame[300:])
    assert not trained


def test_of_the_labels_0_and_1_the_favourable_one_is_supposed_aloud_and_asked_for_on_a_terminal(
    table, tmp_path, capsys, monkeypatch
):
    """An illness is a 1, too."""
    frame = pd.read_csv(table).assign(granted=lambda t: (t["granted"] == "yes").astype(int))
    frame.to_csv(table, index=False)
    supposed = "favourable: 1 is supposed, since the labels are 0 and 1"
    assert init(table, "--target", "granted", "--dir", tmp_path / "p") == 0
    assert written(tmp_path / "p")[0].config.data.favourable == "1"
    assert supposed in capsys.readouterr().out
    assert init(table, "--target", "granted", "--favourable", "0", "--dir", tmp_path / "q") == 0
    assert supposed not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr(
        "click.prompt", lambda question, default=None, **_: "0" if "Which label" in question else default
    )
    assert init(table, "--target", "granted", "--dir", tmp_path / "r") == 0
    assert written(tmp_path / "r")[0].config.data.favourable == "0"
    assert supposed not in capsys.readouterr().out


@pytest.mark.parametrize("name", [n for n in shipped_packs() if load_pack(n).task == "binary-classification"])
def test_every_limit_of_the_pack_it_starts_from_is_kept(table, tmp_path, capsys, name):
    frame = pd.read_csv(table)
    frame.assign(age=20 + frame.index % 50).to_csv(table, index=False)
    given = ("--target", "granted", "--favourable", "yes", "--sensitive", "sex")
    assert init(table, *given, "--pack", name, "--dir", tmp_path / "p") == 0
    setup, own = written(tmp_path / "p")
    shipped = load_pack(name)
    for section in ("representativeness", "fairness", "performance", "drift", "leakage", "robustness", "monitor"):
        assert getattr(setup.pack, section) == getattr(shipped, section)
    kept = [e for e in shipped.data_quality.expectations if e.kwargs.get("column") not in ("amount", "months")]
    assert [e for e in setup.pack.data_quality.expectations if e in kept] == kept
    assert len(setup.pack.data_quality.expectations) > len(kept)
    left_out = [f"data_quality.expect_column_values_to_be_between:{column}" for column in ("amount", "months")]
    assert own.get("without") == (left_out if name == "credit" else None)
    told = f"{name} is for held-out tables with " in capsys.readouterr().out
    assert told == (name in ("credit", "health", "hiring")), "whoever names a pack reads how many rows it takes"


def test_a_few_different_numbers_are_no_labels_to_a_pack_for_numbers(table, tmp_path):
    frame = pd.read_csv(table).assign(years=lambda t: t.index % 7)
    frame.to_csv(table, index=False)
    assert init(table, "--target", "years", "--pack", "tabular-regression", "--dir", tmp_path / "p") == 0
    about = [e.type for e in written(tmp_path / "p")[0].pack.data_quality.expectations if "years" in e.kwargs.values()]
    assert about == ["expect_column_values_to_be_between"]


def test_a_folder_of_the_team_will_do_as_the_pack_to_start_from(table, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ("--target", "granted", "--favourable", "yes")
    assert init(table, *given, "--system", "house", "--pack", "credit") == 0
    assert init(table, *given, "--pack", "checks/house", "--dir", tmp_path / "other") == 0
    setup, own = written(tmp_path / "other")
    assert own["extends"] == "../../../checks/house"
    assert setup.pack.fairness == load_pack("credit").fairness
    assert init(table, *given, "--system", "house", "--pack", "checks/house", "--force") == 2
    assert "would extend itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--target", "granted", "--pack", "credti"), "did you mean 'credit'? Next: name a shipped pack (credit, hea"),
        (("--target", "granted", "--pack", "tabular-regression"), "'granted' holds no numbers"),
        (("--target", "income", "--pack", "credit"), "a label outside the two expected"),
        (("--target", "income", "--favourable", "yes"), "--favourable names a label, and the pack is for numbers"),
        (("--target", "granted", "--favourable", "ye"), "did you mean 'yes'?"),
    ],
)
def test_a_pack_that_is_not_there_or_does_not_fit_is_one_sentence(table, tmp_path, capsys, given, said):
    assert init(table, *given, "--dir", tmp_path / "p") == 2
    told = capsys.readouterr().err.strip()
    assert said in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "p").exists()


def test_init_says_what_is_missing_labels_and_a_table_without_any_group(table, tmp_path, capsys):
    frame = pd.read_csv(table).drop(columns="sex")
    frame.loc[:19, "granted"] = None
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    assert init(tmp_path / "gaps.csv", "--target", "granted", "--dir", tmp_path / "a") == 0
    said = capsys.readouterr().out
    assert "20 of 400 rows have no 'granted'" in said
    assert "no groups would be compared" in said
    renamed = pd.read_csv(table).rename(columns={"sex": "Geschlecht"})
    renamed.to_csv(tmp_path / "german.csv", index=False)
    assert init(tmp_path / "german.csv", "--target", "granted", "--dir", tmp_path / "b") == 0
    said = capsys.readouterr().out
    assert "guessed as sensitive by their names, correct that: Geschlecht" in said
    assert "no groups would be compared" not in said
    text = (tmp_path / "b/checks/german/pack.yaml").read_text(encoding="utf-8")
    assert "set_by: inferred from german.csv" in text


def test_the_new_pack_says_who_set_which_limit(table, tmp_path):
    """Its first lines said that nobody had set its limits, and its field named the owner."""
    assert init(table, "--target", "granted", "--favourable", "yes", "--dir", tmp_path / "p") == 0
    path = tmp_path / "p/checks/loans"
    comment, _, fields = (path / "pack.yaml").read_text().partition("name: ")
    assert "set_by: me@example.org" in fields
    assert "# `set_by` and `set_on` under `extends` are about each limit here that has none of its own." in comment
    assert "# The limits below say `set_by: inferred from ...`" in comment
    pack = load_pack(str(path), tmp_path)
    own = [each.set_by for each in pack.data_quality.expectations if "(default)" not in str(each.set_by)]
    assert set(own) == {"inferred from loans.csv", "the authors of aims_mlflow"}
