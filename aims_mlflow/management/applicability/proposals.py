"""What a draft of the statement of applicability proposes: what applies by a risk, a record or the register.

Where none of them decides, the draft asks a person: a statement that lists everything as applying says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import controls, kinds
from aims_mlflow.gates.document_content.against_register import why_not_out
from aims_mlflow.gates.shapes import mappings, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from aims_mlflow.management.rules.base import LintContext

# Of these the register says only that a system is in scope, which tells nobody why this one is needed.
FOR_EVERY_SYSTEM = ("A.2.", "A.3.", "A.4.", "A.5.")
LONGEST = 120


@dataclass(frozen=True)
class ProposedControl:
    """A control that applies, with the reason that follows from risks, records or the register.

    Attributes:
        basis: Ids of the risks that it treats; empty where a person has to name a risk, an objective or a law.
    """

    control: str
    reason: str
    basis: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """Return the row of the statement, as plain values."""
        return {
            "control": self.control, "applies": True, "reason": self.reason,
            **({"basis": list(self.basis)} if self.basis else {}),
        }  # fmt: skip


def proposals(around: LintContext) -> list[ProposedControl]:
    """Return the controls of which risks, records or the register say that they apply, each with that reason."""
    treated = _treated(around)
    found = (
        _by_risk(control, treated.get(control, {})) or _by_record(control, around) or _by_register(control, around)
        for control in controls()
    )
    return [p for p in found if p is not None]


def open_questions(around: LintContext) -> Iterator[str]:
    """Yield what a person has to decide, and which reasons are still to be named, with what an auditor asks."""
    proposed = {p.control: p for p in proposals(around)}
    if any(name not in proposed for name in controls()):
        yield "No risk, record or entry of the register says whether these controls apply. Add a row for each, such as"
        yield "  - {control: A.2.2, applies: true, reason: the risk or law that asks for it, basis: [R1]}, or"
        yield "  - {control: A.2.2, applies: false, reason: what of the register shows that it is not needed}"
    for name, control in controls().items():
        if name in proposed:
            continue
        against = why_not_out(name, around.systems, around.suppliers)
        asked = "does it apply, and why"
        if against:
            asked = f"it cannot be left out, since {against}; by which risk, objective or law is it needed"
        yield f"TODO {name} {control.title}: {asked}"
        yield f"  an auditor asks: {control.auditor_asks}"
    bare = [name for name, p in proposed.items() if not p.basis]
    if bare:
        yield f"TODO basis of {', '.join(bare)}: which risk, objective of Annex C or law asks for each"


def _treated(around: LintContext) -> dict[str, dict[str, str]]:
    """Return the risks that each control treats, with what happens by each."""
    found: dict[str, dict[str, str]] = {}
    for document in (*around.folder.of("risk-register"), *around.folder.of("treatment-plan")):
        for entry in mappings(document.fields.get("risks")):
            for control in texts(entry.get("controls")):
                told = found.setdefault(control, {})
                name = str(entry.get("id") or entry.get("risk"))
                told[name] = told.get(name) or str(entry.get("event") or entry.get("measure") or "")
    return found


def _by_risk(control: str, risks: dict[str, str]) -> ProposedControl | None:
    if not risks:
        return None
    name, event = next(iter(risks.items()))
    more = f" (and {', '.join(list(risks)[1:])})" if len(risks) > 1 else ""
    reason = f"{controls()[control].title} treats {name}{more}: {event[:LONGEST]}"
    return ProposedControl(control, reason.rstrip(": "), tuple(risks))


def _by_record(control: str, around: LintContext) -> ProposedControl | None:
    """Return that a control applies because what it asks for is recorded here already."""
    wanted = [u.kind for u in controls()[control].evidence if kinds()[u.kind].captured != "human"]
    for kind in wanted:
        mine = [r for r in around.evidence.records if r.evidence.kind == kind]
        if mine:
            systems = ", ".join(sorted({r.evidence.system for r in mine if r.evidence.system})) or "no named system"
            return ProposedControl(control, f"{kind} of {systems} is recorded here, the newest as {mine[-1].id}")
    return None


def _by_register(control: str, around: LintContext) -> ProposedControl | None:
    against = None if control.startswith(FOR_EVERY_SYSTEM) else why_not_out(control, around.systems, around.suppliers)
    return ProposedControl(control, f"{controls()[control].title}: {against}") if against else None
