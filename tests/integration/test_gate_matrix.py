"""The gate where it runs: one story on real servers that differ in database, workers, logins, workspaces and storage."""

import json
import time

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from aims_mlflow.errors import AimsError
from aims_mlflow.settings import environment
from support import commands, trainings
from support.commands import command
from support.gated_registry import refused
from support.long_runs import full_but
from support.server_matrix import VALUES, WORKSPACE, Row, approve, approve_as_olga, pairs, product, reconcile, running
from support.trainings import plain_model, train

pytestmark = pytest.mark.timeout(600)

# Every pair of values stands in at least one row; MLflow itself refuses none of them.
ROWS = (
    Row("postgresql", 4, logins=True, workspaces=False, artifacts="proxied", storage="s3"),
    Row("postgresql", 1, logins=False, workspaces=True, artifacts="direct", storage="s3"),
    Row("sqlite", 4, logins=False, workspaces=True, artifacts="proxied", storage="local"),
    Row("sqlite", 1, logins=True, workspaces=False, artifacts="direct", storage="local"),
    Row("postgresql", 4, logins=True, workspaces=True, artifacts="direct", storage="local"),
    Row("sqlite", 1, logins=False, workspaces=False, artifacts="proxied", storage="s3"),
)
REST = [row for row in product() if row not in ROWS]
# The others run in `tox -e full`: each starts a server and takes a minute.
DEFAULT = ROWS[:1]
# A file that was written less than two seconds ago is hashed again whatever is remembered.
SETTLED = 2.2


def test_every_pair_of_values_is_covered():
    assert set().union(*map(pairs, ROWS)) == set().union(*map(pairs, product()))
    assert len(ROWS) <= 8
    assert len(REST) == 2 ** len(VALUES) - len(ROWS)


@pytest.fixture(params=full_but(DEFAULT, [*ROWS, *REST]), ids=str)
def gate(request, tmp_path, clean_state):
    with running(request.param, tmp_path, request) as gate, gate.as_trainer():
        yield gate


def register_two(gate):
    """Register two trained models once their files have settled, so that a worker may remember what it hashed."""
    import mlflow

    made = [train("loans", frame=trainings.table(3000, seed=seed))[1] for seed in (1, 2)]
    text = refused(mlflow.register_model, plain_model(), "loans")
    assert "there is no evidence at all about these bytes" in text
    time.sleep(SETTLED)
    versions = [str(mlflow.register_model(uri, "loans").version) for uri in made]
    assert versions == ["1", "2"]
    return versions


def logins_are_held(gate, version, source):
    """Olga's key is of no use to another login, and without the right to edit not to her own."""
    if not gate.row.logins:
        return
    with environment({"AIMS_SIGNING_KEY": f"file:{gate.office.approver}"}), pytest.raises(AimsError) as wrong:
        approve(version)
    assert "signed with the key of olga, but logged in as ana" in str(wrong.value)
    with gate.as_approver():  # READ, which is the default
        with pytest.raises(AimsError, match="Permission denied"):
            approve(version)
        with pytest.raises(MlflowException, match="Permission denied"):
            MlflowClient().set_registered_model_alias("loans", "champion", version)
        assert command("gate", "status", gate.url)[0] == 0
        asked = command("gate", "explain", f"models:/loans/{version}", "--stage", "deployment")
        assert "approval by another person" in asked[1]
    assert not gate.leaves("approval")
    gate.may_edit("olga", "loans")
    with gate.as_approver():  # a registered model that is not there yet: nobody may ask anything about it
        waiver = ("--stage", "registration", "--break-glass", "--reason", "a pilot")
        commands.aims("waive", source, "--name", "pilot", *waiver)
    assert [x["model_name"].rpartition("/")[2] for x in gate.leaves("waiver")] == ["pilot"]


def aliases_need_the_rights_of_the_guide(gate, version):
    """EDIT sets an alias, and deleting it needs MANAGE, which the model's creator has."""
    if gate.row.logins:
        with gate.as_approver():
            MlflowClient().set_registered_model_alias("loans", "champion", version)
            with pytest.raises(MlflowException, match="Permission denied"):
                MlflowClient().delete_registered_model_alias("loans", "champion")


def history(gate):
    workspace = ("--workspace", WORKSPACE) if gate.row.workspaces else ()
    status, said = command("gate", "history", "loans", "--json", "--ledger", gate.ledger_uri, *workspace)
    return status, json.loads(said)


def test_the_gate_holds(gate):
    import mlflow

    client = mlflow.MlflowClient()
    status, said = command("gate", "status", gate.url)
    assert (status, said.split(",")[0]) == (0, "gated (enforce)"), said
    first, second = register_two(gate)

    put = client.set_registered_model_alias
    assert "approval by another person" in refused(put, "loans", "champion", first)
    status, said = command("gate", "explain", f"models:/loans/{first}", "--stage", "deployment")
    assert (status, "approval by another person" in said) == (1, True), said
    logins_are_held(gate, first, client.get_model_version("loans", first).source)
    approve_as_olga(gate, first)
    put("loans", "champion", first)
    assert client.get_model_version_by_alias("loans", "champion").version == first
    aliases_need_the_rights_of_the_guide(gate, first)
    approve_as_olga(gate, second)
    assert command("gate", "explain", f"models:/loans/{second}", "--stage", "deployment")[0] == 0

    gate.change(client.get_model_version("loans", second).source)
    time.sleep(SETTLED)
    assert "the model's files changed since version 2 was registered" in refused(put, "loans", "champion", second)
    assert client.get_model_version_by_alias("loans", "champion").version == first
    found = [x for x in gate.leaves("finding") if x["about"] == "changed-model"]
    assert [(x["version"], x["control"], x["state"]) for x in found] == [(second, "A.6.2.5", "open")]
    status, said = reconcile(gate)
    assert (status, said["findings"], said["settled"]) == (0, [], []), said

    client.delete_registered_model_alias("loans", "champion")
    put("loans", "champion", first)
    gate.change(client.get_model_version("loans", first).source)
    status, said = reconcile(gate)
    assert (status, [(x["about"], x["version"]) for x in said["findings"]]) == (1, [("changed-bytes", first)])
    client.delete_registered_model_alias("loans", "champion")
    status, said = history(gate)
    assert [(h["version"], h["ended_by"], h["approvals"]) for h in said["history"][-2:]] == [
        (first, "withdrawn", ["olga"]),
        (first, "withdrawn", ["olga"]),
    ]
