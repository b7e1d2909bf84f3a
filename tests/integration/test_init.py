"""`aims init` writes files that a training runs with at once."""

import pandas as pd
import pytest

from aims_mlflow.cli.main import main


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


def init(*args):
    with pytest.raises(SystemExit) as ended:
        main(["init", *map(str, args)])
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
            "--owner",
            "me@example.org",
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
        (b"a;b;y\n1;x;0\n2;z;1\n", "separate the columns by commas"),
        ("a,b,y\n1,caf\u00e9,0\n2,z,1\n".encode("latin-1"), "not UTF-8 text. Next: save it as UTF-8"),
        (b"", "not a readable table"),
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
