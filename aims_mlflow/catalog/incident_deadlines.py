"""Deadlines for telling an authority of a serious incident, each with its source and the day it was looked up."""

from __future__ import annotations

import functools
from importlib import resources

from aims_mlflow.records.base import Day, Record
from aims_mlflow.strict_yaml import parse

FILE = "incident_deadlines.yaml"


class IncidentDeadline(Record):
    """Within how many days a law wants to be told of a harm."""

    harm: str
    days: int
    law: str
    source: str
    checked_on: Day


@functools.cache
def incident_deadlines() -> dict[str, IncidentDeadline]:
    """Return the deadline for each kind of harm."""
    text = resources.files("aims_mlflow.catalog").joinpath(FILE).read_text(encoding="utf-8")
    return {found.harm: found for found in map(IncidentDeadline.model_validate, parse(text, FILE).data)}
