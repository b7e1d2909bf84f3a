"""Changes that remove authority: aliases deleted, stages left, versions and models deleted, models renamed.

A gated alias can always be removed, even if the gate fails. Deleting a version that was in use needs its retirement
record first.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from mlflow.entities.model_registry.model_version_stages import ALL_STAGES
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS

from aims_mlflow.canonical import digest_of
from aims_mlflow.errors import PolicyRefused
from aims_mlflow.gates.wording import quoted
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.lineage import spans
from aims_mlflow.lifecycle.model_history import ModelHistory, qualified
from aims_mlflow.records.base import uuid7
from aims_mlflow.records.leaves.changes import DeletionBody, DeletionLeaf, RenamingLeaf, WithdrawalBody, WithdrawalLeaf
from aims_mlflow.registry.names import is_prompt
from aims_mlflow.server import counters
from aims_mlflow.server.caller import caller
from aims_mlflow.server.change import RegistryChange
from aims_mlflow.server.failing_closed import closed
from aims_mlflow.server.reserved_names import exists, refuse_reserved, refuse_unclear

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.records.policy import Caps
    from aims_mlflow.server.announced_change import AnnouncedChanges
    from aims_mlflow.server.gate import Gate
    from aims_mlflow.server.plain_store import PlainStore
    from aims_mlflow.server.stored_rows import RegistryRows

WITHDRAWAL_SECONDS = 10.0
MAX_NAMES = 20
UNDONE = "failed: the registry could not carry it out"
# What a deleted row held, kept in the body of the leaf: MLflow writes over it. Of what people wrote, only a digest.
KEPT = ("source", "run_id", "creation_timestamp", "current_stage")
WRITTEN = ("run_link", "description", "user_id", "tags", "aliases")
_log = logging.getLogger(__name__)


class Removals:
    """Removes aliases, versions and models of one registry, and renames models."""

    def __init__(self, plain: PlainStore, rows: RegistryRows, gate: Gate, changes: AnnouncedChanges) -> None:
        self._plain = plain
        self._rows = rows
        self._gate = gate
        self._changes = changes

    # -- aliases and stages -----------------------------------------------------------------

    def delete_alias(self, name: str, alias: str) -> None:
        """Delete an alias; a gated one is sealed as withdrawn, and opens a finding for the retirement record."""
        change = RegistryChange("deployment", name, self._changes.workspace, alias)
        self._withdraw(change, lambda: self._plain.delete_registered_model_alias(name, alias))

    def leave_stage(self, change: RegistryChange, commit: Callable[[], Any]) -> Any:
        """Move a version to a stage without a gate; leaving a gated one is sealed like the withdrawal of an alias."""
        return self._withdraw(change, commit)

    def _withdraw(self, change: RegistryChange, commit: Callable[[], Any]) -> Any:
        """Withdraw a version, or whatever version an alias points to; seal the withdrawal if possible."""
        with contextlib.ExitStack() as locks:
            announced = self._announce(locks, change)
            if announced:
                return self._finish(*announced, commit)
            with closed("Withdrawal", UNDONE):
                return commit()

    def _announce(
        self, locks: contextlib.ExitStack, change: RegistryChange
    ) -> tuple[ModelHistory, WithdrawalLeaf] | None:
        """Seal the announced withdrawal; return None if it is not gated, or if the gate itself fails."""
        try:
            policy = self._gate.policy.current().policy
            stages = ALL_STAGES if change.alias is None else ()
            if not any(map(policy.gated_move, stages)) and not policy.gated_alias(str(change.alias)):
                return None
            lock = self._changes.locked("Withdrawal", change.ledger_name, seconds=WITHDRAWAL_SECONDS)
            past = locks.enter_context(lock)
            version = self._withdrawn(change)  # under the lock: another call may just have put it into use
            if version is None or is_prompt(version):
                return None
            if change.alias is None and not policy.gated_move(version.current_stage):
                return None
            withdrawn = _withdrawal(change, version)
            self._gate.ledger.seal(_withdrawal_entry(withdrawn))
        except Exception as exc:  # noqa: BLE001 - nothing of ours may hold a withdrawal up
            counters.error(type(exc).__name__)
            _log.exception("aims: %s of %s is withdrawn without a seal", change.alias or "a stage", change.ledger_name)
            return None
        return past, withdrawn

    def _withdrawn(self, change: RegistryChange) -> Any:
        """Return the version that a change names, or that its alias points to."""
        if change.version is not None:
            return self._plain.get_model_version(change.name, change.version)
        aliases = self._plain.get_registered_model(change.name).aliases
        return self._plain.get_model_version(change.name, aliases[change.alias]) if change.alias in aliases else None

    def _finish(self, past: ModelHistory, withdrawn: WithdrawalLeaf, commit: Callable[[], Any]) -> Any:
        """Carry out a withdrawal; if sealing its outcome fails, the next change or the reconciler seals it."""
        done: list[Any] = []
        try:
            return self._changes.carry_out("Withdrawal", past, withdrawn, lambda: done.append(commit()))
        except Exception:
            if not done:
                raise
        return done[0]

    # -- deletions --------------------------------------------------------------------------

    def delete_version(self, name: str, version: str) -> None:
        """Delete a version; one that was in use needs its retirement record first. What MLflow redacts is kept."""
        with closed("Deletion"):
            row = self._plain.get_model_version(name, version)
            prompt = is_prompt(row)
        if prompt:
            self._plain.delete_model_version(name, version)
        else:
            self._delete(name, [row], str(row.version), lambda: self._plain.delete_model_version(name, version))

    def delete_model(self, name: str) -> None:
        """Delete a registered model; versions that were in use need their retirement records first."""
        with closed("Deletion"):
            self._plain.get_registered_model(name)
            rows = [v for v in self._rows.versions(name) if not is_prompt(v)]
        self._delete(name, rows, None, lambda: self._plain.delete_registered_model(name))

    def _delete(self, name: str, rows: list[Any], version: str | None, commit: Callable[[], None]) -> None:
        ledger_name = qualified(name, self._changes.workspace)
        with self._changes.locked("Deletion", ledger_name) as past:
            with closed("Deletion"):
                self._gate.bounds.require_change(ledger_name, self._caps())
                self._require_retired(past, name, version)
                digest = past.registered(version) if version else None
                deleted = DeletionLeaf(model_name=ledger_name, version=version, model_digest=digest, request=uuid7())
                who = caller()[0]
                body = DeletionBody(rows=[_row(v) for v in rows], login=who.login, address=who.address)
                self._gate.ledger.seal(Entry(deleted, body))
            self._changes.carry_out("Deletion", past, deleted, commit)

    def _require_retired(self, past: ModelHistory, name: str, version: str | None) -> None:
        change = RegistryChange("deployment", name, self._changes.workspace)
        retired = past.retired()
        used = {str(c.version): c.model_digest for c in past.put_into_use(version)}
        missing = sorted((v for v, digest in used.items() if digest not in retired), key=int)
        if missing and self._gate.rules(change).mode == "enforce":
            raise PolicyRefused(
                f"version {', '.join(missing)} of {name} was in use, and has no retirement record",
                next=f"an approver runs `aims gate retire {quoted(f'models:/{name}/{missing[0]}')} --reason ...` "
                "first; deleting the alias is always possible",
            )

    def _caps(self) -> Caps:
        return self._gate.policy.current().policy.policy.caps

    # -- names ------------------------------------------------------------------------------

    def rename_model(self, name: str, new_name: str) -> Any:
        """Rename a registered model with its history; refuse if other rules would apply to its versions."""
        refuse_reserved("Renaming", new_name)
        refuse_unclear("Renaming", new_name, self._plain.get_registered_model)
        old, new = qualified(name, self._changes.workspace), qualified(new_name, self._changes.workspace)
        with self._changes.locked("Renaming", old, new) as past:
            with closed("Renaming"):
                self._gate.bounds.require_change(old, self._caps())
                self._require_free(name, new_name)
                self._require_few_names(old)
                self._require_same_rules(name, new_name)
                request, who = uuid7(), caller()[0]
                renamed = RenamingLeaf(model_name=new, previous=old, request=request)
                # The new name's leaf comes first: what is before it is its past under the old name.
                gone = RenamingLeaf(model_name=old, renamed_to=new, request=request)
                self._gate.ledger.seal(Entry(renamed, who), Entry(gone))
            return self._changes.carry_out(
                "Renaming", past, renamed, lambda: self._plain.rename_registered_model(name, new_name)
            )

    def _require_free(self, name: str, new_name: str) -> None:
        """Refuse what MLflow would refuse, before anything is sealed: leaves under a name are about who has it."""
        self._plain.get_registered_model(name)
        if exists(new_name, self._plain.get_registered_model):
            raise MlflowException(f"Registered Model (name={new_name}) already exists.", RESOURCE_ALREADY_EXISTS)

    def _require_few_names(self, ledger_name: str) -> None:
        """Refuse a model that had many names: each reader of its history would ask the ledger about each of them."""
        if len(spans(self._gate.ledger, ledger_name)) >= MAX_NAMES:
            raise PolicyRefused(f"the model has had {MAX_NAMES} names", next="register it under the new name instead")

    def _require_same_rules(self, name: str, new_name: str) -> None:
        for stage in ("registration", "deployment"):
            before = self._gate.rules(RegistryChange(stage, name, self._changes.workspace))
            after = self._gate.rules(RegistryChange(stage, new_name, self._changes.workspace))
            # A mode is part of the rules: what a model must retire, or may put into use, would change with its name.
            if (before.stage_digest, before.mode) != (after.stage_digest, after.mode):
                raise PolicyRefused(
                    f"{new_name} is under other rules than {name}", next="register the model under the new name instead"
                )


def _withdrawal(change: RegistryChange, version: Any) -> WithdrawalLeaf:
    stage = version.current_stage if change.alias is None else None
    return WithdrawalLeaf(
        model_name=change.ledger_name, alias=change.alias or str(stage).lower(), version=str(version.version),
        mlflow_stage=stage, request=uuid7(),
    )  # fmt: skip


def _withdrawal_entry(withdrawn: WithdrawalLeaf) -> Entry:
    who = caller()[0]
    return Entry(withdrawn, WithdrawalBody(login=who.login, address=who.address))


def _row(version: Any) -> dict[str, Any]:
    """Return MLflow's row of a version, as JSON without floats."""
    facts, written = ({k: _without_floats(getattr(version, k, None)) for k in names} for names in (KEPT, WRITTEN))
    return {"version": str(version.version), **facts, "written_sha256": digest_of(written)}


def _without_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): str(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [str(v) for v in value]
    return value if value is None or isinstance(value, int) else str(value)
