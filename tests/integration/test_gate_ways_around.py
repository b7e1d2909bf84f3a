"""Ways around a gate: requests that work on a plain server, paths, answers and databases, and what is found afterwards."""

import contextlib
import json
import sqlite3
import urllib.error
import urllib.parse
import urllib.request

import pytest

from aims_mlflow.errors import AimsError
from support import commands, ways_into_use, ways_to_register
from support.ways_around import NO_APPROVAL, create, only_the_gate_refuses, set_alias

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("name", ways_to_register.WAYS)
def test_what_registers_on_a_plain_server_is_refused_by_the_gate(sites, clean_state, name):
    only_the_gate_refuses(sites, *ways_to_register.WAYS[name])


@pytest.mark.parametrize("name", ways_into_use.WAYS)
def test_what_comes_into_use_on_a_plain_server_is_refused_by_the_gate(sites, clean_state, name):
    only_the_gate_refuses(sites, *ways_into_use.WAYS[name])


@pytest.mark.parametrize(
    "place",
    [
        "mlflow-artifacts:/0/models/{good}/artifacts/../../{bare}/artifacts",
        "mlflow-artifacts:/0/models/{good}/artifacts/%2e%2e/%2e%2e/{bare}/artifacts",
        "mlflow-artifacts:/0/models/{good}/artifacts/./../../{bare}/artifacts",
        "models:/{good}/../{bare}",
        "s3://b/{good}/artifacts/../../{bare}",
        "file:///etc",
        "/etc",
    ],
)
def test_a_path_out_of_a_model_is_refused_by_mlflow_and_by_the_gate_itself(sites, place):
    """MLflow's handlers stop these today; the gate does not rest on that."""
    from aims_mlflow.errors import EvidenceError
    from aims_mlflow.server.stored_evidence import ServerEvidence

    for site in sites:
        source = place.format(good=site.good[1], bare=site.bare[1])
        status, text = create(site, site.new(), source, model_id=site.good[1])()
        assert status in (400, 403, 404), text
        with pytest.raises(EvidenceError, match=r"nothing can vouch for its bytes|there is no"):
            ServerEvidence(site.url).owner_of(source)


def test_graphql_changes_nothing_in_the_registry(sites):
    """A release of MLflow that adds a registry mutation fails here first."""
    for site in sites:
        status, text = site.call("graphql", prefix="/", query="{__schema{mutationType{fields{name}}}}")
        assert status == 200, text
        names = {f["name"] for f in json.loads(text)["data"]["__schema"]["mutationType"]["fields"]}
        assert names == {"mlflowSearchDatasets", "mlflowSearchRuns", "testMutation"}


def test_a_forged_answer_does_not_make_a_plain_registry_look_gated(sites):
    plain, ours = sites
    tags = [{"key": f"aims.{k}", "value": v} for k, v in (("version", "9"), ("enforcement", "enforce"))]
    plain.call("registered-models/create", name="aims.status", tags=tags)
    with plain.as_trainer():
        assert plain.must(f"registered-models/get?{urllib.parse.urlencode({'name': 'aims.status'})}", "GET")
        assert commands.aims("gate", "status", plain.url).startswith("NOT gated")
    with ours.as_trainer():
        assert commands.aims("gate", "status", ours.url).startswith("gated (")


def test_a_registry_without_the_plug_in_refuses_to_answer(tmp_path):
    """A gated server that lost its plug-in must not become a plain one."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(registry_uri=f"aims+nosuchdatabase:///{tmp_path}/mlflow.db")
    with pytest.raises(MlflowException, match="not supported by the store with URI"):
        client.create_registered_model("any")


def test_who_writes_with_the_databases_password_is_found(sites, clean_state):
    """No plug-in stands in that way: the reconciler names it, and the next decision does not build on it."""
    ours = sites[1]
    with ours.as_trainer():
        name = ours.new()
        number = ours.version(name, ours.good)
        with contextlib.closing(sqlite3.connect(ours.server.folder / "mlflow.db")) as database, database:
            columns = "(name, alias, version, workspace)"
            database.execute(
                f"INSERT INTO registered_model_aliases {columns} VALUES (?, 'champion', ?, 'default')", (name, number)
            )
        assert ours.registry()[name][0] == {"champion": number}
        ledger = f"sqlite:///{ours.server.folder}/mlflow.db.aims.db"
        where = ("--ledger", ledger, "--registry", ours.url, "--tracking", ours.url)
        found = [f for f in json.loads(_reconcile(*where))["findings"] if f["model_name"] == name]
        assert [(f["about"], f["alias"], f["control"]) for f in found] == [("ungated-alias", "champion", "A.6.2.5")]
        status, text = set_alias(ours, name, number)()
        assert (status, NO_APPROVAL in text) == (403, True), text


def test_a_registry_where_no_plug_in_runs_is_compared_with_an_empty_ledger(sites, clean_state, tmp_path):
    """As on a managed MLflow: nothing gates it, the policy is the folder's, and everything in it is a finding."""
    plain = sites[0]
    with plain.as_trainer():
        name, number = plain.in_use()
        where = ("--ledger", f"sqlite:///{tmp_path}/empty.db", "--registry", plain.url, "--tracking", plain.url)
        said = json.loads(_reconcile(*where))
        found = sorted((f["about"], f["control"], f.get("alias")) for f in said["findings"] if f["model_name"] == name)
        assert found == [("ungated-alias", "A.6.2.5", "champion"), ("ungated-version", "A.6.2.5", None)]
        assert said["new"] == len(said["findings"])
        assert json.loads(_reconcile(*where))["new"] == 0
        plain.must("registered-models/alias", "DELETE", name=name, alias="champion")
        closed = json.loads(_reconcile(*where))["closed"]
        assert closed == [f"champion of {name} points to version {number} without an allowing decision"]


def _reconcile(*args):
    from click.testing import CliRunner

    from aims_mlflow.cli.main import cli

    done = CliRunner().invoke(cli, ["gate", "reconcile", "--json", *args], standalone_mode=False)
    if isinstance(done.exception, AimsError):
        raise done.exception
    return done.stdout
