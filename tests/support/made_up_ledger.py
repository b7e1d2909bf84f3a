"""A ledger with systems, versions in use, their signed records, and documents: what benchmarks read."""

from aims_mlflow.canonical import canonical
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.evidence import Claim, MlflowIds
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf, OutcomeLeaf
from aims_mlflow.records.leaves.others import KeyringLeaf, PolicyLeaf
from aims_mlflow.signing.keyring import keyring_digest, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support.sealed_documents import DocumentOffice

OF_A_SYSTEM = ("impact-assessment", "risk-register", "monitoring-plan", "log-plan")
OF_ALL = ("soa", "risk-method", "competence-record", "ai-policy", "supplier-record", "supplier-evaluation")


class MadeUpLedger:
    """A ledger with systems, versions and records; the last version of each system is in use.

    `trainer`, `approver`, `files` and `force` are what a `DocumentOffice` asks a registry for.
    """

    def __init__(self, folder):
        self.key, log, root = ephemeral_key(), ephemeral_key(), ephemeral_key()
        self.trainer, self.approver, self.files = self.key, ephemeral_key(), {}
        self.ledger = Ledger(f"sqlite:///{folder}/ledger.db", Log(log, "ai.example.org/benchmark"))
        text = default_policy_text()
        self.policy = parse_policy(text).digest
        self.ledger.put_in_force("policy", self.policy, text, Entry(PolicyLeaf(policy_digest=self.policy)))
        people = ((self.key, "ana", "trainer"), (self.approver, "olga", "approver"), (log, "registry", "log"))
        entries = tuple(KeyEntry(key_id=k.key_id, owner=o, roles=(r,), pem=k.public.pem) for k, o, r in people)
        keyring = sign_keyring(Keyring(version=1, keys=entries), root)
        self.keyring = keyring_digest(keyring)
        content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
        leaf = KeyringLeaf(keyring_digest=self.keyring, version="1")
        self.ledger.put_in_force("keyring", self.keyring, content, Entry(leaf))

    @property
    def force(self):
        """The policy and keyring in force."""
        return read_rules(self.ledger, self.policy, self.keyring)

    def publish(self, documents, systems):
        """Publish and approve documents: those of the organisation, then those of one system after another."""
        office = DocumentOffice(self)
        for kind in OF_ALL[:documents]:
            office.publish(kind, system=None)
        for number in range(max(documents - len(OF_ALL), 0)):
            kind, turn = OF_A_SYSTEM[number // systems % len(OF_A_SYSTEM)], number // (systems * len(OF_A_SYSTEM))
            system = f"system-{number % systems}"
            office.publish(kind, name=f"{kind}-{system}-{turn}", system=system)

    def add(self, number, system, records, *, in_use):
        """Add a version with its records, and where it comes into use, that too."""
        digest, name = f"{number:064x}", f"model-{system}"
        about = [Subject(name="model", digest={"dirHash1": digest})]
        writer = SessionWriter(self.key, "ana", system=f"system-{system}", mlflow=MlflowIds(run_id=f"{number:032x}"))
        for each in range(records - 1):
            claims = [
                Claim(metric="accuracy", value=f"0.{each + 1}", n=1000, comparator=">=", limit="0.1", passed=True)
            ]
            writer.add(("performance", "robustness", "fairness")[each % 3], about, claims=claims)
        writer.close()
        lines = writer.jsonl().split(b"\n")[:-1]
        named = {f"aims/sessions/{writer.id}.jsonl": [*(r.sha256 for r in writer.records), ""]}
        version, entries = str(number + 1), []
        for stage, alias in (("registration", None), ("deployment", "champion"))[: 2 if in_use else 1]:
            said = Decision(
                stage=stage,
                alias=alias,
                model_name=name,
                version=version,
                model_digest=digest,
                mode="enforce",
                allowed=True,
                would_refuse=False,
                policy_digest=self.policy,
                keyring_digest=self.keyring,
                time=utc_text(),
            )
            request = uuid7()
            leaf = DecisionLeaf(
                request=request,
                model_name=name,
                stage=stage,
                alias=alias,
                version=version,
                allowed=True,
                mode="enforce",
                model_digest=digest,
                decided=said.time,
                policy_digest=self.policy,
                keyring_digest=self.keyring,
                sessions=named,
                evidence=[r.sha256 for r in writer.records],
            )
            done = OutcomeLeaf(
                request=request,
                of="decision",
                done=True,
                model_name=name,
                stage=stage,
                alias=alias,
                version=version,
                model_digest=digest,
            )
            body = DecisionBody(decision=said.model_dump(mode="json"))
            entries += [Entry(leaf, body, lines), Entry(done)]
        self.ledger.seal(*entries)
