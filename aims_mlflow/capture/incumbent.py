"""The incumbent: asks the model in production about a training's held-out data, for the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.adapters.models import load
from aims_mlflow.adapters.predict import Question, known_labels
from aims_mlflow.capture.console import log
from aims_mlflow.checks.tables.predictions import Incumbent
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence import tracking

if TYPE_CHECKING:
    from aims_mlflow.adapters.predict import Predict
    from aims_mlflow.capture.training_data import TrainingData


def ask_incumbent(data: TrainingData, function: Predict | None) -> Incumbent | None:
    """Return the predictions of the model in production for the test data; None where aims.yaml names no alias.

    A model that is not there, or that cannot be asked, is returned with the reason.
    """
    system = data.setup.config.system
    if system.production_alias is None:
        return None
    uri = f"models:/{system.model_name}@{system.production_alias}"
    name = uri
    try:
        target = tracking.resolve(uri)
        name = target.called(uri)
        if target.model_id is None:
            return Incumbent(name, None, "that version was not registered from a logged model")
        model, task = load(target.model_id), data.dataset("test").task
        known = known_labels(task, data.tables.values(), model)
        proof = data.tables.get("train") or data.tables["test"]
        question = Question(model=model, task=task, known=known, function=function, proof=proof, scored=False)
        predictions = question.answer(data.tables["test"]).predictions
    except AimsError as exc:
        return Incumbent(name, None, exc.what)
    except Exception as exc:  # noqa: BLE001 - a model of another time may do anything here
        log.debug("the model in production could not be asked", exc_info=True)
        return Incumbent(name, None, f"it cannot be asked here ({type(exc).__name__})")
    return Incumbent(name, predictions.labels)
