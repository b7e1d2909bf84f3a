"""The ledger: its newest checkpoint, a comparison with the reader's own, its leaves, one leaf, and policies then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aims_mlflow.audit.continuation import note_signer, why_not_continued
from aims_mlflow.audit.keyrings import RESTORE
from aims_mlflow.audit.report import Step
from aims_mlflow.documents.page_blocks import (
    Facts,
    Form,
    FormInput,
    PageCell,
    PageTable,
    PageView,
    Prose,
    TextBlock,
    code_cell,
    missing,
    state_cell,
    to,
)
from aims_mlflow.errors import AimsError
from aims_mlflow.ledger import checkpoint as notes
from aims_mlflow.pages.views.common import RowRange, leaf_cell, time_text, version_cell
from aims_mlflow.pages.views.erased import erasure_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.ledger.checkpoint import Checkpoint
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.source import PageSource

NEWEST, MORE = 20, 200  # leaves that "verify now" proves
MOST_NOTE = 8000
PERSONAL = ("login", "address")  # fields of a body that no page shows


def ledger(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the ledger's page: leaves, checkpoint, and the answers to the two questions that a reader may ask."""
    pasted = query.get("checkpoint", "")
    paste = FormInput("checkpoint", "The whole signed note, as you kept it", pasted, "long")
    choice = FormInput("verify", "Leaves to prove, the newest", str(NEWEST), "choice", (str(NEWEST), str(MORE)))
    table, links = _leaves(source, query)
    blocks: list[Block] = [_head(source), Form("Compare with your checkpoint", "ledger", (paste,), "Compare")]
    blocks += [_compared(source, pasted)] if pasted else []
    blocks.append(Form("Verify now", "ledger", (choice,), "Verify now"))
    blocks += [_verified(source, MORE if query["verify"] == str(MORE) else NEWEST)] if query.get("verify") else []
    return PageView("Ledger", "ledger", (), (*blocks, table), **links)


def _leaves(source: PageSource, query: Mapping[str, str]) -> tuple[PageTable, dict[str, Any]]:
    kind = query.get("type", "")
    where = "(:kind = '' OR type = :kind) AND {scope}"
    shown = RowRange("ledger", query, source.count(f"SELECT 1 FROM leaf WHERE {where}", kind=kind))
    sql = f"SELECT * FROM leaf WHERE {where} ORDER BY sequence DESC LIMIT :most OFFSET :skip"
    rows = [
        (
            leaf_cell(r["sequence"]), r["type"], r["what"],
            version_cell(r["model"], r["version"]) if r["model"] else PageCell(""),
            time_text(r["time"]), code_cell(r["hash"], most=12),
        )
        for r in source.rows(sql, kind=kind, **shown.limits)
    ]  # fmt: skip
    columns = ("Leaf", "Type", "What", "About", "Sealed at", "Hash")
    return PageTable("Leaves, newest first", columns, rows, total=shown.total, first=shown.first), shown.links


def _head(source: PageSource) -> Facts:
    head, (size, time) = source.head, source.cut_off
    rows: list[tuple[str, Any]] = [("Leaves", f"{size:,}, the last sealed at {time_text(time)}")]
    if head is None:
        rows.append(("Checkpoint", state_cell("unverifiable", "", "there is none, or what is stored cannot be read")))
    else:
        rows += [
            ("Log", code_cell(head.origin)),
            ("Newest checkpoint", f"over {head.size:,} leaves"),
            ("Root", code_cell(head.root.hex())),
            ("Signature of the log's key, checked now", _signer(source, head)),
        ]
    rows.append(
        (
            "The whole ledger",
            "`aims ledger verify` checks every leaf, envelope, decision and keyring; this page does not",
        )
    )
    return Facts("Newest checkpoint", rows)


def _signer(source: PageSource, head: Checkpoint) -> PageCell:
    step = Step("checkpoint")
    try:
        note_signer(head, "checkpoint", source.history, source.view.leaf(head.size - 1), step)
    except AimsError as exc:
        return state_cell("unverifiable", "", exc.what)
    if step.problems:
        return state_cell("warned", "", step.problems[0].sentence())
    return state_cell("passed", "", "fits, by a key that was the log's then")


def _compared(source: PageSource, text: str) -> Prose:
    """Compare a checkpoint that the reader kept with the ledger as it is now."""
    title = "Your checkpoint"
    try:
        raw = text[:MOST_NOTE].replace("\r\n", "\n").strip("\n") + "\n"
        mine = notes.parse(raw.encode(), "your checkpoint")
        note_signer(mine, "your checkpoint", source.history, source.view.leaf(mine.size - 1), Step("checkpoint"))
    except AimsError as exc:
        return Prose(title, (state_cell("not verified", "", f"it cannot be used: {exc.what}"),), loud=True)
    head = source.head
    if head is None:
        return Prose(
            title,
            (state_cell("not verified", "", f"the ledger has no checkpoint to compare with. It means: {RESTORE}"),),
            loud=True,
        )
    why = why_not_continued(
        mine, head, lambda old, new: source.shared.proofs.consistency(old, new) if 0 < old < new else []
    )
    if why is not None:
        return Prose(title, (state_cell("unverifiable", "", f"the ledger does not continue it: {why}"),), loud=True)
    return Prose(
        title,
        (
            state_cell(
                "passed",
                "",
                f"the ledger continues it: its first {mine.size:,} leaves are the beginning of the "
                f"{head.size:,} leaves of the newest checkpoint. The proof was computed now.",
            ),
        ),
    )


