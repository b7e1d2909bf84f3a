"""Sessions in which people publish, approve, review and withdraw documents, signed by hand."""

from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.details.attachments import AttachmentDetails, DocumentEventDetails, DocumentStatement
from aims_mlflow.records.evidence import Artifact
from support.good_documents import NEXT, STATED, SYSTEM

# sha256 of the record that published a document last, by the document and the sha256 of its file.
_records = {}


def published(key, kind="requirements", sha256="1" * 64, **changes):
    """A closed session in which a key publishes a document of a kind, with good fields."""
    file = Artifact(path="aims/documents/r.md", sha256=changes.pop("file", sha256), size=9)
    stated = {
        "id": kind, "title": "t", "version": "1", "owner": "o", "author": "rita", "sha256": sha256, "characters": 900,
        "system": SYSTEM, "review_by": NEXT, "fields": STATED[kind], **changes,
    }  # fmt: skip
    writer = SessionWriter(key, "x", system=SYSTEM)
    details = AttachmentDetails(document=DocumentStatement(**stated))
    subject = Subject(name=f"document:{stated['id']}", digest={"sha256": sha256})
    _records[stated["id"], sha256] = writer.add(kind, [subject], details=details, artifacts=(file,)).sha256
    writer.close()
    return writer


def event(key, kind, document="requirements", sha256="1" * 64, **said):
    """A closed session in which a key approves, reviews or withdraws a document, as it was published last."""
    writer = SessionWriter(key, "x")
    subject = Subject(name=f"document:{document}", digest={"sha256": sha256})
    said = {"publication": _records.get((document, sha256)), **said}
    writer.add(kind, [subject], details=DocumentEventDetails(document=document, **said))
    writer.close()
    return writer
