"""A session: the records of one decorated call, chained, and closed by a signed manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.catalog.loader import controls_for_kind, require_control, require_kind
from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import SealedRecord, Subject, seal
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.details import details_model, read_details
from aims_mlflow.records.details.training import ManifestDetails
from aims_mlflow.records.evidence import Evidence, MlflowIds, Result, worst

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.records.details.base import EvidenceDetails
    from aims_mlflow.signing.keys import SigningKey

SESSION_DIR = "aims/sessions"
# The resolved pack, as the first record of a session keeps it: its sha256 is the digest of the pack.
PACK_FILE = "pack.json"
PAGE = "aims/index.html"
PAGE_SEAL = "aims/index.html.jsonl"
MANIFEST_KIND = "session"


def session_path(session_id: str) -> str:
    """Return the path of a session's envelopes, relative to the run's artifact root."""
    return f"{SESSION_DIR}/{session_id}.jsonl"


class SessionWriter:
    """Signs records one after another; `close` signs the manifest and ends it."""

    def __init__(self, key: SigningKey, actor: str, *, system: str | None = None, **common: Any) -> None:
        """`common` are the fields that every record of the session shares (mlflow, pack_digest, ...)."""
        self.id = uuid7()
        self.records: list[SealedRecord] = []
        self.closed = False
        self._key = key
        self._common = {"actor": actor, "system": system, "key_id": key.key_id, **common}

    @property
    def common(self) -> dict[str, Any]:
        """The fields that every record of the session shares: system, actor, key_id, mlflow, pack_digest, ..."""
        return dict(self._common)

    def locate(self, ids: MlflowIds) -> None:
        """Set the MLflow ids of the records that follow."""
        self._common["mlflow"] = ids

    def add(
        self,
        kind: str,
        subjects: Iterable[Subject],
        *,
        result: Result = "passed",
        controls: Iterable[str] | None = None,
        details: EvidenceDetails | None = None,
        **fields: Any,
    ) -> SealedRecord:
        """Sign the next record. `controls` default to those that the catalog links to the kind.

        `details` are made of the kind's model (`records.details`), which knows the fields of the format.

        Raises:
            ConfigError: the kind or a control does not exist.
            EvidenceError: the session is closed, there is no subject, or the details do not fit the kind.
        """
        if self.closed:
            raise EvidenceError("the session is closed: its manifest is signed")
        require_kind(kind)
        linked = tuple(c for c, _ in controls_for_kind(kind)) if controls is None else tuple(controls)
        for control in linked:
            require_control(control)
        body = Evidence(
            **{
                **self._common,
                "id": uuid7(),
                "session": self.id,
                "sequence": len(self.records),
                "previous": self.records[-1].sha256 if self.records else None,
                "kind": kind,
                "result": result,
                "controls": linked,
                "time": utc_text(),
                "details": details.plain() if details is not None else {},
                **fields,
            }
        )
        read_details(body, details_model(kind))
        record = seal(body, list(subjects), self._key)
        self.records.append(record)
        return record

    def close(self, **fields: Any) -> SealedRecord:
        """Sign the manifest: count and sha256 of every record, as the statement's subjects.

        Raises:
            EvidenceError: the session has no record, or is closed already.
        """
        subjects = [Subject(name=r.id, digest={"sha256": r.sha256}) for r in self.records]
        result = worst([r.evidence.result for r in self.records])
        details = ManifestDetails(count=len(subjects))
        manifest = self.add(MANIFEST_KIND, subjects, result=result, details=details, **fields)
        self.closed = True
        return manifest

    def jsonl(self) -> bytes:
        """Return all records, one on each line: its envelope, and the numbers that stand beside it."""
        return b"".join(r.line + b"\n" for r in self.records)
