"""What people sign about documents, told to a gate: it verifies who may sign now, and seals that and nothing else."""

import mlflow
import pytest
from mlflow.utils.workspace_context import WorkspaceContext

import aims_mlflow.evidence.session as session_module
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.document_runs import make_run
from aims_mlflow.evidence.session import SessionWriter, session_path
from aims_mlflow.evidence.statement import Subject, read
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.details.attachments import AttachmentDetails, DocumentEventDetails, DocumentStatement
from aims_mlflow.records.evidence import Artifact, MlflowIds
from aims_mlflow.registry.channel import tell_published
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keys import ephemeral_key
from support import commands, signed_sessions
from support.embedded_registry import registry, restart  # noqa: F401 - a fixture
from support.gated_registry import refused
from support.good_documents import FIELDS

CONTENT = b"the loans must be repaid"
FILE = sha256_hex(CONTENT)


@pytest.fixture
def people(registry):  # noqa: F811
    """The keys of ana (trainer), olga and rosa (approvers), by name; the store is open, so that its rules are sealed."""
    mlflow.MlflowClient().get_registered_model("aims.status")
    office = registry.office
    files = {"ana": office.scientist, "olga": office.approver, "rosa": office.risk_owner}
    return {name: load_key(f"file:{path}") for name, path in files.items()}


def publish(key, sha256=FILE, session=None, kind="requirements", **stated):
    """Sign a document of a kind into a run of its own; returns the run."""
    run = make_run(kind, {})
    writer = SessionWriter(key, "x", system="loans", mlflow=MlflowIds(run_id=run))
    writer.id = session or writer.id
    said = {"id": kind, "title": "t", "version": "1", "owner": "o", "author": "ana", "sha256": sha256,
            "characters": 900, "system": "loans", "fields": FIELDS.get(kind, {}), **stated}  # fmt: skip
    file = Artifact(path="aims/documents/r.md", sha256=sha256, size=9)
    subject = Subject(name=f"document:{kind}", digest={"sha256": sha256})
    details = AttachmentDetails(document=DocumentStatement(**said))
    writer.add(kind, [subject], details=details, artifacts=(file,))
    tracking.put(run, {file.path: CONTENT})
    return put(writer, run)


def event(kind, key, run, sha256=FILE, session=None, document="requirements", **said):
    """Sign what a person decided about the document that a run publishes."""
    records = (read(line, "x") for data in tracking.session_files(run).values() for line in data.splitlines())
    said = {"publication": next((r.sha256 for r in records if r.evidence.kind == document), None), **said}
    writer = SessionWriter(key, "x", mlflow=MlflowIds(run_id=run))
    writer.id = session or writer.id
    subject = Subject(name=f"document:{document}", digest={"sha256": sha256})
    writer.add(f"document-{kind}", [subject], details=DocumentEventDetails(document=document, **said))
    return put(writer, run)


def put(writer, run):
    writer.close()
    tracking.put(run, {session_path(writer.id): writer.jsonl()})
    return run


def tell(run):
    """Tell the gate of a run, as `aims document` does; returns how many sessions it sealed."""
    return tell_published(run)


def no(run):
    return refused(mlflow.MlflowClient().get_model_version_by_alias, "aims.status", f"aims.publish.{run}")


@pytest.fixture
def earlier(monkeypatch):
    """A clock that goes back to before whatever happens next."""
    before = utc_text()

    def set_back():
        monkeypatch.setattr(session_module, "utc_text", lambda *_: before)

    return set_back


def revoke(registry, name):  # noqa: F811
    with registry_home(registry):
        commands.aims("keys", "revoke", name)


def registry_home(registry):  # noqa: F811
    from aims_mlflow.settings import environment

    return environment({"AIMS_HOME": str(registry.folder / "office" / "platform")})


def test_each_signature_is_sealed_once_in_the_order_of_the_ledger(registry, people):  # noqa: F811
    run = publish(people["ana"])
    assert tell(run) == 1
    event("approval", people["olga"], run)
    event("withdrawal", people["rosa"], run)
    assert (tell(run), tell(run)) == (2, 0)
    sealed = registry.leaves("evidence")
    assert [leaf["documents"] for leaf in sealed] == [["requirements"]] * 3
    where = ("--ledger", registry.ledger.uri)
    assert commands.command("ledger", "verify", *where)[0] == 0
    status, text = commands.command("verify", f"runs:/{run}", *where)
    assert (status, "in 3 sessions, signed by ana, olga, rosa" in text) == (0, True), text


def test_a_revoked_key_publishes_and_approves_nothing_with_its_clock_set_back(registry, people, earlier):  # noqa: F811
    run = publish(people["ana"])
    assert tell(run) == 1
    revoke(registry, "olga")
    revoke(registry, "ana")
    earlier()
    assert "the key of ana was revoked" in no(publish(people["ana"], "2" * 64))
    event("approval", people["olga"], run)
    assert "the key of olga was revoked" in no(run)
    assert len(registry.leaves("evidence")) == 1
    other = publish(people["rosa"], "3" * 64, author="rosa")
    event("withdrawal", people["rosa"], other)
    assert tell(other) == 2, "nobody revoked the key of rosa"


