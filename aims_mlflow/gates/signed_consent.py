"""A verified consent: an approval, a waiver, a revocation or a retirement, with its signer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.records.decision import Consent

GIVING, TAKING = ("approval", "waiver"), ("revocation", "retirement")


@dataclass(frozen=True)
class SignedConsent:
    """A verified consent: its record's id, its signer, and the digests that bind it.

    `time` is the signer's, `sealed` the ledger's, and `sequence` that of its leaf.
    """

    id: str
    owner: str
    model_digest: str
    consent: Consent
    time: str
    roles: tuple[str, ...] = ("approver",)
    sealed: str = ""
    sequence: int = 0
    key_id: str = ""

    @property
    def since(self) -> str:
        """The time from which it counts: the ledger's, for a signer's clock proves nothing."""
        return self.sealed or self.time

    @property
    def order(self) -> tuple[int, str]:
        """Its place among the consents: that of its leaf."""
        return self.sequence, self.since

    @property
    def model(self) -> str:
        """The qualified name of the model that it was signed for."""
        consent = self.consent
        return f"{consent.workspace}/{consent.model_name}" if consent.workspace else consent.model_name

    def is_for(self, stage: str, alias: str | None) -> bool:
        """Return whether it was signed for a stage and an alias."""
        return self.consent.stage == stage and self.consent.alias in (None, alias)

    @property
    def takes_back(self) -> bool:
        """Whether it takes back what was allowed before: a revocation or a retirement."""
        return self.consent.action in TAKING
