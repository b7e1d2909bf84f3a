"""A data set whose origin could not be looked up is not one that has none."""

from types import SimpleNamespace

import pandas as pd
import pytest

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


def remembered(frame, name="staff"):
    """Keep a table as one that an acquisition returned; whoever asks must keep the frame too."""
    evidence = SimpleNamespace(kind="acquisition", details={"name": name})
    record = SimpleNamespace(id="r", evidence=evidence)
    lineage.remember(lineage.Origin(record, "s", b"", "run", frozenset({"d"}), frozenset()), frame)
    return frame


def linked(frame, monkeypatch):
    monkeypatch.setattr(lineage, "runs_that_made", lambda _digest: [])
    table = SimpleNamespace(role="train", digest={"arrowIpcSha256": "a" * 64}, frame=frame)
    found = lineage.link(table, ephemeral_key())
    return found.link, found.reason


@pytest.fixture
def origins(monkeypatch):
    monkeypatch.setattr(lineage.memory, "origins", [])


@pytest.mark.usefixtures("origins")
def test_a_table_that_shares_the_groups_of_people_alone_has_another_origin(monkeypatch):
    staff = remembered(pd.DataFrame({"sex": ["f", "m"] * 500, "band": range(1000), "site": ["x", "y"] * 500}))
    loans = pd.DataFrame({"sex": ["f", "m"] * 100, "income": range(200), "repaid": [0, 1] * 100})
    link, reason = linked(loans, monkeypatch)
    assert link == "unlinked"
    assert "its rows are found in staff, but the columns that both have are the same in so many rows" in reason
    assert linked(staff.head(200).drop(columns="site"), monkeypatch) == ("subset", None)
    assert linked(staff.head(200).assign(income=1), monkeypatch) == ("subset", None)


@pytest.mark.usefixtures("origins")
def test_a_split_of_a_table_of_categories_is_a_subset_however_alike_its_rows_are(monkeypatch):
    whole = remembered(pd.DataFrame({"sex": ["f", "m"] * 500, "site": ["x"] * 1000}))
    assert linked(whole.head(300), monkeypatch) == ("subset", None)
    assert linked(pd.concat([whole.head(600)] * 2), monkeypatch)[0] == "unlinked"


def test_experiments_beyond_the_first_page_are_searched(monkeypatch):
    class Page(list):
        token = None

    class Client:
        def search_experiments(self, max_results, page_token):
            page = Page([SimpleNamespace(experiment_id="2" if page_token else "1")])
            page.token = None if page_token else "next"
            return page

        def search_runs(self, experiments, *_, **__):
            return [SimpleNamespace(info=SimpleNamespace(run_id=f"run {e}")) for e in experiments]

    monkeypatch.setattr(lineage.tracking, "client", Client)
    assert lineage.runs_that_made("d" * 64) == ["run 1", "run 2"]
