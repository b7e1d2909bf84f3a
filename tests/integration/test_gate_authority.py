"""The table of authority over time in docs/security.md, walked on a real server with its real commands.

`tests/unit/gates/test_authority.py` walks all of it on ledgers. Here a key ends as a platform team ends it (`aims keys`),
and a client asks over HTTP; the ways *send again* and *workspace*, and signers whose clock is set back, are there alone.
"""

import contextlib
import itertools
from pathlib import Path

import pytest

from aims_mlflow.settings import environment
from support import commands, trainings
from support.gated_registry import gated_server

pytestmark = pytest.mark.timeout(900)
DOCS = Path(__file__).parents[2] / "docs" / "security.md"
WAYS = ("register", "alias", "restore", "rename", "copy", "make again")
SHORT = [("approver", "stolen before", "after"), ("trainer", "revoked", "after")]
WHOLE = list(itertools.product(("trainer", "approver"), ("revoked", "stolen before", "rotated"), ("between", "after")))


def documented():
    """Return the table: (whose key, what becomes of it, when) -> way -> cell."""
    lines = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    at = next(number for number, line in enumerate(lines) if line.startswith("| whose key "))
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[at:]]
    return {tuple(row[:3]): dict(zip(rows[0][3:], row[3:], strict=False)) for row in rows[1:]}


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with gated_server(tmp_path_factory.mktemp("authority")) as gate, gate.as_trainer():
        yield gate


@pytest.mark.parametrize("row", [*SHORT, *(pytest.param(r, marks=pytest.mark.full) for r in WHOLE if r not in SHORT)])
def test_what_counts_on_a_real_server_is_what_the_table_says(gate, row):
    walk = Walk(gate, *row)
    cells = documented()[row]
    answers = {way: walk.back(way) for way in walk.names}
    assert answers == {way: cells[way] == "yes" for way in walk.names}
    assert "register" in answers or row[0] == "approver"


class Walk:
    """One model for each way; keys of this row alone, one of which ends."""

    def __init__(self, gate, signer, end, when):
        import mlflow

        self.gate, self.client = gate, mlflow.MlflowClient()
        self.row = f"{signer}-{end}-{when}".replace(" ", "-")
        keys = {role: self.person(role) for role in ("trainer", "approver")}
        with environment({"AIMS_SIGNING_KEY": f"file:{keys['trainer']}"}):
            _, self.source = trainings.train("loans", frame=trainings.table(3000, seed=len(self.row)))
        ways = [way for way in WAYS if (way != "register" or signer == "trainer")]
        # A model that was in use is deleted by retiring it, which takes the approval back by itself.
        ways.remove("make again" if when == "after" else "restore")
        self.names = {way: f"{self.row}-{way.replace(' ', '-')}" for way in ways}
        for name in self.names.values():
            self.client.create_registered_model(name)
            self.register(name)
            with environment({"AIMS_SIGNING_KEY": f"file:{keys['approver']}"}):
                commands.aims("approve", f"models:/{name}/1", "--stage", "deployment")
            if when == "after":
                self.client.set_registered_model_alias(name, "champion", "1")
        self.end(f"{self.row}-{signer}", end)

    def person(self, role):
        """Make a key of this row and trust it; returns its file."""
        path = self.gate.office.folder / f"{self.row}-{role}.pem"
        self.new_key(path)
        with environment(self.gate.office.environment()):
            public = str(path.with_suffix("")) + ".pub.pem"
            commands.aims("keys", "add", public, "--owner", f"{self.row}-{role}", "--role", role)
        return path

    def new_key(self, path):
        commands.aims("keys", "new", str(path))

    def end(self, owner, how):
        with environment(self.gate.office.environment()):
            if how == "rotated":
                follower = self.gate.office.folder / f"{owner}-next.pem"
                self.new_key(follower)
                commands.aims("keys", "rotate", owner, str(follower.with_suffix("")) + ".pub.pem")
            else:
                commands.aims("keys", "revoke", owner, *(["--from", "2020-01-01"] if how == "stolen before" else []))

    def register(self, name, **more):
        self.client.create_model_version(name, self.source, model_id=self.source.removeprefix("models:/"), **more)

    def back(self, way):
        """Bring the model (back) into use in one way; returns whether the gate lets it."""
        client, name = self.client, self.names[way]
        with contextlib.suppress(Refused), refusals():
            if way == "register":
                self.register(name, description="once more")
                return True
            if way == "restore":
                client.delete_registered_model_alias(name, "champion")
            elif way == "rename":
                client.rename_registered_model(name, f"{name}-new")
                name = f"{name}-new"
            elif way in ("copy", "make again"):
                if way == "make again":
                    client.delete_registered_model(name)
                else:
                    name = f"{name}-other"
                client.create_registered_model(name)
                self.register(name)
            client.set_registered_model_alias(name, "champion" if way == "restore" else "production", "1")
            return True
        return False


class Refused(Exception):
    """The gate's 403."""


@contextlib.contextmanager
def refusals():
    """Turn the gate's 403 into `Refused`; everything else is raised."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as exc:
        if exc.error_code != "PERMISSION_DENIED" or "incident" in str(exc):
            raise
        raise Refused from exc
