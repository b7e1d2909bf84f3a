"""Runs a check by name; whatever goes wrong inside a check makes it "not evaluated"."""

from __future__ import annotations

import dataclasses
import importlib
import logging
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from aims_mlflow.checks import installed_checks
from aims_mlflow.checks.outcome import Check, Outcome
from aims_mlflow.errors import AimsError, CheckError, ConfigError, did_you_mean

if TYPE_CHECKING:
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.pack import Pack

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckInfo:
    """A check: the module of its function, the evidence kind that it makes, and the data that it needs."""

    name: str
    kind: str
    module: str
    needs_reference: bool = False
    needs_predictions: bool = False
    controls: tuple[str, ...] = ()  # where the pack has no section that names them
    own: bool = False  # written by a team, behind an entry point


CHECKS = {
    info.name: info
    for info in (
        CheckInfo("data_quality", "data-quality", "aims_mlflow.checks.quality.data_quality"),
        CheckInfo("representativeness", "representativeness", "aims_mlflow.checks.representation.representativeness"),
        CheckInfo("fairness", "fairness", "aims_mlflow.checks.fairness.fairness", needs_predictions=True),
        CheckInfo("performance", "performance", "aims_mlflow.checks.performance.performance", needs_predictions=True),
        CheckInfo("drift", "drift", "aims_mlflow.checks.drift.drift", needs_reference=True),
        CheckInfo("robustness", "robustness", "aims_mlflow.checks.model.robustness", needs_predictions=True),
        CheckInfo("leakage", "data-quality", "aims_mlflow.checks.quality.leaking_columns", controls=("A.7.4",)),
        CheckInfo("privacy", "data-quality", "aims_mlflow.checks.quality.privacy"),
        CheckInfo("drift_baseline", "drift-baseline", "aims_mlflow.checks.drift.baseline", controls=("A.6.2.6",)),
    )
}


def run_check(name: str, data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:
    """Run the check `name` on `data`; `reference` is the training table where a check compares.

    Returns:
        The check's outcome, or one with the result "not_evaluated" and one sentence as its reason.

    Raises:
        ConfigError: there is no check of that name.
    """
    own_names = {mine.name for mine in pack.checks}
    if name not in CHECKS and name not in own_names:
        hint = did_you_mean(name, [*CHECKS, *own_names])
        raise ConfigError(f"there is no check {name!r}" + (f", {hint}" if hint else ""))
    try:
        info = CHECKS[name] if name in CHECKS else _own(name, pack)
    except AimsError as exc:
        return Outcome(kind="data-quality", result="not_evaluated", reason=exc.sentence())
    if info.needs_reference and reference is None:
        return _not_evaluated(info, pack, f"{name} compares with training data, and there is none")
    if info.own and info.needs_predictions and not data.has_predictions:
        return _not_evaluated(info, pack, f"{name} judges predictions, and there are none")
    try:
        check: Check = installed_checks.load(name)[0] if info.own else importlib.import_module(info.module).run
        outcome = check(data, pack, reference)
        return outcome if not info.own else _checked(outcome, info)
    except AimsError as exc:
        return _not_evaluated(info, pack, exc.sentence())
    except (Exception, SystemExit) as exc:  # noqa: BLE001  pyspark ends an import with SystemExit
        # The message itself may quote a cell of the table, so it stays out of the evidence.
        _log.debug("check %s failed", name, exc_info=True)
        at = traceback.extract_tb(exc.__traceback__)[-1]
        place = f"{Path(at.filename).name}:{at.lineno}"
        return _not_evaluated(info, pack, f"the {name} check could not run: {type(exc).__name__} at {place}")


def _own(name: str, pack: Pack) -> CheckInfo:
    """Return what is known of a check that the pack names."""
    _, declared = installed_checks.load(name)
    controls = next((mine.controls for mine in pack.checks if mine.name == name), ()) or declared.controls
    return CheckInfo(
        name,
        declared.kind,
        installed_checks.GROUP,
        declared.needs_reference,
        declared.needs_predictions,
        controls,
        own=True,
    )


def _checked(outcome: object, info: CheckInfo) -> Outcome:
    """Return what a foreign check gave, under the kind and the controls that it is known by.

    Raises:
        CheckError: it is no outcome, or its details do not fit the fields of the kind.
    """
    if not isinstance(outcome, Outcome):
        raise CheckError(f"{info.name} returned {type(outcome).__name__}, not an Outcome")
    checked = dataclasses.replace(outcome, kind=info.kind, controls=outcome.controls or info.controls)
    try:
        return dataclasses.replace(checked, details=checked.recorded_details())
    except ValidationError as exc:
        fields = sorted({str(error["loc"][0]) for error in exc.errors() if error["loc"]})
        what = f"its details give {', '.join(fields)} a value that a {info.kind} record cannot have there"
        raise CheckError(what, next="give it another name") from None


def _not_evaluated(info: CheckInfo, pack: Pack, reason: str) -> Outcome:
    controls = info.controls or getattr(getattr(pack, info.name, None), "controls", ())
    return Outcome(kind=info.kind, result="not_evaluated", reason=reason, controls=controls)
