"""A sample that an auditor tested: the filled sheet is compared with the draw, signed with their key, and sealed."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aims_mlflow.audit.view import LedgerView
from aims_mlflow.canonical import digest_of
from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.gates.published_documents import PREFIX, SAMPLE
from aims_mlflow.lifecycle.ingest import ingest, keyring_now
from aims_mlflow.pages.index import PageIndex
from aims_mlflow.pages.sample_draw import RANDOM, draw
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.source import PageSource, SharedSource
from aims_mlflow.pages.views.sample_tests import TESTS
from aims_mlflow.records.details.gate import SampleDetails, SampledItem

if TYPE_CHECKING:
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.pages.sample_draw import DrawnSample, SampleQuestion
    from aims_mlflow.records.evidence import Result
    from aims_mlflow.signing.keys import SigningKey

RESULTS = ("conform", "nonconform", "not tested")
AUDITOR = ("auditor",)
_LEAF = re.compile(r"leaf ([\d,]+)", re.ASCII)


def read_sheet(text: str, where: str) -> list[SampledItem]:
    """Return the items of a filled CSV of the page `sample`, in its order.

    Raises:
        ConfigError: a column is missing, or a line has no leaf or no known result.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    lacking = {"Sealed", "Result", "Note"} - set(rows.fieldnames or ())
    if lacking:
        raise ConfigError(f"it has no column {', '.join(sorted(lacking))}", where=where, next="fill in the page's CSV")
    return [_item(row, f"{where}:{number}") for number, row in enumerate(rows, 2)]


def _item(row: dict[str, str], where: str) -> SampledItem:
    said = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    found, result = _LEAF.fullmatch(said["Sealed"]), said["Result"].lower() or "not tested"
    if found is None:
        raise ConfigError(f"{said['Sealed'][:40]!r} names no leaf", where=where, next="keep the column Sealed")
    if result not in RESULTS:
        raise ConfigError(f"{result[:40]!r} is no result", where=where, next=f"write {', '.join(RESULTS)}")
    answers = {name: said[name] for name in TESTS if said.get(name)}
    return SampledItem(leaf=int(found[1].replace(",", "")), answers=answers, note=said["Note"] or None, result=result)


def sign_sample(
    ledger: Ledger, asked: SampleQuestion, items: list[SampledItem], key: SigningKey, actor: str
) -> tuple[SessionWriter, SampleDetails]:
    """Draw the sample again, compare it with the items, and sign it.

    Raises:
        EvidenceError: the items are not the ones that are drawn, or no seed is there yet.
    """
    drawn, system = _drawn(ledger, asked)
    if asked.method == RANDOM and not drawn.seed:
        raise EvidenceError(f"it cannot be drawn: {drawn.why}")
    wrong = [item.leaf for item in items] != list(drawn.items)
    if wrong:
        text = ", ".join(map(str, drawn.items)) or "nothing"
        raise EvidenceError(
            f"the sheet has other items than are drawn: drawn are the leaves {text}",
            next="take the page's CSV for the same population, leaves, size and method",
        )
    details = SampleDetails(
        population=asked.population, model=asked.model or None, leaves=asked.leaves, size=len(drawn.population),
        list_sha256=drawn.list_sha256, method=asked.method, seed=drawn.seed or None, items=items,
    )  # fmt: skip
    results = {item.result for item in items}
    result: Result = "failed" if "nonconform" in results else "not_evaluated" if "not tested" in results else "passed"
    untested = sum(item.result == "not tested" for item in items)
    reason = f"{untested} of {len(items)} items were not tested" if result == "not_evaluated" else None
    writer = SessionWriter(key, actor, system=system)
    digest = digest_of(details.plain())
    about = [Subject(name=f"{PREFIX}sample-{digest[:12]}", digest={"sha256": digest})]
    writer.add(SAMPLE, about, details=details, result=result, reason=reason)
    writer.close()
    return writer, details


def _drawn(ledger: Ledger, asked: SampleQuestion) -> tuple[DrawnSample, str | None]:
    """Return the sample from the whole ledger, and the one system that all its items are about, if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        shared = SharedSource(LedgerView(ledger), PageIndex(Path(folder) / "pages.db"), ledger.proofs)
        while not shared.index.refresh(shared.view):
            pass
        drawn = draw(PageSource(shared, EVERYTHING, datetime.now(UTC)), asked)
        systems = {drawn.population[leaf]["system"] for leaf in drawn.items}
        shared.index.connection.close()
    return drawn, next(iter(systems)) if len(systems) == 1 else None


def seal_sample(ledger: Ledger, writer: SessionWriter) -> int:
    """Seal a signed sample in the ledger; returns the leaf's number.

    Raises:
        EvidenceError: the keyring has no such key of the role auditor.
    """
    name = f"aims/sessions/{writer.id}.jsonl"
    session = check_session(writer.jsonl(), name, keyring_now(ledger).find, AUDITOR)
    found = ingest(ledger, [session], "an auditor", "a sample was drawn and tested", AUDITOR)
    return found.sealed[str(writer.id)]
