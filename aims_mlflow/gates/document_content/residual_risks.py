"""Whether what a statement of applicability says of the risks that are left is what the registers have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.risks import registered_risks
from aims_mlflow.records.documents.risk import RiskMethodDocument

if TYPE_CHECKING:
    from aims_mlflow.gates.document_content.document_set import DocumentSet
    from aims_mlflow.records.documents.risk import ApplicabilityDocument

ID = re.compile(r"\b[A-Za-z][\w-]*?\d+\b")
RANGE = re.compile(r"\b([A-Za-z][\w-]*?)(\d{1,3}) (?:to|until|through|-) (?:\1)?(\d{1,3})\b")


def wrong_residual_risks(statement: ApplicabilityDocument, documents: DocumentSet) -> list[str]:
    """Return each risk that no register has, and each level that the registers do not have for the risks before it."""
    left: dict[str, set[str]] = {}
    for risk, _, _ in registered_risks(documents):
        level = risk.residual.level if risk.residual else risk.level
        left.setdefault(risk.id, set()).add((level or "").casefold())
    forms = {re.sub(r"\d+", "0", name) for name in left}
    known = {rule.level.casefold() for method in documents.of(RiskMethodDocument) for rule in method.acceptance}
    known = known.union(*left.values()) - {""}
    levels = "|".join(re.escape(level) for level in sorted(known, key=len, reverse=True))
    wrong = []
    for text in (RANGE.sub(_each, text) for text in statement.residual_risks):
        named = [name for name in ID.findall(text) if re.sub(r"\d+", "0", name) in forms]
        wrong += [f"names {name}, which no risk register has" for name in dict.fromkeys(named) if name not in left]
        for part in re.finditer(rf"(.*?)\bat (?:level )?({levels})\b", text, re.IGNORECASE) if levels else ():
            for name in (n for n in ID.findall(part[1]) if n in left and part[2].casefold() not in left[n]):
                wrong.append(f"has {name} at level {part[2]}, and its register at {' and '.join(sorted(left[name]))}")
    return wrong


def _each(found: re.Match[str]) -> str:
    """Return a range such as "R1 to R4" as the ids that it names."""
    return ", ".join(f"{found[1]}{number}" for number in range(int(found[2]), int(found[3]) + 1))
