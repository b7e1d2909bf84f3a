"""Reading of what findings are computed from: the management folder, the scan kept in it, and a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from aims_mlflow.errors import AimsError, ConfigError, Unreachable
from aims_mlflow.evidence import statement
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import FACTS, holders
from aims_mlflow.management.findings.state import DeployedVersion, ManagementState
from aims_mlflow.records.documents.improvement import AuditReportDocument
from aims_mlflow.records.inventory import Inventory
from aims_mlflow.signing.keyring import parse_keyring

if TYPE_CHECKING:
    from pathlib import Path

    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.management.folder import Folder
    from aims_mlflow.records.keyring import Keyring

INVENTORY = "scan.json"
MAX_BYTES = 200_000_000


def kept_inventory(root: Path) -> Inventory | None:
    """Return the scan that is kept in a management folder; None where there is none.

    Raises:
        Unreachable: it cannot be read.
        ConfigError: it is none.
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
            f"this is no scan: {'.'.join(map(str, first['loc']))}: {first['msg']}", where=str(path), next=again
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


def read_state(folder: Folder, ledger: Ledger | None, inventory: Inventory | None = None) -> ManagementState:
    """Return what findings are computed from; a scan that is given stands for the one that is kept."""
    documents = tuple(d.written for d in folder.documents)
    state = ManagementState(documents, inventory or kept_inventory(folder.root))
    if ledger is None:
        return state
    sampled = {i for report in state.of(AuditReportDocument) if report.sample for i in report.sample.items}
    wanted = frozenset(sampled - set(state.by_id))
    return ManagementState(documents, state.inventory, deployed(ledger), _signers(ledger, wanted) if wanted else {})


def deployed(ledger: Ledger) -> tuple[DeployedVersion, ...]:
    """Return every version that a gated alias or stage points to now, by the ledger."""
    names = dict.fromkeys(str(leaf.fact.model_name) for leaf in ledger.leaves(types=FACTS) if leaf.fact.model_name)
    return tuple(
        DeployedVersion(name, place, str(fact.version), fact.model_digest, fact.time)
        for name in names
        for place, fact in holders(ModelHistory(ledger, name)).items()
    )


def _signers(ledger: Ledger, wanted: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return who signed each wanted record of the ledger: the key's owner, and the account that it names."""
    keyring = _keyring(ledger)
    found: dict[str, frozenset[str]] = {}
    names: list[str] = []
    for leaf in ledger.leaves():
        names += leaf.fact.envelopes()
    for name, raw in ledger.envelopes(list(dict.fromkeys(names))).items():
        try:
            record = statement.read(raw, name)
        except AimsError:
            continue
        if record.id in wanted:
            entry = keyring.find(record.evidence.key_id) if keyring else None
            found[record.id] = frozenset({record.evidence.actor, *([entry.owner] if entry else [])})
    return found


def _keyring(ledger: Ledger) -> Keyring | None:
    digest = ledger.state.active().get("keyring")
    text = ledger.state.stored(digest) if digest else None
    return parse_keyring(text, "the ledger's keyring") if text else None
