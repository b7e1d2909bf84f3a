"""Finding R4 by the risk method: a matrix that lacks levels, who may accept which level, and risks beside both."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.catalog.loader import objectives
from aims_mlflow.errors import nearest
from aims_mlflow.gates.person_statements import says
from aims_mlflow.management.findings.managers import BODY
from aims_mlflow.management.findings.rules import ManagementFinding
from aims_mlflow.records.documents.leadership import RolesDocument
from aims_mlflow.records.documents.risk import RiskMethodDocument, RiskRegisterDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aims_mlflow.management.findings.state import ManagementState
    from aims_mlflow.records.documents.risk import RiskEntry


def findings(state: ManagementState, now: datetime) -> Iterator[ManagementFinding]:  # noqa: ARG001 - one form for all
    """Yield every finding about risk methods, and about what risks take from them and from Annex C."""
    methods = state.of(RiskMethodDocument)
    for method in methods:
        wrong = {"matrix": _bare_cells(method), "acceptance": _unaccepted(method), "people": _unknown(method, state)}
        for about, text in wrong.items():
            if text:
                fix = f"correct it, and publish it again: aims document publish {method.id}"
                yield ManagementFinding("R4", f"{method.id}/{about}", f"{method.id} {text}", fix, None, (method.id,))
    looked_at: set[str] = {source for method in methods for source in method.sources}
    for register in state.of(RiskRegisterDocument):
        for risk in register.risks:
            for about, text in _strange(risk, looked_at).items():
                fix = f"correct {about} of {risk.id}: aims document publish {register.id}"
                name = f"{register.id}/{risk.id}/{about}"
                yield ManagementFinding("R4", name, f"risk {risk.id} {text}", fix, risk.system, (register.id,))


def _bare_cells(method: RiskMethodDocument) -> str | None:
    """Return for which likelihood and impact the matrix has no level; a method without matrix lacks the field."""
    scales = method.scales
    if scales is None or not method.matrix:
        return None
    known = {cell.casefold() for cell in method.matrix}
    cells = [f"{one.level}/{other.level}" for one in scales.likelihood for other in scales.impact_on_people]
    bare = [cell for cell in cells if cell.casefold() not in known]
    return f"has no level for {', '.join(bare[:4])}: its matrix lacks {len(bare)} of {len(cells)}" if bare else None


def _unaccepted(method: RiskMethodDocument) -> str | None:
    """Return which level of the matrix nobody may accept."""
    named = {rule.level.casefold() for rule in method.acceptance}
    bare = [level for level in dict.fromkeys(method.matrix.values()) if level.casefold() not in named]
    return f"names nobody who may accept a risk of level {bare[0]!r}, which its matrix gives" if bare else None


def _unknown(method: RiskMethodDocument, state: ManagementState) -> str | None:
    """Return who may accept a risk by the method, and is nobody of the people register, by name, function or role."""
    known = [name for p in state.people.values() for name in (p.id, p.name, p.function) if name]
    known += [role.role for d in state.of(RolesDocument) for role in d.roles]
    known = known if method.language == "en" else []
    strange = [r for r in method.acceptance if known and says(r.may_accept) and not _names(r.may_accept, known)]
    if not strange:
        return None
    who = strange[0].may_accept
    return f"lets {who!r} accept a risk of level {strange[0].level}, who is no person, function or role that is written"


def _names(words: str, known: list[str]) -> bool:
    """Return whether words name somebody who is known, a body of management, or the owner of a risk or system."""
    said = words.casefold()
    return BODY.search(words) is not None or any(
        re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", said) for name in known
    )


def _strange(risk: RiskEntry, looked_at: set[str]) -> dict[str, str]:
    """Return what is wrong with the objective and the source that a risk names, by field."""
    found = {}
    names = {n.casefold() for o in objectives().values() for n in (o.id, o.title)}
    if risk.objective and risk.objective.casefold() not in names:
        meant = nearest(risk.objective.replace("_", "-"), objectives())
        hint = f", {meant!r} may be meant" if meant else f"; it has {', '.join(objectives())}"
        found["objective"] = f"threatens {risk.objective!r}, which is no objective of Annex C{hint}"
    if risk.source and looked_at and risk.source not in looked_at:
        found["source"] = f"comes from {risk.source}, and the method looks at {', '.join(sorted(looked_at))} alone"
    return found
