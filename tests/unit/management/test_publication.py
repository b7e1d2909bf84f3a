"""A document is published, approved by another person, cited, reviewed and withdrawn; and nothing less counts."""

from datetime import UTC, datetime, timedelta

import mlflow
import pytest

from aims_mlflow.cli.main import run_command
from aims_mlflow.errors import ConfigError, EvidenceError, PolicyRefused
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.document_runs import document_runs
from aims_mlflow.evidence.session import SessionWriter, session_path
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.control_status import control_status
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.management.library import read_library
from aims_mlflow.management.surroundings import local_keyring
from aims_mlflow.records.evidence import Claim, MlflowIds
from aims_mlflow.signing.key_sources import load_key
from support.management_folder import PEOPLE, POLICY, REGISTER_ENTRY, assessment, write

BODY = (
    "The board of the bank binds everyone who builds or uses AI. People decide about people: a clerk grants or refuses a "
    "loan and can say why. Whoever builds a system answers for its data, whoever uses one may stop it at once, and the "
    "board hears of each incident within a week."
)
RULES = POLICY.replace("The board of the bank binds everyone who builds or uses AI.", BODY).replace(
    "2027-06-30", "2028-06-30"
)
MODEL = "a" * 64
TODAY = datetime.now(UTC).strftime("%Y-%m-%d")
PEOPLE_WITH_KEYS = {
    "rita": "trainer", "max": ("approver", "top-management"), "olga": "approver", "tom": "trainer",
    "chair": "top-management",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("bank")


@pytest.fixture(autouse=True)
def _bank(place, monkeypatch):
    """A tracking database, a keyring, and a key for each person."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("AIMS_POLICY", str(place / "policy"))
    monkeypatch.setenv("AIMS_HOME", str(place / "home"))
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{place}/mlflow.db")
    if not (place / "policy").exists():
        run_command("gate", "init", str(place / "policy"))
        for name, roles in PEOPLE_WITH_KEYS.items():
            run_command("keys", "new", str(place / f"{name}.pem"))
            args = [x for role in ((roles,) if isinstance(roles, str) else roles) for x in ("--role", role)]
            run_command("keys", "add", str(place / f"{name}.pub.pem"), "--owner", name, *args)
    yield
    mlflow.set_tracking_uri(before)


def by(monkeypatch, place, name):
    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{place}/{name}.pem")


def state(control, **known):
    library = read_library()
    subject = StatusSubject(
        "income-screening",
        documents=library.shelf.documents(TODAY),
        approvals=library.shelf.approvals,
        keyring=local_keyring(),
        **known,
    )
    return control_status(control, subject, datetime.now(UTC) + timedelta(minutes=1))


def approval_of_the_policy():
    return next(c.verdict for c in state("A.2.2").conditions if c.condition.id == "approved")


def kept(name):
    library = read_library()
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    return [library.state(p, today) for p in library.shelf.versions(name)]


def test_only_another_person_with_the_role_approves_and_only_then_is_the_policy_met(place, monkeypatch):
    write(place, policy=RULES, people=PEOPLE)
    by(monkeypatch, place, "rita")
    shown = run_command("document", "publish", "aims/policy.md")
    assert "ai-policy version 1 is published: run" in shown
    assert "max, with a key of the role top-management, runs `aims approve document:ai-policy`" in shown
    assert kept("ai-policy") == ["published"]
    assert "approval by another person" in approval_of_the_policy().sentence
    assert approval_of_the_policy().outcome == "captured"
    for name, had in (("tom", "trainer"), ("olga", "approver")):
        by(monkeypatch, place, name)
        with pytest.raises(
            PolicyRefused, match=rf"ai-policy needs a key with the role top-management \(this key has {had}\): the app"
        ):
            run_command("approve", "document:ai-policy")
    by(monkeypatch, place, "rita")
    with pytest.raises(PolicyRefused, match="rita wrote or published ai-policy"):
        run_command("approve", "document:ai-policy")
    assert not read_library().shelf.approvals, "nothing is signed that counts for nothing"
    by(monkeypatch, place, "max")
    assert "max approved ai-policy" in run_command("approve", "document:aims/policy.md", "--comment", "read in full")
    assert kept("ai-policy") == ["approved"]
    assert run_command("document", "show", "ai-policy").splitlines()[0].endswith(": approved")
    assert approval_of_the_policy().outcome == "holds", approval_of_the_policy().sentence
    monkeypatch.delenv("AIMS_POLICY")
    with pytest.raises(ConfigError, match=r"sessions that do not verify: 1\. Next: name the policy folder"):
        run_command("approve", "document:ai-policy")


def test_who_wrote_it_cannot_approve_it_whoever_published_it(place, monkeypatch):
    write(
        place,
        method=RULES.replace("id: ai-policy", "id: own")
        .replace("author: rita", "author: olga")
        .replace("approver: max", "approver: rita"),
    )
    by(monkeypatch, place, "rita")
    run_command("document", "publish", "own")
    by(monkeypatch, place, "olga")
    with pytest.raises(PolicyRefused, match="olga wrote or published own"):
        run_command("approve", "document:own")
    run_command("document", "withdraw", "own", "--reason", "a trial")
    assert kept("own") == ["withdrawn"]
    with pytest.raises(ConfigError, match="was withdrawn"):
        run_command("approve", "document:own")
    by(monkeypatch, place, "rita")
    run_command("document", "publish", "own")
    assert kept("own") == ["withdrawn", "published"]
    run_command("document", "withdraw", "own", "--reason", "a trial")
    (place / "aims" / "method.md").unlink()


def test_a_new_version_says_why_and_stands_beside_the_approved_one_until_it_is_approved(place, monkeypatch):
    by(monkeypatch, place, "rita")
    with pytest.raises(ConfigError, match="is published with exactly this content"):
        run_command("document", "publish", "ai-policy")
    write(place, policy=RULES.replace("title: AI policy", "title: Policy for AI"))
    assert "-title: AI policy" in run_command("document", "diff", "ai-policy")
    with pytest.raises(ConfigError, match="state a new version, supersedes and reason_for_change"):
        run_command("document", "publish", "ai-policy")
    changed = RULES.replace(
        "title: AI policy", "title: Policy for AI\nversion: 2\nsupersedes: 1\nreason_for_change: a clearer title"
    )
    write(place, policy=changed)
    run_command("document", "publish", "ai-policy")
    assert kept("ai-policy") == ["approved", "published"]
    by(monkeypatch, place, "max")
    run_command("approve", "document:ai-policy")
    assert kept("ai-policy") == ["superseded", "approved"]
    listed = run_command("document", "list")
    assert "approved" in listed


def evidence_run(place, value="0.3147", model=MODEL, supersedes=None):
    """A run with one fairness record by tom."""
    with mlflow.start_run() as run:
        pass
    key = load_key(f"file:{place}/tom.pem")
    writer = SessionWriter(key, "tom", system="income-screening", mlflow=MlflowIds(run_id=run.info.run_id))
    claims = [
        Claim(metric="selection_rate_ratio", slice={"sex": g}, value=v, n=100, passed=True, comparator=">=", limit="0.2")
        for g, v in (("Female", value), ("Male", "1"))
    ]  # fmt: skip
    writer.add("fairness", [Subject(name="m", digest={"dirHash1": model})], claims=claims, supersedes=supersedes)
    writer.close()
    tracking.put(run.info.run_id, {session_path(writer.id): writer.jsonl()})
    return run.info.run_id, writer.records[0]


def test_a_figure_is_bound_to_its_record_and_turns_suspect_with_both_values(place, monkeypatch):
    run, record = evidence_run(place)
    wrong = assessment(record.id, MODEL, value="0.5")
    write(place, aiia=wrong, system=REGISTER_ENTRY)
    by(monkeypatch, place, "rita")
    with pytest.raises(EvidenceError, match=r"0\.5 is shown, the evidence says 0\.3147"):
        run_command("document", "publish", "aiia", "--evidence", run)
    write(place, aiia=assessment(record.id, MODEL))
    run_command("document", "publish", "aiia", "--evidence", run)
    by(monkeypatch, place, "chair")
    with pytest.raises(PolicyRefused, match=r"aiia needs a key with the role approver \(this key has top-management\)"):
        run_command("approve", "document:aiia")
    by(monkeypatch, place, "olga")
    run_command("approve", "document:aiia")
    document = read_library().shelf.in_force("aiia", TODAY).document
    cited = document.citations[0]
    assert (cited.sha256, cited.value, cited.shown, cited.model_digests) == (record.sha256, "0.3147", "0.31", [MODEL])
    assert document.fields["evidence"] == [record.id]
    with pytest.raises(ConfigError, match="nothing speaks against"):
        run_command("document", "review", "aiia", "e1", "--reason", "still so", "--evidence", run)
    later, _ = evidence_run(place, value="0.42")
    said = run_command(
        "document", "review", "aiia", "e1", "--reason", "a small sample of May", "--evidence", run, "--evidence", later
    )
    assert "0.3147 was cited" in said
    assert "says 0.42" in said


def test_a_draft_with_a_gap_and_a_key_that_nobody_knows_publish_nothing(place, monkeypatch):
    write(place, gap=RULES.replace("id: ai-policy", "id: gap").replace("AI.", "AI. TODO: by when?", 1))
    by(monkeypatch, place, "rita")
    before = len(document_runs())
    with pytest.raises(EvidenceError, match="lint refuses it"):
        run_command("document", "publish", "gap")
    run_command("keys", "new", str(place / "stranger.pem"))
    by(monkeypatch, place, "stranger")
    with pytest.raises(EvidenceError, match="the keyring does not know this key"):
        run_command("document", "publish", "ai-policy")
    assert len(document_runs()) == before


def test_what_was_changed_in_mlflow_counts_for_nothing(place, monkeypatch):
    """A session that a stranger signs, or that was altered, publishes and approves nothing."""
    run = read_library().shelf.in_force("ai-policy", TODAY).record.evidence.mlflow.run_id
    stranger = load_key(f"file:{place}/stranger.pem")
    writer = SessionWriter(stranger, "x", mlflow=MlflowIds(run_id=run))
    sha256 = read_library().shelf.in_force("ai-policy", TODAY).document.sha256
    writer.add("document-approval", [Subject(name="document:ai-policy", digest={"sha256": sha256})])
    writer.close()
    before = len(read_library().shelf.approvals)
    tracking.put(run, {session_path(writer.id): writer.jsonl()})
    library = read_library()
    assert (len(library.shelf.approvals), len(library.broken)) == (before, 1)


def test_a_file_is_signed_as_what_it_is(place, monkeypatch):
    write(place, policy=RULES.replace("id: ai-policy", "id: text"), people=PEOPLE)
    by(monkeypatch, place, "rita")
    for name in ("text", "people"):
        run_command("document", "publish", name)
    files = {p.document.id: p.record.evidence.artifacts[0].media_type for p in read_library().shelf.publications}
    assert (files["text"], files["people"]) == ("text/markdown", "application/yaml")


def test_who_publishes_without_a_keyring_is_told_that_nobody_can_approve(place, monkeypatch, capsys):
    write(place, policy=RULES.replace("id: ai-policy", "id: alone"))
    by(monkeypatch, place, "rita")
    monkeypatch.delenv("AIMS_POLICY")
    run_command("document", "publish", "alone")
    assert "no keyring is here: nobody can approve this until AIMS_POLICY names one" in capsys.readouterr().err
