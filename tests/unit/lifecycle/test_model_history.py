"""What let a version into use, as later decisions may rest on it."""

import pytest

from aims_mlflow.lifecycle.model_history import ModelHistory
from support.ledger_with_decisions import NAME, decided_ledger


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    registry = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('history')}/ledger.db")
    return ModelHistory(registry.ledger, NAME)


def test_a_version_may_return_to_the_alias_that_it_had_and_to_no_other(past):
    (deployed,) = [c.request for c in past.done("1") if c.stage == "deployment"]
    assert past.authority_of(deployed, "champion").approvals == ("olga",)
    assert past.prior_authority("1", "champion", None).request == deployed
    assert past.authority_of(deployed, "shadow") is None
    assert past.prior_authority("1", "shadow", None) is None


def test_a_registration_and_a_refusal_give_no_authority_for_an_alias(past):
    (registered,) = [c.request for c in past.done("1") if c.stage == "registration"]
    refused = [leaf.fact.request for leaf in past.ledger.leaves(types=("decision",)) if not leaf.fact.allowed]
    assert refused
    for request in (registered, *refused):
        assert past.authority_of(request, "champion") is None
        assert past.authority_of(request, None) is None
