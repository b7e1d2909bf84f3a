"""The installed distributions and their versions."""

from __future__ import annotations

import functools
import importlib.metadata


@functools.cache
def packages() -> dict[str, str]:
    """Return the version of each installed distribution, by its normalised name."""
    installed = ((d.metadata["Name"], d.version) for d in importlib.metadata.distributions())
    return {str(name).lower().replace("_", "-"): version for name, version in installed if name}
