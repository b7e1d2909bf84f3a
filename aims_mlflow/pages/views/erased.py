"""What was erased from the ledger: by whom, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import Facts, PageCell, PageTable, code_cell, to
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.statement import read
from aims_mlflow.gates.erased_envelopes import erased_envelopes
from aims_mlflow.pages.views.common import leaf_cell, time_text
from aims_mlflow.records.leaves.others import ErasureLeaf, EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.source import PageSource

MOST = 100


def erased_table(source: PageSource, names: Iterable[str]) -> list[Block]:
    """Return a table of those of some envelopes that were erased; nothing where none was."""
    gone = erased_envelopes(source.view)
    found = [gone[name] for name in dict.fromkeys(names if gone else ()) if name in gone]
    rows = [
        (code_cell(x.sha256, most=12), leaf_cell(x.leaf), time_text(x.time), source.owner(x.key_id), x.reason)
        for x in found[:MOST]
    ]
    columns = ("Envelope", "Erased by leaf", "Erased at", "By the key of", "Reason")
    return [PageTable("Records that were erased", columns, rows, total=len(found))] if found else []


def erased_documents(source: PageSource) -> list[Block]:
    """Return the erased records of documents, for readers of everything."""
    if not source.scope.whole or not erased_envelopes(source.view):
        return []
    facts = (leaf.fact for leaf in source.view.leaves(types=("evidence",)))
    return erased_table(
        source, [n for f in facts if isinstance(f, EvidenceLeaf) and f.documents for n in f.envelopes()]
    )


def erasure_facts(source: PageSource, leaf: Leaf) -> list[Block]:
    """Return what the leaf of an erasure says, with the reason that was signed; nothing for another leaf."""
    fact = leaf.fact
    if not isinstance(fact, ErasureLeaf):
        return []
    try:
        body = read(source.view.envelope(fact.envelope or "") or b"", f"leaf {leaf.sequence}").evidence
        owner, reason = source.owner(body.key_id) or "unknown key", body.reason or ""
    except AimsError as exc:
        owner, reason = "", f"its signed record cannot be read: {exc.what}"
    what = (
        PageCell(f"body of leaf {fact.sequence}", to("leaves", fact.sequence))
        if fact.erased is None
        else code_cell(fact.erased)
    )
    gone = erased_envelopes(source.view).get(fact.erased or "")
    decisions = [leaf_cell(number) for number in sorted(gone.decisions)[:MOST]] if gone else []
    rows: list[tuple[str, Any]] = [
        ("Erased", what),
        ("By the key of", owner),
        ("At", time_text(fact.time)),
        ("Reason", reason),
    ]
    return [Facts("Erasure", [*rows, *([("Decisions that cannot be made again", decisions)] if decisions else [])])]
