"""Reserved names and tags, which only the gate writes, and the tag for submitting approvals and waivers."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from mlflow.entities.model_registry import RegisteredModelTag
from mlflow.exceptions import MlflowException

from aims_mlflow.gates.consents import unpacked
from aims_mlflow.registry.names import RESERVED, WAIVERS_TAG, is_reserved
from aims_mlflow.server.caller import caller
from aims_mlflow.server.failing_closed import closed, denied
from aims_mlflow.signing.look_alikes import LOOK_ALIKE

if TYPE_CHECKING:
    from collections.abc import Callable

    from aims_mlflow.server.announced_change import AnnouncedChanges
    from aims_mlflow.server.consent_intake import ConsentIntake
    from aims_mlflow.server.erased_tags import ErasedTags
    from aims_mlflow.server.plain_store import PlainStore

APPROVAL_TAG = re.compile(r"^aims\.approval\.[0-9a-f]{32}\Z")


def refuse_reserved(what: str, *names: str) -> None:
    """Refuse names that begin with `aims.`, whatever their case.

    Raises:
        MlflowException: one does.
    """
    with closed(what):
        for name in names:
            if is_reserved(name):
                raise denied(
                    f"{what} refused: {name!r} begins with {RESERVED!r}, which only the gate itself writes. "
                    "Next: choose another name"
                )


def refuse_unclear(what: str, name: str, find: Callable[[str], Any]) -> None:
    """Refuse a new name of a model that people cannot tell from another.

    That is one not in normal form, with something that none can see, with letters of other scripts that look like Latin
    ones throughout, or with the accents alone apart from a model that `find` returns.

    Raises:
        MlflowException: it is such a name.
    """
    unseen = [c for c in name if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    dashes = [c for c in name if unicodedata.category(c) == "Pd" and c != "-"]
    if name != unicodedata.normalize("NFKC", name) or name != name.strip() or unseen or dashes:
        raise denied(
            f"{what} refused: {name!r} can be taken for another name: it has spaces at its ends, letters that nobody "
            "can see, other dashes than -, or letters that Unicode writes otherwise (NFKC). Next: write it plainly"
        )
    if "'" in name and '"' in name:
        raise denied(
            f"{what} refused: {name!r} has both kinds of quotes, which MLflow's filters cannot name. Next: use one"
        )
    latin = name.casefold().translate(LOOK_ALIKE)
    if latin.isascii() and not name.isascii():
        raise denied(
            f"{what} refused: {name!r} can be taken for another name: it reads {latin!r}, in letters of another "
            "script. Next: write it plainly"
        )
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    with closed(what):
        is_there = bare != name and exists(bare, find)
    if is_there:
        raise denied(f"{what} refused: {name!r} can be taken for {bare!r}, which is there. Next: choose another name")


def exists(name: str, find: Callable[[str], Any]) -> bool:
    """Return whether `find`, a method of MLflow's store, finds a registered model.

    Raises:
        MlflowException: the registry does not answer.
    """
    try:
        return find(name) is not None
    except MlflowException as exc:
        if exc.get_http_status_code() == 404:
            return False
        raise


class ReservedNames:
    """Reserves the namespace `aims.`: everyone can read it, and only the gate writes it."""

    def __init__(
        self, plain: PlainStore, changes: AnnouncedChanges, consents: ConsentIntake, erased: ErasedTags
    ) -> None:
        self._plain = plain
        self._changes = changes
        self._consents = consents
        self._erased = erased

    def create_model(self, name: str, tags: Any, *args: Any, **kwargs: Any) -> Any:
        """Create a registered model; refuse a reserved name or tag."""
        refuse_reserved("The change", name, *(t.key for t in tags or []))
        refuse_unclear("The change", name, self._plain.get_registered_model)
        return self._plain.create_registered_model(name, tags, *args, **kwargs)

    def set_model_tag(self, name: str, tag: Any) -> None:
        """Set a model's tag; `aims.approval.*` submits an approval or waiver.

        The tag keeps the signed envelope alone: the words beside it are in the ledger, where they can be erased.
        """
        if APPROVAL_TAG.match(tag.key):
            with closed("The approval"):
                self._plain.get_registered_model(name)
                who, login = caller()
                self._consents.take(name, self._changes.workspace, tag.value, who, login)
                tag = RegisteredModelTag(tag.key, unpacked(tag.value)[0].decode())
        else:
            refuse_reserved("The tag", tag.key)
        self._plain.set_registered_model_tag(name, tag)

    def delete_model_tag(self, name: str, key: str) -> None:
        """Delete a model's tag; one by which a consent came only after its words were erased in the ledger."""
        if APPROVAL_TAG.match(key):
            with closed("The change"):
                self._erased.require_consent(name, key)
        else:
            refuse_reserved("The change", key)
        self._plain.delete_registered_model_tag(name, key)

    def delete_version_tag(self, name: str, version: str, key: str) -> None:
        """Delete a version's tag; the list of its waivers only after their reasons were erased in the ledger."""
        if key == WAIVERS_TAG:
            with closed("The change"):
                self._erased.require_waivers(name, self._changes.workspace, version)
        else:
            refuse_reserved("The change", key)
        self._plain.delete_model_version_tag(name, version, key)
