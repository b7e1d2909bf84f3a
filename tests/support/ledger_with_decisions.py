"""A ledger with decisions of every kind, made by the gate's own functions without MLflow, and its bundle with files of runs."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.capture.recorder import artifact
from aims_mlflow.checks.pages.charts import fairness_chart
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.documents.index_page import render_index
from aims_mlflow.evidence.session import PAGE, PAGE_SEAL
from aims_mlflow.evidence.statement import Subject, seal
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.exports.bundle.create import create
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.consents import KnownConsents, read_consent, sealed_consents, with_words
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.replay import check_sessions
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.ledger import checkpoint
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.lifecycle.consents import seal_consent
from aims_mlflow.lifecycle.erasure import erase
from aims_mlflow.lifecycle.ingest import ingest
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.recovery import outcome_of, superseded
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.decision import Consent
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.records.leaves.base import CallerBody
from aims_mlflow.registry.channel import sign_consent
from aims_mlflow.server.active_policy import policy_entry
from aims_mlflow.server.change import DecisionContext, RegistryChange, announced_decision, decision_entry, kept_lines
from aims_mlflow.signing.keyring import sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.small_bundle import lost, put_keyring

NAME, SYSTEM, RUN = "income", "income-screening", "f" * 32
GOOD, UNFAIR = "a" * 64, "9" * 64
WHO = CallerBody(login="ana@example.org")


class Registry:
    """What a gated registry would seal: `files` are the runs', by run id and path."""

    def __init__(self, uri):
        self.trainer, self.approver, self.log, self.root = (ephemeral_key() for _ in range(4))
        self.ledger = Ledger(uri, Log(self.log, "ai.example.org/golden"))
        self.files = {}
        text = default_policy_text()
        digest = parse_policy(text).digest
        self.ledger.put_in_force("policy", digest, text, policy_entry(digest, text))
        people = ((self.trainer, "ana", "trainer"), (self.approver, "olga", "approver"), (self.log, "registry", "log"))
        entries = tuple(signed_sessions.entry(key, owner, (role,)) for key, owner, role in people)
        put_keyring(self.ledger, sign_keyring(Keyring(version=1, keys=entries), self.root))

    @property
    def force(self):
        active = self.ledger.in_force()
        return read_rules(self.ledger, active["policy"], active["keyring"])

    def train(self, model, ratio):
        """A session with a report and a model card in the run; returns its file."""
        claims, folder = signed_sessions.group_claims(ratio), f"aims/reports/{uuid7()}"
        page = claims_page("Fairness by group", claims, fairness_chart(claims, "predicted >50K"))
        card = f"# Income\n\nThe ratio is {ratio}.\n".encode()
        files = {"fairness": (f"{folder}/fairness.html", page), "model-card": (f"{folder}/model_card.md", card)}
        writer = signed_sessions.session(self.trainer, ratio=ratio, model=model, system=SYSTEM, files=files)
        self.files |= {(RUN, path): content for path, content in files.values()}
        return {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}

    def show(self, files):
        """The run's page, with the seal of its own."""
        checked = [check_session(data, name, self.force.keyring.find) for name, data in files.items()]
        page, manifest = render_index(checked, {}, [GOOD]), checked[0].manifest
        body = Evidence(
            id=uuid7(), kind="page", result="passed", actor="ana", key_id=self.trainer.key_id, time=utc_text(),
            mlflow=manifest.evidence.mlflow, system=SYSTEM, artifacts=(artifact(PAGE, page),),
        )  # fmt: skip
        record = seal(body, [Subject(name=manifest.id, digest={"sha256": manifest.sha256})], self.trainer)
        self.files |= {(RUN, PAGE): page, (RUN, PAGE_SEAL): record.envelope.raw + b"\n"}

    def second_approver(self, owner):
        """Put another approver into the keyring, and return the key with its owner."""
        key, known = ephemeral_key(), self.force.keyring
        entries = (*known.keys, signed_sessions.entry(key, owner, ("approver",)))
        put_keyring(self.ledger, sign_keyring(Keyring(version=known.version + 1, keys=entries), self.root))
        return key, owner

    def consent(self, action, stage, model, alias=None, signer=None, **more):
        key, owner = signer or (self.approver, "olga")
        rules = self.force.policy.rules(NAME, stage, alias)
        said = Consent(
            action=action, model_name=NAME, stage=stage, alias=alias, stage_digest=rules.stage_digest, comment="looked at it", **more
        )  # fmt: skip
        record, words = sign_consent(said, SimpleNamespace(model_id="m-1", digest=model), key, owner)
        signed = read_consent(record.envelope.raw, self.force.keyring, self.force.consenting)
        who = CallerBody(login=f"{owner}@example.org")
        seal_consent(self.ledger, record.envelope.raw, with_words(signed, words), NAME, who, words)

    def ask(self, stage, files, model, version, alias=None, losing=()):
        """A decision, and where it allows the change, its outcome; returns the decision."""
        force, past = self.force, ModelHistory(self.ledger, NAME)
        rules = force.policy.rules(NAME, stage, alias)
        authority = Authority(self.ledger, NAME, force, datetime.now(UTC))
        consents = sealed_consents(authority, model, KnownConsents(100))
        known = version if stage == "deployment" else None
        registered = past.registered(known) if known else None
        asked = DecisionRequest(
            model, registered=registered, run_id=RUN, model_id="m-1", version=known, keyring_digest=force.keyring_digest
        )
        sessions = check_sessions(files, authority, rules, BoundedCache(0))
        decision = decide(rules, sessions, list(consents.values()), asked, datetime.now(UTC))
        decided = DecisionContext(decision, lines=kept_lines(files), consents=tuple(consents), registered=registered)
        change = RegistryChange(stage, NAME, None, alias, known)
        announced = announced_decision(change, decided, uuid7(), list(losing))
        self.ledger.seal(decision_entry(announced, decided, "", WHO))
        if decision.allowed:
            self.ledger.seal(Entry(outcome_of(announced, done=True, version=version)), *superseded(announced))
        return decision

    def bundle(self, stage="stage2", held=()):
        fetch = lambda run_id, path: self.files.get((run_id, path)) or lost(run_id, path)  # noqa: E731
        notes = [OutsideCheckpoint(checkpoint.parse(note.encode(), "held"), "held") for note in held]
        return create(self.ledger, SYSTEM, stage, fetch, outside=notes)


