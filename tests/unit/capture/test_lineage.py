"""A data set whose origin could not be looked up is not one that has none."""

from types import SimpleNamespace

import pandas as pd

from aims_mlflow.capture import lineage
from aims_mlflow.errors import Unreachable
from aims_mlflow.signing.keys import ephemeral_key


def test_why_earlier_runs_were_not_searched_is_in_the_link(monkeypatch):
    def silent(_digest):
        raise Unreachable("MLflow could not search runs: no answer")

    table = SimpleNamespace(role="train", digest={"arrowIpcSha256": "a" * 64}, frame=pd.DataFrame({"age": [1]}))
    key = ephemeral_key()
    monkeypatch.setattr(lineage, "runs_that_made", lambda _digest: [])
    assert lineage.link(table, key).plain() == {
        "role": "train", "digest": "a" * 64, "link": "unlinked", "steps": [],
    }  # fmt: skip
    monkeypatch.setattr(lineage, "runs_that_made", silent)
    found = lineage.link(table, key)
    assert found.link == "unlinked"
    assert found.reason == "earlier runs were not searched: MLflow could not search runs: no answer"
