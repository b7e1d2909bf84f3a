"""The owner of a version's files: the logged model or run behind its source, also for copies of copies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import EvidenceError
from aims_mlflow.lifecycle.model_history import ModelHistory, decision_of
from aims_mlflow.records.leaves.changes import OutcomeLeaf
from aims_mlflow.server.stored_evidence import MODEL_ID, RUN_ID, same_place

if TYPE_CHECKING:
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.server.plain_store import PlainStore
    from aims_mlflow.server.stored_evidence import ArtifactOwner, ServerEvidence
    from aims_mlflow.server.stored_rows import RegistryRows, VersionRow

COPY = re.compile(r"^models:/([^/]+)/(\d+)$")
MAX_COPIES = 20


class Sources:
    """Resolves sources by the plain registry and the server's stores."""

    def __init__(self, plain: PlainStore, rows: RegistryRows, stored: ServerEvidence) -> None:
        self._plain = plain
        self._rows = rows
        self._stored = stored

    def lasting(self, source: str) -> str:
        """Return a source as it is stored: `runs:/RUN/NAME` as the model or folder that it names.

        MLflow stores `runs:/` as it is, and then finds no files to load. What names nothing stays, and is refused by
        the decision.
        """
        if not source.startswith("runs:/"):
            return source
        try:
            owner = self._stored.owner_of(source)
        except EvidenceError:
            return source
        return f"models:/{owner.model_id}" if owner.model_id else owner.location

    def owner_of_version(self, version: Any) -> ArtifactOwner:
        """Return the owner of the files that `models:/NAME/VERSION` loads.

        A copy keeps its original's location, which may be deleted; so may a version's logged model: it loads as before.

        Raises:
            EvidenceError: nothing here owns them, the version's ids do not agree with its source, or what is loaded
                is not what the source names.
        """
        return self.owner_of_row(self._rows.version(version.name, str(version.version)))

    def owner_of_row(self, row: VersionRow) -> ArtifactOwner:
        """Return the owner of the files that a version's row loads.

        Raises:
            EvidenceError: as `owner_of_version`.
        """
        loaded = row.storage_location or row.source
        source = loaded if COPY.match(row.source) else row.source
        owner = self.owner(source, row.run_id, row.model_id, deleted=True)
        of_loaded = self._stored.owner_of
        if not (same_place(owner.location, loaded) or of_loaded(loaded, deleted=True).location == owner.location):
            raise EvidenceError(
                f"models:/{row.name}/{row.version} loads other files than those that its source names: "
                "the registry's database was changed past the gate",
                next="register the model again through the gate",
            )
        return owner

    def sealed_place(self, ledger: Ledger, name: str, version: str) -> str | None:
        """Return where the logged model lies that the gate let in as a version; None where it let in none.

        Raises:
            EvidenceError: the model is not logged here any more.
            Unreachable: the ledger does not answer.
        """
        done = ModelHistory(ledger, name).done(version)
        made = [each.request for each in done if isinstance(each, OutcomeLeaf) and each.stage == "registration"]
        decision = decision_of(ledger, made[-1]) if made else None
        if decision is None or not decision.model_id:
            return None
        return self._stored.logged_model(decision.model_id, deleted=True).location

    def owner(self, source: str, run_id: str | None, model_id: str | None, *, deleted: bool = False) -> ArtifactOwner:
        """Return the owner of a source's files; given run and model ids must agree with it. `deleted`: as `owner_of`.

        Raises:
            EvidenceError: nothing here owns them, or an id does not agree.
        """
        for _ in range(MAX_COPIES):
            copied = COPY.match(source)
            if not copied:
                break
            source = self._plain.get_model_version_download_uri(copied[1], copied[2])
        owner = self._stored.owner_of(source, deleted=deleted)
        if model_id and model_id != owner.model_id:
            said = model_id if MODEL_ID.fullmatch(model_id) else "something else"
            raise EvidenceError(f"model_id says {said}, the source belongs to {owner.model_id or 'no logged model'}")
        if run_id and run_id != owner.run_id:
            said = run_id if RUN_ID.fullmatch(run_id) else "something else"
            raise EvidenceError(
                f"run_id says {said}, the source belongs to run {owner.run_id}",
                next="register with the model's own run",
            )
        return owner
