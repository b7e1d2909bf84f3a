"""Which sealed waivers of a model cover nothing, each with the reason, by the leaves of the ledger alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aims_mlflow.errors import AimsError
from aims_mlflow.gates.consents import MAX_KNOWN, KnownConsents, sealed_consents, why_not_counting
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.gates.replay import check_sessions, files_of
from aims_mlflow.gates.sealed_documents import KnownSessions
from aims_mlflow.gates.waivers import void_line, why_void
from aims_mlflow.records.base import parse_time
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf
from aims_mlflow.records.leaves.others import ConsentLeaf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.gates.authority import Authority
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.signed_consent import SignedConsent
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.ledger.ledger import Ledger

NOT_COUNTED = "it was sealed before, or for another model of this name"


class SealedWaivers:
    """Why waivers of one model cover nothing, by the rules and the keyring in force now."""

    def __init__(
        self, authority: Authority, consents: KnownConsents | None = None, sessions: KnownSessions | None = None
    ) -> None:
        """`authority` is that of the model's name now; `consents` and `sessions` remember what was verified before."""
        self._authority = authority
        self._known, self._sessions = consents or KnownConsents(MAX_KNOWN), sessions or KnownSessions(0)
        self._people: dict[tuple[str, str], frozenset[str]] = {}

    def lines(self, now: datetime) -> Iterator[str]:
        """Yield one line for each waiver that has not ended and covers nothing, as `aims gate explain` prints it."""
        names = dict.fromkeys(span.name for span in self._authority.lineage)
        for leaf in (leaf for name in names for leaf in self._authority.of_model(name).of(("waiver",))):
            content = leaf.fact
            if isinstance(content, ConsentLeaf) and content.expires and parse_time(content.expires) > now:
                why, signed = self._why_void(leaf, content)
                if why and why != NOT_COUNTED:
                    yield void_line(content, content.request, signed.owner if signed else "", why)

    def why_void(self, leaf: Leaf) -> str | None:
        """Return why the waiver of a leaf covers nothing; None where it may cover something. Its end is no reason."""
        return self._why_void(leaf, leaf.fact)[0] if isinstance(leaf.fact, ConsentLeaf) else NOT_COUNTED

    def _why_void(self, leaf: Leaf, content: ConsentLeaf) -> tuple[str | None, SignedConsent | None]:
        digest = str(content.model_digest)
        consents = list(sealed_consents(self._authority, digest, self._known).values())
        signed = next((c for c in consents if c.sequence == leaf.sequence), None)
        if signed is None:
            return why_not_counting(self._authority, leaf, self._known) or NOT_COUNTED, None
        said = signed.consent
        rules = self._authority.force.policy.rules(said.model_name, said.stage, said.alias, said.workspace)
        return why_void(signed, consents, rules, self._involved(digest, rules)), signed

    def _involved(self, digest: str, rules: Rules) -> frozenset[str]:
        """Return who trained the model, or took a result out of its evidence, by what its newest decision sealed."""
        key = (digest, rules.reevaluation or "")
        if key not in self._people:
            self._people[key] = self._read_involved(digest, rules)
        return self._people[key]

    def _read_involved(self, digest: str, rules: Rules) -> frozenset[str]:
        ledger = cast("Ledger", self._authority.ledger)
        names = dict.fromkeys(span.name for span in self._authority.lineage)
        found = (leaf for name in names for leaf in ledger.leaves(types=("decision",), model_name=name))
        made = sorted((leaf for leaf in found if _is_about(leaf, digest)), key=lambda leaf: leaf.sequence)
        try:
            body = ledger.body(made[-1].sequence) if made else None
            if not made or not isinstance(body, DecisionBody):
                return frozenset()
            files = files_of(ledger, cast("DecisionLeaf", made[-1].fact), body)
            return count(check_sessions(files, self._authority, rules, self._sessions), digest).involved
        except AimsError:  # the ledger's verification names what is missing or was changed
            return frozenset()


def _is_about(leaf: Leaf, digest: str) -> bool:
    return isinstance(leaf.fact, DecisionLeaf) and leaf.fact.model_digest == digest
