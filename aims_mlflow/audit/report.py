"""Report of a verification: its steps in order, and each problem with its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aims_mlflow.evidence.verify import Problem, told_once

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

StepName = Literal["keyring", "envelope", "subject bytes", "inclusion", "checkpoint", "time stamp", "completeness"]
STEPS: tuple[StepName, ...] = (
    "keyring", "envelope", "subject bytes", "inclusion", "checkpoint", "time stamp", "completeness",
)  # fmt: skip
Verdict = Literal[
    "verified", "verified as of an unpinned root", "verified by itself", "not sealed yet", "not verified"
]  # fmt: skip
# Evidence that the ledger does not know is no sign of tampering by itself: it was added after the gate's decision.
NOT_SEALED = "no leaf of the ledger names it"
# One forged row can break thousands of later ones: the first problems show the cause.
MAX_PROBLEMS = 50


@dataclass
class Step:
    """One step: the checks made (`said`), the checks omitted (`skipped`), and the problems."""

    name: StepName
    said: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    more: int = 0

    @property
    def state(self) -> Literal["ok", "failed", "absent"]:
        """`absent` means that there was nothing to check, which differs from a pass."""
        if self.problems:
            return "failed"
        return "ok" if self.said else "absent"

    def wrong(self, record: str, what: str, meaning: str) -> None:
        """Note one problem."""
        self.add(Problem(record, what, meaning))

    def add(self, problem: Problem) -> None:
        """Note a problem that another function described."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more += 1


class Report:
    """A verification of one target; `root` are the pinned roots of the keyring, `ledger`: was a ledger consulted."""

    def __init__(self, target: str, root: Collection[str] | None = None, *, ledger: bool = True) -> None:
        self.target = target
        self.root_pinned = bool(root)
        self.ledger = ledger
        self.steps = {name: Step(name) for name in STEPS}

    def __getitem__(self, name: StepName) -> Step:
        return self.steps[name]

    @property
    def problems(self) -> list[Problem]:
        """Every problem, in the order of the steps."""
        return [problem for step in self.steps.values() for problem in step.problems]

    @property
    def verified(self) -> bool:
        """True if there is no problem."""
        return not self.problems

    @property
    def verdict(self) -> Verdict:
        """The result in words, with what it rests on; `not sealed yet` if the ledger lacks some evidence, and no more.

        A whole ledger can be made anew with a root of its own, which only a pinned root excludes.
        """
        if self.verified and not self.ledger:
            return "verified by itself"
        if self.verified:
            return "verified" if self.root_pinned else "verified as of an unpinned root"
        cut = any(step.more for step in self.steps.values())
        return "not sealed yet" if not cut and all(p.what == NOT_SEALED for p in self.problems) else "not verified"

    def as_json(self) -> dict[str, Any]:
        """Return the report as the object that `--json` prints."""
        steps = [
            {
                "step": step.name,
                "state": step.state,
                "checked": step.said,
                "problems": [vars(p) for p in step.problems],
                **({"not_checked": step.skipped} if step.skipped else {}),
                **({"more_problems": step.more} if step.more else {}),
            }
            for step in self.steps.values()
        ]
        return {
            "target": self.target,
            "verified": self.verified,
            "verdict": self.verdict,
            "ledger_consulted": self.ledger,
            "root_pinned": self.ledger and self.root_pinned,
            "steps": steps,
        }

    def lines(self) -> Iterable[tuple[str, str]]:
        """Yield (mark, text) for a terminal: `ok`, `failed`, `absent`, or `detail` of the step before."""
        for step in self.steps.values():
            if step.said or step.problems or not step.skipped:
                yield step.state, f"{step.name}: {'; '.join(step.said) or 'nothing to check'}"
            yield from (("absent", f"{step.name}: {text}") for text in step.skipped)
            yield from (("detail", sentence) for sentence in told_once(step.problems))
            if step.more:
                yield "detail", f"and {step.more:,} more of this kind"
