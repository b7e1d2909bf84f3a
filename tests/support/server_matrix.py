"""Real MLflow servers behind the gate, as platform teams run them: database, workers, logins, workspaces, storage."""

import contextlib
import itertools
import json
import logging
import os
import socket
import sys
import time
import uuid
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
import requests

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import START_SECONDS, GatedServer
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.settings import environment
from support import commands
from support.commands import command
from support.fresh_database import fresh_database
from support.gated_registry import Gated
from support.postgresql import new_database

ADMIN = ("admin", "admin-password-1234")
PASSWORD = "{}-password-1234"
WORKSPACE = "credit"
# Uvicorn kills a worker that does not answer it for 5 s, which on a busy machine may be one that starts.
PATIENCE = ["--uvicorn-opts", "--timeout-worker-healthcheck 120"]
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}


@dataclass(frozen=True)
class Row:
    """One way to run a server."""

    database: str = "sqlite"
    workers: int = 1
    logins: bool = False
    workspaces: bool = False
    artifacts: str = "proxied"
    storage: str = "local"

    def __str__(self):
        words = [self.database, f"{self.workers}workers", self.artifacts, self.storage]
        return "-".join([*words, *(n for n in ("logins", "workspaces") if getattr(self, n))])


VALUES = {
    "database": ("sqlite", "postgresql"),
    "workers": (1, 4),
    "logins": (False, True),
    "workspaces": (False, True),
    "artifacts": ("proxied", "direct"),
    "storage": ("local", "s3"),
}
assert tuple(VALUES) == tuple(f.name for f in fields(Row))


def pairs(row):
    """Return the pairs of values that a row has."""
    return set(itertools.combinations([(name, getattr(row, name)) for name in VALUES], 2))


def product():
    """Return every way to run a server."""
    return [Row(*values) for values in itertools.product(*VALUES.values())]


class RowServer(GatedServer):
    """A server as a row says; `database` is the address of its empty database."""

    def __init__(self, folder, environment, row, database, root):
        super().__init__(folder, environment)
        self.row, self.database, self.root = row, database, root

    def command(self):
        where = ["--artifacts-destination", self.root]
        if self.row.artifacts == "direct":
            where = ["--no-serve-artifacts", "--default-artifact-root", self.root]
        return [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", str(self.row.workers), *(PATIENCE if self.row.workers > 1 else []),
            "--backend-store-uri", self.database, "--registry-store-uri", f"aims+{self.database}", *where,
            *(["--app-name", "basic-auth"] if self.row.logins else []),
            *(["--enable-workspaces", "--workspace-store-uri", f"aims+{self.database}"] if self.row.workspaces else []),
        ]  # fmt: skip


@dataclass
class Running(Gated):
    """A running server of one row, with the clients' side of it."""

    server: RowServer
    row: Row = None
    s3: dict[str, str] = None

    @property
    def ledger_uri(self):
        return f"{self.server.database}.aims.db" if self.row.database == "sqlite" else self.server.database

    @property
    def ledger(self):

        return Ledger(self.ledger_uri)

    def leaves(self, *types):
        return [leaf.content for leaf in self.ledger.leaves(types=types)]

    def login(self, name):
        """Return the variables with which a person is logged in, where the server asks."""
        if not self.row.logins:
            return {}
        return {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": PASSWORD.format(name)}

    @contextlib.contextmanager
    def as_trainer(self):
        # Clients hold keys to the store only where artifacts do not pass through the server.
        keys = self.s3 if (self.row.artifacts, self.row.storage) == ("direct", "s3") else {}
        with environment({**keys, **self.login("ana")}), self._in_workspace(), super().as_trainer():
            yield self

    def enter_experiment(self):
        import mlflow

        mlflow.set_experiment("loans")  # one of the login's own: the default one is the administrator's

    @contextlib.contextmanager
    def as_approver(self):
        with environment(self.login("olga")), super().as_approver():
            yield

    @contextlib.contextmanager
    def _in_workspace(self):
        from mlflow.utils.workspace_context import WorkspaceContext

        with WorkspaceContext(WORKSPACE) if self.row.workspaces else contextlib.nullcontext():
            yield

    def let_in(self):
        """Give the two people their logins and least rights, as an administrator does once."""
        import mlflow

        mlflow.set_tracking_uri(self.url)
        with environment(dict(zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), ADMIN, strict=True))):
            if self.row.workspaces:
                mlflow.MlflowClient().create_workspace(WORKSPACE)
            if self.row.logins:
                self._add_people()

    def _add_people(self):
        from mlflow.server import get_app_client

        admin = get_app_client("basic-auth", tracking_uri=self.url)
        for name in ("ana", "olga"):
            admin.create_user(name, PASSWORD.format(name))
        if self.row.workspaces:
            # Whoever may use a workspace may not read what is in it: MLflow asks for each kind.
            role = admin.create_role(WORKSPACE, "members")
            for kind, permission in (
                ("workspace", "USE"),
                ("registered_model", "READ"),
                ("experiment", "READ"),
            ):
                admin.add_role_permission(role.id, kind, "*", permission)
            for name in ("ana", "olga"):
                admin.assign_role(name, role.id)

    def may_edit(self, name, model):
        """Let a login edit one registered model: MLflow asks for that where tags are set, and so for approvals."""
        from mlflow.server import get_app_client

        if not self.row.logins:
            return
        with environment(dict(zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), ADMIN, strict=True))):
            admin = get_app_client("basic-auth", tracking_uri=self.url)
            if self.row.workspaces:
                role = admin.create_role(WORKSPACE, f"{name} edits {model}")
                admin.add_role_permission(role.id, "registered_model", model, "EDIT")
                admin.assign_role(name, role.id)
            else:
                admin.grant_user_permission(name, "registered_model", model, "EDIT")

    # -- the store behind the gate's back ------------------------------------------------------

    def files_of(self, uri):
        """Return the places of a logged model's files in the store itself: paths, or keys in the bucket."""
        part = f"{uri.removeprefix('models:/')}/artifacts/"
        if self.row.storage == "local":
            root = Path(self.server.root)
            return [p for p in root.rglob("*") if p.is_file() and part in p.as_posix()]
        listed = bucket(self.s3, self.server.root).objects.all()
        return [found.key for found in listed if part in found.key]

    def change(self, uri, name="MLmodel"):
        """Overwrite one file of a logged model in the store, by as many other bytes, its time put back where one can."""
        place = next(p for p in self.files_of(uri) if str(p).endswith(f"/{name}"))
        if self.row.storage == "local":
            before, old = place.stat(), place.read_bytes()
            place.write_bytes(other(old))
            os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
            return
        found = bucket(self.s3, self.server.root).Object(place)
        found.put(Body=other(found.get()["Body"].read()))


