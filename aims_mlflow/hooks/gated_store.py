"""The registry's methods that the gate stands in: what MLflow calls, refused or let through.

Every failure inside becomes a 403: an uncaught exception would be a 500, which clients retry for seconds.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from typing import TYPE_CHECKING, Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag, RegisteredModel, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import _PROMPT_SOURCE_PLACEHOLDERS
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST

from aims_mlflow.errors import AimsError, EvidenceError, PolicyRefused
from aims_mlflow.gates.wording import refusal, waiver_lines
from aims_mlflow.records.base import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.hooks.gate import Decided, Gate
    from aims_mlflow.hooks.server_evidence import Owned
    from aims_mlflow.records.policy import Stage

RESERVED = "aims."
STATUS = "aims.status"
APPROVAL_TAG = re.compile(r"^aims\.approval\.[0-9a-f]{32}$")
EXPLAIN = re.compile(r"^aims\.explain\.(registration|deployment)(?:\.(.+))?\.v(\d+)$")
COPY = re.compile(r"^models:/([^/]+)/(\d+)$")
MAX_COPIES = 20
PASSING = ("PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST")
_log = logging.getLogger(__name__)


def _denied(text: str) -> MlflowException:
    return MlflowException(text, error_code=PERMISSION_DENIED)


@contextlib.contextmanager
def _closed(what: str) -> Iterator[None]:
    """Fail closed: whatever goes wrong in the gate itself refuses, and says where the log has more."""
    try:
        yield
    except AimsError as exc:
        raise _denied(f"{what} refused: {exc.sentence()}") from exc
    except Exception as exc:
        # What MLflow itself says of a thing that is not there passes; every other failure is the gate's own.
        if isinstance(exc, MlflowException) and exc.error_code in PASSING:
            raise
        incident = uuid7()
        _log.exception("aims: incident %s during %s", incident, what)
        raise _denied(
            f"{what} refused: the gate could not decide. "
            f"Next: the platform team finds incident {incident} in the server's log"
        ) from exc


def caller() -> tuple[dict[str, str], str | None]:
    """Return (who asks, as far as the request tells; the login where there is one)."""
    import flask

    if not flask.has_request_context():
        return {}, None
    login = flask.request.authorization.username if flask.request.authorization else None
    return {"login": login or "", "address": flask.request.remote_addr or ""}, login


class GatedMethods:
    """Mixed into MLflow's SQL registry store; `gate` is set by the entry point."""

    gate: Gate

    # -- versions and aliases ---------------------------------------------------------------

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Any = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> Any:
        """Create a version when the policy's conditions on registration hold; prompts pass."""
        tags = list(tags or [])
        copied = COPY.match(source)
        if not copied:
            _refuse_reserved("Registration", [t.key for t in tags])
        tags = [t for t in tags if not t.key.startswith(RESERVED)]
        create = super().create_model_version  # type: ignore[misc]
        if source in _PROMPT_SOURCE_PLACEHOLDERS:
            return create(name, source, run_id, tags, run_link, description, local_model_path, model_id)
        with _closed("Registration"):
            _refuse_reserved("Registration", [name])
            owned = self._resolve("registration", name, lambda: self._owner(source, run_id, model_id))

        def commit(decided: Decided) -> Any:
            own = [ModelVersionTag(k, v) for k, v in version_tags(decided).items()]
            return create(name, source, run_id, [*tags, *own], run_link, description, local_model_path, model_id)

        return self._gated("registration", name, owned, commit)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias; a gated one only when the policy's conditions on deployment hold."""
        put = super().set_registered_model_alias  # type: ignore[misc]
        with _closed("Deployment"):
            _refuse_reserved("Deployment", [alias])
            gated = self.gate.gated_alias(alias)
        if not gated:
            put(name, alias, version)
            return
        owned = self._version_owner(name, version)
        self._gated("deployment", name, owned, lambda _: put(name, alias, version), alias=alias, version=str(version))

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, archive_existing_versions: bool
    ) -> Any:
        """Move a version to a stage; `Production` counts as the alias of that name."""
        move = super().transition_model_version_stage  # type: ignore[misc]
        with _closed("Deployment"):
            gated = self.gate.gated_alias(stage)
        if not gated:
            return move(name, version, stage, archive_existing_versions)
        owned = self._version_owner(name, version)
        return self._gated(
            "deployment",
            name,
            owned,
            lambda _: move(name, version, stage, archive_existing_versions),
            alias=stage.lower(),
            version=str(version),
        )

    def _version_owner(self, name: str, version: str) -> Owned:
        found = super().get_model_version(name, version)  # type: ignore[misc]
        with _closed("Deployment"):
            return self._resolve("deployment", name, lambda: self._owner(found.source, found.run_id, found.model_id))

    def _resolve(self, stage: Stage, name: str, resolve: Callable[[], Owned]) -> Owned:
        """Resolve a source; where nothing owns it, seal that refusal."""
        try:
            return resolve()
        except AimsError as exc:
            self.gate.seal_refusal(stage, name, exc.sentence(), uuid7(), caller()[0])
            raise

    def _owner(self, source: str, run_id: str | None, model_id: str | None) -> Owned:
        """Return the logged model that a source means; run and model ids given beside it must agree."""
        for _ in range(MAX_COPIES):
            copied = COPY.match(source)
            if not copied:
                break
            original = super().get_model_version(copied[1], copied[2])  # type: ignore[misc]
            source = original.source
        owned = self.gate.evidence.owner_of(source)
        if model_id and model_id != owned.model_id:
            raise EvidenceError(f"model_id says {model_id}, the source belongs to {owned.model_id}")
        if run_id and run_id != owned.run_id:
            raise EvidenceError(
                f"run_id says {run_id}, the source belongs to run {owned.run_id}",
                next="register with the model's own run",
            )
        return owned

    def _gated(
        self,
        stage: Stage,
        name: str,
        owned: Owned,
        commit: Callable[[Decided], Any],
        *,
        alias: str | None = None,
        version: str | None = None,
    ) -> Any:
        """Decide, seal, commit, seal the outcome: one change of a model at a time."""
        request, (who, _) = uuid7(), caller()
        what = "Registration" if stage == "registration" else "Deployment"
        with contextlib.ExitStack() as held:
            with _closed(what):
                held.enter_context(self.gate.ledger.lock(name))
                decided = self.gate.decide(stage, name, owned, alias=alias, version=version)
                self.gate.seal(decided, request, who)
            if not decided.decision.allowed:
                raise _denied(refusal(decided.decision))
            try:
                result = commit(decided)
            except Exception as exc:
                with _closed(what):
                    self.gate.outcome(request, name, failure=type(exc).__name__)
                raise
            made = str(getattr(result, "version", None) or version or "") or None
            with _closed(what):
                self.gate.outcome(request, name, version=made)
            return result

    # -- names and tags that only the gate writes -------------------------------------------

    def create_registered_model(self, name: str, tags: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Create a registered model; names and tags that begin with `aims.` are the gate's own."""
        _refuse_reserved("The change", [name, *(t.key for t in tags or [])])
        return super().create_registered_model(name, tags, *args, **kwargs)  # type: ignore[misc]

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Rename a registered model, unless that would put its versions under other rules."""
        _refuse_reserved("Renaming", [new_name])
        with _closed("Renaming"):
            for stage in ("registration", "deployment"):
                if self.gate.rules(stage, name).stage_digest != self.gate.rules(stage, new_name).stage_digest:
                    raise PolicyRefused(
                        f"{new_name} is under other rules than {name}",
                        next="register the model under the new name instead",
                    )
        return super().rename_registered_model(name, new_name)  # type: ignore[misc]

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        """Set a tag; `aims.approval.*` is the channel for approvals and waivers."""
        if APPROVAL_TAG.match(tag.key):
            super().get_registered_model(name)  # type: ignore[misc]
            with _closed("The approval"):
                self.gate.consent(name, tag.value, caller()[1])
        else:
            _refuse_reserved("The tag", [tag.key])
        super().set_registered_model_tag(name, tag)  # type: ignore[misc]

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Delete a tag that is not the gate's own."""
        _refuse_reserved("The change", [key])
        super().delete_registered_model_tag(name, key)  # type: ignore[misc]

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
        """Set a version's tag that is not the gate's own."""
        _refuse_reserved("The tag", [tag.key])
        super().set_model_version_tag(name, version, tag)  # type: ignore[misc]

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Delete a version's tag that is not the gate's own."""
        _refuse_reserved("The change", [key])
        super().delete_model_version_tag(name, version, key)  # type: ignore[misc]

    # -- the channel ------------------------------------------------------------------------

    def get_registered_model(self, name: str) -> Any:
        """Return a registered model; `aims.status` answers for the gate."""
        if name != STATUS:
            return super().get_registered_model(name)  # type: ignore[misc]
        with _closed("The status"):
            tags = [RegisteredModelTag(k, v) for k, v in self.gate.status().items()]
        return RegisteredModel(name=STATUS, creation_timestamp=0, last_updated_timestamp=0, description="", tags=tags)

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """Return the version behind an alias; `aims.explain.<stage>[.<alias>].v<N>` answers the decision."""
        asked = EXPLAIN.match(alias)
        if not asked:
            if alias.startswith(RESERVED):
                raise MlflowException(f"Registered model alias {alias} not found.", RESOURCE_DOES_NOT_EXIST)
            return super().get_model_version_by_alias(name, alias)  # type: ignore[misc]
        stage, wanted, version = asked[1], asked[2], asked[3]
        if version == "0":  # no version has this number: the question is about the rules alone
            with _closed("The explanation"):
                digest = self.gate.rules(stage, name, wanted).stage_digest  # type: ignore[arg-type]
            return ModelVersion(name, version, 0, tags=[ModelVersionTag("aims.stage_digest", digest)])
        found = super().get_model_version(name, version)  # type: ignore[misc]
        with _closed("The explanation"):
            owned = self._owner(found.source, found.run_id, found.model_id)
            decision = self.gate.decide(stage, name, owned, alias=wanted, version=version).decision  # type: ignore[arg-type]
        text = json.dumps(decision.model_dump(mode="json", exclude_none=True))
        return ModelVersion(name, version, 0, tags=[ModelVersionTag("aims.decision", text)], source=found.source)


def _refuse_reserved(what: str, names: list[str]) -> None:
    for name in names:
        if name.lower().startswith(RESERVED):
            raise _denied(
                f"{what} refused: {name!r} begins with {RESERVED!r}, which only the gate itself writes. "
                "Next: choose another name"
            )


def version_tags(decided: Decided) -> dict[str, str]:
    """Return the tags that the gate gives a version: they point to the decision, and show waivers loudly."""
    decision = decided.decision
    tags = {
        "aims.decision": "observed" if decision.would_refuse else ("allowed, WAIVED" if decision.waived else "allowed"),
        "aims.model_digest": decision.model_digest or "",
        "aims.policy_digest": decision.policy_digest or "",
        "aims.run": decision.run_id or "",
    }
    waivers = waiver_lines(decision)
    return {**tags, "aims.waivers": " | ".join(waivers)} if waivers else tags
