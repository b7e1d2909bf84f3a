"""Counts under 20 stand beside a record and not in what is signed, and nobody can exchange them."""

import base64
import json

import numpy as np
import pandas as pd
import pytest

from aims_mlflow.checks.fairness import fairness
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.performance import performance
from aims_mlflow.checks.representation import representativeness
from aims_mlflow.checks.tables.predictions import Predictions
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.small_counts import LEAST, WITHHELD, split_line
from aims_mlflow.evidence.statement import Subject, read
from aims_mlflow.evidence.trust import trust_only
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.signing.keys import ephemeral_key

KEY = ephemeral_key()
MODEL = [Subject(name="m", digest={"dirHash1": "0" * 64})]
CHECKS = {"fairness": fairness, "performance": performance, "representativeness": representativeness}


def people(rows=900, task="binary-classification", seed=0):
    """Men and women in large numbers, and a race of 45 people."""
    import dataclasses

    rng = np.random.default_rng(seed)
    race = np.where(np.arange(rows) < 45, "Other", rng.choice(["White", "Black"], rows))
    labels = ["no", "yes"] if task == "binary-classification" else ["no", "perhaps", "yes"]
    actual, said = rng.choice(labels, (2, rows))
    frame = pd.DataFrame({"x": rng.normal(size=rows), "sex": rng.choice(["F", "M"], rows), "race": race, "y": actual})
    frame.loc[::30, "x"] = np.nan
    favourable = "yes" if task == "binary-classification" else None
    data = make_dataset("test", frame, PredictionTask(task, "y", favourable), sensitive=["sex", "race"])
    return dataclasses.replace(data, predictions=Predictions(said))


def sealed(name, task="binary-classification"):
    """Return a session with the record of one check, and what the check found."""
    pack = load_pack("tabular-classification" if task == "binary-classification" else "tabular-multiclass")
    outcome = CHECKS[name].run(people(task=task), pack)
    writer = SessionWriter(KEY, "ana")
    writer.add(
        outcome.kind,
        MODEL,
        result=outcome.result,
        claims=outcome.claims,
        reason=outcome.reason,
        details=outcome.recorded_details(),
    )
    writer.close()
    return writer, outcome


def payload(line):
    return json.loads(base64.b64decode(json.loads(split_line(line)[0])["payload"]))["predicate"]["aims"]


def counts_told(body):
    """Return the counts that claims and tables of a body tell: of rows with an outcome, and without."""
    told = []
    for c in body["claims"]:
        grouped = set(c["slice"]) - {"column", "label"}
        if grouped and "*" not in c["slice"].values() and c.get("n") is not None:
            told.append(c["n"])
            share = c["metric"] in ("accuracy", "precision", "recall") or c["metric"].endswith("_rate")
            if share and c.get("value") is not None:
                told += [round(float(c["value"]) * c["n"]), c["n"] - round(float(c["value"]) * c["n"])]
    tables = [*body["details"].get("tables", ()), {"groups": [{"counts": body["details"].get("counts", [])}]}]
    for table in tables:
        told += [cell for g in table.get("groups", ()) for row in g.get("counts", ()) for cell in row]
        told += [g["n"] - g["right"] for g in table.get("predicted_by_group", ()) if "right" in g]
    return told


@pytest.mark.parametrize("task", ["binary-classification", "multiclass-classification"])
@pytest.mark.parametrize("name", CHECKS)
def test_no_count_under_twenty_is_in_what_is_signed_and_all_numbers_come_back(name, task):
    writer, outcome = sealed(name, task)
    lines = writer.jsonl().splitlines()
    signed = payload(lines[0])
    own = {"claims": [c.model_dump(mode="json") for c in outcome.claims], "details": outcome.recorded_details().plain()}
    assert any(n < LEAST for n in counts_told(own)), "the table has small cells"
    assert [n for n in counts_told(signed) if n < LEAST] == []
    (record, _) = check_session(writer.jsonl(), "s", trust_only(KEY.public)).records
    assert record.evidence.claims == outcome.claims
    assert record.evidence.details == own["details"]
    assert record.evidence.reason == outcome.reason
    assert record.evidence == writer.records[0].evidence


def test_a_grouping_without_small_cells_stays_and_one_with_any_goes_as_a_whole():
    """The large groups of a column would tell the small one, by subtraction from all rows."""
    writer, _ = sealed("fairness")
    claims = payload(writer.jsonl().splitlines()[0])["claims"]
    by_sex = [c for c in claims if set(c["slice"]) == {"sex"} and c["metric"] == "selection_rate"]
    assert len(by_sex) == 2
    assert all("value" in c for c in by_sex)
    by_race = [c for c in claims if set(c["slice"]) == {"race"}]
    assert by_race
    assert all("value" not in c and "n" not in c and c["note"] == WITHHELD for c in by_race)
    ratios = [c for c in by_race if c["metric"] == "selection_rate_ratio"]
    assert all({"limit", "limit_origin"} <= set(c) for c in ratios)


def test_a_session_verifies_without_the_numbers_and_not_with_others():
    writer, _ = sealed("fairness")
    lines = writer.jsonl().splitlines()
    bare = [split_line(line)[0] for line in lines]
    erased = check_session(b"\n".join(bare) + b"\n", "s", trust_only(KEY.public))
    assert erased.sound
    assert any(c.note == WITHHELD for c in erased.records[0].evidence.claims)
    assert [r.sha256 for r in erased.records] == [r.sha256 for r in writer.records]
    changed = lines[0].replace(b'"value":"0.', b'"value":"1.', 1)
    assert changed != lines[0]
    broken = check_session(b"\n".join([changed, *lines[1:]]) + b"\n", "s", trust_only(KEY.public))
    assert not broken.sound
    assert "not those that it commits to" in broken.problems[0].what


def test_the_commitment_is_salted_and_reading_alone_gives_what_is_signed():
    one, other = (sealed("fairness")[0] for _ in range(2))
    withheld = [payload(w.jsonl().splitlines()[0])["withheld"] for w in (one, other)]
    assert withheld[0] != withheld[1]
    alone = read(one.jsonl().splitlines()[0], "line")
    assert any(c.note == WITHHELD for c in alone.evidence.claims)
    assert alone.whole().evidence == one.records[0].evidence


@pytest.mark.parametrize(
    "line", [b"{}", b'{"beside":1}', b'{"beside":{},"payload":"x"}', b'{"beside":{"a":1.5}}', b"\xff"]
)
def test_hostile_lines_are_lines_and_end_in_our_own_error(line):
    assert split_line(line)[0]
    with pytest.raises(EvidenceError):
        read(line, "line")