def other(data):
    """Return as many bytes that say something else."""
    changed = data.replace(b"flavors", b"FLAVORS", 1)
    assert changed != data
    assert len(changed) == len(data)
    return changed


def bucket(variables, address):
    import boto3

    resource = boto3.resource(
        "s3",
        endpoint_url=variables["MLFLOW_S3_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
    )
    return resource.Bucket(address.removeprefix("s3://").split("/")[0])


@contextlib.contextmanager
def running(row, folder, request):
    """Start a server as a row says, with its people, keys, policy and an empty store."""
    office = Office(folder)
    set_up(office, run_command)
    variables, more, root = office.environment(), {}, str(folder / "store")
    if row.storage == "s3":
        more = request.getfixturevalue("s3")
        root = f"s3://row{uuid.uuid4().hex[:12]}"
        bucket(more, root).create(CreateBucketConfiguration={"LocationConstraint": AWS["AWS_DEFAULT_REGION"]})
    if row.logins:
        variables |= _login_settings(folder, _logins_database(row, folder, request))
    server = RowServer(folder / "server", {**variables, **more}, row, _database(row, folder, request), root)
    gate = Running(office, server, row, more)
    with server:
        _await_workers(server.url, row.workers)
        gate.let_in()
        yield gate


def _await_workers(url, workers):
    """Wait until each worker has answered what a client asks first: MLflow's client waits for it for three seconds."""
    quick, ends = 0, time.monotonic() + START_SECONDS
    while quick < 4 * workers and time.monotonic() < ends:
        began = time.monotonic()
        with contextlib.suppress(requests.RequestException):
            requests.get(f"{url}/api/3.0/mlflow/server-info", timeout=60)
        quick = quick + 1 if time.monotonic() - began < 1 else 0


def _database(row, folder, request):
    if row.database == "sqlite":
        return fresh_database(folder)
    return new_database(request.getfixturevalue("postgres_server"), request.getfixturevalue("migrated"))


def _logins_database(row, folder, request):
    if row.database == "sqlite":
        return f"sqlite:///{folder / 'logins.db'}"
    return new_database(request.getfixturevalue("postgres_server"))


def _login_settings(folder, database):
    path = folder / "basic_auth.ini"
    path.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {database}\nadmin_username = {ADMIN[0]}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        # MLflow hashes the password several times for each request otherwise, which is most of a test's time.
        "auth_cache_ttl_seconds = 600\n"
    )
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(path),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "only for tests",
    }


@pytest.fixture(scope="session")
def s3():
    """The variables by which clients and servers reach an S3 server on loopback."""
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = moto.ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield {**AWS, "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    server.stop()


def approve(version):
    commands.aims("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "champion")


def approve_as_olga(gate, version):
    with gate.as_approver():
        approve(version)


def reconcile(gate):
    status, said = command("gate", "reconcile", "--json", "--ledger", gate.ledger_uri)
    return status, json.loads(said)


def workers_of(server):
    """Return the ids of a server's worker processes."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = os.getpgid(int(place.name)) == server._process.pid
            if ours and b"spawn_main" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found
