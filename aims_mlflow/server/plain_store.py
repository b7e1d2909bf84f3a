"""The methods of MLflow's registry store that the gate uses, without the gate."""

from __future__ import annotations

from typing import Any, Protocol


class PlainStore(Protocol):
    """MLflow's own methods of the registry store; what they call on the store itself passes the gate."""

    @property
    def supports_workspaces(self) -> bool:
        """Whether the server has workspaces."""

    def create_model_version(self, *args: Any) -> Any:
        """Create a version: name, source, run_id, tags, run_link, description, local_model_path, model_id."""

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias."""

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Delete an alias."""

    def transition_model_version_stage(self, name: str, version: str, stage: str, archive: bool) -> Any:
        """Move a version to a stage."""

    def delete_model_version(self, name: str, version: str) -> None:
        """Delete a version."""

    def delete_registered_model(self, name: str) -> None:
        """Delete a registered model."""

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Rename a registered model."""

    def create_registered_model(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Create a registered model."""

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        """Set a model's tag."""

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Delete a model's tag."""

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
        """Set a version's tag."""

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Delete a version's tag."""

    def get_registered_model(self, name: str) -> Any:
        """Return a registered model."""

    def get_model_version(self, name: str, version: str) -> Any:
        """Return a version."""

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """Return the version behind an alias."""

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        """Return the location of a version's files."""
