"""Versions of a model in the order of their numbers: the tenth comes after the second."""

from aims_mlflow.gates.document_content.rollback import why_no_way_back
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import ways_back
from aims_mlflow.management.findings.live_versions import deployed
from support.ledger_with_decisions import GOOD, NAME, decided_ledger


def test_versions_are_told_in_the_order_of_their_numbers(tmp_path):
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert registry.ask("registration", registry.train(GOOD, "0.91"), GOOD, "10").allowed
    there = ways_back(ModelHistory(registry.ledger, NAME))
    assert there == ("1", "2", "10")
    assert str(why_no_way_back("7", "10", there)).endswith("(it has 1, 2, 10)")
    (live,) = deployed(registry.ledger)
    assert live.versions == there
