"""The error of a gate that refuses: one of our errors, and one of MLflow's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from aims_mlflow.errors import PolicyRefused

if TYPE_CHECKING:
    from collections.abc import Sequence


class GateRefused(PolicyRefused, MlflowException):  # type: ignore[misc]  # MLflow's class has no types
    """A gate refused. `unmet` lists the reasons; nothing is lost: `run_id` and `model_uri` name the place."""

    def __init__(
        self,
        what: str,
        *,
        run_id: str | None = None,
        model_uri: str | None = None,
        unmet: Sequence[str] = (),
        next: str | None = None,  # noqa: A002
    ) -> None:
        PolicyRefused.__init__(self, what, next=next)
        MlflowException.__init__(self, self.sentence(), error_code=PERMISSION_DENIED)
        self.run_id = run_id
        self.model_uri = model_uri
        self.unmet = tuple(unmet)
