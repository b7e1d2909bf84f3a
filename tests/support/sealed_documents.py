"""Documents that people published, approved and had sealed in a ledger, without MLflow."""

from aims_mlflow.canonical import sha256_hex
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.lifecycle.ingest import ingest
from aims_mlflow.records.details.attachments import AttachmentDetails, DocumentEventDetails, DocumentStatement
from aims_mlflow.records.documents import KINDS
from aims_mlflow.records.evidence import Artifact, MlflowIds
from aims_mlflow.records.keyring import ROLES
from support.good_documents import FIELDS, NEXT
from support.ledger_with_decisions import SYSTEM

ORGANISATION = ("risk-register",)  # about the organisation, where the kind could be about a system
ENTRY = {
    "name": "Income screening", "purpose": "clerks order applications by the score", "stage": "operation",
    "roles": [{"role": "deployer", "since": "2026-01-01"}], "in_scope": True, "intended_use": "ordering applications",
    "affected_groups": [{"name": "women", "in_data": "sex=Female"}], "models": ["income"],
}  # fmt: skip


class DocumentOffice:
    """Publishes documents into the ledger of a registry; ana writes, olga approves."""

    def __init__(self, registry):
        self._registry = registry
        self._number = 0
        self._records = {}

    def publish(self, kind, *, approve=True, fields=None, name="", version="1", **more):
        """Publish a document of a kind; its fields are those of a good one, or `fields`."""
        self._number += 1
        whole = kind in ORGANISATION or KINDS[kind].ABOUT == "organisation"
        system = more.pop("system", None if whole else SYSTEM)
        run, name = f"{self._number:032x}", name or kind
        content, path = (
            f"# {name} {version}\n\nWords of {self._number}.\n".encode(),
            f"aims/documents/d{self._number}.md",
        )
        self._registry.files[run, path] = content
        stated = DocumentStatement(
            id=name, title=f"The {kind}", version=version, owner="olga", author="ana", sha256=sha256_hex(content),
            characters=900, system=system, fields=FIELDS[kind] if fields is None else fields, **{"review_by": NEXT, **more},
        )  # fmt: skip
        about = [Subject(name=f"document:{stated.id}", digest={"sha256": stated.sha256})]
        file = Artifact(path=path, sha256=stated.sha256, size=len(content))
        writer = SessionWriter(self._registry.trainer, "ana", system=system, mlflow=MlflowIds(run_id=run))
        record = writer.add(kind, about, details=AttachmentDetails(document=stated), artifacts=(file,))
        self._records[stated.id, stated.sha256] = record.sha256
        self._seal(writer)
        if approve:
            self.sign("document-approval", stated)
        return stated

    def sign(self, kind, stated, **said):
        """Sign an approval, a review or a withdrawal of a document."""
        writer = SessionWriter(self._registry.approver, "olga", system=stated.system)
        about = [Subject(name=f"document:{stated.id}", digest={"sha256": stated.sha256})]
        record = self._records[stated.id, stated.sha256]
        details = DocumentEventDetails(document=stated.id, version=stated.version, publication=record, **said)
        writer.add(kind, about, details=details)
        self._seal(writer)

    def _seal(self, writer):
        writer.close()
        name = f"aims/sessions/{writer.id}.jsonl"
        session = check_session(writer.jsonl(), name, self._registry.force.keyring.find, ROLES)
        assert session.sound, session.problems
        assert ingest(self._registry.ledger, [session], "runs:/f", "a document was published", ROLES).sealed


def publish_all(registry):
    """Publish what an audit asks for: two versions of the statement, risks, suppliers, plans, competence."""
    office = DocumentOffice(registry)
    office.publish("soa")
    rows = FIELDS["soa"]["controls"]
    less = [{**rows[0], "applies": False, "reason": "no policy is needed"}, *rows[1:]]
    office.publish("soa", fields={"controls": less}, version="2", supersedes="1", reason_for_change="A.2.2 is out")
    for kind in ("risk-method", "risk-register", "competence-record", "impact-assessment", "supplier-record",
                 "supplier-evaluation", "responsibility-matrix"):  # fmt: skip
        office.publish(kind)
    office.publish("system", fields=ENTRY)
    office.publish(
        "monitoring-plan", effective_from="2026-01-01", fields={**FIELDS["monitoring-plan"], "every_days": 30}
    )
    office.publish("log-plan", approve=False, review_by="2026-02-01")
    return office
