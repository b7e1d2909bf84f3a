"""Leaves about people, rules, findings and evidence."""

from __future__ import annotations

import re
import secrets
from typing import Literal

from pydantic import Field

from aims_mlflow.canonical import digest_of
from aims_mlflow.records.base import Record, Sha256, Time
from aims_mlflow.records.leaves.base import CallerBody, Control, EmptyBody, LeafBody, LeafContent, Name, Sessions

DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ConsentText(Record):
    """The text that a person wrote, and their account; the consent commits to both with a salt."""

    comment: str = Field("", max_length=500, description="reason that the person gave")
    actor: str = Field(description="account of the person")
    salt: Sha256 = Field(description="random, so that nobody can guess the text from its digest")

    @classmethod
    def of(cls, comment: str, actor: str) -> ConsentText:
        """Return a text with a new salt, which prevents guessing the text from its commitment."""
        return cls(comment=comment, actor=actor, salt=secrets.token_hex(32))

    @property
    def commitment(self) -> str:
        """The digest of text and salt that the consent's signature covers."""
        return digest_of(self.model_dump())


class ConsentBody(CallerBody):
    """Who consented, and the text."""

    owner: str | None = Field(None, description="owner of the signing key")
    comment: str | None = Field(None, description="reason that the person gave")
    words: ConsentText | None = Field(None, description="text that the consent's `words` commits to")


class ConsentLeaf(LeafContent):
    """An approval, a waiver, a revocation or a retirement, bound to a model's bytes."""

    type: Literal["approval", "waiver", "revocation", "retirement"]
    model_name: Name
    stage: Name | None = Field(None, description="stage that it is for")
    alias: Name | None = Field(None, description="alias that it is for")
    model_digest: Sha256 | None = Field(None, description="dirHash1 of the model")
    stage_digest: Sha256 | None = Field(None, description="rules that were in force when it was signed")
    control: Control | None = Field(None, description="control that a waiver covers")
    expires: Time | None = Field(None, description="end of a waiver")
    measure_due: Time | None = Field(None, description="end of the day on which evidence of a promised measure is due")
    break_glass: bool | None = Field(None, description="a waiver of everything, in an emergency")
    envelope: Sha256 | None = Field(None, description="sha256 of the signed envelope")

    def envelopes(self) -> list[str]:
        """Return the consent's own envelope."""
        return [self.envelope] if self.envelope else []


class PolicyLeaf(LeafContent):
    """A policy that is in force from here on."""

    type: Literal["policy"] = "policy"
    policy_digest: Sha256 | None = Field(None, description="digest over what the policy says")
    text_sha256: Sha256 | None = Field(None, description="sha256 of its text as it was written, with comments")

    def rules(self) -> list[str]:
        """Return the digest of the policy."""
        return [self.policy_digest] if self.policy_digest else []


class KeyringLeaf(LeafContent):
    """A keyring that is in force from here on; `version` is the keyring's."""

    type: Literal["keyring"] = "keyring"
    keyring_digest: Sha256 | None = Field(None, description="digest of the keyring")

    def rules(self) -> list[str]:
        """Return the digest of the keyring."""
        return [self.keyring_digest] if self.keyring_digest else []


class FindingBody(LeafBody):
    """The text of a finding."""

    text: str | None = Field(None, description="the finding in one sentence")


class FindingLeaf(LeafContent):
    """Something that does not fit, opened once, and closed when it fits again; `request` is its key."""

    type: Literal["finding"] = "finding"
    about: str = Field(description="kind of finding")
    control: Control | None = Field(None, description="control that it speaks against")
    state: Name | None = Field(None, description="`open` or `closed`")
    alias: Name | None = Field(None, description="alias or stage that it is about")
    stage: Name | None = Field(None, description="stage of an open change")
    mlflow_stage: Name | None = Field(None, description="MLflow stage of an open change")
    of: Name | None = Field(None, description="type of the leaf of an open change")
    change: Name | None = Field(None, description="request of an open change")
    registered: Sha256 | None = Field(None, description="digest at registration")
    found: Sha256 | None = Field(None, description="digest found instead")
    anchor: Name | None = Field(None, description="anchor that has not received a checkpoint")
    text_sha256: Sha256 | None = Field(None, description="sha256 of the sentence about an invalid policy folder")
    rule: Name | None = Field(None, description="rule of a finding about the management system")


