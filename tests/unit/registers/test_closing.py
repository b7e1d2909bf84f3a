"""What closes a finding: the thing itself, under any name, and never a hand."""

import pytest

from aims_mlflow.errors import EvidenceError
from aims_mlflow.registers.findings import open_findings
from support import commands


def states(registry, kind):
    return [leaf["state"] for leaf in registry.leaves("finding") if leaf["about"] == kind]


def test_an_alias_that_is_set_again_needs_no_retirement_record(registry, client, use):
    version, _ = use()
    client.delete_registered_model_alias("loans", "champion")
    client.set_registered_model_alias("loans", "champion", version)
    assert states(registry, "retirement-due") == ["open", "closed"]


def test_a_retired_version_owes_no_second_record(registry, client, use):
    version, _ = use()
    registry.say("gate", "retire", f"models:/loans/{version}", "--reason", "replaced")
    client.delete_registered_model_alias("loans", "champion")
    assert states(registry, "retirement-due") == []


def test_a_renamed_models_finding_is_closed_under_its_new_name(registry, client, use):
    version, _ = use()
    client.delete_registered_model_alias("loans", "champion")
    client.rename_registered_model("loans", "credit")
    registry.say("gate", "retire", f"models:/credit/{version}", "--reason", "replaced")
    assert open_findings(registry.ledger) == {}


@pytest.mark.parametrize("whole", [False, True])
def test_a_deletion_closes_what_was_open_about_its_versions(registry, client, use, whole):
    version, _ = use()
    registry.change_policy(lambda p: p["enforcement"].append({"models": "*", "stage": "*", "mode": "observe"}))
    client.delete_registered_model_alias("loans", "champion")
    assert open_findings(registry.ledger) != {}
    if whole:
        client.delete_registered_model("loans")
    else:
        client.delete_model_version("loans", version)
    assert open_findings(registry.ledger) == {}


def test_a_finding_is_not_closed_by_hand(registry, client, use):
    use()
    client.delete_registered_model_alias("loans", "champion")
    (key,) = open_findings(registry.ledger)
    with pytest.raises(EvidenceError, match=r"not closed by hand.*aims gate retire"):
        registry.say("gate", "close", key, "--reason", "enough", "--registry", f"sqlite:///{registry.folder}/mlflow.db")
    status, shown = commands.command("gate", "findings", "--registry", f"sqlite:///{registry.folder}/mlflow.db")
    assert (status, "A.6.1.3 retirement-due: champion was withdrawn" in shown, "1 finding" in shown) == (1, True, True)