def decided_ledger(uri):
    """A model registered, approved and in use; an unfair one refused, then registered with a waiver; evidence; an erasure."""
    registry = Registry(uri)
    fair, unfair = registry.train(GOOD, "0.91"), registry.train(UNFAIR, "0.31")
    registry.show(fair)
    assert registry.ask("registration", fair, GOOD, "1").allowed
    registry.consent("approval", "deployment", GOOD, "champion")
    assert registry.ask("deployment", fair, GOOD, "1", "champion").allowed
    refused = registry.ask("registration", unfair, UNFAIR, "2")
    assert not refused.allowed
    until = utc_text(datetime.now(UTC) + timedelta(days=30))
    for control in sorted({unmet.control for unmet in refused.unmet}):
        registry.consent("waiver", "registration", UNFAIR, control=control, expires=until)
    waived = registry.ask("registration", unfair, UNFAIR, "2")
    assert waived.allowed
    assert waived.waived
    session = check_session(
        signed_sessions.session(registry.trainer, system=SYSTEM).jsonl(),
        "aims/sessions/later.jsonl",
        registry.force.keyring.find,
    )
    ingest(registry.ledger, [session], "run", "made before the gate")
    gone = next(x for x in registry.ledger.leaves(types=("decision",)) if not x.content["allowed"])
    erase(registry.ledger, gone, "asked for by the person named", registry.approver, "olga")
    return registry
