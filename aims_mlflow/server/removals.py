"""Taking authority away: aliases deleted, versions and models deleted, models renamed.

Removing a gated alias is never refused and never held up by a failure of ours; deleting the traces of what was in
use needs its retirement record first.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.model_history import ModelHistory, qualified
from aims_mlflow.records.base import uuid7
from aims_mlflow.registers.findings import Finding
from aims_mlflow.registry.names import is_prompt
from aims_mlflow.server import counters
from aims_mlflow.server.announced_change import Doors, caller, closed, refuse_reserved
from aims_mlflow.server.gate import RegistryChange
from aims_mlflow.server.stored_rows import versions

if TYPE_CHECKING:
    from collections.abc import Callable

TAKING_SECONDS = 10.0
UNDONE = "failed: the registry could not carry it out"
# What a deleted row held, kept in the body of the leaf: MLflow writes over it.
KEPT = (
    "source",
    "run_id",
    "run_link",
    "description",
    "user_id",
    "creation_timestamp",
    "current_stage",
    "tags",
    "aliases",
)
_log = logging.getLogger(__name__)


class TakingAway(Doors):
    """Removals and renames."""

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Delete an alias; a gated one is sealed as withdrawn, and opens a finding for the retirement record."""
        remove = super().delete_registered_model_alias  # type: ignore[misc]
        with contextlib.ExitStack() as held:
            entries = self._announce(held, RegistryChange("deployment", name, self.workspace, alias))
            if entries:
                self._finish(entries[0], lambda: remove(name, alias))
            else:
                with closed("Withdrawal", UNDONE):
                    remove(name, alias)

    def take_from_stage(self, change: RegistryChange, found: Any, commit: Callable[[], Any]) -> Any:
        """Take a version out of a gated MLflow stage: sealed like the withdrawal of an alias."""
        left = RegistryChange("deployment", change.name, change.workspace, found.current_stage.lower(), change.version)
        with contextlib.ExitStack() as held:
            entries = self._announce(held, left, found)
            if entries:
                return self._finish(entries[0], commit)
            with closed("Withdrawal", UNDONE):
                return commit()

    def _announce(self, held: contextlib.ExitStack, change: RegistryChange, found: Any = None) -> list[Entry]:
        """Seal what is about to be withdrawn; [] where it is not gated, or where the gate itself fails."""
        try:
            if found is None and not self.gate.policy.current().policy.gated_alias(str(change.alias)):
                return []
            held.enter_context(self.held("Withdrawal", change.ledger_name, seconds=TAKING_SECONDS))
            version = found or self._holder_of(change)
            if version is None or is_prompt(version):
                return []
            entries = _withdrawn(change, version, in_stage=found is not None)
            self.gate.ledger.seal(*entries)
        except Exception as exc:  # noqa: BLE001 - nothing of ours may hold a withdrawal up
            counters.error(type(exc).__name__)
            _log.exception("aims: %s of %s is withdrawn without a seal", change.alias, change.ledger_name)
            return []
        return entries

    def _holder_of(self, change: RegistryChange) -> Any:
        aliases = self.plain.get_registered_model(change.name).aliases
        return self.plain.get_model_version(change.name, aliases[change.alias]) if change.alias in aliases else None

    def _finish(self, entry: Entry, commit: Callable[[], Any]) -> Any:
        """Carry a withdrawal out; a failure to seal its outcome is for the next change or the reconciler."""
        done: list[Any] = []
        try:
            return self.carry_out("Withdrawal", entry, lambda: done.append(commit()))
        except Exception:
            if not done:
                raise
        return done[0]

    # -- deletions --------------------------------------------------------------------------

    def delete_model_version(self, name: str, version: str) -> None:
        """Delete a version; one that was in use needs its retirement record first. What MLflow redacts is kept."""
        remove = super().delete_model_version  # type: ignore[misc]
        with closed("Deletion"):
            found = self.plain.get_model_version(name, version)
            prompt = is_prompt(found)
        if prompt:
            remove(name, version)
            return
        self._delete(name, [found], str(found.version), lambda: remove(name, version))

    def delete_registered_model(self, name: str) -> None:
        """Delete a registered model; versions that were in use need their retirement records first."""
        remove = super().delete_registered_model  # type: ignore[misc]
        with closed("Deletion"):
            self.plain.get_registered_model(name)
            rows = [v for v in versions(self, name) if not is_prompt(v)]
        self._delete(name, rows, None, lambda: remove(name))

    def _delete(self, name: str, rows: list[Any], version: str | None, commit: Callable[[], None]) -> None:
        ledger_name = qualified(name, self.workspace)
        with self.held("Deletion", ledger_name):
            with closed("Deletion"):
                self._require_retired(name, version)
                past = ModelHistory(self.gate.ledger, ledger_name)
                public = {
                    "model_name": ledger_name,
                    "version": version,
                    "model_digest": past.registered(version) if version else None,
                }
                body = {"rows": [_row(v) for v in rows], **caller()[0]}
                entry = Entry("deleted", {k: v for k, v in public.items() if v is not None}, body, uuid7())
                self.gate.ledger.seal(entry)
            self.carry_out("Deletion", entry, commit)

    def _require_retired(self, name: str, version: str | None) -> None:
        workspace = self.workspace
        change = RegistryChange("deployment", name, workspace)
        past = ModelHistory(self.gate.ledger, change.ledger_name)
        retired = {leaf.content["model_digest"] for leaf in past.leaves(("retirement",))}
        used = {c["version"]: c.get("model_digest") for c in past.put_into_use(version)}
        missing = sorted((v for v, digest in used.items() if digest not in retired), key=int)
        if missing and self.gate.rules(change).mode == "enforce":
            raise PolicyRefused(
                f"version {', '.join(missing)} of {name} was in use, and has no retirement record",
                next=f"an approver runs `aims gate retire models:/{name}/{missing[0]} --reason ...` first; "
                "deleting the alias is always possible",
            )

    # -- names ------------------------------------------------------------------------------

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Rename a registered model, unless that would put its versions under other rules; its past goes with it."""
        refuse_reserved("Renaming", [new_name])
        rename = super().rename_registered_model  # type: ignore[misc]
        old, new = qualified(name, self.workspace), qualified(new_name, self.workspace)
        with self.held("Renaming", old, new):
            with closed("Renaming"):
                self._require_same_rules(name, new_name)
                request, who = uuid7(), caller()[0]
                entry = Entry("renamed", {"model_name": new, "previous": old}, dict(who), request)
                # The new name's leaf comes first: what is before it is its past under the old name.
                self.gate.ledger.seal(entry, Entry("renamed", {"model_name": old, "renamed_to": new}, {}, request))
            return self.carry_out("Renaming", entry, lambda: rename(name, new_name))

    def _require_same_rules(self, name: str, new_name: str) -> None:
        for stage in ("registration", "deployment"):
            before = self.gate.rules(RegistryChange(stage, name, self.workspace))
            after = self.gate.rules(RegistryChange(stage, new_name, self.workspace))
            stricter = before.mode == "observe" and after.mode == "enforce"
            if before.stage_digest != after.stage_digest or stricter:
                raise PolicyRefused(
                    f"{new_name} is under other rules than {name}", next="register the model under the new name instead"
                )


def _withdrawn(change: RegistryChange, version: Any, *, in_stage: bool) -> list[Entry]:
    about = {"model_name": change.ledger_name, "alias": change.alias, "version": str(version.version)}
    stage = {"mlflow_stage": version.current_stage} if in_stage else {}
    text = f"{change.alias} was withdrawn from version {version.version}: its retirement record is due"
    due = Finding("retirement-due", "A.6.1.3", text, about)
    return [Entry("withdrawn", {**about, **stage}, caller()[0], uuid7()), due.entry()]


def _row(version: Any) -> dict[str, Any]:
    """Return what MLflow keeps of a version, as JSON without floats."""
    return {"version": str(version.version), **{k: _plain(getattr(version, k, None)) for k in KEPT}}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): str(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [str(v) for v in value]
    return value if value is None or isinstance(value, int) else str(value)
