"""Small questions to documents: which version a plan names, and whether a cause says what has to be different."""

import pytest

from aims_mlflow.gates.document_content.causes import is_no_cause
from aims_mlflow.gates.document_content.rollback import rollback_version


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("version 99 (the one of May)", "99"), ("99", "99"), ("models:/income-screening/2", "2"), ("v3", "3"),
        ("version 1.", "1"), ("no version; clerks read 40 applications", None), ("release 2.4 of the rules", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_plan_goes_back_to_a_version_whatever_is_said_beside_it(words, version):
    assert rollback_version(words) == version


@pytest.mark.parametrize(
    "cause",
    ["human error", "Retrained.", "the model was retrained", "It was a bug", "model drift", "a mistake by the clerk"],
)
def test_what_names_nothing_that_could_be_different_is_no_cause(cause):
    assert is_no_cause(cause)


@pytest.mark.parametrize(
    "cause",
    [
        "a column was renamed upstream", "nobody had to look at the report", "the model was retrained on last year's data",
        "a bug in the mapping of countries", "no deputy", None,
    ],
)  # fmt: skip
def test_what_can_be_made_different_is_a_cause(cause):
    assert not is_no_cause(cause)
