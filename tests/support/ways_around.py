"""A plain server and a gated one, and a way to say what a client tries on both."""

import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

import pytest

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import GatedServer
from support import commands, trainings
from support.gated_registry import Gated
from support.trainings import train

API, AJAX = "/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"


IS_PROMPT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]


class PlainServer(GatedServer):
    """The same server without our one option."""

    def command(self):
        whole = super().command()
        at = whole.index("--registry-store-uri")
        return whole[:at] + whole[at + 2 :]


@dataclass
class Site(Gated):
    """One server, and what lies on it: models as (run id, model id)."""

    is_gated: bool = False
    names: list[str] = field(default_factory=list)
    good: tuple[str, ...] = ()
    unfair: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()

    def call(self, method, verb="POST", prefix=API, **body):
        return self.send(prefix + method, verb, json.dumps(body).encode())

    def send(self, path, verb="GET", data=None):
        """Returns (status, text)."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=verb)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            return exc.code, exc.read().decode()

    def must(self, *args, **body):
        status, text = self.call(*args, **body)
        assert status == 200, text
        return json.loads(text)

    def artifact(self, path, verb="GET", data=None):
        """Read a file through MLflow's artifact proxy; write or delete it on the server's disk, past MLflow.

        The proxy of a gated server refuses to change what was registered, as test_artifact_door.py shows.
        """
        if verb == "GET":
            with urllib.request.urlopen(f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{path}") as answer:
                return answer.read()
        file = self.server.folder / "artifacts" / path
        if verb == "DELETE":
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return b""

    @contextlib.contextmanager
    def changed(self, path, data):
        """Overwrite a file (or delete it: None) and put it back."""
        before = self.artifact(path)
        self.artifact(path, "DELETE" if data is None else "PUT", data)
        try:
            yield
        finally:
            self.artifact(path, "PUT", before)

    def new(self, prefix="enforced"):
        """Make a registered model with a name of its own."""
        name = f"{prefix}-{len(self.names)}"
        self.names.append(name)
        self.must("registered-models/create", name=name)
        return name

    def version(self, name, model, **more):
        """Register a logged model, as the plain client call does; returns the version's number."""
        made = self.must("model-versions/create", name=name, source=f"models:/{model[1]}", model_id=model[1], **more)
        return made["model_version"]["version"]

    def approve(self, name, version, alias="champion"):
        if self.is_gated:
            with self.as_approver():
                commands.aims("approve", f"models:/{name}/{version}", "--stage", "deployment", "--alias", alias)

    def in_use(self, alias="champion"):
        """Return a model whose first version, the compliant one, holds an alias in good order."""
        name = self.new()
        version = self.version(name, self.good)
        self.approve(name, version, alias)
        self.must("registered-models/alias", name=name, alias=alias, version=version)
        return name, version

    def session_path(self, model):
        """Where the proxy has the session file of a model's run."""
        query = urllib.parse.urlencode({"run_id": model[0], "path": "aims/sessions"})
        listed = json.loads(self.send(f"{API}artifacts/list?{query}")[1])["files"]
        (path,) = [f["path"] for f in listed if f["path"].endswith(".jsonl")]
        return f"0/{model[0]}/artifacts/{path}"

    def registry(self):
        """Everything that the registry says, as a client sees it."""
        import mlflow

        client = mlflow.MlflowClient(self.url, self.url)
        versions = client.search_model_versions(max_results=10_000)
        out = {m.name: (m.aliases, m.tags, []) for m in client.search_registered_models(max_results=1000)}
        for name in {v.name for v in versions} - set(out):  # a prompt, as MLflow takes it: not listed among models
            query = urllib.parse.urlencode({"name": name, "alias": "champion"})
            out[name] = (self.send(f"{API}registered-models/alias?{query}"), {}, [])
        for v in versions:
            out[v.name][2].append((v.version, v.source, v.run_id, v.current_stage, str(v.tags)))
        return out


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The plain server and the gated one, each with a compliant model, a bare one and an unfair one."""
    with contextlib.ExitStack() as running:
        out = []
        for kind, is_gated in ((PlainServer, False), (GatedServer, True)):
            folder = tmp_path_factory.mktemp("gated" if is_gated else "plain")
            office = Office(folder)
            set_up(office, run_command)
            site = Site(office, kind(folder / "server", office.environment()), is_gated)
            site.change_policy(
                lambda p: p["enforcement"].append({"models": "observed-*", "stage": "*", "mode": "observe"})
            )
            running.enter_context(site.server)
            with site.as_trainer():
                site.good = _ids(train("loans", frame=trainings.table(2000)))
                site.unfair = _ids(train("loans", frame=trainings.table(2000, fair=False)))
                site.bare = _bare()
            out.append(site)
        yield out


def _ids(trained):
    return trained[0], trained[1].removeprefix("models:/")


def _bare():
    import mlflow
    from sklearn.linear_model import LogisticRegression

    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name="model")
    return run.info.run_id, info.model_id


def ways_around():
    """Returns an empty dictionary of ways by name, and the decorator that fills it.

    `@way(reason)` is put on a generator that prepares a site and yields the request; `reason` is the refusal's.
    """
    ways = {}

    def way(reason):
        def keep(function):
            ways[function.__name__] = (contextlib.contextmanager(function), reason)
            return function

        return keep

    return ways, way


def only_the_gate_refuses(sites, prepare, reason):
    """Check that a way changes the registry of the plain server, and that the gated one refuses it with the reason."""
    for site in sites:
        with site.as_trainer(), prepare(site) as ask:
            before = site.registry()
            status, text = ask()
            after = site.registry()
        if site.is_gated:
            assert status == 403, text
            assert json.loads(text)["error_code"] == "PERMISSION_DENIED"
            assert reason in text
            assert before == after
        else:
            assert status == 200, f"no way around MLflow itself: {text}"
            assert before != after


def create(site, name, source, prefix=API, **more):
    return lambda: site.call("model-versions/create", prefix=prefix, name=name, source=source, **more)


def set_alias(site, name, version, alias="champion", prefix=API):
    return lambda: site.call("registered-models/alias", prefix=prefix, name=name, alias=alias, version=version)


NO_EVIDENCE = "there is no evidence at all about these bytes"


NOBODYS = "nothing can vouch for its bytes"


NO_APPROVAL = "an approval by another person than the trainer is missing"


CHANGED = "files changed since version 1 was registered"
