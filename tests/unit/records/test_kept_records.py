"""Leaves and details that earlier releases wrote are read by the models, byte for byte and without an unknown field."""

import base64
import sqlite3
from pathlib import Path

import pytest

from aims_mlflow.canonical import canonical, parse_json
from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger.leaves import TYPES, Leaf
from aims_mlflow.records.details import KINDS, details_model
from aims_mlflow.records.leaves import CONTENTS, body_model, read_content
from aims_mlflow.records.leaves.changes import OutcomeLeaf
from aims_mlflow.records.leaves.others import LaterLeaf
from support.declared_fields import unknown

GOLDEN = sorted(Path(__file__).parents[2].glob("golden/*/ledger.sql"))
# What the authors of the golden files put beside the fields of the format.
FOREIGN = {"DecisionBody.client"}


def database(path):
    connection = sqlite3.connect(":memory:")
    connection.executescript(path.read_text(encoding="utf-8"))
    return connection


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_golden_leaves_and_bodies(path):
    rows = database(path).execute(
        "SELECT leaf, body FROM aims_leaves l JOIN aims_bodies b ON l.sequence = b.sequence ORDER BY l.sequence"
    )
    found = set()
    for leaf, body in rows.fetchall():
        content = read_content(parse_json(bytes(leaf), "leaf"), "leaf")
        beside = body_model(content.type).model_validate(parse_json(bytes(body), "body"))
        assert canonical(content.plain()) == bytes(leaf)
        assert canonical(beside.plain()) == bytes(body)
        found |= unknown(content) | unknown(beside)
    assert found <= FOREIGN


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_golden_details(path):
    envelopes = [bytes(row[0]) for row in database(path).execute("SELECT envelope FROM aims_envelopes")]
    envelopes += [line for line in (path.parent / "session.jsonl").read_bytes().split(b"\n") if line]
    for raw in envelopes:
        payload = parse_json(base64.b64decode(parse_json(raw, "envelope")["payload"]), "payload")
        body = payload["predicate"]["aims"]
        details = details_model(body["kind"]).model_validate(body["details"])
        assert details.plain() == body["details"]
        assert unknown(details) == set()


def test_every_type_of_leaf_has_a_model():
    assert set(CONTENTS) == set(TYPES)
    assert {model.__name__ for model in KINDS.values()} > {"FairnessDetails"}


def test_a_leaf_is_read_as_its_type():
    content = {"v": 1, "type": "outcome", "time": "2026-01-01T00:00:00Z", "request": "r", "commitment": "0" * 64}
    leaf = Leaf(3, canonical({**content, "of": "decision", "done": True, "added": {"later": None}}), "")
    assert isinstance(leaf.fact, OutcomeLeaf)
    assert (leaf.fact.of, leaf.fact.done, leaf.fact.model_extra) == ("decision", True, {"added": {"later": None}})
    assert isinstance(Leaf(4, canonical({**content, "type": "pledge"}), "").fact, LaterLeaf)


@pytest.mark.parametrize("content", [{"type": "outcome"}, {"type": []}, [], {"v": 1, "type": "outcome", "done": "yes"}])
def test_what_is_no_leaf_is_refused(content):
    with pytest.raises(EvidenceError, match="not a leaf of this format"):
        Leaf(7, canonical(content), "").fact  # noqa: B018
