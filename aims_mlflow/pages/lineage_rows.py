"""Rows that follow a model through its names: who holds an alias, renamings, and deletions.

A model keeps its rows when it is renamed. Those of a deleted model get the name `NAME:LEAF`, so that a new model of
the same name has none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.lifecycle.tenures import Tenure, Timeline
from aims_mlflow.pages.scope import GONE
from aims_mlflow.records.leaves.changes import OutcomeLeaf

if TYPE_CHECKING:
    from aims_mlflow.pages.index_rows import IndexRows
    from aims_mlflow.records.leaves.base import LeafContent

OF_A_MODEL = ("leaf", "decision", "version", "tenure", "consent", "finding", "status", "judged")


def follow_names(rows: IndexRows, sequence: int, fact: OutcomeLeaf) -> str | None:
    """Follow a model that was renamed, and put the rows of a deleted one aside; return its name from now on."""
    before = fact.model_name
    if fact.of == "renamed":
        before, after = fact.previous or before, fact.renamed_to or before
    elif fact.of == "deleted" and fact.version is None:
        after = f"{before}{GONE}{sequence}"
        rows.run("UPDATE version SET gone = ? WHERE model = ? AND gone IS NULL", fact.time, before)
        rows.run(
            "UPDATE tenure SET until = ?, ended_by = 'deleted' WHERE model = ? AND until IS NULL", fact.time, before
        )
    else:
        if fact.of == "deleted":
            rows.run("UPDATE version SET gone = ? WHERE model = ? AND version = ?", fact.time, before, fact.version)
        return None
    if before != after:
        for table in (*OF_A_MODEL, "words", "record_model"):
            rows.run(f"UPDATE OR IGNORE {table} SET model = ? WHERE model = ?", after, before)
        rows.run(
            "UPDATE words SET address = 'models/' || ? || substr(address, ?) WHERE model = ? AND kind = 'version'",
            after,
            len(f"models/{before}") + 1,
            after,
        )
    return after


def follow_tenures(rows: IndexRows, fact: LeafContent) -> None:
    """Begin and end tenures as a leaf tells."""
    model = str(fact.model_name)
    open_ = rows.run("SELECT rowid, * FROM tenure WHERE model = ? AND until IS NULL", model).fetchall()
    held = {
        row["rowid"]: Tenure(
            row["place"], row["version"], row["since"], None, None, OutcomeLeaf(request=row["request"])
        )
        for row in open_
    }
    timeline = Timeline(held.values())
    timeline.follow(fact)
    for rowid, tenure in held.items():
        if tenure.until is not None:
            rows.run("UPDATE tenure SET until = ?, ended_by = ? WHERE rowid = ?", tenure.until, tenure.ended_by, rowid)
    for new in timeline.all:
        rows.insert(
            "tenure",
            model,
            new.place,
            new.version,
            new.since,
            new.until,
            new.ended_by,
            new.fact.request,
            new.fact.model_digest,
        )
