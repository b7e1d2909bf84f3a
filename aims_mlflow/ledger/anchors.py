"""Anchors: where checkpoints are kept outside, so that the ledger's administrator cannot rewrite them.

An anchor is a folder, an S3 bucket with object lock, or a time-stamping authority. For each checkpoint it keeps the
signed note and the hashes of the leaves since the one before, so that an auditor can later say which leaf was changed.
Nothing that is there is ever written over.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from aims_mlflow.errors import ConfigError, EvidenceError, Unreachable, how_to_install
from aims_mlflow.ledger import timestamps
from aims_mlflow.settings import ANCHORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class CheckpointCopy:
    """What an anchor keeps of one checkpoint: the note, and the hashes of the leaves from `begin` up to its size."""

    size: int
    note: bytes
    begin: int
    hashes: bytes

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files that an anchor keeps, by name; hashes first, since a checkpoint alone shows less."""
        return {
            f"leaves/{self.begin:012d}-{self.size:012d}.sha256": self.hashes,
            f"checkpoints/{self.size:012d}.txt": self.note,
        }


class Anchor(Protocol):
    """A keeper of checkpoints outside. `name` identifies it in the queue of deliveries; it bears no secret."""

    @property
    def name(self) -> str:
        """The anchor's URI."""

    @property
    def newest_only(self) -> bool:
        """Whether a newer checkpoint makes older ones needless there."""

    def deliver(self, copy: CheckpointCopy) -> bytes | None:
        """Keep the copy for good; returns a receipt where the anchor gives one.

        Raises:
            Unreachable: it could not be kept now.
            EvidenceError: the anchor holds something else under this checkpoint's name.
        """


def _same(name: str, kept: bytes, content: bytes, where: str) -> None:
    if kept != content:
        raise EvidenceError(
            f"it holds another {name} than the ledger has: the ledger was rewritten or there are two of it",
            where=where,
            next="`aims ledger verify --since` this anchor names what changed",
        )


@dataclass(frozen=True)
class FolderAnchor:
    """A folder: on the disk of another machine (a mount), or one whose files are copied elsewhere."""

    name: str
    path: Path
    newest_only: bool = False

    def deliver(self, copy: CheckpointCopy) -> None:
        """Write both files; each appears only when it is complete."""
        for name, content in copy.files.items():
            target = self.path / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if not _link_new(target, content):
                    _same(name, target.read_bytes(), content, self.name)
            except OSError as exc:
                raise Unreachable(f"cannot be written ({exc.strerror or exc})", where=self.name) from None


def _link_new(target: Path, content: bytes) -> bool:
    """Create a file, complete before its name appears; return False if the file exists."""
    if target.exists():
        return False
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(part, target)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            part.replace(target)
        return True
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class BucketAnchor:
    """An S3 bucket; `retain_days` locks each object for that time, against its owner too."""

    name: str
    bucket: str
    prefix: str
    retain_days: int | None
    newest_only: bool = False

    def _client(self) -> Any:
        try:
            import boto3
        except ImportError:
            raise ConfigError(
                "delivery to S3 needs an extra that is not installed", next=how_to_install("s3")
            ) from None
        return boto3.client("s3")

    def deliver(self, copy: CheckpointCopy) -> None:
        """Put both objects; never overwrite an object."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._client()
        lock: dict[str, Any] = {}
        if self.retain_days:
            until = datetime.now(UTC) + timedelta(days=self.retain_days)
            lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
        for name, content in copy.files.items():
            key = f"{self.prefix}{name}"
            try:
                client.put_object(
                    Bucket=self.bucket, Key=key, Body=content, IfNoneMatch="*", ChecksumAlgorithm="SHA256", **lock
                )
            except ClientError as exc:
                if exc.response.get("Error", {}).get("Code") not in (
                    "PreconditionFailed",
                    "ConditionalRequestConflict",
                ):
                    code = exc.response.get("Error", {}).get("Code")
                    raise Unreachable(f"S3 refused the object ({code})", where=self.name) from None
                _same(name, client.get_object(Bucket=self.bucket, Key=key)["Body"].read(), content, self.name)
            except BotoCoreError as exc:
                raise Unreachable(f"S3 does not answer ({type(exc).__name__})", where=self.name) from None


@dataclass(frozen=True)
class TimestampAnchor:
    """An RFC 3161 time-stamping authority: its response is the receipt. A newer checkpoint covers older ones."""

    name: str
    url: str
    newest_only: bool = True

    def deliver(self, copy: CheckpointCopy) -> bytes:
        """Return the authority's response over the note's bytes."""
        return timestamps.request_stamp(copy.note, self.url)


def parse_anchor(uri: str) -> Anchor:
    """Return the anchor that a URI names: `file:///PATH`, `s3://BUCKET/PREFIX?retain_days=N`, `tsa:https://...`.

    Raises:
        ConfigError: it names none.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.path.startswith("/") and parts.netloc in ("", "localhost"):
        return FolderAnchor(uri, Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and "@" not in parts.netloc:
        prefix = parts.path.strip("/")
        return BucketAnchor(uri, parts.netloc, f"{prefix}/" if prefix else "", _days(parts.query, uri))
    if parts.scheme == "tsa" and re.match(r"https?://[^@\s]+$", uri[4:]):
        return TimestampAnchor(uri, uri[4:])
    raise ConfigError(
        f"{ANCHORS} names an anchor that is not known ({parts.scheme or uri[:40]})",
        next="use file:///PATH, s3://BUCKET/PREFIX?retain_days=3650 or tsa:https://ADDRESS, separated by spaces",
    )


def _days(query: str, uri: str) -> int | None:
    options = parse_qs(query)
    days = options.pop("retain_days", ["0"])[-1]
    if options or not days.isdecimal():
        raise ConfigError("the only option is retain_days=NUMBER", where=uri)
    return int(days) or None


def parse_anchors(uris: Sequence[str]) -> tuple[Anchor, ...]:
    """Return the anchors that `AIMS_ANCHORS` names.

    Raises:
        ConfigError: one of them is not known, or is named twice.
    """
    if len(set(uris)) != len(uris):
        raise ConfigError(f"{ANCHORS} names an anchor twice")
    return tuple(parse_anchor(uri) for uri in uris)
