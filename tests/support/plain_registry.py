"""The embedded registry past its gate, and the commands that compare it with the ledger."""

import json

import pytest


@pytest.fixture
def plain(registry):
    """The same registry past the gate, as somebody with the database's password has it."""
    import mlflow

    return mlflow.MlflowClient(registry_uri=f"sqlite:///{registry.folder}/mlflow.db")


def run(registry, *args):
    """Run a command against the plain registry and the ledger beside it; returns (exit status, what it printed)."""
    from click.testing import CliRunner

    from aims_mlflow.cli.main import cli

    place = f"sqlite:///{registry.folder}/mlflow.db"
    done = CliRunner().invoke(cli, [*args, "--registry", place], standalone_mode=False)
    if done.exception:
        raise done.exception
    import mlflow

    mlflow.set_registry_uri(f"aims+{place}")
    return done.return_value or 0, done.stdout


def reconcile(registry):
    status, out = run(registry, "gate", "reconcile", "--json")
    return status, json.loads(out)


def adopt(registry, *args):
    """Adopt as the approver, once the gated registry was started; returns (exit status, what it printed)."""
    import mlflow

    gated = mlflow.MlflowClient(registry_uri=f"aims+sqlite:///{registry.folder}/mlflow.db")
    gated.get_registered_model("aims.status")
    with registry.as_approver():
        return run(registry, "gate", "adopt", *args)


def kinds(found):
    return sorted(f["about"] for f in found["findings"])


def ungated(plain, name="old", alias=None):
    import mlflow
    from sklearn.linear_model import LogisticRegression

    with mlflow.start_run():
        info = mlflow.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name="model")
    if not [m for m in plain.search_registered_models() if m.name == name]:
        plain.create_registered_model(name)
    version = plain.create_model_version(name, info.model_uri, model_id=info.model_id)
    if alias:
        plain.set_registered_model_alias(name, alias, version.version)
    return str(version.version), info.model_uri
