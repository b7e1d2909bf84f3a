"""Listing of object stores with what tells that an object was overwritten: S3, Google Cloud Storage, Azure.

Uses names of MLflow's repositories that are not public; a test pins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime


@dataclass(frozen=True)
class StoredFile:
    """One file below a root: its size, and a mark that changes with its content (None if the store has none).

    `changed` is when it was last written, in seconds since 1970.
    """

    name: str
    size: int
    mark: tuple[Any, ...] | None = None
    changed: float = 0.0


def lister_of(repo: Any) -> Callable[[str], Iterator[StoredFile]] | None:
    """Return what lists the objects below a root of a repository; None where the store has no marks."""
    for name, listing in (
        ("parse_s3_compliant_uri", _s3),
        ("parse_gcs_uri", _google),
        ("parse_wasbs_uri", _azure_blob),
        ("fs_client", _azure_data_lake),
    ):
        if hasattr(repo, name):
            return lambda root: listing(repo, root)
    return None


def walk_objects(listing: Callable[[str], Iterator[StoredFile]], root: str, most: int) -> Iterator[StoredFile]:
    """Yield the files below a root.

    Raises:
        EvidenceError: there are more than `most`.
        Unreachable: the store does not answer.
    """
    seen = 0
    try:
        for found in listing(root):
            if found.name.endswith("/") and not found.size:  # the place of a folder, as consoles make them
                continue
            seen += 1
            if seen > most:
                raise too_many(most)  # noqa: TRY301
            yield found
    except EvidenceError:
        raise
    except Exception as exc:  # every store has errors of its own
        raise Unreachable(f"the artifact store does not answer ({type(exc).__name__})") from exc


def _s3(repo: Any, root: str) -> Iterator[StoredFile]:
    bucket, base = repo.parse_s3_compliant_uri(repo.artifact_uri)
    prefix = _prefix(base, root)
    for page in repo._get_s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            yield _file(found["Key"].removeprefix(prefix), found["Size"], found["LastModified"], found["ETag"])


def _google(repo: Any, root: str) -> Iterator[StoredFile]:
    """The generation is another one after each overwrite."""
    bucket, base = repo.parse_gcs_uri(repo.artifact_uri)
    prefix = _prefix(base, root)
    for blob in repo._get_bucket(bucket).list_blobs(prefix=prefix):
        yield _file(blob.name.removeprefix(prefix), blob.size, blob.updated, str(blob.generation), blob.etag)


def _azure_blob(repo: Any, root: str) -> Iterator[StoredFile]:
    """The ETag is another one after each overwrite. A hierarchical namespace lists its folders too, as empty blobs."""
    container, _, base, _ = repo.parse_wasbs_uri(repo.artifact_uri)
    prefix = _prefix(base, root)
    empty, folders = [], set()
    for blob in repo.client.get_container_client(container).list_blobs(name_starts_with=prefix):
        folders.add(blob.name.rpartition("/")[0])
        found = _file(blob.name.removeprefix(prefix), blob.size, blob.last_modified, blob.etag)
        if found.size:
            yield found
        else:
            empty.append((blob.name, found))
    yield from (found for name, found in empty if name not in folders)


def _azure_data_lake(repo: Any, root: str) -> Iterator[StoredFile]:
    prefix = _prefix(repo.base_data_lake_directory, root)
    for path in repo.fs_client.get_paths(path=prefix.rstrip("/"), recursive=True):
        if not path.is_directory:
            yield _file(path.name.removeprefix(prefix), path.content_length, path.last_modified, path.etag)


def _file(name: str, size: int | None, written: datetime, *mark: str | None) -> StoredFile:
    """Return an object as a file; one of which the store told no mark has none."""
    told = (*mark, int(size or 0), written.isoformat())
    return StoredFile(name, int(size or 0), None if None in told else told, written.timestamp())


def _prefix(*parts: str) -> str:
    return "/".join(p.strip("/") for p in parts if p) + "/"


def too_many(most: int) -> EvidenceError:
    """Return the refusal of a model with more files than the policy's cap."""
    return EvidenceError(
        f"the model has more than {most:,} files, the most that are hashed here",
        next="the platform team raises caps.max_files in policy.yaml",
    )