def _verified(source: PageSource, most: int) -> PageTable:
    rows: list[tuple[Any, ...]] = []
    for row in source.rows("SELECT * FROM leaf WHERE {scope} ORDER BY sequence DESC LIMIT :most", most=most):
        leaf = source.view.leaf(row["sequence"])
        rows.append((leaf_cell(row["sequence"]), row["type"], proof_cell(source, leaf), body_cell(source, leaf)))
    note = (
        "Proved are the newest leaves that you may read, now and by this server. "
        "`aims ledger verify` on your own machine checks all of them."
    )
    return PageTable("Verified now", ("Leaf", "Type", "In the tree", "Body"), rows, note)


def proof_cell(source: PageSource, leaf: Leaf | None) -> PageCell:
    """Return whether a leaf's proof leads to a signed checkpoint, computed now."""
    if leaf is None:
        return state_cell("unverifiable", "", "the leaf is missing")
    try:
        proof = source.shared.proofs.inclusion(leaf.sequence)
    except AimsError as exc:
        return state_cell("not sealed yet", "", exc.what)
    from aims_mlflow.ledger.leaves import leaf_hash

    if not proof.holds() or proof.leaf_hash.hex() != leaf_hash(leaf.data):
        return state_cell("unverifiable", "", "its proof does not lead to the checkpoint's root")
    return state_cell("passed", "", f"below the checkpoint over {proof.checkpoint.size:,} leaves")


def body_cell(source: PageSource, leaf: Leaf | None) -> PageCell:
    """Return whether a leaf's body is the one that it commits to."""
    if leaf is None:
        return PageCell("")
    try:
        body = source.view.body(leaf.sequence)
    except AimsError as exc:
        return state_cell("unverifiable", "", exc.what)
    return (
        state_cell("passed", "", "as committed to")
        if body is not None
        else state_cell("not applicable", "", "erased, or it had none")
    )


WAIVED = ("Waiver", PageCell("what each waiver lets pass, and what speaks against it", to("waivers")))


def leaf(source: PageSource, args: Mapping[str, str], _query: Mapping[str, str]) -> PageView:
    """Return one leaf with its proof, its fields, and its body without the caller's login and address."""
    number = args["leaf"]
    address = to("leaves", number)
    asked = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else -1
    row = source.row("SELECT * FROM leaf WHERE sequence = :s AND {scope}", s=asked)
    found = source.view.leaf(asked) if row is not None else None
    if row is None or found is None:
        return missing(f"Leaf {number}", address, "The ledger has no leaf with this number.")
    content = found.content
    facts = Facts(
        "Leaf",
        [
            ("Type", content.get("type", "")),
            ("Sealed at", time_text(content.get("time"))),
            ("About", version_cell(row["model"], row["version"]) if row["model"] else PageCell("no model")),
            *([WAIVED] if row["type"] == "waiver" else []),
            ("In the tree, checked now", proof_cell(source, found)),
            ("Body, checked now", body_cell(source, found)),
            ("Hash (RFC 6962)", code_cell(found.leaf_hash)),
            (
                "The same request",
                [
                    leaf_cell(r["sequence"])
                    for r in source.rows(
                        "SELECT sequence FROM leaf WHERE request = :r AND request "
                        "<> '' AND {scope} ORDER BY sequence LIMIT 20",
                        r=row["request"],
                    )
                ],
            ),
        ],
    )
    decided = content.get("type") == "decision"
    more: list[Block] = [Prose("", (PageCell("The decision in words", to("decisions", asked)),))] if decided else []
    blocks = (
        facts,
        *more,
        *erasure_facts(source, found),
        TextBlock("Body (can be erased)", _body(source, asked)),
        TextBlock("Leaf as it is sealed", json.dumps(content, indent=1, ensure_ascii=False)[:200_000]),
    )
    return PageView(f"Leaf {asked:,}: {content.get('type', '')}", address, (), blocks, (("Ledger", "ledger"),))


def _body(source: PageSource, sequence: int) -> str:
    try:
        body = source.view.body(sequence)
    except AimsError as exc:
        return exc.what
    if body is None:
        return "erased, or it had none"
    kept = {name: value for name, value in body.plain().items() if name not in (*PERSONAL, "beside")}
    return json.dumps(kept, indent=1, ensure_ascii=False)[:200_000] or "{}"


def policy(source: PageSource, args: Mapping[str, str], _query: Mapping[str, str]) -> PageView:
    """Return the text of a policy or keyring that was in force; for readers of everything."""
    digest = args["digest"]
    address = to("policies", digest)
    text = source.view.stored(digest) if source.scope.whole else None
    if text is None:
        return missing(f"Policy {digest[:12]}", address, "The ledger has no policy with this digest that you may read.")
    since = source.rows(
        "SELECT sequence, time FROM leaf WHERE type IN ('policy', 'keyring') AND {scope} ORDER BY sequence"
    )
    sealed = [r for r in since if digest in (((found := source.view.leaf(r["sequence"])) and found.fact.rules()) or ())]
    table = PageTable(
        "In force from", ("Leaf", "Since"), [(leaf_cell(r["sequence"]), time_text(r["time"])) for r in sealed]
    )
    return PageView(
        f"Policy or keyring {digest[:12]}", address, (), (table, TextBlock("Text", text)), (("Ledger", "ledger"),)
    )
