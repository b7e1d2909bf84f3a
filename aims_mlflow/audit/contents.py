"""The contents of a ledger's leaves: each part by itself, here or in worker processes, then all of them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aims_mlflow.audit.decision_times import DecisionTimes
from aims_mlflow.audit.part_check import PartCheck, leaf_content
from aims_mlflow.audit.part_workers import PartWorkers
from aims_mlflow.audit.parts import (
    MAX_PART_BYTES,
    PART_BYTES,
    CompletedChange,
    NewRules,
    Part,
    PartResult,
    SealedDecision,
)
from aims_mlflow.audit.report import Step
from aims_mlflow.errors import EvidenceError
from aims_mlflow.records.leaves.others import PolicyLeaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.audit.report import Report
    from aims_mlflow.audit.view import View
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.signing.keyring_history import KeyringHistory

# A policy's leaf has this text; other leaves may have it too.
MAY_BE_POLICY = b'"type":"policy"'
MAX_TOLD = 50
EXCHANGED = "someone exchanged the rules in the database, or decided by rules that others had replaced"


class ContentCheck:
    """Checks leaves part by part, in order; keeps only the state in force and open changes in memory."""

    def __init__(
        self, view: View, report: Report, history: KeyringHistory, *, whole: bool = False, processes: int = 0
    ) -> None:
        """`whole` means that the view contains every leaf, so that a missing leaf never existed.

        `processes` is how many worker processes check parts; without any, this one does.
        """
        self._view, self._report = view, report
        self._in_force: dict[str, list[str]] = {"policy": [], "keyring": []}
        self._allowed: set[str] = set()
        # Decisions by rules that others replaced between the decision and its leaf, by request: none of them may count.
        self._outdated: dict[str, str] = {}
        # The tree's problems of later leaves may be found before those of a part: these are told after them.
        self._unreadable = Step("inclusion")
        self._without_body: dict[int, str] = {}
        self._erased: set[int] = set()
        self._erased_envelopes: set[str] = set()
        self._not_again: dict[int, tuple[str, int]] = {}
        self._counted = {"bodies": 0, "decisions": 0, "again": 0, "envelopes": 0}
        self._workers = PartWorkers(PartCheck(view, history, whole=whole).check, processes)
        self._times = DecisionTimes(view)
        self._policy = ""
        self._part, self._bytes, self._read = Part([], ""), 0, 0

    def page(self, leaves: Sequence[Leaf]) -> None:
        """Take the next leaves."""
        for leaf in leaves:
            self._part.leaves.append(leaf)
            self._bytes += len(leaf.data)
            self._policy = _policy_after(leaf) or self._policy
            if self._bytes >= min(max(PART_BYTES, self._read // 8), MAX_PART_BYTES):
                self._hand_over()

    def _hand_over(self) -> None:
        for result in self._workers.results(self._part):
            self._settle(result)
        self._read += self._bytes
        self._part, self._bytes = Part([], self._policy), 0

    def _settle(self, result: PartResult) -> None:
        """Take what a part says into the report, and what it says into the state that later parts are judged by."""
        for said in result.said:
            if isinstance(said, NewRules):
                self._in_force[said.kind].append(said.digest)
            elif isinstance(said, SealedDecision):
                self._decision(said)
            elif isinstance(said, CompletedChange):
                self._made(said)
            else:
                step, problem = said
                (self._unreadable if step == "inclusion" else self._report[step]).add(problem)
        self._without_body |= result.without_body
        self._erased.update(result.erased)
        self._erased_envelopes.update(result.erased_envelopes)
        self._not_again |= result.not_again
        self._counted["bodies"] += result.bodies
        self._counted["again"] += result.made_again
        self._counted["envelopes"] += result.envelopes

    def _decision(self, said: SealedDecision) -> None:
        self._counted["decisions"] += 1
        if said.allowed:
            self._allowed.add(said.request)
        if problem := self._times.why_not(said):
            self._report["completeness"].add(problem)
        for kind, digest in said.rules.items():
            versions = self._in_force[kind]
            if digest is None or digest in versions[-1:]:
                continue
            what = f"it was made under {kind} {digest[:12]}, which was not in force then"
            if digest in versions:
                self._outdated[said.request] = what
            else:
                self._report["completeness"].wrong(said.name, what, EXCHANGED)

    def _made(self, said: CompletedChange) -> None:
        if outdated := self._outdated.pop(said.request, None):
            self._report["completeness"].wrong(f"decision {said.request}", outdated, EXCHANGED)
        if said.request in self._allowed:
            self._allowed.discard(said.request)
        else:
            self._report["completeness"].wrong(
                said.name, "no allowing decision stands before it", "a change was made past the gate's own no"
            )

    def finish(self) -> None:
        """Check the ledger as a whole: bodies deleted without a record, and the active policy and keyring."""
        self._hand_over()
        for result in self._workers.rest():
            self._settle(result)
        for problem in self._unreadable.problems:
            self._report["inclusion"].add(problem)
        self._report["inclusion"].more += self._unreadable.more
        step = self._report["completeness"]
        for sequence, who in self._without_body.items():
            if sequence not in self._erased:
                step.wrong(who, "its body is gone and no erasure is recorded", "someone deleted it in the database")
        active = self._view.active()
        for kind, versions in self._in_force.items():
            last = versions[-1] if versions else None
            if active.get(kind) != last:
                step.wrong(
                    f"active {kind}",
                    f"the database says {str(active.get(kind))[:12]}, the ledger's last {kind} leaf {str(last)[:12]}",
                    f"someone exchanged the {kind} in force: decisions from now on would be made by another one",
                )
        counted = self._counted
        gone = len(self._erased_envelopes)
        envelopes = f"{counted['envelopes']:,} envelopes, counted at each leaf that names them"
        self._report["envelope"].said.append(envelopes + (f", {gone:,} erased with a reason" if gone else ""))
        erased = f", {len(self._erased):,} erased with a reason" if self._erased else ""
        again = f"{counted['decisions']:,} decisions, {counted['again']:,} made again"
        step.said.append(f"{again}, {counted['bodies']:,} bodies{erased}, policy in force")
        for sequence, (request, by) in list(self._not_again.items())[:MAX_TOLD]:
            step.skipped.append(not_made_again(f"leaf {sequence}, decision {request}", by))
        if len(self._not_again) > MAX_TOLD:
            step.skipped.append(f"and {len(self._not_again) - MAX_TOLD:,} more decisions, for the same reason")


def not_made_again(who: str, by: int) -> str:
    """Return the sentence about a decision whose evidence was erased by leaf `by`."""
    return f"{who}, was not made again: its envelope was erased by leaf {by}"


def _policy_after(leaf: Leaf) -> str | None:
    """Return the digest of the policy that a leaf puts in force; None for nearly all leaves, which are not parsed."""
    if MAY_BE_POLICY not in leaf.data:
        return None
    try:
        content = leaf_content(leaf)
    except EvidenceError:
        return None
    return str(content.policy_digest) if isinstance(content, PolicyLeaf) else None
