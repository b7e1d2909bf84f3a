"""The plan of a training: its arguments, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.capture.callables import name_of
from aims_mlflow.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Mode = Literal["enforce", "observe"]
OnFailure = Literal["report", "raise"]


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """The arguments of one training; see `aims.training` for those that a person gives.

    Attributes:
        function: The decorated function; None for a session that is opened by hand.
        run_id: The run to resume; None for the active run, or a new one.
        trained_by: The name of the function that trained a model that is logged later.
        evaluates: The id of the logged model that is evaluated instead of a new one.

    Raises:
        ConfigError: `mode` or `on_failure` is not known.
    """

    system: str | None
    config: str | Path | Mapping[str, Any] | None = None
    mode: Mode = "enforce"
    register: bool | Mapping[str, Any] = False
    on_failure: OnFailure = "report"
    predict: Callable[[Any, Any], Any] | None = None
    sensitive: Any = None
    function: Callable[..., Any] | None = None
    run_id: str | None = None
    trained_by: str = ""
    evaluates: str | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            ("mode", self.mode, ("enforce", "observe")),
            ("on_failure", self.on_failure, ("report", "raise")),
        ):
            if value not in known:
                raise ConfigError(f"{name}={value!r} is not known", next=f"use {' or '.join(map(repr, known))}")

    @property
    def function_name(self) -> str:
        """The training function's module and name; empty without one."""
        return name_of(self.function) if self.function is not None else self.trained_by
