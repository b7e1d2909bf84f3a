"""Pages of a bundle, rendered from its other files: an overview, and instructions for independent verification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.audit.keyrings import history_of, log_keys
from aims_mlflow.audit.report import Step
from aims_mlflow.documents.index_page import told
from aims_mlflow.documents.terminal import MARKS, SYMBOLS
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence.session import PAGE
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.control_states import states_in_use
from aims_mlflow.exports.bundle.earlier_checkpoints import earlier_files
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.pages.judging import sessions_of
from aims_mlflow.records.leaves.changes import DecisionLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf, PolicyLeaf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import CheckedSession
    from aims_mlflow.exports.bundle.ledger import PartLedger
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.signing.keyring_history import KeyringHistory

STAGE_WORDS = {
    "stage1": "stage 1 audit (documents)",
    "stage2": "stage 2 audit",
    "surveillance": "surveillance audit",
    "recertification": "recertification audit",
}


def render_index(view: PartLedger, about: Mapping[str, Any]) -> bytes:
    """Return `index.html`: the decisions, their evidence, and the state of each control."""
    history = history_of(view, Step("keyring"), ())
    leaves = list(view.leaves())
    decisions = [_decision(view, leaf, leaf.fact, history) for leaf in leaves if isinstance(leaf.fact, DecisionLeaf)]
    return _render(
        "bundle.html.j2",
        about=about,
        stage=STAGE_WORDS.get(str(about["stage"]), ""),
        decisions=decisions[::-1],
        versions=states_in_use(view, leaves, history),
        last_day=_last_day,
        marks=MARKS,
        told=told,
        consents=[_consent(view, leaf) for leaf in leaves if isinstance(leaf.fact, ConsentLeaf)],
        others=[
            {"leaf": leaf.sequence, **leaf.fact.plain()}
            for leaf in leaves
            if not isinstance(leaf.fact, DecisionLeaf | PolicyLeaf | ConsentLeaf)
        ],
        keys=[entry.model_dump() for entry in history.newest.keys] if history.newest else [],
        leaves=len(leaves),
        until=leaves[-1].fact.time[:19] if leaves else "",
        symbols=SYMBOLS,
        leaf_path=layout.leaf_path,
        proof_path=layout.proof_path,
        envelope_path=layout.envelope_path,
    )


def render_how_to(view: PartLedger, about: Mapping[str, Any]) -> bytes:
    """Return `verify.html`: commands that check the bundle with openssl, sha256sum and a shell alone."""
    head = view.head()
    history = history_of(view, Step("keyring"), ())
    log = next((key.key_id for key in log_keys(history) if head.note.signed_by(head.origin, key)), "")
    stamped = any(name.endswith(".tsr") for name in earlier_files(view.files))
    envelope = next((n for n in view.files.names if n.startswith("envelopes/")), "")
    return _render("verify.html.j2", about=about, head=head, log=log, stamped=stamped, envelope=envelope)


def _render(template: str, **values: Any) -> bytes:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("aims_mlflow.exports.bundle", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text: str = environment.get_template(template).render(**values)
    return text.encode()


def _decision(view: PartLedger, leaf: Leaf, content: DecisionLeaf, history: KeyringHistory) -> dict[str, Any]:
    body = _body(view, leaf.sequence).get("decision", {})
    sessions = sessions_of(view, leaf, history)
    digest, decided = content.model_digest, content.decided or content.time
    outcome = next(view.leaves(types=("outcome",), request=content.request), None)
    return {
        "leaf": leaf.sequence,
        "request": content.request,
        "time": decided[:19],
        "stage": content.stage,
        "alias": content.alias,
        "model": content.model_name,
        "version": (outcome.fact.version if outcome else None) or content.version,
        "allowed": content.allowed,
        "would_refuse": content.would_refuse,
        "basis": content.basis,
        "digest": digest,
        "unmet": body.get("unmet", ()),
        "waived": body.get("waived", ()),
        "approvals": body.get("approvals", ()),
        "erased": not body,
        "records": [_record(view, record, session) for session in sessions for record in session.records],
        "page": _page(view, sessions),
        "policy": _in_force(view, content.policy_digest),
        "keyring": _in_force(view, content.keyring_digest),
    }


def _last_day(expires: str) -> str:
    """Return the last day of a waiver; of a text in a body that is no time, its beginning."""
    try:
        return last_day(expires)
    except (AimsError, ValueError):
        return str(expires)[:10]


def _body(view: PartLedger, sequence: int) -> dict[str, Any]:
    try:
        body = view.body(sequence)
    except AimsError:  # the verification names it
        body = None
    return body.plain() if body else {}


def _page(view: PartLedger, sessions: Sequence[CheckedSession]) -> str | None:
    runs = [r.evidence.mlflow.run_id for s in sessions for r in s.records if r.evidence.mlflow.run_id]
    return next((n for run in runs if (n := layout.evidence_path(run, PAGE)) in view.files), None)


def _in_force(view: PartLedger, digest: str | None) -> str | None:
    """Return the path of a policy or keyring that a decision was made by; None where the bundle lacks it."""
    path = layout.stored_path(digest) if digest else ""
    return path if path in view.files else None


def _record(view: PartLedger, record: SealedRecord, session: CheckedSession) -> dict[str, Any]:
    body = record.evidence
    files = []
    for artifact in body.artifacts:
        name = layout.evidence_path(str(body.mlflow.run_id), artifact.path)
        there = next((n for n in (name, f"{name}.txt") if n in view.files), None)
        files.append({"title": artifact.path.rpartition("/")[2], "path": there})
    return {
        "kind": body.kind,
        "result": body.result.replace("_", " "),
        "time": body.time[:19],
        "owner": session.owners.get(record.id),
        "controls": body.controls,
        "reason": body.reason,
        "sha256": record.sha256,
        "files": files,
    }


def _consent(view: PartLedger, leaf: Leaf) -> dict[str, Any]:
    return {"leaf": leaf.sequence, **leaf.fact.plain(), **_body(view, leaf.sequence)}
