"""What an expectation asks, in words, as a page of the report shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.quality_claims import asked_for

if TYPE_CHECKING:
    from aims_mlflow.checks.expectations import Demand

EXAMPLE_LENGTH = 80
MOST_KEPT = 5000
_worded: dict[str, str] = {}  # wording one takes 5 ms, and train and test are asked the same


def words_of(demand: Demand, result: Any) -> str:
    """Return what is asked, in Great Expectations' own words where it has some."""
    config = getattr(result, "expectation_config", None)
    if config is None:
        return asked_for(demand.kwargs)
    asked = {**config.kwargs, "batch_id": None}
    key = json.dumps([config.type, asked], sort_keys=True, default=str)
    if key not in _worded:
        if len(_worded) >= MOST_KEPT:
            _worded.clear()
        _worded[key] = _rendered(config)
    return _worded[key] or asked_for(demand.kwargs)


def _rendered(config: Any) -> str:
    """Return an expectation in Great Expectations' words; empty where it has none. It takes 5 ms."""
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    try:
        (content, *_) = InlineRenderer(render_object=config).get_rendered_content()
        value = content.to_json_dict()["value"]
        text = str(value.get("template") or "")
        parts = {name: part["value"] for name, part in (value.get("params") or {}).items()}
    except Exception:  # noqa: BLE001  wording is a convenience: the arguments say the same
        return ""
    for name in sorted(parts, key=len, reverse=True):
        shown = parts[name]
        shown = int(shown) if isinstance(shown, float) and shown.is_integer() else shown
        text = text.replace(f"${name}", str(shown)[:EXAMPLE_LENGTH])
    return text
