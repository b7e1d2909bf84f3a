"""A verified consent: an approval, a waiver, a revocation or a retirement, with its signer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aims_mlflow.records.decision import Consent


@dataclass(frozen=True)
class SignedConsent:
    """A verified consent: its record's id, its signer, and the digests that bind it.

    `time` is the signer's, `sealed` the ledger's.
    """

    id: str
    owner: str
    model_digest: str
    consent: Consent
    time: str
    roles: tuple[str, ...] = ("approver",)
    sealed: str = ""

    @property
    def since(self) -> str:
        """The time from which it counts: a signer's clock cannot put it before or after another consent."""
        return self.sealed or self.time
