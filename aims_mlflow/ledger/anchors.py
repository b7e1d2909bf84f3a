"""Places for checkpoints that the ledger's administrator does not own: a folder, S3 with object lock, a time stamp.

A place keeps, for each checkpoint, the signed note and the hashes of the leaves since the one before, so that an
auditor can later say which leaf was changed. Nothing that is there is ever written over.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from aims_mlflow.errors import ConfigError, EvidenceError, Unreachable
from aims_mlflow.ledger import timestamps

if TYPE_CHECKING:
    from collections.abc import Mapping

WITNESSES = "AIMS_WITNESSES"


@dataclass(frozen=True)
class Parcel:
    """One checkpoint on its way: the note, and the hashes of the leaves from `begin` up to its size."""

    size: int
    note: bytes
    begin: int
    hashes: bytes

    @property
    def files(self) -> Mapping[str, bytes]:
        """What a place keeps, by name. Hashes go first: a checkpoint without them would be less, never wrong."""
        return {
            f"leaves/{self.begin:012d}-{self.size:012d}.sha256": self.hashes,
            f"checkpoints/{self.size:012d}.txt": self.note,
        }


class Place(Protocol):
    """Somewhere outside. `name` is how it stands in the queue; it bears no secret."""

    @property
    def name(self) -> str:
        """The place's URI."""

    @property
    def newest_only(self) -> bool:
        """Whether a newer checkpoint makes older ones needless there."""

    def deliver(self, parcel: Parcel) -> bytes | None:
        """Keep the parcel for good; returns a receipt where the place gives one.

        Raises:
            Unreachable: it could not be kept now.
            EvidenceError: the place holds something else under this checkpoint's name.
        """


def _same(name: str, kept: bytes, content: bytes, where: str) -> None:
    if kept != content:
        raise EvidenceError(
            f"it holds another {name} than the ledger has: the ledger was rewritten or there are two of it",
            where=where,
            next="`aims ledger verify --since` this place says what changed",
        )


@dataclass(frozen=True)
class Folder:
    """A folder on another machine's disk (a mount), or one that is mailed and copied on."""

    name: str
    path: Path
    newest_only: bool = False

    def deliver(self, parcel: Parcel) -> None:
        """Write both files, each whole or not at all."""
        for name, content in parcel.files.items():
            target = self.path / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if not _link_new(target, content):
                    _same(name, target.read_bytes(), content, self.name)
            except OSError as exc:
                raise Unreachable(f"cannot be written ({exc.strerror or exc})", where=self.name) from None


def _link_new(target: Path, content: bytes) -> bool:
    """Write a file that must not exist yet; False where it does. Its name appears only once it is whole."""
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
class Bucket:
    """An S3 bucket; with `retain_days`, each object is locked for that long, against its owner too."""

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
                "delivery to S3 needs an extra that is not installed", next="pip install 'aims_mlflow[s3]'"
            ) from None
        return boto3.client("s3")

    def deliver(self, parcel: Parcel) -> None:
        """Put both objects, refusing to write over what is there."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._client()
        lock: dict[str, Any] = {}
        if self.retain_days:
            until = datetime.now(UTC) + timedelta(days=self.retain_days)
            lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
        for name, content in parcel.files.items():
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
class Authority:
    """An RFC 3161 time-stamping authority: its response is the receipt. A newer checkpoint covers older ones."""

    name: str
    url: str
    newest_only: bool = True

    def deliver(self, parcel: Parcel) -> bytes:
        """Return the authority's response over the note's bytes."""
        return timestamps.request_stamp(parcel.note, self.url)


def parse_place(uri: str) -> Place:
    """Return the place that a URI names: `file:///PATH`, `s3://BUCKET/PREFIX?retain_days=N`, `tsa:https://...`.

    Raises:
        ConfigError: it names none.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.path.startswith("/") and parts.netloc in ("", "localhost"):
        return Folder(uri, Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and "@" not in parts.netloc:
        prefix = parts.path.strip("/")
        return Bucket(uri, parts.netloc, f"{prefix}/" if prefix else "", _days(parts.query, uri))
    if parts.scheme == "tsa" and re.match(r"https?://[^@\s]+$", uri[4:]):
        return Authority(uri, uri[4:])
    raise ConfigError(
        f"{WITNESSES} names a place that is not known ({parts.scheme or uri[:40]})",
        next="use file:///PATH, s3://BUCKET/PREFIX?retain_days=3650 or tsa:https://ADDRESS, separated by spaces",
    )


def _days(query: str, uri: str) -> int | None:
    options = parse_qs(query)
    days = options.pop("retain_days", ["0"])[-1]
    if options or not days.isdecimal():
        raise ConfigError("the only option is retain_days=NUMBER", where=uri)
    return int(days) or None


def witnesses(configured: str | None) -> list[Place]:
    """Return the places that `AIMS_WITNESSES` names, separated by spaces.

    Raises:
        ConfigError: one of them is not known, or stands twice.
    """
    names = (configured or "").split()
    if len(set(names)) != len(names):
        raise ConfigError(f"{WITNESSES} names a place twice")
    return [parse_place(name) for name in names]
