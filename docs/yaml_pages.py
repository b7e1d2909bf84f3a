"""Pages of all keys in the files that people write, from the models that read them; docs/site_pages.py takes them."""

from __future__ import annotations

import re
import types
import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

ATTRIBUTE = re.compile(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", re.MULTILINE)


def aims_yaml() -> str:
    """Return the page of all keys in aims.yaml, from the models that read it."""
    from aims_mlflow.capture.setup import NEEDED
    from aims_mlflow.records.system import AimsConfig, Data, Files, ReadingOptions, Source, System

    places = {"": AimsConfig, "system": System, "data": Data, "data.sources.NAME": Source}
    places |= {"data.files.NAME": Files, "data.reading": ReadingOptions}
    lead = ["The names for `system.objectives` are in [policy.yaml](policy-yaml.md).", ""]
    return keys_page("aims.yaml", lead, places, {f"system.{key}" for key in NEEDED})


def policy_yaml() -> str:
    """Return the page of all keys in policy.yaml, from the models that read it."""
    from aims_mlflow.records import pack, policy

    stage, system = "stages.STAGE", "systems.PATTERN"
    places = {"": policy.Policy, system: policy.PolicySystem, f"{system}.set_aside[]": pack.GroupSetAside}
    places |= {stage: policy.StageRules, f"{stage}.require[]": policy.Requirement}
    places |= {f"{stage}.limits[]": policy.PolicyLimit, f"{stage}.approvals": policy.Approvals}
    places |= {"enforcement[]": policy.Enforcement, "waivers": policy.Waivers, "break_glass": policy.BreakGlass}
    lead = [
        "[The gate](../gate.md#policyyaml) has examples. `default` has the keys of `systems.PATTERN`, and the limits",
        "of a system have those of `stages.STAGE.limits[]`. `[]` is an entry of a list.", "",
    ]  # fmt: skip
    return keys_page("policy.yaml", [*lead, *objectives()], {**places, "legacy": policy.Legacy, "caps": policy.Caps})


def objectives() -> list[str]:
    """Return the table of the names that `objectives` may have."""
    from aims_mlflow.catalog.loader import objectives as known

    rows = [f"| `{name}` | {each.title} | {each.explanation} |" for name, each in known().items()]
    head = ["The objectives of Annex C have these names; each gets the priority `low`, `medium` or `high`:", ""]
    return [*head, "| name | objective | in our words |", "|---|---|---|", *rows, ""]


def pack_yaml() -> str:
    """Return the page of all keys in pack.yaml, from the models that read it."""
    from aims_mlflow.records import expectation, pack

    places: dict[str, Any] = {"": pack.Pack, "SECTION.limits[]": pack.Limit, "checks[]": pack.OwnCheck}
    sections = {name: field.annotation for name, field in pack.Pack.model_fields.items()}
    places |= {name: kind for name, kind in sections.items() if hasattr(kind, "model_fields")}
    places |= {"data_quality.expectations[]": expectation.Expectation}
    places |= {"data_quality.expectations[].where[]": expectation.RowCondition}
    places |= {"representativeness.populations[]": pack.Population, "fairness.set_aside[]": pack.GroupSetAside}
    lead = [
        "[Describe a system](../how-to/describe-a-system.md#choose-the-checks) has examples and explains severities.",
        "`[]` is an entry of a list. The keys of a limit mean what they mean in [policy.yaml](policy-yaml.md).", "",
    ]  # fmt: skip
    return keys_page("pack.yaml", lead, places)


def keys_page(file: str, lead: list[str], places: dict[str, Any], needed: Collection[str] = ()) -> str:
    """Return the page of a file's keys.

    Args:
        file: The file's name, which is the title.
        lead: What stands above the tables.
        places: Where each model is in the file.
        needed: Keys that the file may lack and a training needs.
    """
    lines = [f"# {file}", "", "A key that is not listed is an error, with its line and the nearest known key.", ""]
    lines += lead
    for place, model in places.items():
        meaning, _, single = (model.__doc__ or "").partition("Attributes:")
        lines += [f"## `{place}`" if place else "## Top level", "", " ".join(meaning.split()), ""]
        said = {key: " ".join(text.split()) for key, text in ATTRIBUTE.findall(single)}
        lines += ["| key | value | default |" + " meaning |" * bool(said), "|---|---|---|" + "---|" * bool(said)]
        for name, field in model.model_fields.items():
            key = f"{place}.{name}".removeprefix(".")
            given = field.get_default(call_default_factory=True)
            default = "required" if field.is_required() else text_of_default(given)
            cells = [f"`{key}`", text_of_type(whole(field)), "required by a training" if key in needed else default]
            lines.append("| " + " | ".join([*cells, *([said.get(name, "")] if said else [])]) + " |")
        lines.append("")
    return "\n".join(lines)


def whole(field: Any) -> Any:
    """Return a field's annotation with the constraints that pydantic keeps apart from it."""
    return typing.Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def text_of_default(value: Any) -> str:
    """Return a default as the file would spell it; sections have a table of their own."""
    if isinstance(value, tuple) and value and hasattr(value[0], "metric"):
        return ", ".join(f"`{each.metric} {each.comparator} {each.limit}`" for each in value)
    if value is None or value in ((), {}) or "model_fields_set" in dir(value[0] if isinstance(value, tuple) else value):
        return "none"
    return (
        f"`[{', '.join(value)}]`" if isinstance(value, tuple) else f"`{str(value).lower() if value is True else value}`"
    )


def text_of_type(annotation: Any) -> str:
    """Return a field's type in words that someone who writes YAML knows."""
    from aims_mlflow.records.base import Day, DecimalText, Sha256

    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        known = {typing.get_args(DecimalText)[1]: "a number", typing.get_args(Day)[1]: "a day"}
        known[typing.get_args(Sha256)[1]] = "a sha256"
        return next((known[part] for part in inner[1:] if part in known), None) or text_of_type(inner[0])
    if origin is typing.Literal:
        return " or ".join(f"`{str(value).lower() if value is True else value}`" for value in inner)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(text_of_type(part) for part in inner if part is not type(None))
    if origin is tuple:
        return f"list of {text_of_type(inner[0])}"
    if origin is dict:
        return f"map of name to {text_of_type(inner[1])}"
    plain = {str: "text", int: "a whole number", float: "a number", bool: "`true` or `false`", Any: "any value"}
    return plain.get(annotation, "section")


PAGES = {
    "reference/aims-yaml.md": aims_yaml,
    "reference/policy-yaml.md": policy_yaml,
    "reference/pack-yaml.md": pack_yaml,
}
