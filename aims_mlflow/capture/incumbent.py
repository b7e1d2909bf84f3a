"""The model in production, asked about a training's held-out data: what would change if the new one took its place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aims_mlflow.adapters.models import load
from aims_mlflow.adapters.predict import predict
from aims_mlflow.capture.console import log
from aims_mlflow.checks.tables.predictions import Incumbent
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence import tracking

if TYPE_CHECKING:
    from aims_mlflow.capture.underway import Underway
    from aims_mlflow.checks.tables.in_memory import InMemoryTable


def beside_production(training: Underway, data: InMemoryTable) -> InMemoryTable:
    """Return test data with what the model in production says of them, where aims.yaml names its alias.

    A model that is not there, or that cannot be asked, is told in the record with its reason.
    """
    system = training.setup.config.system
    if system.production_alias is None:
        return data
    if training.rival is None:
        training.rival = _asked(training, f"models:/{system.model_name}@{system.production_alias}", data)
    return data.with_model(dataclasses.replace(data.model, incumbent=training.rival))


def _asked(training: Underway, uri: str, data: InMemoryTable) -> Incumbent:
    name, target = uri, training.setup.config.data.target
    try:
        found = tracking.resolve(uri)
        name = found.called(uri)
        if found.model_id is None:
            return Incumbent(name, None, "that version was not registered from a logged model")
        model, table = load(found.model_id), training.tables["test"]
        said = predict(model, table, target, data.task.favourable, training.predict, data.task.kind, scored=False)
    except AimsError as exc:
        return Incumbent(name, None, exc.what)
    except Exception as exc:  # noqa: BLE001 - a model of another time may do anything here
        log.debug("the model in production could not be asked", exc_info=True)
        return Incumbent(name, None, f"it cannot be asked here ({type(exc).__name__})")
    return Incumbent(name, said.labels)
