"""Reading of what findings are computed from: published documents, the management folder with its scan, a ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.errors import AimsError, ConfigError, Unreachable
from aims_mlflow.evidence import statement, tracking
from aims_mlflow.field_address import field_text
from aims_mlflow.gates.document_content.own_work import signers_of
from aims_mlflow.gates.policy import parse_policy
from aims_mlflow.ledger import merkle
from aims_mlflow.management.cited_records import begins, named_records
from aims_mlflow.management.findings.cited_elsewhere import cited_elsewhere
from aims_mlflow.management.findings.live_versions import deployed
from aims_mlflow.management.findings.state import ManagementState
from aims_mlflow.management.published import file_states, published_shelf, text_of
from aims_mlflow.management.surroundings import local_keyring
from aims_mlflow.records.documents.improvement import AuditReportDocument, ReviewInputsDocument
from aims_mlflow.records.documents.risk import RiskRegisterDocument
from aims_mlflow.records.inventory import Inventory
from aims_mlflow.signing.keyring import parse_keyring

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.management.folder import Folder, FolderDocument
    from aims_mlflow.management.published import PublishedShelf
    from aims_mlflow.records.documents.base import WrittenDocument
    from aims_mlflow.records.keyring import Keyring

INVENTORY = "scan.json"
MAX_BYTES = 200_000_000


def kept_inventory(root: Path) -> Inventory | None:
    """Return the scan that is kept in a management folder; None where there is none.

    Raises:
        Unreachable: it cannot be read.
        ConfigError: the file is no scan.
    """
    path = root / INVENTORY
    if not path.is_file():
        return None
    again = "make it again: aims system scan --write"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"the scan has over {MAX_BYTES // 1_000_000} MB", where=str(path), next=again)
        return Inventory.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path)) from None
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ConfigError(
            f"this is no scan: {field_text(first['loc'])}: {first['msg']}", where=str(path), next=again
        ) from None


def keep_inventory(root: Path, inventory: Inventory) -> Path:
    """Write a scan into a management folder, and return its file.

    Raises:
        Unreachable: it cannot be written.
    """
    path = root / INVENTORY
    try:
        path.write_text(inventory.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as exc:
        raise Unreachable(f"cannot be written ({exc.strerror})", where=str(path)) from None
    return path


def read_state(
    folder: Folder, ledger: Ledger | None, inventory: Inventory | None = None, *, drafts: bool = False
) -> ManagementState:
    """Return what findings are computed from: published documents, and the files of the folder beside them.

    The documents are those that the ledger sealed, else those that the configured MLflow keeps. Where neither is named,
    and with `drafts`, the files of the folder stand for them, and none of them counts. A scan that is given stands for
    the one that is kept.

    Raises:
        Unreachable: what is named does not answer.
    """
    known = None if drafts else published_shelf(ledger)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    in_force = known.in_force(today) if known is not None else ()
    documents = tuple(w for _, w in in_force) if known is not None else tuple(d.written for d in folder.documents)
    state = ManagementState(
        documents, inventory or kept_inventory(folder.root), published=known,
        files=tuple(file_states(folder, known, today)), unreadable=folder.unreadable,
        texts=_texts(folder, known, in_force), keyring=_keyring(ledger) if ledger is not None else local_keyring(),
    )  # fmt: skip
    if ledger is None:
        return state
    state = replace(state, deployed=deployed(ledger), roots=_roots(ledger, state), policy=_policy(ledger))
    wanted = _looked_up(state)
    if wanted:
        signers, requests = _looked_up_in(ledger, wanted)
        cited = cited_elsewhere(requests, wanted)
        state = replace(state, signers=signers, elsewhere=cited.ids, unread=(*state.unread, *cited.unread))
    return with_cards(state)


def _roots(ledger: Ledger, state: ManagementState) -> dict[int, str]:
    """Return the root of the tree over as many leaves as each document of inputs names, where there are as many."""
    sizes = {d.ledger.size for d in state.of(ReviewInputsDocument) if d.ledger is not None}
    there = (size for size in sizes if 0 < size <= ledger.proofs.size())
    return {size: merkle.root(size, ledger.proofs.fetch).hex() for size in there}


def _looked_up(state: ManagementState) -> frozenset[str]:
    """Return the ids that are looked up in the whole ledger: what was sampled, closed a finding, or caused a risk."""
    sampled = {i for report in state.of(AuditReportDocument) if report.sample for i in report.sample.items}
    named = {n for d in state.of(RiskRegisterDocument) for risk in d.risks for n in named_records(risk)}
    named |= {n for report in state.of(AuditReportDocument) for found in report.findings for n in found.closed_by}
    return frozenset((sampled - set(state.by_id)) | {n for n in named if not state.has_record(n)})


def _texts(
    folder: Folder, known: PublishedShelf | None, in_force: Sequence[tuple[Publication, WrittenDocument]]
) -> dict[str, FolderDocument]:
    """Return the files whose words are judged: those of the folder, or those that were published."""
    if known is None:
        return {d.id: d for d in folder.documents}
    found = ((p.document.id, text_of(p, folder)) for p, written in in_force if written.TEXT)
    return {name: text for name, text in found if text is not None}


def with_cards(state: ManagementState) -> ManagementState:
    """Return the state with the model card of each deployed version, as its run has it and its record signed it."""
    cards, unread = {}, []
    if state.deployed and not tracking.is_configured():
        none = "model cards (MLFLOW_TRACKING_URI names no MLflow that keeps them): their words are not judged"
        return replace(state, unread=(*state.unread, none))
    for version in state.deployed or ():
        record = next(iter(version.of("model-card")[-1:]), None)
        file = next((a for a in record.evidence.artifacts if a.path.endswith(".md")), None) if record else None
        if version.digest is None or file is None or record is None:
            continue
        try:
            content = tracking.read_file(str(record.evidence.mlflow.run_id), file.path)
        except AimsError as exc:
            unread.append(f"the model card of {version.name} ({exc.what}): its words are not judged")
            continue
        if sha256_hex(content) == file.sha256:
            cards[version.digest] = content.decode("utf-8", "replace")
        else:
            unread.append(f"the model card of {version.name} (changed after it was signed): its words are not judged")
    return replace(state, cards=cards, unread=(*state.unread, *unread))


def _looked_up_in(ledger: Ledger, wanted: frozenset[str]) -> tuple[dict[str, frozenset[str]], set[str]]:
    """Return (who signed each wanted record: the key's owner, and the account that it names; the wanted requests)."""
    keyring = _keyring(ledger)
    found: dict[str, frozenset[str]] = {}
    names: list[str] = []
    requests: set[str] = set()
    for leaf in ledger.leaves():
        names += leaf.fact.envelopes()
        if leaf.fact.request and any(begins(leaf.fact.request, name) for name in wanted):
            requests.add(leaf.fact.request)
    for name, raw in ledger.envelopes(list(dict.fromkeys(names))).items():
        try:
            record = statement.read(raw, name)
        except AimsError:
            continue
        if any(begins(record.id, name) for name in wanted):
            found[record.id] = frozenset(signers_of([record], keyring))
    return found, requests


def _policy(ledger: Ledger) -> LoadedPolicy | None:
    text = ledger.state.stored(ledger.in_force().get("policy", ""))
    return parse_policy(text, "the ledger's policy") if text else None


def _keyring(ledger: Ledger) -> Keyring | None:
    digest = ledger.in_force().get("keyring")
    text = ledger.state.stored(digest) if digest else None
    return parse_keyring(text, "the ledger's keyring") if text else None
