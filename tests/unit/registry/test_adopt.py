"""Adoption: signed by an approver, and never of what was written past a gate that was there."""

import json
import sqlite3

import mlflow
import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.leaves.changes import AdoptionBody, AdoptionLeaf
from aims_mlflow.registry.reading import digest_now
from support import commands
from support.gated_registry import refused
from support.plain_registry import adopt, kinds, reconcile, run, ungated


def past_years(registry, name):
    """Give a model's versions a creation time from before the gate, as who has the database's password can."""
    with sqlite3.connect(registry.folder / "mlflow.db") as database:
        database.execute("UPDATE model_versions SET creation_time = 1000 WHERE name = ?", (name,))


def test_only_an_approver_adopts(registry, plain):
    ungated(plain, alias="champion")
    mlflow.MlflowClient().get_registered_model("aims.status")
    with pytest.raises(EvidenceError, match="nothing is adopted"):
        run(registry, "gate", "adopt")  # signed by the trainer
    assert registry.leaves("legacy") == []
    assert adopt(registry)[0] == 0
    assert kinds(reconcile(registry)[1]) == ["legacy-over"]


def test_what_was_written_past_the_gate_is_not_adopted(registry, plain, use):
    use()
    ungated(plain, "new")
    number, _ = ungated(plain, "loans", alias="champion")
    for forged in (False, True):
        if forged:
            past_years(registry, "loans")
        status, out = adopt(registry, "--json")
        found = json.loads(out)
        assert (status, found["adopted"]) == (1, [])
        assert {(x["name"], x["version"]) for x in found["left"]} == {("new", "1"), ("loans", number)}
    assert "came through the gate before it" in found["left"][0]["why"] + found["left"][1]["why"]
    assert {"ungated-alias", "ungated-version"} <= set(kinds(reconcile(registry)[1]))


def test_an_adoption_that_nobody_signed_counts_for_nothing(registry, plain, client):
    """A leaf alone is what the ledger's database holds: whoever has its password can add one."""
    version, _ = ungated(plain, alias="champion")
    registry.change_policy(lambda p: p.update(legacy={"until": "2099-12-31"}))
    client.get_registered_model("aims.status")
    digest = digest_now(client.get_model_version("old", version))
    leaf = AdoptionLeaf(model_name="old", version=version, model_digest=digest, aliases=["champion"], request=uuid7())
    registry.ledger.seal(Entry(leaf, AdoptionBody(source="x")))
    assert kinds(reconcile(registry)[1]) == ["ungated-alias", "ungated-version"]
    client.delete_registered_model_alias("old", "champion")
    assert "came past this gate" in refused(client.set_registered_model_alias, "old", "champion", version)
    assert "nobody signed it" in commands.run("ledger", "verify", "--ledger", registry.ledger.uri, status=1)
