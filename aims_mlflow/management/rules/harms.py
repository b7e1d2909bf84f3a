"""Parts of G4 and G5 about harms: each has a mechanism, and hits people who are in the data or declared absent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aims_mlflow.gates.document_content.content_words import content_words, is_vague
from aims_mlflow.gates.person_statements import says
from aims_mlflow.gates.shapes import mappings, texts
from aims_mlflow.management.passages import GROUP, has_anchor, passages
from aims_mlflow.management.rules.base import Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import LintContext

QUOTES = "*_`.:?!\"'"
ASSESSMENTS = ("impact-assessment", "impact-people")
OF_ALL = ("environment", "society")  # dimensions of impacts that hit no group alone
EVERYONE = re.compile(r"(everyone|everybody|anyone|anybody|each person|every person|all)\b", re.IGNORECASE)
# Where a document states how a harm comes about.
MECHANISMS = (("impacts", "mechanism"), ("risks", "event"))


def without_mechanism(document: FolderDocument) -> Iterator[Spot]:
    """Yield each harm and risk whose mechanism states neither what happens nor by what, such as `potential bias`."""
    for place, field in MECHANISMS:
        for index, entry in enumerate(mappings(document.fields.get(place))):
            text = str(entry.get(field) or "")
            if says(text) and is_vague(text) and not has_anchor(text):
                name = f"{field} {text.strip()!r} of {entry.get('id')}"
                yield Spot(document.line(place, index, field), f"{name} states neither what happens nor by what")


def people_not_in_data(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    """Yield each group of an impact, and each column=value of the text, that is neither compared nor declared."""
    system = document.written.system
    if document.written.kind not in ASSESSMENTS:
        return
    compared = around.evidence.groups(system)
    entry = around.systems.get(str(system))
    listed = mappings(document.fields.get("groups"))
    declared = {str(g.get("in_data")) for g in listed} | {g.in_data for g in (entry.affected_groups if entry else ())}
    known = compared | {d for d in declared if d}
    names = [str(g.get("name")) for g in listed] + texts(document.fields.get("parties"))
    names += [*(g.name for g in entry.affected_groups), *entry.users, *entry.parties] if entry else []
    described = content_words(" ".join(names))
    for index, impact in enumerate(mappings(document.fields.get("impacts"))):
        group = str(impact.get("group") or "").strip()
        values = [_plain(v) for v in GROUP.findall(group)]
        strange = [v for v in values if compared and not _is_among(v, known)]
        if strange:
            text = f"{strange[0]} of impact {impact.get('id')} is no value of a column that was compared"
            yield Spot(document.line("impacts", index, "group"), text)
        elif impact.get("dimension") in OF_ALL or EVERYONE.match(group):
            continue
        elif not values and says(group) and described and not content_words(group) & described:
            text = f"{group!r} of impact {impact.get('id')} is none of the groups, users or parties of {system}"
            yield Spot(document.line("impacts", index, "group"), text)
    columns = around.evidence.columns(system) | {value.partition("=")[0] for value in compared}
    for passage in passages(document) if compared else ():
        for value in (_plain(v) for v in GROUP.findall(passage.text) if passage.at[:1] != ("groups",)):
            if value.partition("=")[0] in columns and not _is_number(value) and not _is_among(value, known):
                yield Spot(passage.line, f"{value} is no value of a column that was compared")


def _plain(group: str) -> str:
    column, _, value = group.partition("=")
    return f"{column}={value.strip(QUOTES)}"


def _is_among(group: str, known: set[str]) -> bool:
    """Return whether a group is known; a value with a space is read up to there."""
    return any(k == group or k.startswith(f"{group} ") for k in known)


def _is_number(group: str) -> bool:
    return group.partition("=")[2].replace(".", "").replace("%", "").isdigit()
