"""A refusal because something failed names what failed, where that is known, and nothing of the error's own text."""

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, TEMPORARILY_UNAVAILABLE
from sqlalchemy.exc import OperationalError

from aims_mlflow.errors import Unreachable
from aims_mlflow.server.failing_closed import closed
from support.faulty_gate import SECRET, failing

AWAY = "Registration refused: the gate could not decide: MLflow's database could not be read. Next: "


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError(SECRET, {}, Exception(SECRET)), AWAY),
        (MlflowException(SECRET, error_code=TEMPORARILY_UNAVAILABLE), AWAY),
        (MlflowException(SECRET, error_code=INTERNAL_ERROR), "Registration refused: the gate could not decide. Next: "),
        (RuntimeError(SECRET), "Registration refused: the gate could not decide. Next: "),
        (
            Unreachable("the ledger is away"),
            "Registration refused: the gate could not decide: the ledger is away. Next: ",
        ),
    ],
)
def test_a_failure_says_what_failed_where_it_is_known(error, said):
    with pytest.raises(MlflowException) as caught, closed("Registration"):
        failing(error)()
    text = caught.value.message
    assert text.startswith(f"{said}the platform team finds incident")
    assert SECRET not in text
    assert caught.value.get_http_status_code() == 403
