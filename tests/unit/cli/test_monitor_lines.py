"""The lines of `aims monitor run`: a column counts as compared only where it has a value."""

from types import SimpleNamespace

import pytest

from aims_mlflow.cli.monitor import _print
from aims_mlflow.records.evidence import Claim


@pytest.mark.parametrize(("known", "text"), [(0, "0 of 3 columns"), (2, "2 of 3 columns"), (3, "5 rows, 3 columns")])
def test_only_columns_with_a_value_were_compared(known, text, capsys):
    claims = [
        Claim(
            metric="drift", slice={"column": f"c{i}"}, value="0.1" if i < known else None, limit="0.2", comparator="<="
        )
        for i in range(3)
    ]
    outcome = SimpleNamespace(claims=claims, result="passed", recorded_details=lambda: None)
    _print(SimpleNamespace(outcome=outcome, version="1", rows=5, drifted=[], run_id="r"), "models:/m/1")
    assert f"{text} compared with the training baseline" in capsys.readouterr().out
