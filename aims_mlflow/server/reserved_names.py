"""Names and tags that only the gate writes, and the tag by which approvals and waivers arrive."""

from __future__ import annotations

import re
from typing import Any

from aims_mlflow.server.announced_change import Doors, caller, closed, refuse_reserved

APPROVAL_TAG = re.compile(r"^aims\.approval\.[0-9a-f]{32}$")


class ReservedNames(Doors):
    """The namespace `aims.`: readable by everyone, written by the gate alone."""

    def create_registered_model(self, name: str, tags: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Create a registered model; names and tags that begin with `aims.` are the gate's own."""
        refuse_reserved("The change", [name, *(t.key for t in tags or [])])
        return super().create_registered_model(name, tags, *args, **kwargs)  # type: ignore[misc]

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        """Set a tag; `aims.approval.*` is the channel for approvals and waivers."""
        if APPROVAL_TAG.match(tag.key):
            with closed("The approval"):
                self.plain.get_registered_model(name)
                who, login = caller()
                self.gate.consent(name, self.workspace, tag.value, who, login)
        else:
            refuse_reserved("The tag", [tag.key])
        super().set_registered_model_tag(name, tag)  # type: ignore[misc]

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Delete a tag that is not the gate's own."""
        refuse_reserved("The change", [key])
        super().delete_registered_model_tag(name, key)  # type: ignore[misc]

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
        """Set a version's tag that is not the gate's own."""
        refuse_reserved("The tag", [tag.key])
        super().set_model_version_tag(name, version, tag)  # type: ignore[misc]

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Delete a version's tag that is not the gate's own."""
        refuse_reserved("The change", [key])
        super().delete_model_version_tag(name, version, key)  # type: ignore[misc]