def test_a_session_that_was_sealed_in_time_stays_when_its_signer_leaves(registry, people):  # noqa: F811
    """Nobody signs it again: what others sign about the document later is sealed beside it."""
    run = publish(people["ana"])
    assert tell(run) == 1
    revoke(registry, "ana")
    event("approval", people["olga"], run)
    assert tell(run) == 1


@pytest.mark.parametrize("name", ["ana", "olga"])
def test_nobody_approves_what_they_wrote(registry, people, name):  # noqa: F811
    """Neither whose key published it, nor whom it names as its author."""
    run = publish(people["olga"])
    event("approval", people[name], run)
    assert f"{name} wrote or published requirements: nobody approves what they wrote" in no(run)
    assert len(registry.leaves("evidence")) == 1, "the document, and not the approval"


def test_nobody_approves_what_they_wrote_under_the_name_that_the_people_register_has(registry, people):  # noqa: F811
    rita = {"id": "rita", "name": "Rita Weber", "function": "risk", "key_ids": [people["olga"].key_id]}
    register = publish(people["ana"], kind="people", system=None, fields={"people": [rita]})
    event("approval", people["rosa"], register, document="people")
    assert tell(register) == 2
    run = publish(people["ana"], author="Rita Weber")
    assert tell(run) == 1
    event("approval", people["olga"], run)
    assert "olga wrote or published requirements: nobody approves what they wrote" in no(run)
    event("approval", people["rosa"], run)
    assert tell(run) == 1


def test_what_would_have_no_effect_is_refused_with_the_reason(registry, people):  # noqa: F811
    run = publish(people["olga"], owner="olga", author="olga")
    event("approval", people["rosa"], run, publication="0" * 64)
    assert "the document-approval by rosa names no publication of this run" in no(run)
    run = publish(people["olga"], owner="olga", author="olga")
    event("withdrawal", people["ana"], run)
    assert "ana neither wrote nor owns requirements" in no(run)
    run = publish(people["ana"])
    event("review", people["ana"], run, citation="e1", against="r1")
    assert "nobody clears a citation of what they wrote" in no(run)
    assert len(registry.leaves("evidence")) == 3, "the documents, and nothing that was signed about them"


def test_one_session_without_effect_holds_up_no_other(registry, people):  # noqa: F811
    """An approval of an earlier build, or a refused withdrawal, lies in the run for good."""
    run = publish(people["olga"], owner="olga", author="olga")
    event("withdrawal", people["ana"], run)
    event("approval", people["rosa"], run, publication=None)
    assert "names no publication of this run" in no(run)
    assert len(registry.leaves("evidence")) == 1, "the document"
    event("approval", people["rosa"], run)
    assert (tell(run), tell(run)) == (1, 0)


def test_a_session_with_the_id_of_another_does_not_pass_for_it(registry, people):  # noqa: F811
    """The id is its signer's word: who seals under it first would keep the other one out of the ledger."""
    theirs = uuid7()
    assert tell(publish(people["ana"], session=theirs)) == 1
    run = publish(people["ana"], sha256="2" * 64)
    event("approval", people["olga"], run, "2" * 64, session=theirs)
    assert f"sealed another session under the id {theirs}" in no(run)


def test_a_documents_run_has_a_bound_of_its_own(registry, people, monkeypatch):  # noqa: F811
    """Each decision that a document counts for reads what was sealed about all of them."""
    monkeypatch.setattr("aims_mlflow.server.publications.MAX_BYTES", 1000)
    assert "more evidence than is read" in no(publish(people["ana"]))


def test_an_unknown_key_and_a_session_about_a_model_are_refused(registry, people):  # noqa: F811
    assert "signed by a key that the keyring does not know" in no(publish(ephemeral_key()))
    run = make_run("requirements", {})
    writer = signed_sessions.session(people["ana"])
    tracking.put(run, {session_path(writer.id): writer.jsonl()})
    assert "is about more than documents" in no(run)
    assert "no evidence is here" in no(make_run("requirements", {}))
    assert registry.leaves("evidence") == []


def test_where_there_are_logins_each_tells_of_what_they_signed(registry, people, monkeypatch):  # noqa: F811
    """A key in the hands of another login signs nothing; what another person has not told of yet waits for them."""
    import flask

    app = flask.Flask("x")
    run = publish(people["ana"])
    event("approval", people["olga"], run)
    for login, said in (("mallory", "signed with the key of"), (None, "does not tell the gate which one")):
        with app.test_request_context():
            monkeypatch.setattr("aims_mlflow.server.caller.has_logins", lambda: True)
            flask.g.mlflow_authenticated_user = login
            assert said in no(run)
    for login, count in (("olga", 1), ("olga", 0), ("ana", 1)):
        with app.test_request_context():
            flask.g.mlflow_authenticated_user = login
            assert tell(run) == count


def test_a_document_of_another_workspace_is_not_there(registry, people, monkeypatch):  # noqa: F811
    from mlflow.tracking._tracking_service.utils import _tracking_store_registry

    run = publish(people["ana"])
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    _tracking_store_registry._get_store_with_resolved_uri.cache_clear()
    client = restart(registry.folder)
    mlflow.create_workspace("team-a")
    with WorkspaceContext("team-a"):
        assert "no evidence is here" in refused(client.get_model_version_by_alias, "aims.status", f"aims.publish.{run}")
    _tracking_store_registry._get_store_with_resolved_uri.cache_clear()
    assert registry.leaves("evidence") == []
