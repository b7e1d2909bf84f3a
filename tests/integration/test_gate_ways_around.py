"""Ways around a naive gate that MLflow itself accepts: each works on a plain server, and not on ours.

A way prepares what it needs on either server and returns the one request that matters. On the plain server that
request goes through and changes the registry; on the gated one the very same request is a 403, and nothing changes.
"""

import contextlib
import json
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

import pytest

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import GatedServer
from aims_mlflow.errors import AimsError
from support import commands, trainings
from support.gated_registry import Gated
from support.trainings import train

pytestmark = pytest.mark.timeout(300)
API, AJAX = "/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"
IS_PROMPT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
WAYS = {}


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
    names: list = field(default_factory=list)

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
        """Read, write or delete a file through MLflow's artifact proxy, past the registry."""
        request = urllib.request.Request(f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{path}", data, {}, method=verb)
        with urllib.request.urlopen(request) as answer:
            return answer.read()

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


def way(reason):
    """Register a way around: a context manager that prepares a site and yields the request; `reason`: the refusal's."""

    def keep(function):
        WAYS[function.__name__] = (contextlib.contextmanager(function), reason)
        return function

    return keep


def create(site, name, source, prefix=API, **more):
    return lambda: site.call("model-versions/create", prefix=prefix, name=name, source=source, **more)


def set_alias(site, name, version, alias="champion", prefix=API):
    return lambda: site.call("registered-models/alias", prefix=prefix, name=name, alias=alias, version=version)


NO_EVIDENCE = "there is no evidence at all about these bytes"
NOBODYS = "nothing can vouch for its bytes"
NO_APPROVAL = "an approval by another person than the trainer is missing"
CHANGED = "files changed since version 1 was registered"


# -- a source that is not what it says ------------------------------------------------------


@way(NO_EVIDENCE)
def a_model_without_evidence(site):
    yield create(site, site.new(), f"models:/{site.bare[1]}", model_id=site.bare[1])


@way(NO_EVIDENCE)
def the_same_through_the_pages_own_path(site):
    yield create(site, site.new(), f"models:/{site.bare[1]}", AJAX, model_id=site.bare[1])


@way(NO_EVIDENCE)
def a_model_by_the_name_of_its_run(site):
    yield create(site, site.new(), f"runs:/{site.bare[0]}/model", run_id=site.bare[0])


@way(NO_EVIDENCE)
def a_model_by_the_place_of_its_files(site):
    place = f"mlflow-artifacts:/0/models/{site.bare[1]}/artifacts"
    yield create(site, site.new(), place, model_id=site.bare[1])


@way(NOBODYS)
def bytes_elsewhere_with_a_compliant_run(site):
    yield create(site, site.new(), "s3://anything/model", run_id=site.good[0])


@way(NOBODYS)
def bytes_elsewhere_with_a_compliant_logged_model(site):
    yield create(site, site.new(), "s3://anything/model", model_id=site.good[1])


@way(NOBODYS)
def bytes_elsewhere_under_the_compliant_models_id(site):
    yield create(site, site.new(), f"s3://anything/{site.good[1]}/artifacts", model_id=site.good[1])


@way(NOBODYS)
def bytes_elsewhere_that_nobody_vouches_for(site):
    yield create(site, site.new(), "gs://anything/model")


@way(NOBODYS)
def bytes_in_another_kind_of_store(site):
    yield create(site, site.new(), "dbfs:/model", run_id=site.good[0])


@way(NO_EVIDENCE)
def bytes_smuggled_among_a_compliant_runs_artifacts(site):
    for name in ("MLmodel", "model.skops"):
        with contextlib.suppress(urllib.error.HTTPError):
            data = site.artifact(f"0/models/{site.bare[1]}/artifacts/{name}")
            site.artifact(f"0/{site.good[0]}/artifacts/smuggled/{name}", "PUT", data)
    yield create(site, site.new(), f"mlflow-artifacts:/0/{site.good[0]}/artifacts/smuggled", run_id=site.good[0])


@way(NOBODYS)
def a_folder_below_the_compliant_model(site):
    below = f"mlflow-artifacts:/0/models/{site.good[1]}/artifacts/below"
    yield create(site, site.new(), below, model_id=site.good[1])


@way(NO_EVIDENCE)
def a_logged_model_made_over_rest_for_the_compliant_run(site):
    made = site.must("logged-models", experiment_id="0", name="forged", source_run_id=site.good[0])
    forged = made["model"]["info"]["model_id"]
    site.artifact(f"0/models/{forged}/artifacts/MLmodel", "PUT", b"flavors: {}\n")
    site.must(f"logged-models/{forged}", "PATCH", model_id=forged, status="LOGGED_MODEL_READY")
    yield create(site, site.new(), f"models:/{forged}", model_id=forged)


# -- copies ---------------------------------------------------------------------------------


@way(NO_EVIDENCE)
def a_copy_of_a_version_from_a_model_that_is_not_enforced(site):
    other = site.new("observed")
    site.version(other, site.bare)
    yield create(site, site.new(), f"models:/{other}/1")


@way(NO_EVIDENCE)
def a_copy_with_forged_tags(site):
    other = site.new("observed")
    site.version(other, site.bare)
    yield create(site, site.new(), f"models:/{other}/1", tags=[{"key": "aims.decision", "value": "allowed"}])


@way(NO_EVIDENCE)
def a_copy_of_a_copy(site):
    first, second = site.new("observed"), site.new("observed")
    site.version(first, site.bare)
    site.must("model-versions/create", name=second, source=f"models:/{first}/1")
    yield create(site, site.new(), f"models:/{second}/1")


# -- names, tags and prompts ----------------------------------------------------------------


@way("only the gate itself writes")
def the_gates_tags_at_creation(site):
    forged = [{"key": "aims.decision", "value": "allowed"}]
    source, more = f"models:/{site.good[1]}", {"model_id": site.good[1]}
    yield create(site, site.new(), source, tags=forged, **more)


@way("only the gate itself writes")
def the_gates_tags_in_capitals(site):
    forged = [{"key": "AIMS.Decision", "value": "allowed"}]
    yield create(site, site.new(), f"models:/{site.good[1]}", tags=forged, model_id=site.good[1])


@way("only the gate itself writes")
def the_gates_tags_on_a_new_registered_model(site):
    forged = [{"key": "aims.approval", "value": "by olga"}]
    yield lambda: site.call("registered-models/create", name=f"forged-{site.is_gated}", tags=forged)


@way("only the gate itself writes")
def the_gates_tags_set_later_on_a_version(site):
    name = site.new()
    number = site.version(name, site.good)
    yield lambda: site.call("model-versions/set-tag", name=name, version=number, key="aims.decision", value="fine")


@way("only the gate itself writes")
def the_gates_tags_set_later_on_a_model(site):
    name = site.new()
    yield lambda: site.call("registered-models/set-tag", name=name, key="aims.waiver", value="all")


@way("The approval refused")
def an_approval_that_nobody_signed(site):
    name = site.new()
    tag = {"key": f"aims.approval.{'0' * 32}", "value": '{"payload": "", "signatures": []}'}
    yield lambda: site.call("registered-models/set-tag", name=name, **tag)


@way("only the gate itself writes")
def a_version_s_waiver_mark_taken_off(site):
    name = site.new()
    number = site.version(name, site.good)
    if not site.is_gated:
        site.must("model-versions/set-tag", name=name, version=number, key="aims.decision", value="allowed, WAIVED")
    body = {"name": name, "version": number, "key": "aims.decision"}
    yield lambda: site.call("model-versions/delete-tag", "DELETE", **body)


@way("only the gate itself writes")
def a_model_that_answers_like_the_gate(site):
    body = {"name": "aims.status", "tags": [{"key": "aims.enforcement", "value": "enforce"}]}
    yield lambda: site.call("registered-models/create", **body)


@way(NO_EVIDENCE)
def a_model_hidden_in_a_prompt(site):
    name = f"posing-{site.is_gated}"
    site.must("registered-models/create", name=name, tags=IS_PROMPT)
    yield create(site, name, f"models:/{site.bare[1]}", model_id=site.bare[1])


@way(NO_EVIDENCE)
def a_model_tagged_as_a_prompt_put_into_use(site):
    """In observe mode it got in; the tag must not take it out of the rules for its alias."""
    name = site.new("observed")
    number = site.version(name, site.bare)
    site.must("registered-models/set-tag", name=name, **IS_PROMPT[0])
    site.must("model-versions/set-tag", name=name, version=number, **IS_PROMPT[0])
    if site.is_gated:
        site.change_policy(
            lambda p: p["enforcement"].append({"models": name, "stage": "deployment", "mode": "enforce"})
        )

    def ask():
        done = set_alias(site, name, number)()
        if done[0] == 200:  # the mark has served, and models:/NAME@champion loads the model again
            return site.call("registered-models/delete-tag", "DELETE", name=name, key=IS_PROMPT[0]["key"])
        return done

    yield ask


# -- into use -------------------------------------------------------------------------------


@way(NO_APPROVAL)
def an_alias_without_an_approval(site):
    name = site.new()
    yield set_alias(site, name, site.version(name, site.good))


@way(NO_APPROVAL)
def an_alias_through_the_pages_own_path(site):
    name = site.new()
    yield set_alias(site, name, site.version(name, site.good), prefix=AJAX)


@way(NO_APPROVAL)
def an_alias_in_other_letters(site):
    name = site.new()
    yield set_alias(site, name, site.version(name, site.good), "Champion")


@way(NO_APPROVAL)
def an_alias_of_a_version_whose_number_is_written_otherwise(site):
    name = site.new()
    site.version(name, site.good)
    yield set_alias(site, name, "+01")


@way(NO_APPROVAL)
def a_stage_transition(site):
    name = site.new()
    body = {"name": name, "version": site.version(name, site.good), "archive_existing_versions": False}
    yield lambda: site.call("model-versions/transition-stage", stage="Production", **body)


@way(NO_APPROVAL)
def a_stage_transition_in_other_letters_and_digits(site):
    name = site.new()
    site.version(name, site.good)
    body = {"name": name, "version": "01", "stage": "pRODUCTION", "archive_existing_versions": True}
    yield lambda: site.call("model-versions/transition-stage", prefix=AJAX, **body)


@way(NO_APPROVAL)
def an_approval_for_another_alias(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number, "champion")
    yield set_alias(site, name, number, "production")


@way("is under other rules than")
def a_model_in_use_renamed_into_an_enforced_name(site):
    name = site.new("observed")
    set_alias(site, name, site.version(name, site.bare))()
    yield lambda: site.call("registered-models/rename", name=name, new_name=f"loans-{site.is_gated}")


# -- bytes and evidence that change behind the registry ---------------------------------------


@way(CHANGED)
def model_files_overwritten_after_registration(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield set_alias(site, name, number)


@way(CHANGED)
def a_file_added_to_the_model_after_registration(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/code/more.py"
    site.artifact(path, "PUT", b"import os\n")
    try:
        yield set_alias(site, name, number)
    finally:
        site.artifact(path, "DELETE")


@way(CHANGED)
def bytes_hidden_in_the_file_that_mlflow_adds(site):
    """`registered_model_meta` is left out of the digest: only while it is as small as MLflow's own."""
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/registered_model_meta"
    site.artifact(path, "PUT", b"x" * 5000)
    try:
        yield set_alias(site, name, number)
    finally:
        site.artifact(path, "DELETE")


@way(CHANGED)
def a_version_written_otherwise_whose_files_changed(site):
    """The number is what finds the digest at registration: MLflow takes 01 for 1."""
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield set_alias(site, name, "01")


@way(CHANGED)
def moving_back_to_a_version_whose_files_changed(site):
    name, first = site.in_use()
    second = site.version(name, site.good, description="again")
    site.approve(name, second)
    site.must("registered-models/alias", name=name, alias="champion", version=second)
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield set_alias(site, name, first)


@way(NO_EVIDENCE)
def a_model_replaced_before_registration(site):
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield create(site, site.new(), f"models:/{site.good[1]}", model_id=site.good[1])


@way("selection-rate ratio for sex=f is 0.")
def numbers_written_into_a_finished_run(site):
    run_id = site.unfair[0]
    site.must("runs/log-metric", run_id=run_id, key="selection_rate_ratio", value=0.99, timestamp=1)
    site.must("runs/set-tag", run_id=run_id, key="mlflow.user", value="olga")
    site.must("runs/set-tag", run_id=run_id, key="aims.decision", value="allowed")
    yield create(site, site.new(), f"models:/{site.unfair[1]}", model_id=site.unfair[1])


@way("evidence is unverifiable")
def evidence_edited_in_a_finished_run(site):
    path = site.session_path(site.unfair)
    lines = site.artifact(path).splitlines(keepends=True)
    envelope = json.loads(lines[4])
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAA="
    with site.changed(path, b"".join([*lines[:4], json.dumps(envelope).encode() + b"\n", *lines[5:]])):
        yield create(site, site.new(), f"models:/{site.unfair[1]}", model_id=site.unfair[1])


@way(NO_EVIDENCE)
def evidence_deleted_from_a_finished_run(site):
    with site.changed(site.session_path(site.unfair), None):
        yield create(site, site.new(), f"models:/{site.unfair[1]}", model_id=site.unfair[1])


@way(NO_EVIDENCE)
def evidence_of_another_model_copied_into_the_run(site):
    data = site.artifact(site.session_path(site.good))
    path = f"0/{site.bare[0]}/artifacts/aims/sessions/copied.jsonl"
    site.artifact(path, "PUT", data)
    try:
        yield create(site, site.new(), f"models:/{site.bare[1]}", model_id=site.bare[1])
    finally:
        site.artifact(path, "DELETE")


@way(NO_EVIDENCE)
def evidence_deleted_between_registration_and_use(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    with site.changed(site.session_path(site.good), None):
        yield set_alias(site, name, number)


# -- traces of what was in use ----------------------------------------------------------------


@way("was in use, and has no retirement record")
def a_version_that_was_in_use_deleted(site):
    """MLflow writes over its source and run."""
    name, number = site.in_use()
    site.must("registered-models/alias", "DELETE", name=name, alias="champion")
    yield lambda: site.call("model-versions/delete", "DELETE", name=name, version=number)


@way("was in use, and has no retirement record")
def the_same_with_its_number_written_otherwise(site):
    name, number = site.in_use()
    site.must("registered-models/alias", "DELETE", name=name, alias="champion")
    yield lambda: site.call("model-versions/delete", "DELETE", name=name, version=f"0{number}")


@way("was in use, and has no retirement record")
def a_model_that_was_in_use_deleted(site):
    name, _ = site.in_use()
    yield lambda: site.call("registered-models/delete", "DELETE", name=name)


@way(NO_APPROVAL)
def a_model_deleted_and_made_again(site):
    """Numbers begin again at 1: the new version 1 must not inherit what the old one was allowed."""
    name, number = site.in_use()
    if site.is_gated:
        with site.as_approver():
            commands.aims("gate", "retire", f"models:/{name}/{number}", "--reason", "replaced")
            commands.aims("gate", "revoke", f"models:/{name}/{number}", "--reason", "replaced")
    site.must("registered-models/delete", "DELETE", name=name)
    site.must("registered-models/create", name=name)
    again = site.version(name, site.good)
    assert again == number
    yield set_alias(site, name, again)


# -- the test ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAYS)
def test_what_works_on_a_plain_server_is_refused_by_the_gate(sites, clean_state, name):
    prepare, reason = WAYS[name]
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
