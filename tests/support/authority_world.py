"""A ledger, without MLflow, in which signatures are sealed, and then keys, names and models change.

Each way in which a key may end (`ENDS`), before, between or after the signature and the question, and each way in which a
model may come back (`WAYS`), is one step on the real ledger with the gate's own functions.
"""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.consents import KnownConsents, read_consent, sealed_consents, with_words
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.gates.decide import NO_DOCUMENTS, DecisionRequest, decide
from aims_mlflow.gates.replay import check_sessions, recorded, replay, same
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.gates.sealed_documents import sealed_shelf
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.lifecycle.consents import seal_consent
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.recovery import outcome_of
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.decision import Consent
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.records.leaves.base import CallerBody
from aims_mlflow.records.leaves.changes import DeletionLeaf, RenamingLeaf
from aims_mlflow.registry.channel import sign_consent
from aims_mlflow.server.active_policy import policy_entry
from aims_mlflow.server.change import DecisionContext, RegistryChange, announced_decision, decision_entry, kept_lines
from aims_mlflow.server.proved_rules import ProvedRules
from aims_mlflow.signing.keyring import sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.small_bundle import put_keyring

MODEL, LONG_AGO = "a" * 64, "2026-01-01T00:00:00Z"


class AuthorityWorld:
    """One ledger; each case uses a model name of its own. `now` is the clock of the gate."""

    def __init__(self, ledger, policy_text):
        from aims_mlflow.gates.policy import parse_policy

        self.ledger, self.root, self._proof = ledger, ephemeral_key(), ProvedRules(ledger)
        digest = parse_policy(policy_text).digest
        ledger.put_in_force("policy", digest, policy_text, policy_entry(digest, policy_text))
        self.entries, self.first, self.version = {}, {}, 0

    # -- people ---------------------------------------------------------------------------------

    def person(self, owner, *roles):
        """Trust a new key of a person."""
        key = ephemeral_key()
        self.change(signed_sessions.entry(key, owner, roles))
        return key

    def change(self, *entries):
        """Put the next keyring in force, with these entries new or changed."""
        self.entries |= {entry.key_id: entry for entry in entries}
        self.first = {**self.entries, **self.first}
        self.version += 1
        new = Keyring(version=self.version, keys=tuple(self.entries.values()))
        put_keyring(self.ledger, sign_keyring(new, self.root))

    def end(self, key, how, now=None):
        """Revoke (also as of long ago), end, rotate or re-role a key, by default now."""
        old, now = self.entries[key.key_id], now or utc_text()
        if how in ("revoked", "stolen before"):
            self.change(old.model_copy(update={"revoked": now if how == "revoked" else LONG_AGO}))
        elif how == "re-roled":
            self.change(old.model_copy(update={"roles": ("auditor",)}))
        else:
            ended = old.model_copy(update={"valid_until": now})
            follower = signed_sessions.entry(ephemeral_key(), old.owner, old.roles, valid_from=now)
            self.change(ended, *([follower] if how == "rotated" else []))

    def follow_root(self, how, *, goes_on):
        """End the root's key, and let another follow; it `goes_on` signing keyrings where somebody kept a copy."""
        old, follower = self.root, ephemeral_key()
        self.change(
            signed_sessions.entry(old, "platform", ("root",)), signed_sessions.entry(follower, "office", ("root",))
        )
        self.end(old, how)
        self.root = old if goes_on else follower

    def follow_log(self, how, *, goes_on):
        """End the log's key, and let another follow; a server `goes_on` with the old one where nobody restarted it."""
        log, follower = self.ledger.log, ephemeral_key()
        self.change(signed_sessions.entry(follower, "registry", ("log",)))
        # An ended log key may sign for a minute more, until its server is started again.
        self.end(log.key, how, utc_text(datetime.now(UTC) - timedelta(minutes=2)) if goes_on else utc_text())
        if not goes_on:
            self.ledger = Ledger(self.ledger.uri, Log(follower, log.origin))
            self._proof = ProvedRules(self.ledger)

    def doubted(self):
        """What a verification says of the checkpoints; None where they all hold."""
        found = verify_ledger(Ledger(self.ledger.uri), "ledger", processes=0)["checkpoint"].problems
        return found[0].what if found else None

    @property
    def force(self):
        self._proof.require(self.ledger.for_all())
        active = self.ledger.in_force()
        return read_rules(self.ledger, active["policy"], active["keyring"])

    # -- signatures -----------------------------------------------------------------------------

    def sign(self, key, name, action, stage="deployment", alias=None, workspace=None, **more):
        """A signed consent, with the words beside it."""
        rules = self.force.policy.rules(name, stage, alias, workspace)
        said = Consent(
            action=action, model_name=name, workspace=workspace, stage=stage, alias=alias,
            stage_digest=rules.stage_digest, comment="looked at it", **more,
        )  # fmt: skip
        return sign_consent(said, SimpleNamespace(model_id="m-1", digest=MODEL), key, "x")

    def seal(self, signed, name):
        """Seal a consent as a holder of the log key could: past the intake, which asks whether its key may sign."""
        record, words = signed
        everyone = Keyring(version=1, keys=tuple(self.first.values()))
        read = read_consent(record.envelope.raw, everyone, self.force.consenting)
        seal_consent(self.ledger, record.envelope.raw, with_words(read, words), name, CallerBody(), words)

    def consent(self, key, name, action="approval", **more):
        signed = self.sign(key, name.rpartition("/")[2], action, **more)
        self.seal(signed, name)
        return signed

    # -- the registry ---------------------------------------------------------------------------

    def ask(self, name, files, stage="deployment", version="1", alias="champion", now=None):
        """Decide as the gate does, by the clock `now`; seal decision and outcome where it allows."""
        force, past, now = self.force, ModelHistory(self.ledger, name), now or datetime.now(UTC)
        workspace, _, plain = name.rpartition("/")
        alias = alias if stage == "deployment" else None
        rules = force.policy.rules(plain, stage, alias, workspace or None)
        authority = Authority(self.ledger, name, force, now)
        consents = sealed_consents(authority, MODEL, KnownConsents(0))
        sessions = check_sessions(files, authority, rules, BoundedCache(0))
        deployed = stage == "deployment"
        standing = past.prior_authority(version, alias, None) if deployed else None
        if standing and any(self._lost(authority, name) for name in standing.evidence):
            standing = None
        asked = DecisionRequest(
            MODEL, registered=past.registered(version) if deployed else None, standing=standing, run_id="f" * 32,
            model_id="m-1", version=version if deployed else None, keyring_digest=force.keyring_digest,
            seen_from=authority.seen_from(count(sessions, MODEL)), shelf=sealed_shelf(authority) if rules.reads_documents else NO_DOCUMENTS,
        )  # fmt: skip
        decision = decide(rules, sessions, list(consents.values()), asked, now)
        decided = DecisionContext(
            decision, lines=kept_lines(files), consents=tuple(consents), registered=asked.registered, prior=standing
        )
        change = RegistryChange(stage, plain, workspace or None, alias, version if deployed else None)
        announced = announced_decision(change, decided, uuid7(), [])
        self.ledger.seal(decision_entry(announced, decided, "", CallerBody()))
        if decision.allowed:
            self.ledger.seal(Entry(outcome_of(announced, done=True, version=version)))
        self.last = announced.request
        return decision

    def replays(self):
        """Whether the last decision is the same when it is made again from the ledger."""
        return same(recorded(self.ledger, self.last), replay(self.ledger, self.last))

    def _lost(self, authority, sha256):
        from aims_mlflow.evidence.statement import read

        return authority.why_no_evidence(read(self.ledger.envelope(sha256), "x"), authority.force.training)

    def rename(self, name, new):
        request = uuid7()
        leaf = RenamingLeaf(model_name=new, previous=name, request=request)
        self.ledger.seal(Entry(leaf), Entry(RenamingLeaf(model_name=name, renamed_to=new, request=request)))
        self.ledger.seal(Entry(outcome_of(leaf, done=True)))

    def delete(self, name, version=None):
        leaf = DeletionLeaf(model_name=name, version=version, model_digest=MODEL, request=uuid7())
        self.ledger.seal(Entry(leaf))
        self.ledger.seal(Entry(outcome_of(leaf, done=True, version=version)))

    def train(self, key, **more):
        """The session file of a training; returns the files of its run."""
        writer = signed_sessions.session(key, model=MODEL, system="income-screening", **{"ratio": "0.95", **more})
        return {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}
