"""The versions that gated aliases point to now, by a ledger: each with evidence, waivers and predecessor."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from aims_mlflow.errors import AimsError, EvidenceError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.small_counts import beside_line
from aims_mlflow.evidence.verify import check_session, check_signature
from aims_mlflow.gates.authority import named_envelopes
from aims_mlflow.lifecycle.ingest import force_now
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.tenures import FACTS, tenures_of, versions_of
from aims_mlflow.management.findings.state import DeployedVersion, VersionConsent
from aims_mlflow.records.decision import WaivedBy
from aims_mlflow.records.keyring import ROLES
from aims_mlflow.records.leaves.changes import DecisionBody, OutcomeLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf, EvidenceLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aims_mlflow.evidence.statement import SealedRecord
    from aims_mlflow.evidence.verify import KeyLookup
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.lifecycle.tenures import Tenure


def deployed(ledger: Ledger) -> tuple[DeployedVersion, ...]:
    """Return every version that a gated alias or stage points to now.

    Raises:
        EvidenceError: the ledger has no keyring in force.
    """
    names = dict.fromkeys(str(leaf.fact.model_name) for leaf in ledger.leaves(types=FACTS) if leaf.fact.model_name)
    if not names:
        return ()
    reader = _EvidenceReader(ledger, force_now(ledger).keyring.find)
    return tuple(found for name in names for found in _of_model(ModelHistory(ledger, name), reader))


def _of_model(past: ModelHistory, reader: _EvidenceReader) -> Iterable[DeployedVersion]:
    every = tenures_of(past)
    retired, versions = past.retired(), versions_of(past)
    for tenure in every:
        if tenure.until is not None:
            continue
        digest, version = tenure.fact.model_digest, tenure.version
        before = _before(tenure, every)
        records, waived = reader.of(tenure, digest)
        yield DeployedVersion(
            past.name, tenure.place, version, digest, tenure.since, records, _registered(past, version), waived,
            before.fact.model_digest if before else None,
            reader.of(before, before.fact.model_digest)[0] if before else (), versions,
            tuple(v for v in versions if past.registered(v) in retired), reader.consents(past.name, digest),
        )  # fmt: skip


def _before(tenure: Tenure, every: list[Tenure]) -> Tenure | None:
    """Return the last tenure of the same place by other bytes."""
    earlier = [t for t in every if t.place == tenure.place and t.until is not None]
    others = [t for t in earlier if t.fact.model_digest not in (None, tenure.fact.model_digest)]
    return others[-1] if others else None


def _registered(past: ModelHistory, version: str) -> str | None:
    """Return when a version was registered through the gate."""
    made = (c for c in past.done(version) if isinstance(c, OutcomeLeaf) and c.stage == "registration")
    return next((c.time for c in made), None)


class _EvidenceReader:
    """Reads the sealed evidence of versions; leaves about models are gone through once."""

    def __init__(self, ledger: Ledger, lookup: KeyLookup) -> None:
        self._ledger, self._lookup = ledger, lookup
        self._about: dict[str, list[Leaf]] = defaultdict(list)
        for leaf in ledger.leaves(types=("evidence",)):
            for digest in leaf.fact.model_digests if isinstance(leaf.fact, EvidenceLeaf) else ():
                self._about[digest].append(leaf)

    def of(self, tenure: Tenure, digest: str | None) -> tuple[tuple[SealedRecord, ...], tuple[WaivedBy, ...]]:
        """Return the records behind the decision of a tenure and those sealed later, and the waivers that it used."""
        decision = next(self._ledger.leaves(types=("decision",), request=tenure.fact.request), None)
        body = self._body(decision)
        found: dict[str, SealedRecord] = {}
        for leaf in ([decision] if decision else []) + self._about.get(digest or "", []):
            beside = (body.beside or {}) if body is not None and leaf is decision else {}
            found |= {r.id: r for r in self._records(leaf, beside)}
        said = (body.decision or {}).get("waived", ()) if body is not None else ()
        ordered = sorted(found.values(), key=lambda r: (r.evidence.time, r.id))
        return tuple(ordered), tuple(WaivedBy.model_validate(each) for each in said)

    def consents(self, model: str, digest: str | None) -> tuple[VersionConsent, ...]:
        """Return the approvals and waivers of some bytes under a model's name, each by the owner of its key."""
        leaves = self._ledger.leaves(types=("approval", "waiver"), model_name=model)
        found = []
        for leaf in leaves:
            fact = leaf.fact
            if not isinstance(fact, ConsentLeaf) or fact.envelope is None or digest is None:
                continue
            raw = self._ledger.envelope(fact.envelope) if fact.model_digest == digest else None
            if raw is None:
                continue
            with contextlib.suppress(EvidenceError):  # verification of the ledger names a consent that does not verify
                key = check_signature(statement.read(raw, "consent"), self._lookup, ROLES, timeless=True)
                found.append(VersionConsent(str(fact.request), key.owner, fact.type, fact.time))
        return tuple(found)

    def _body(self, leaf: Leaf | None) -> DecisionBody | None:
        try:
            body = self._ledger.body(leaf.sequence) if leaf is not None else None
        except AimsError:  # verification of the ledger names what is wrong with it
            return None
        return body if isinstance(body, DecisionBody) else None

    def _records(self, leaf: Leaf, beside: Mapping[str, str]) -> Iterable[SealedRecord]:
        files = leaf.fact.session_files()
        kept = named_envelopes(self._ledger, [line for lines in files.values() for line in lines if line])
        for name, lines in files.items():
            data = b"\n".join(beside_line(kept[x], beside.get(x)) if x in kept else b"" for x in lines)
            session = check_session(data, name, self._lookup, ROLES, timeless=True)
            yield from (r for r in session.records if r.id in session.signers)
