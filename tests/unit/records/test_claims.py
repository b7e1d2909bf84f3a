"""Values of claims as decimal text, and claims without a value."""

import pytest

from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1e-7, "0.0000001"), (3.0, "3"), (float("nan"), None), (1e20, "1" + "0" * 20)]
)
def test_decimal_text_is_the_shortest_that_reads_back(value, text):
    assert decimal_text(value) == text


def test_a_claim_without_value_is_undefined_and_not_a_pass():
    from aims_mlflow.records.evidence import result_of

    assert result_of([]) == "not_evaluated"
    assert result_of([Claim(metric="m", limit="1", comparator=">=")]) == "not_evaluated"
    assert result_of([Claim(metric="m", value="2", limit="1", comparator=">=", passed=True)]) == "passed"
    assert result_of([Claim(metric="m", passed=False, severity="warning"), Claim(metric="n", passed=True)]) == "warned"
    assert result_of([Claim(metric="m", passed=False), Claim(metric="n")]) == "failed"
