"""Table of the kinds of finding and incident, with the control of each, its cause and its closer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Closer = Literal["reconcile", "policy", "gate", "review", "documents"]


@dataclass(frozen=True)
class FindingKind:
    """One kind. A comparison, the server's policy, the gate, a person or a run over the documents closes it (`closer`).

    `leaf` is the type of its leaves in the ledger.
    """

    name: str
    control: str
    opens: str
    closes: str
    closer: Closer
    leaf: Literal["finding", "incident"] = "finding"

    @property
    def opened_by(self) -> str:
        """When a leaf opens it: what is found in documents opens none until somebody seals it."""
        if self.closer == "documents":
            return f"`aims document findings --seal` finds: {self.opens}"
        return self.opens

    def closes_one(self, key: str) -> str:
        """Return when the one with this id closes, with the id in the command that a person types."""
        return self.closes.replace("aims gate close ID", f"aims gate close {key}")


GONE = "`aims document findings --seal` no longer finds it"
_ALL = (
    FindingKind("policy", "A.6.1.3", "a file of the policy folder is not valid",
                "the server reads a valid file in its place", "policy"),
    FindingKind("retirement-due", "A.6.1.3", "a gated alias or stage is taken from a version",
                "`aims gate retire` seals the version's retirement record, the version gets that alias again, "
                "or it is deleted", "gate"),
    FindingKind("changed-model", "A.6.2.5", "a deployment is asked for a version whose files changed",
                "a decision finds the registered files again, or the version is retired or deleted", "gate"),
    FindingKind("ungated-version", "A.6.2.5", "a version exists without an allowing decision",
                "the version is deleted; one from before the gate: an approver runs `aims gate adopt`", "reconcile"),
    FindingKind("ungated-alias", "A.6.2.5", "a gated alias names a version without an allowing decision",
                "the alias is deleted, or set through the gate", "reconcile"),
    FindingKind("changed-bytes", "A.6.2.5", "the files of a version in use changed since registration",
                "the files are restored, or the alias is deleted or moved", "reconcile"),
    FindingKind("unreadable-bytes", "A.6.2.5", "the files of a version in use cannot be read",
                "the files can be read again, or the alias is deleted or moved", "reconcile"),
    FindingKind("lost-alias", "A.6.2.8", "a gated alias vanished past the gate",
                "the alias is set again, or `aims gate reconcile --restored REASON` seals the loss", "reconcile"),
    FindingKind("lost-version", "A.6.2.8", "a registered version vanished past the gate",
                "the version is there again, or `aims gate reconcile --restored REASON` seals the loss", "reconcile"),
    FindingKind("legacy-over", "A.6.2.5", "an adopted version has an alias after the policy's last day for it",
                "the alias is deleted or moved, or the policy names a later day (legacy.until)", "reconcile"),
    FindingKind("waiver-over", "A.6.2.5", "a version has an alias after a waiver ended that it rested on",
                "the alias is deleted, moved, or set anew by a decision that holds", "reconcile"),
    FindingKind("observed-alias", "A.6.2.5", "an alias was set while the gate only observed, by a decision that would "
                "have refused it, and the gate enforces now",
                "the alias is deleted, moved, or set anew by a decision that holds", "reconcile"),
    FindingKind("authority-ended", "A.6.2.5", "what let a version into use was taken back, or a signature behind it "
                "does not count any more", "the alias is deleted, moved, or set anew by a decision that holds",
                "reconcile"),
    FindingKind("rules-put-back", "A.6.1.3", "an alias was set by rules of which the policy was changed back since",
                "the alias is deleted, or the version gets it by a decision of today's rules: `aims gate revoke`, "
                "`aims approve`, and set it again", "reconcile"),
    FindingKind("exchanged-rules", "A.6.1.3", "the ledger's database names another policy or keyring in force than "
                "the newest leaf", "the database names what the newest leaf says, as after a restart of the server",
                "reconcile"),
    FindingKind("open-change", "A.6.2.8", "a server died between announcing a change and sealing its outcome",
                "the outcome that the registry shows is sealed", "reconcile"),
    FindingKind("late-delivery", "A.6.2.8", "an anchor is more than a minute behind the log",
                "the anchor has the newest checkpoint", "reconcile"),
    FindingKind("break-glass", "A.8.4", "a change goes through on an emergency waiver",
                "an approver who signed none of its waivers reviews it: `aims gate close ID --reason ...`",
                "review", "incident"),
    FindingKind("measure-due", "A.6.2.5", "the day is past on which evidence of a waiver's promised measure was due",
                "an approver who did not sign the waiver reviews the evidence: `aims gate close ID --reason ...`",
                "review", "incident"),
    FindingKind("ledger-lost", "A.6.2.8", "a new ledger is begun in place of one that is gone",
                "an approver reviews what was lost with it: `aims gate close ID --reason ...`", "review", "incident"),
    FindingKind("inventory", "4.3", "the register of systems and what a scan or the ledger shows do not agree",
                GONE, "documents"),
    FindingKind("written-documents", "7.5", "a document is a draft, not approved by another person, or overdue",
                GONE, "documents"),
    FindingKind("impact", "A.5.3", "an impact assessment is generic, or not about the version in use",
                GONE, "documents"),
    FindingKind("documentation", "A.6.2.7", "what is written about a version in use is late, lacking or not true",
                GONE, "documents"),
    FindingKind("lifecycle", "A.6.2.6", "a plan for a version in use is not carried out, or an incident is not closed",
                GONE, "documents"),
    FindingKind("third-party", "A.10.3", "a component of a third party is not judged as it is used", GONE, "documents"),
    FindingKind("internal-audit", "9.2", "an audit was not held, or by people who may not", GONE, "documents"),
    FindingKind("applicability", "6.1.3", "the statement of applicability does not fit register and risks",
                GONE, "documents"),
    FindingKind("leadership", "5.3", "somebody approves or trains without that duty, or a duty is nobody's",
                GONE, "documents"),
    FindingKind("risk", "6.1.2", "a risk is not treated, closed on the wrong test, or not written down",
                GONE, "documents"),
    FindingKind("use", "A.9.2", "promised reviews were not made, or reports from outside not answered",
                GONE, "documents"),
    FindingKind("management-review", "9.3", "a management review was not told all, decided nothing, or is overdue",
                GONE, "documents"),
)  # fmt: skip

KINDS = {kind.name: kind for kind in _ALL}
RECONCILED = tuple(kind.name for kind in _ALL if kind.closer == "reconcile")
