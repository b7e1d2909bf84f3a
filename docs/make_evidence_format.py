"""Writes docs/evidence-format.md from its template and the models of records; a test holds them together.

python docs/make_evidence_format.py > docs/evidence-format.md
"""

import inspect
import types
import typing
from collections import defaultdict
from pathlib import Path
from string import Template

from pydantic import BaseModel

from aims_mlflow.records.base import DecimalText, Sha256, Time
from aims_mlflow.records.details import KINDS
from aims_mlflow.records.details.base import EvidenceDetails
from aims_mlflow.records.leaves import CONTENTS, body_model
from aims_mlflow.records.leaves.base import LeafContent, Line, Name

TEMPLATE = Path(__file__).parent / "evidence-format.md.in"
NAMES = {
    Sha256: "sha256",
    Time: "time",
    DecimalText: "decimal",
    Line: "sha256 or empty",
    Name: "text",
    typing.Any: "any",
}
PLAIN = {str: "text", int: "integer", bool: "true or false", dict: "object", type(None): "null"}


def page() -> str:
    """Return the page in Markdown."""
    models = [*dict.fromkeys([*KINDS.values()])]
    nested = dict.fromkeys(part for model in models for part in parts_of(model))
    details = [*kinds(), "### Objects that several fields hold", ""]
    for model in nested:
        details += [f"**{model.__name__}**: {sentence(model)}", "", *table(model)]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        details="\n".join(details), header="\n".join(table(LeafContent)), leaves="\n".join(leaves())
    )


def kinds() -> list[str]:
    """Return one section for each model of details, with the kinds that it is for."""
    out = []
    for model, names in by_model(KINDS).items():
        own = [name for name in model.model_fields if name not in EvidenceDetails.model_fields]
        out += [f"### {names}", f"{sentence(model)} Subjects: {model.SUBJECTS}.", "", *table(model, own)]
    return [*out, "### Any kind", "", *table(EvidenceDetails)]


def leaves() -> list[str]:
    """Return one section for each type of leaf: what stays for good, and what may be erased."""
    out = []
    for model, names in by_model(CONTENTS).items():
        own = [name for name in model.model_fields if name not in LeafContent.model_fields]
        out += [f"### Leaf {names}", sentence(model), "", *table(model, own)]
        body = body_model(model_type(model))
        if body.model_fields:
            out += [f"In the body, which may be erased: {sentence(body)}", "", *table(body)]
            for part in parts_of(body):
                out += [f"**{part.__name__}**: {sentence(part)}", "", *table(part)]
    return out


def model_type(model: type[LeafContent]) -> str:
    """Return the first type of leaf that a model is for."""
    return next(name for name, each in CONTENTS.items() if each is model)


def by_model(models: dict) -> dict:
    """Return each model with its names as a heading."""
    out = defaultdict(list)
    for name, model in models.items():
        out[model].append(f"`{name}`")
    return {model: ", ".join(names) for model, names in out.items()}


def sentence(model: type[BaseModel]) -> str:
    """Return what a model is, from its docstring."""
    return " ".join(inspect.cleandoc(model.__doc__ or "").split())


def table(model: type[BaseModel], names=None) -> list[str]:
    """Return a table of a model's fields."""
    rows = []
    for name, field in model.model_fields.items():
        if names is None or name in names:
            rows.append(f"| `{name}` | {kind_of(whole(field))} | {field.description or ''} |")
    return ["| field | type | meaning |", "|---|---|---|", *rows, ""] if rows else []


def whole(field) -> object:
    """Return a field's annotation with the constraints that pydantic keeps apart from it."""
    return typing.Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def kind_of(annotation) -> str:
    """Return a type in the words of JSON."""
    for known, name in NAMES.items():
        if annotation == known:
            return name
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in inside)
    words = [kind_of(each) for each in inside if inspect.isclass(each) or typing.get_origin(each) or each in NAMES]
    if origin in (types.UnionType, typing.Union):
        return " or ".join(word for word in words if word != "null")
    shapes = {typing.Annotated: "{0}", list: "list of {0}", dict: "object of {0} to {1}"}
    return shapes[origin].format(*words) if origin in shapes else PLAIN.get(annotation) or annotation.__name__


def parts_of(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the models that a model's fields hold, those that these hold included."""
    out = []
    for field in model.model_fields.values():
        for part in models_in(field.annotation):
            out += [part, *parts_of(part)]
    return list(dict.fromkeys(out))


def models_in(annotation) -> list[type[BaseModel]]:
    """Return the models that stand in an annotation."""
    if inspect.isclass(annotation) and not typing.get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for inside in typing.get_args(annotation) for model in models_in(inside)]


if __name__ == "__main__":
    print(page(), end="")
