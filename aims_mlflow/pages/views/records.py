"""A record: its words first, its check now, its claims, its raw envelope last, and how to check it without us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import kinds
from aims_mlflow.documents.page_blocks import (
    Facts,
    PageCell,
    PageTable,
    PageView,
    TextBlock,
    code_cell,
    missing,
    state_cell,
    to,
)
from aims_mlflow.documents.page_html import cells
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.verify import check_signature
from aims_mlflow.pages.views.common import (
    RowRange,
    leaf_cell,
    record_cell,
    result_cell,
    system_cell,
    time_text,
    version_cell,
)
from aims_mlflow.pages.views.lineage import origin_facts
from aims_mlflow.pages.views.measured import COLUMNS, claim_row
from aims_mlflow.pages.views.sample_items import items_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.pages.source import PageSource

# A record is for those who may read a model that relied on it.
READABLE = "r.sha256 IN (SELECT sha256 FROM record_model WHERE {scope})"


def readable(source: PageSource) -> str:
    """Return the SQL condition that keeps the records that the reader may read."""
    return "{scope}" if source.scope.whole else READABLE


def find(source: PageSource, record_id: str) -> tuple[Any, SealedRecord | None]:
    """Return a record's row of the index and the record; (None, None) for one that the reader may not read."""
    row = source.row(f"SELECT r.* FROM record r WHERE r.id = :id AND {readable(source)}", id=record_id)
    return row, (source.record(row["sha256"], row["leaf"]) if row is not None else None)


