"""Names in a registry with a meaning for the gate: the reserved namespace, its tags, and the marks of prompts."""

from __future__ import annotations

from typing import Any

RESERVED = "aims."
# The sources that MLflow gives to versions of prompts. Clients of releases before 3.17 have no name for them; a test
# compares them with the server's.
PROMPT_SOURCES = frozenset({"dummy-source", "prompt-template"})
# The enforcement of a gate that cannot decide: without a valid policy, or without its own ledger.
REFUSES_ALL = "refuses all"
# Tag of a version: the request of the decision that let it in.
REQUEST_TAG = "aims.request"
# Tag of a version: the waivers that it was ever let through with, with their reasons.
WAIVERS_TAG = "aims.waivers"
IS_PROMPT_TAG = "mlflow.prompt.is_prompt"


def is_reserved(name: str) -> bool:
    """Return whether only the gate may write a name, whatever its case."""
    return str(name).lower().startswith(RESERVED)


def is_prompt_source(source: str) -> bool:
    """Return whether a source is the placeholder that MLflow gives to prompts."""
    return source in PROMPT_SOURCES


def is_prompt(version: Any) -> bool:
    """Return whether a version is a prompt's by its source, which models cannot use (`create_model_version`).

    A row that somebody wrote into the database may have a prompt's source, and load files from another place.
    """
    place = getattr(version, "storage_location", None)
    loads_nothing = place is None or is_prompt_source(place)
    return is_prompt_source(version.source) and not version.model_id and not version.run_id and loads_nothing


def is_tagged_prompt(model: Any) -> bool:
    """Return whether a registered model has the tag of a prompt, which every client may set."""
    return bool((model.tags or {}).get(IS_PROMPT_TAG) == "true")
