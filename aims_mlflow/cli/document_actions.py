"""What `aims document` does with published documents: publish, compare, approve, review, withdraw."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aims_mlflow.errors import ConfigError, EvidenceError, PolicyRefused
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.registered_models import known_gate
from aims_mlflow.evidence.trust import trusted_keys
from aims_mlflow.gates.citations import suspects
from aims_mlflow.gates.person_statements import approving_role
from aims_mlflow.gates.published_documents import APPROVAL, REVIEW, WITHDRAWAL, why_not_withdrawn
from aims_mlflow.management.evidence_view import read_evidence
from aims_mlflow.management.folder import ENDINGS, FolderDocument, find_folder, read_document, read_folder
from aims_mlflow.management.library import read_library
from aims_mlflow.management.passages import citation_lines
from aims_mlflow.management.publication import FILES, SigningAccount, sign_event
from aims_mlflow.management.publication import publish as publish_one
from aims_mlflow.management.surroundings import gather, local_keyring, registered_versions
from aims_mlflow.records.counts import how_many
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import who
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.records.keyring import KeyEntry


NAME_POLICY = "name the policy folder whose keyring knows the signers: `export AIMS_POLICY=FOLDER`"


def _signer() -> SigningAccount:
    """Return this account's key.

    Raises:
        EvidenceError: a keyring is here, and does not know the key, or lets it do nothing now.
    """
    key = signing_key(lambda text: click.echo(text, err=True))
    keyring = local_keyring()
    if keyring is None:
        return SigningAccount(key, who())
    entry = keyring.find(key.key_id)
    if entry is None:
        raise EvidenceError(
            f"the keyring does not know this key ({key.key_id})",
            next="`aims keys export`, then the platform team: aims keys add FILE --owner NAME --role approver",
        )
    why = entry.why_not(entry.roles, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    if why:
        raise EvidenceError(why, next="sign with a key that is valid")
    return SigningAccount(key, who())


def _entry_of(signer: SigningAccount) -> KeyEntry | None:
    """Return the keyring's entry of a key; None where no keyring is here, so that a server has to judge."""
    keyring = local_keyring()
    return keyring.find(signer.key.key_id) if keyring is not None else None


def _told(run: str) -> None:
    """Tell a gated server of a document's run, so that it verifies and seals what is new there."""
    if not known_gate():
        click.echo("  no gate seals it here: only its signature vouches for it", err=True)
        return
    from aims_mlflow.registry.channel import tell_published

    click.echo(f"  sealed in the ledger: {how_many(tell_published(run), 'session')}")


def publish(name: str, folder: Path | None, evidence: Iterable[str]) -> None:
    """Publish one document of the management folder."""
    around = gather(folder, evidence)
    document = around.folder.find(name)
    if citation_lines(document) and not around.evidence.sources:
        found = registered_versions(around, document.written.system)
        around = gather(around.folder.root, found) if found else around
        document = around.folder.find(name)
    signer = _signer()
    shelf = read_library(first=True, document=document.id).shelf
    newest = next(reversed(shelf.versions(document.id)), None)
    # What was withdrawn may come back as it was: it needs another approval.
    comes_back = newest is not None and newest.document.sha256 == document.sha256 and shelf.is_withdrawn(newest)
    run, record = publish_one(document, around, signer, None if comes_back else newest)
    click.echo(f"{document.id} version {document.written.version} is published: run {run}, record {record.id}")
    role = approving_role(document.written.kind)
    whom = f"{document.written.approver or 'another person'}, with a key of the role {role},"
    click.echo(f"  next: {whom} runs `aims approve document:{document.id}`")
    if local_keyring() is None:
        click.echo("  no keyring is here: nobody can approve this until AIMS_POLICY names one", err=True)
    _told(run)


def published(name: str) -> Publication:
    """Return the newest published version of a document.

    Raises:
        ConfigError: it is not published, or was withdrawn.
    """
    wanted = _id_of(name.removeprefix("document:"))
    library = read_library(document=wanted)
    versions = library.shelf.versions(wanted)
    if not versions:
        library = read_library()
        known = ", ".join(dict.fromkeys(p.document.id for p in library.shelf.publications)) or "none"
        broken = f"; sessions that do not verify: {len(library.broken)}" if library.broken else ""
        fix = NAME_POLICY if library.broken and local_keyring() is None else f"published are {known}"
        raise ConfigError(f"no published document {wanted!r} verifies here{broken}", next=fix)
    if library.shelf.is_withdrawn(versions[-1]):
        raise ConfigError(f"{wanted} was withdrawn", next=f"aims document publish {wanted}")
    return versions[-1]


def _id_of(name: str) -> str:
    """Return the id of the document that a file is, where `name` names a file; else the name."""
    path = Path(name)
    read = read_document(path) if path.suffix.lower() in ENDINGS and path.is_file() else None
    return read.id if isinstance(read, FolderDocument) else name