def records(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the list of records, the newest first."""
    kind, system = query.get("kind", ""), query.get("system", "")
    asked = [f"r.{name} = :{name}" for name, value in (("kind", kind), ("system", system)) if value]
    where = " AND ".join([readable(source), *asked])
    sql = f"SELECT 1 FROM record r WHERE {where}"
    total = source.count(sql, kind=kind, system=system)
    paging = RowRange("records", query, total)
    found = source.rows(
        f"SELECT r.* FROM record r WHERE {where} ORDER BY r.leaf DESC, r.time DESC LIMIT :most OFFSET :skip",
        kind=kind,
        system=system,
        **paging.limits,
    )
    rows = [
        (
            record_cell(r["kind"], r["id"]),
            result_cell(r["kind"], r["result"], r["claims"]),
            system_cell(r["system"]),
            r["claims"],
            source.owner(r["key_id"]) or "unknown key",
            time_text(r["time"]),
            leaf_cell(r["leaf"]),
        )
        for r in found
    ]
    table = PageTable(
        "Records in the ledger, newest first",
        ("Record", "Result", "System", "Claims", "Key of", "Signed at", "First sealed"),
        rows,
        total=total,
        first=paging.first,
    )
    return PageView("Records", "records", (), (table,), **paging.links)


def record(source: PageSource, args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return one record."""
    record_id = args["record"]
    address = to("records", record_id)
    row, found = find(source, record_id)
    if row is None:
        return missing(f"Record {record_id}", address, "The ledger has no record with this id.")
    title, crumbs = f"{row['kind']} {record_id}", (("Records", "records"),)
    if found is None:
        facts = Facts(
            "Record",
            [
                ("sha256", code_cell(row["sha256"])),
                ("Check", state_cell("unverifiable", "", "its envelope is missing, or cannot be read")),
            ],
        )
        return PageView(title, address, (), (facts, _sealed(source, row)), crumbs)
    body = found.evidence
    total = len(body.claims)
    paging = RowRange(address, query, total)
    last = paging.first - 1 + paging.most
    claims = [claim_row(record_id, n, c) for n, c in enumerate(body.claims) if paging.first - 1 <= n < last]
    items = items_table(source, found)
    blocks: tuple[Block, ...] = (
        _words(source, found),
        *origin_facts(found),
        *([items] if items else []),
        PageTable("Claims", COLUMNS, claims, total=total, first=paging.first, empty="It has no claims."),
        _sealed(source, row),
        PageTable(
            "Files that it names",
            ("File", "sha256", "Bytes"),
            [(a.path, code_cell(a.sha256), a.size) for a in body.artifacts],
        ),
        PageTable(
            "Subjects",
            ("Name", "Digest"),
            [(s.name, code_cell(f"{k} {v}")) for s in found.subjects for k, v in s.digest.items()],
        ),
        TextBlock("Details", json.dumps(body.details, indent=1, ensure_ascii=False)[:100_000]),
        _without_us(source, row, found),
        TextBlock("Envelope", (source.view.envelope(row["sha256"]) or b"").decode(errors="replace")[:1_000_000]),
    )
    return PageView(title, address, (), blocks, crumbs, **paging.links)


def _words(source: PageSource, found: SealedRecord) -> Facts:
    body = found.evidence
    known = kinds().get(body.kind)
    owner, check = signature(source, found)
    rows: list[tuple[str, Any]] = [
        ("What it is", known.description if known else "a kind that this release does not know"),
        ("Result", result_cell(body.kind, body.result, len(body.claims))),
        ("Reason", body.reason or ""),
        ("System", system_cell(body.system)),
        ("Controls", ", ".join(body.controls)),
        ("Made by", "a person's word (aims.record)" if body.by_hand else "recorded by the software"),
        ("Signed", f"{time_text(body.time)} by the clock of the signer, account {body.actor}"),
        ("Key", [owner, code_cell(body.key_id)]),
        ("Signature, checked now", check),
        ("Session", code_cell(body.session)),
        ("Number in the session", "" if body.sequence is None else str(body.sequence)),
        ("Pack (checks and limits)", code_cell(body.pack_digest)),
        ("Good until", time_text(body.valid_until)),
        ("Supersedes", record_cell("record", body.supersedes.id) if body.supersedes else "nothing"),
        ("MLflow run", code_cell(body.mlflow.run_id)),
        ("sha256 of the envelope", code_cell(found.sha256)),
    ]
    return Facts("Record", [(name, values) for name, values in rows if any(c.text for c in cells(values))])


def signature(source: PageSource, found: SealedRecord) -> tuple[str, PageCell]:
    """Return the owner of a record's key, and whether the signature fits, checked now."""
    known = source.history.known(found.evidence.key_id)
    try:
        entry = check_signature(found, source.history.known, known.roles if known else ("trainer",))
    except AimsError as exc:
        return source.owner(found.evidence.key_id) or "unknown key", state_cell(
            "unverifiable", "", f"cannot be trusted: {exc.what}"
        )
    revoked = f"; the key was revoked as of {entry.revoked}" if entry.revoked else ""
    mark = "warned" if revoked else "passed"
    return f"{entry.owner} ({', '.join(entry.roles)})", state_cell(mark, "", f"fits the envelope{revoked}")


def _sealed(source: PageSource, row: Any) -> PageTable:
    """Return the leaves that name a record. Decisions name the line of a session file, by its sha256."""
    leaf = source.view.leaf(row["leaf"])
    out: list[tuple[Any, ...]] = []
    if leaf is not None and source.scope.reads(leaf.fact.model_name):
        try:
            proof = source.shared.proofs.inclusion(leaf.sequence)
            good = proof.holds() and proof.leaf_hash.hex() == leaf.leaf_hash
            text = f"below checkpoint {proof.checkpoint.size:,}" if good else "the path does not lead to the checkpoint"
            state = state_cell("passed" if good else "unverifiable", "", text)
        except AimsError as exc:
            state = state_cell("not sealed yet", "", exc.what)
        where = version_cell(leaf.fact.model_name, leaf.fact.version) if leaf.fact.model_name else PageCell("no model")
        out.append((leaf_cell(leaf.sequence), leaf.fact.type, where, time_text(leaf.fact.time), state))
    return PageTable(
        "Sealed, with its proof checked now",
        ("Leaf", "Type", "About", "Sealed at", "Proof"),
        out,
        "The first leaf that names it. Later decisions may rest on it too.",
        empty="The first leaf that names it is about a model that your login may not read.",
    )


def _without_us(source: PageSource, row: Any, found: SealedRecord) -> TextBlock:
    entry = source.history.known(found.evidence.key_id)
    pem = entry.pem.strip() if entry else "(no keyring has this key: its signature cannot be judged)"
    text = f"""# the envelope below as FILE, without the line break at its end
sha256sum FILE    # {row["sha256"]}
python3 - FILE <<'END'
import base64, json, sys
e = json.load(open(sys.argv[1]))
p = base64.b64decode(e["payload"])
t = e["payloadType"].encode()
open("signed", "wb").write(b"DSSEv1 %d %s %d %s" % (len(t), t, len(p), p))
open("signature", "wb").write(base64.b64decode(e["signatures"][0]["sig"]))
END
cat > key.pem <<'END'
{pem}
END
openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile signature"""
    return TextBlock(
        "Check it without us",
        text,
        "For an Ed25519 key. ECDSA keys take: openssl dgst -sha256 -verify key.pem -signature signature signed",
    )
