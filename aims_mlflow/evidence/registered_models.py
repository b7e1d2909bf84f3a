"""Registered models as this login sees them, and the status of a gated registry."""

from __future__ import annotations

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.evidence import tracking

STATUS_MODEL = "aims.status"


def gate_status() -> dict[str, str]:
    """Return the status of a gate: version, enforcement, digests, checkpoint; {} for an ungated registry.

    Raises:
        ConfigError: the address is none of a registry.
        Unreachable: the registry does not tell, so that nobody may take it for a plain one.
    """
    model = tracking.registered_model(STATUS_MODEL)
    # A model that was made to look like a gate has a time at which it was made; the gate's answer has none.
    if model is None or model.creation_timestamp:
        return {}
    return {k.removeprefix("aims."): v for k, v in (model.tags or {}).items()}


def known_gate() -> dict[str, str]:
    """Return the status of a registry's gate; {} without a gate, or if this login may not read it."""
    try:
        return gate_status()
    except (ConfigError, Unreachable):
        return {}


def has_registered_model(name: str) -> bool:
    """Return whether the registry has a model of this name that this login may read."""
    try:
        return tracking.registered_model(name) is not None
    except (ConfigError, Unreachable):
        return False


def name_filter(name: str) -> str:
    """Return the filter of MLflow's searches for a model's name; one with both kinds of quotes fits into none."""
    return f'name = "{name}"' if "'" in name else f"name = '{name}'"


def version_tag(target: tracking.Target, key: str) -> str | None:
    """Return a tag of a registered version; None if the tag is missing or `target` is not a version."""
    if target.name is None or target.version is None:
        return None
    with tracking.reaching(f"read version {target.version} of {target.name}"):
        tags = tracking.client().get_model_version(target.name, target.version).tags or {}
    value = tags.get(key)
    return str(value) if value else None
