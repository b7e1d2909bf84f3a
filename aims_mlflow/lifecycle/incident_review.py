"""Closing of an incident by the signed review of an approver who was not involved in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.errors import EvidenceError
from aims_mlflow.evidence.statement import Subject, read, seal
from aims_mlflow.gates.authority import named_envelopes
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.lineage import spans
from aims_mlflow.lifecycle.ingest import keyring_now
from aims_mlflow.records.base import parse_time, utc_text, uuid7
from aims_mlflow.records.details.gate import ReviewDetails
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.keyring import REVIEWERS
from aims_mlflow.records.leaves.others import ConsentLeaf, IncidentBody, IncidentLeaf
from aims_mlflow.registers.findings import closed, newest
from aims_mlflow.registers.kinds import KINDS
from aims_mlflow.signing.owners import is_among

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.keyring import KeyEntry, Keyring
    from aims_mlflow.signing.keys import SigningKey

KIND = "incident-review"


def close_incident(ledger: Ledger, incident: str, reason: str, key: SigningKey, actor: str) -> Leaf:
    """Close the incident with this id by its signed review; return the sealed leaf.

    Raises:
        EvidenceError: no such incident is open, or the key may not review it.
        KeyUnavailable, Unreachable: as `Ledger.seal`.
    """
    found = newest(ledger.leaves(types=("finding", "incident"), request=incident)).get(incident)
    if found is None:
        raise EvidenceError(f"no incident {incident} is open", next="`aims gate findings` lists them")
    leaf, content = found
    kind = KINDS[content.about]
    if kind.closer != "review" or not isinstance(content, IncidentLeaf):
        what = f"a finding of kind {kind.name} is not closed by hand"
        raise EvidenceError(what, next=f"it closes when {kind.closes}")
    keyring, now = keyring_now(ledger), utc_text()
    reviewer = _reviewer(ledger, keyring, leaf, key, now)
    body = Evidence(
        id=uuid7(), kind=KIND, result="passed", reason=reason, actor=actor, key_id=key.key_id, time=now,
        details=ReviewDetails(about=kind.name, sequence=leaf.sequence).plain(),
    )  # fmt: skip
    record = seal(body, [Subject(name=f"leaf {leaf.sequence}", digest={"sha256": leaf.leaf_hash})], key)
    done = closed(content).changed(envelope=record.sha256)
    return ledger.seal(Entry(done, IncidentBody(owner=reviewer.owner), [record.envelope.raw]))[0]


def _reviewer(ledger: Ledger, keyring: Keyring, leaf: Leaf, key: SigningKey, now: str) -> KeyEntry:
    """Return the keyring's entry of a key that may review an incident.

    Raises:
        EvidenceError: it may not: its role does not fit, or its owner signed a waiver that the incident is about.
    """
    entry = keyring.find(key.key_id)
    why = entry.why_not(REVIEWERS, now) if entry else f"the keyring does not know the key {key.key_id}"
    if why or entry is None:
        raise EvidenceError(f"the incident stays open: {why}", next=f"sign with a key of role {' or '.join(REVIEWERS)}")
    if is_among(entry.owner, _signers(ledger, keyring, leaf)):
        what = f"the incident stays open: {entry.owner} signed a waiver that it is about"
        raise EvidenceError(what, next="another approver reviews it")
    return entry


def _signers(ledger: Ledger, keyring: Keyring, incident: Leaf) -> set[str]:
    """Return the owners of the keys that signed an incident's waivers, and the emergency waivers in force at it."""
    content = incident.fact
    if not isinstance(content, IncidentLeaf) or not content.waivers:
        return set()
    own = [leaf.fact for name in content.waivers for leaf in ledger.leaves(types=("waiver",), request=name)]
    waivers = [*own, *_emergencies(ledger, content.model_name or "", incident.sequence, parse_time(content.time))]
    envelopes = [sha256 for each in waivers for sha256 in each.envelopes()]
    keys = (keyring.find(read(raw, name).evidence.key_id) for name, raw in named_envelopes(ledger, envelopes).items())
    return {entry.owner for entry in keys if entry is not None}


def _emergencies(ledger: Ledger, name: str, before: int, at: datetime) -> Iterator[ConsentLeaf]:
    """Yield the emergency waivers that were in force at a time for the model that had this name before a leaf."""
    for span in spans(ledger, name, before):
        for leaf in ledger.leaves(start=span.start, types=("waiver",), model_name=span.name):
            waiver = leaf.fact
            if leaf.sequence not in span or not isinstance(waiver, ConsentLeaf) or not waiver.break_glass:
                continue
            if waiver.expires is None or parse_time(waiver.expires) > at:
                yield waiver
