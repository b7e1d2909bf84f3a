"""Answers to reserved names: the gate's status, and the decision that it would make."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag, RegisteredModel, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

from aims_mlflow.errors import AimsError, PolicyRefused
from aims_mlflow.lifecycle.model_history import qualified
from aims_mlflow.registry.names import RESERVED
from aims_mlflow.server.change import RegistryChange
from aims_mlflow.server.failing_closed import closed, reported
from aims_mlflow.server.gate_status import gate_status
from aims_mlflow.server.publications import PublicationIntake
from aims_mlflow.server.stored_evidence import same_place
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.policy import Stage
    from aims_mlflow.server.announced_change import AnnouncedChanges
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.plain_store import PlainStore
    from aims_mlflow.server.sources import Sources
    from aims_mlflow.server.stored_evidence import ArtifactOwner

STATUS, WAIVERS = "aims.status", "aims.waivers"
# In one worker: whoever may read a model may ask, files are read and verified, and changes wait for the same stores.
MAX_ANSWERING = 4
ANSWER_WAIT = 10.0  # seconds
PUBLISH = re.compile(r"^aims\.publish\.([0-9a-f]{32})$")
EXPLAIN = re.compile(r"^aims\.explain\.(registration|deployment)(?:\.(.+?))?\.(?:v(\d+)|(m-\w+))$")


class Answers:
    """Answers questions about the gate, over the registry's own methods."""

    def __init__(self, plain: PlainStore, changes: AnnouncedChanges, gate: Gate, sources: Sources) -> None:
        self._plain = plain
        self._changes = changes
        self._gate = gate
        self._sources = sources
        self._answering = threading.BoundedSemaphore(MAX_ANSWERING)
        self._publications = PublicationIntake(gate, gate.evidence.stored)

    def model(self, name: str) -> Any:
        """Return a registered model; for `aims.status`, return the gate's status."""
        if name != STATUS:
            return self._plain.get_registered_model(name)
        with closed("The status"):
            tags = [RegisteredModelTag(k, v) for k, v in gate_status(self._gate).items()]
        return RegisteredModel(name=STATUS, creation_timestamp=0, last_updated_timestamp=0, description="", tags=tags)

    def version_by_alias(self, name: str, alias: str) -> Any:
        """Return the version behind an alias; for `aims.explain.<stage>[.<alias>].v<N>`, return the decision.

        For `aims.waivers`, return which waivers of the model cover nothing.

        `m-<id>` in place of `v<N>` asks about a logged model that has no version yet. `aims.publish.<run>` of
        `aims.status` tells of a document's run: what people signed there is verified and sealed.
        """
        told = PUBLISH.match(alias) if name == STATUS else None
        if told:
            with closed("The publication"), self._turn():
                tag = ModelVersionTag("aims.sealed", str(self._publications.take(told[1])))
            return ModelVersion(name, "0", 0, tags=[tag])
        if alias == WAIVERS:
            return self._void_waivers(name)
        question = EXPLAIN.match(alias)
        if question:
            stage = cast("Stage", question[1])
            change = RegistryChange(stage, name, self._changes.workspace, question[2], question[3])
            return self._explain_model(change, question[4]) if question[4] else self._explain(change)
        if alias.startswith(RESERVED):
            raise MlflowException(f"Registered model alias {alias} not found.", RESOURCE_DOES_NOT_EXIST)
        return self._plain.get_model_version_by_alias(name, alias)

    def _void_waivers(self, name: str) -> Any:
        self._plain.get_registered_model(name)
        with closed("The list of waivers"), self._turn():
            found = self._gate.void_waivers(qualified(name, self._changes.workspace))
        return ModelVersion(name, "0", 0, tags=[ModelVersionTag("aims.void_waivers", json.dumps(found))])

    def download_uri(self, name: str, version: str) -> str:
        """Return where a version's files lie: where the logged model lies that the gate let in under this number.

        The registry's row says otherwise where somebody changed it in the database. Where the ledger does not answer,
        or knows of no such model, the row is all that there is.
        """
        said = self._plain.get_model_version_download_uri(name, version)
        try:
            sealed = self._sources.sealed_place(self._gate.ledger, qualified(name, self._changes.workspace), version)
        except (AimsError, MlflowException) as exc:
            reported("finding the sealed place of a version", exc)
            return said
        return said if sealed is None or said.startswith("models:/") or same_place(sealed, said) else sealed

    def _explain(self, change: RegistryChange) -> Any:
        name, number = change.name, str(change.version)
        if number == "0":  # no version has this number: the question is about the rules alone
            with closed("The explanation"):
                tags = {**_of_rules(self._gate.rules(change)), **_of_log(self._gate.ledger)}
                tags |= {"aims.workspace": change.workspace} if change.workspace else {}
            return ModelVersion(name, number, 0, tags=[ModelVersionTag(k, v) for k, v in tags.items()])
        with closed("The explanation"):
            version = self._plain.get_model_version(name, number)
            change = replace(change, version=str(version.version))
            return self._answer(change, lambda: self._sources.owner_of_version(version), version.source)

    def _explain_model(self, change: RegistryChange, model_id: str) -> Any:
        source = f"models:/{model_id}"
        with closed("The explanation"):
            return self._answer(change, lambda: self._sources.owner(source, None, model_id), source)

    def _answer(self, change: RegistryChange, owner: Callable[[], ArtifactOwner], source: str) -> Any:
        with self._turn():
            context = self._gate.decide(change, owner)
        keys = self._gate.policy.current().keyring.keys
        tags = {
            "aims.decision": context.decision.model_dump(mode="json", exclude_none=True),
            "aims.void_waivers": context.void_waivers,
            "aims.involved_keys": [key.key_id for key in keys if is_among(key.owner, context.involved)],
        }
        told = [ModelVersionTag(name, json.dumps(value)) for name, value in tags.items()]
        return ModelVersion(change.name, change.version or "0", 0, tags=told, source=source)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Let a question have its turn that reads files and verifies what lies there.

        Raises:
            PolicyRefused: many others are being answered.
        """
        if not self._answering.acquire(timeout=ANSWER_WAIT):
            what = f"{MAX_ANSWERING} explanations or publications are being made"
            raise PolicyRefused(what, next="ask again in a minute")
        try:
            yield
        finally:
            self._answering.release()


def _of_rules(rules: Rules) -> dict[str, str]:
    """Return what whoever signs a consent must know of the rules."""
    return {
        "aims.stage_digest": rules.stage_digest,
        "aims.waiver_days": str(rules.waiver_days),
        "aims.break_glass_hours": str(rules.break_glass.max_hours),
    }


def _of_log(ledger: Ledger) -> dict[str, str]:
    """Return the log's name, to which a consent is bound; nothing before the first checkpoint."""
    head = ledger.proofs.newest()
    return {"aims.log": head.origin} if head else {}
