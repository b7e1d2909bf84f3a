"""Writer of the index: what each leaf of the ledger adds to its tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError
from aims_mlflow.gates.policy import FILE, parse_policy
from aims_mlflow.lifecycle.tenures import FACTS
from aims_mlflow.pages.index_rows import IndexRows
from aims_mlflow.pages.lineage_rows import follow_names, follow_tenures
from aims_mlflow.pages.record_summary import RecordSummary
from aims_mlflow.records.leaves.changes import AdoptionLeaf, DecisionLeaf, OutcomeLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf, ErasureLeaf, EvidenceLeaf, FindingLeaf, IncidentLeaf

if TYPE_CHECKING:
    import sqlite3

    from aims_mlflow.audit.view import View
    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.records.leaves.base import LeafContent


class IndexWriter:
    """Adds leaves to the tables, in one transaction that its caller holds."""

    def __init__(self, connection: sqlite3.Connection, view: View) -> None:
        self._rows, self._view = IndexRows(connection), view
        self._policies: dict[str, LoadedPolicy | None] = {}

    def add(self, leaf: Leaf) -> None:
        """Add one leaf. Leaves come in order, each once."""
        fact = leaf.fact
        model = follow_names(self._rows, leaf.sequence, fact) if isinstance(fact, OutcomeLeaf) and fact.done else None
        self._add_leaf(leaf, fact, model or fact.model_name)
        if fact.model_name:
            self._rows.unjudge(fact.model_name)
        if isinstance(fact, DecisionLeaf):
            self._add_decision(leaf, fact)
        elif isinstance(fact, OutcomeLeaf):
            self._add_outcome(leaf.sequence, fact)
        elif isinstance(fact, AdoptionLeaf):
            self._add_version(leaf.sequence, fact, "legacy", fact.run_id)
        elif isinstance(fact, ConsentLeaf):
            self._add_consent(leaf.sequence, fact)
        elif isinstance(fact, FindingLeaf | IncidentLeaf):
            self._add_finding(leaf.sequence, fact)
        elif isinstance(fact, EvidenceLeaf):
            self._add_evidence(leaf.sequence, fact)
        elif isinstance(fact, ErasureLeaf) or fact.type in ("policy", "keyring"):
            self._rows.unjudge(None)
            if isinstance(fact, ErasureLeaf) and fact.erased:
                self._drop_record(fact.erased)
        if fact.type in FACTS and fact.model_name:
            follow_tenures(self._rows, fact)

    def _add_leaf(self, leaf: Leaf, fact: LeafContent, model: str | None) -> None:
        said = [
            getattr(fact, name, None) for name in ("of", "stage", "alias", "mlflow_stage", "about", "state", "control")
        ]
        what = ", ".join(str(each) for each in said if each)
        self._rows.insert(
            "leaf", leaf.sequence, fact.type, fact.time, fact.request, model, fact.version, what, leaf.leaf_hash
        )

    def _add_decision(self, leaf: Leaf, fact: DecisionLeaf) -> None:
        records = self._add_records(leaf.sequence, fact, fact.model_name)
        system = self._system(fact) or next((r.system for r in records if r.system), None)
        self._rows.insert(
            "decision",
            leaf.sequence,
            fact.request,
            fact.decided or fact.time,
            fact.model_name,
            fact.version,
            fact.stage,
            fact.alias or (fact.mlflow_stage or "").lower() or None,
            fact.basis,
            fact.mode,
            fact.allowed,
            fact.would_refuse,
            fact.model_digest,
            system,
            fact.run_id,
            fact.policy_digest,
            fact.keyring_digest,
            json.dumps(fact.unmet),
            len(fact.waivers),
            fact.waived_until,
            None,
        )
        for waiver in fact.waivers:
            self._rows.insert("waiver_use", waiver, leaf.sequence)
        title = f"{fact.stage or 'decision'} of {fact.model_name}" + (
            f" version {fact.version}" if fact.version else ""
        )
        verdict = "allowed" if fact.allowed else "refused"
        self._rows.word(
            "decision",
            f"decisions/{leaf.sequence}",
            fact.model_name,
            title,
            f"{verdict} {fact.alias or ''} {fact.request} {fact.model_digest or ''} {' '.join(fact.unmet)}",
        )

    def _system(self, fact: DecisionLeaf) -> str | None:
        digest = fact.policy_digest or ""
        if digest not in self._policies:
            try:
                text = self._view.stored(digest)
                self._policies[digest] = parse_policy(text, FILE) if text else None
            except (AimsError, ValueError):
                self._policies[digest] = None
        policy = self._policies[digest]
        if policy is None or not fact.stage:
            return None
        workspace, _, name = fact.model_name.rpartition("/")
        try:
            rules = policy.rules(name, fact.stage, fact.alias, workspace or None)
        except AimsError:
            return None
        return rules.system.id if rules.system is not None else None

    def _add_outcome(self, sequence: int, fact: OutcomeLeaf) -> None:
        self._rows.run(
            "UPDATE decision SET done = ?, version = coalesce(version, ?) WHERE request = ?",
            int(fact.done),
            fact.version,
            fact.request,
        )
        if fact.done and fact.stage == "registration" and fact.model_name:
            row = self._rows.run("SELECT run_id FROM decision WHERE request = ?", fact.request).fetchone()
            self._add_version(sequence, fact, fact.basis or "evidence", row["run_id"] if row else None)

    def _add_version(self, sequence: int, fact: OutcomeLeaf | AdoptionLeaf, basis: str, run_id: str | None) -> None:
        row = self._rows.run("SELECT system FROM decision WHERE request = ?", fact.request).fetchone()
        system = row["system"] if row else None
        model, version = str(fact.model_name), str(fact.version)
        self._rows.insert(
            "version",
            model,
            version,
            fact.model_digest,
            fact.time,
            sequence,
            fact.request,
            system,
            run_id,
            basis,
            None,
            orders="INSERT OR REPLACE",
        )
        self._rows.word(
            "version",
            f"models/{model}/{version}",
            model,
            f"{model} version {version}",
            f"{system or ''} {fact.model_digest or ''} {run_id or ''}",
        )
        self._rows.run(
            "INSERT OR IGNORE INTO record_model SELECT r.sha256, ? "
            "FROM record r JOIN ingested i ON i.sequence = r.leaf "
            "WHERE i.digest = ?",
            model,
            fact.model_digest,
        )

    def _add_consent(self, sequence: int, fact: ConsentLeaf) -> None:
        summary = RecordSummary.of(self._view.envelope(fact.envelope or "") or b"")
        self._rows.insert(
            "consent",
            sequence,
            fact.time,
            fact.model_name,
            fact.type,
            fact.stage,
            fact.alias,
            fact.model_digest,
            fact.control,
            fact.expires,
            fact.measure_due,
            bool(fact.break_glass),
            fact.envelope,
            summary.id if summary else None,
            summary.key_id if summary else None,
        )
        self._rows.word(
            fact.type,
            f"leaves/{sequence}",
            fact.model_name,
            f"{fact.type} for {fact.model_name}",
            f"{fact.control or ''} {fact.alias or ''} {fact.stage or ''} {fact.model_digest or ''}",
        )

    def _add_finding(self, sequence: int, fact: FindingLeaf | IncidentLeaf) -> None:
        if fact.state != "open":
            self._rows.run(
                "UPDATE finding SET closed = ?, closed_time = ? WHERE key = ? AND closed IS NULL",
                sequence,
                fact.time,
                fact.request,
            )
            return
        self._rows.insert(
            "finding",
            fact.request,
            sequence,
            None,
            fact.type,
            fact.about,
            fact.control,
            fact.model_name,
            fact.version,
            fact.alias,
            fact.time,
            None,
        )
        self._rows.word(
            fact.type,
            f"leaves/{sequence}",
            fact.model_name or "",
            f"{fact.type}: {fact.about}",
            f"{fact.model_name or ''} {fact.version or ''} {fact.control or ''}",
        )

    def _add_evidence(self, sequence: int, fact: EvidenceLeaf) -> None:
        records = self._add_records(sequence, fact, None)
        if fact.documents:
            self._unjudge_systems({record.system for record in records})
        for digest in fact.model_digests:
            self._rows.insert("ingested", sequence, digest)
            for row in self._rows.run("SELECT DISTINCT model FROM version WHERE digest = ?", digest).fetchall():
                self._rows.run(
                    "INSERT OR IGNORE INTO record_model SELECT sha256, ? FROM record WHERE leaf = ?",
                    row["model"],
                    sequence,
                )
                self._rows.unjudge(row["model"])

    def _unjudge_systems(self, systems: set[str | None]) -> None:
        """Drop the states of the models of systems, which a document may have changed; None: those of all models."""
        if None in systems:
            self._rows.unjudge(None)
            return
        for system in systems:
            for row in self._rows.run("SELECT DISTINCT model FROM version WHERE system = ?", system).fetchall():
                self._rows.unjudge(row["model"])

    def _drop_record(self, sha256: str) -> None:
        """Drop an erased record: its account, and what the search finds of it, are not to stay here."""
        for row in self._rows.run("SELECT id FROM record WHERE sha256 = ?", sha256).fetchall():
            self._rows.run("DELETE FROM words WHERE address = ?", f"records/{row['id']}")
        for table in ("record", "record_model"):
            self._rows.run(f"DELETE FROM {table} WHERE sha256 = ?", sha256)

    def _add_records(self, sequence: int, fact: LeafContent, model: str | None) -> list[RecordSummary]:
        out = []
        for name, raw in self._view.envelopes(list(dict.fromkeys(fact.envelopes()))).items():
            summary = RecordSummary.of(raw)
            if summary is None:
                continue
            out.append(summary)
            before = self._rows.changes
            self._rows.insert("record", name, *summary.columns(), sequence)
            if self._rows.changes > before:
                self._rows.word(
                    "record",
                    f"records/{summary.id}",
                    model or "",
                    f"{summary.kind} {summary.id}",
                    f"{summary.result} {summary.system or ''} {summary.session or ''} {summary.actor}",
                )
            if model:
                self._rows.insert("record_model", name, model)
        return out