class IncidentBody(LeafBody):
    """What happened, and who reviewed it."""

    text: str | None = Field(None, description="the incident in one sentence")
    owner: str | None = Field(None, description="owner of the key that signed the review")


class IncidentLeaf(LeafContent):
    """Something that happened and needs a person's review: `envelope` holds it, in the leaf that closes it."""

    type: Literal["incident"] = "incident"
    about: str = Field(description="kind of incident: `break-glass`, `measure-due` or `ledger-lost`")
    control: Control | None = Field(None, description="control that it concerns")
    state: Name | None = Field(None, description="`open` or `closed`")
    alias: Name | None = Field(None, description="alias that was opened by break-glass")
    waivers: list[Name] | None = Field(None, description="waivers that opened it")
    versions: int | None = Field(None, description="how many versions a lost ledger knew")
    envelope: Sha256 | None = Field(None, description="sha256 of the signed review that closes it")

    def envelopes(self) -> list[str]:
        """Return the signed review."""
        return [self.envelope] if self.envelope else []


class IngestionBody(LeafBody):
    """The origin of evidence from an ungated run."""

    source: str | None = Field(None, description="run, folder or bundle that it was read from")
    reason: str | None = Field(None, description="why it is sealed now")
    owners: list[str] | None = Field(None, description="owners of the keys that signed it")


class EvidenceLeaf(LeafContent):
    """A whole session of an ungated run, sealed unchanged; `request` is the session's id."""

    type: Literal["evidence"] = "evidence"
    sessions: Sessions = Field(default_factory=dict, description="the session file: name to the sha256 of each line")
    evidence: list[Sha256] = Field(default_factory=list, description="its records, by sha256")
    model_digests: list[Name] = Field(default_factory=list, description="models that the records are about")
    runs: list[Name] = Field(default_factory=list, description="MLflow runs of the records")
    documents: list[Name] | None = Field(None, description="documents that people signed; a key of any role may sign")

    def session_files(self) -> Sessions:
        """Return the session file."""
        return self.sessions

    def sessions_about(self) -> dict[str, Sessions]:
        """Return the session for each model that its records are about; a document speaks of no bytes."""
        return {} if self.documents else {d: self.sessions for d in self.model_digests if DIGEST.fullmatch(d)}


class ErasureBody(LeafBody):
    """Who erased."""

    owner: str | None = Field(None, description="owner of the signing key")


class ErasureLeaf(LeafContent):
    """The body of another leaf, or an envelope, was erased; `envelope` holds who did it and why."""

    type: Literal["erased"] = "erased"
    sequence: int | None = Field(None, description="leaf whose body is gone")
    erased: Sha256 | None = Field(None, description="sha256 of the envelope that is gone")
    envelope: Sha256 | None = Field(None, description="sha256 of the signed record of the erasure")

    def envelopes(self) -> list[str]:
        """Return the signed record of the erasure."""
        return [self.envelope] if self.envelope else []


class LaterLeaf(LeafContent):
    """A leaf of a type that this release does not know: kept, and never read as something else."""

    sessions: Sessions = Field(default_factory=dict, description="session files, as in other leaves")
    envelope: Sha256 | None = Field(None, description="sha256 of an envelope, as in other leaves")

    def session_files(self) -> Sessions:
        """Return the session files that it names."""
        return self.sessions

    def envelopes(self) -> list[str]:
        """Return the envelopes that it names in the fields of other leaves."""
        return [*super().envelopes(), *([self.envelope] if self.envelope else [])]


BODIES: dict[str, type[LeafBody]] = {
    **dict.fromkeys(("approval", "waiver", "revocation", "retirement"), ConsentBody),
    "policy": EmptyBody,
    "keyring": EmptyBody,
    "finding": FindingBody,
    "incident": IncidentBody,
    "evidence": IngestionBody,
    "erased": ErasureBody,
}