def approve(name: str, comment: str) -> None:
    """Sign this account's approval of a published document, bound to its file and to the record that published it.

    Raises:
        PolicyRefused: this key may not approve it: no role, no keyring, or its owner wrote it.
    """
    found, signer, keyring = published(name), _signer(), local_keyring()
    document = found.document
    if keyring is None:
        raise PolicyRefused("there is no keyring here, so nobody could tell whose approval it is", next=NAME_POLICY)
    entry, role = keyring.find(signer.key.key_id), approving_role(document.kind)
    if entry is not None and is_among(entry.owner, document.authors):
        raise PolicyRefused(
            f"{entry.owner} wrote or published {document.id}: nobody approves what they wrote",
            next="ask another person",
        )
    if entry is None or role not in entry.roles:
        had = ", ".join(entry.roles) if entry else "none"
        raise PolicyRefused(
            f"{document.name} needs a key with the role {role} (this key has {had}): the approval would count for "
            "nothing",
            next=f"sign with such a key, or ask a person who has one (`aims keys list`: {role})",
        )
    _require_same_file(found)
    run, record = sign_event(APPROVAL, found, signer, comment=comment)
    click.echo(
        f"{entry.owner} approved {document.id} version {found.statement.version}, sha256 {str(document.sha256)[:12]}: "
        f"record {record.id}"
    )
    _told(run)


def _require_same_file(found: Publication) -> None:
    """Refuse where the kept file is not the one that was signed: what is read must be what is approved."""
    content = _file_of(found)
    if found.statement.sha256 != _sha256(content):
        raise EvidenceError(
            "the file that MLflow keeps is not the one that was published", where=found.document.id,
            next="publish it again",
        )  # fmt: skip


def _sha256(content: bytes) -> str:
    from aims_mlflow.canonical import sha256_hex

    return sha256_hex(content)


def _file_of(found: Publication) -> bytes:
    artifact = next(a for a in found.record.evidence.artifacts if a.path.startswith(FILES))
    return tracking.read_file(str(found.record.evidence.mlflow.run_id), artifact.path)


def diff(name: str, folder: Path | None) -> int:
    """Print the difference between a document of the folder and its published version."""
    mine = read_folder(find_folder(folder)).find(name)
    theirs = published(mine.id)
    lines = difflib.unified_diff(
        _file_of(theirs).decode("utf-8", "replace").splitlines(),
        mine.content.decode("utf-8", "replace").splitlines(),
        f"published version {theirs.statement.version}",
        str(mine.path),
        lineterm="",
    )
    text = "\n".join(lines)
    click.echo(text or f"{mine.id} is published as it is")
    return 1 if text else 0


def review(name: str, citation: str, reason: str, evidence: Iterable[str]) -> None:
    """Sign why a suspect citation still holds.

    Raises:
        ConfigError: nothing speaks against it, by the evidence that was read.
        PolicyRefused: this key's owner wrote the document.
    """
    found = published(name)
    targets = list(evidence)
    if not targets:
        targets = registered_versions(gather(), found.document.system)
    view = read_evidence(targets, trusted_keys())
    if not view.sources:
        raise ConfigError("no evidence was read", next="name the run or model with --evidence TARGET")
    live = view.model_digests[-1] if view.model_digests else None
    mark = citation.strip("[]^")
    doubted = [s for s in suspects(found.document, view.records, live) if s.citation.name == mark]
    if not doubted:
        raise ConfigError(f"nothing speaks against [^{mark}] of {found.document.id} in {', '.join(view.sources)}")
    signer = _signer()
    entry = _entry_of(signer)
    if entry is not None and is_among(entry.owner, found.document.authors):
        what = f"{entry.owner} wrote or published {found.document.id}: nobody clears a citation of what they wrote"
        raise PolicyRefused(what, next="ask another person")
    run, record = sign_event(REVIEW, found, signer, citation=mark, against=doubted[0].against, comment=reason)
    click.echo(f"[^{mark}] is reviewed: {doubted[0].text}; record {record.id}")
    _told(run)


def withdraw(name: str, reason: str) -> None:
    """Sign that a document no longer applies.

    Raises:
        ConfigError: no reason is given.
        PolicyRefused: this key's owner neither wrote nor owns it, nor has the role that approves it.
    """
    if not reason.strip():
        raise ConfigError("a withdrawal needs a reason", next="--reason 'what takes its place'")
    found = published(name)
    signer = _signer()
    entry = _entry_of(signer)
    why = why_not_withdrawn(found, entry) if entry is not None else None
    if why:
        raise PolicyRefused(f"{why}: this withdrawal would count for nothing", next="ask one of them")
    run, record = sign_event(WITHDRAWAL, found, signer, comment=reason)
    click.echo(f"{found.document.id} is withdrawn: record {record.id}")
    _told(run)
