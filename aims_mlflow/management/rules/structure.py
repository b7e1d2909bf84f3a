"""Rules about the form of a document: ids, gaps, sources, people's parts, systems (D1 to D10)."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aims_mlflow.documents.attached_content import DRAFT
from aims_mlflow.field_address import field_text
from aims_mlflow.gates.person_statements import LONGEST_REVIEW, approving_role, says
from aims_mlflow.management.rules.base import Spot
from aims_mlflow.records.documents import missing_for_met, not_of_one_system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.folder import FolderDocument
    from aims_mlflow.management.rules.base import Check, LintContext

AROUND = " '\""  # what stands around a text in YAML


def _same_id(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    mine = document.id.casefold()
    others = [d for d in around.folder.documents if d.id.casefold() == mine and d is not document]
    if others:
        yield Spot(document.line("id"), f"the id {document.id!r} is also that of {others[0].path.name}")


def _gaps(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    for number, line in enumerate(document.content.decode("utf-8-sig").splitlines(), 1):
        found = DRAFT.search(line)
        if found:
            gap = line[found.start() :].strip(AROUND)
            if line[: found.start()].rstrip().endswith("'"):
                gap = gap.replace("''", "'")  # how YAML writes an apostrophe within such quotes
            yield Spot(number, f"a gap is left: {gap[:160]}")


def _incomplete(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = document.written
    if next(_gaps(document, around), None) is not None:
        return  # its gaps ask for these fields
    common = {name: getattr(written, name) or "" for name in ("approver", "review_by")}
    for path, question in missing_for_met(written.kind, {**document.fields, **common}, says):
        yield Spot(document.line(*path), f"{field_text(path)} is not stated: {question}")


def _source(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    source = document.written.source
    if source is None or source.path is None or not document.path.is_file():
        return  # what was read from MLflow has no files beside it
    file = document.path.parent / source.path
    if not file.is_file():
        yield Spot(document.line("source", "path"), f"there is no file {source.path}")
    elif hashlib.sha256(file.read_bytes()).hexdigest() != source.sha256:
        yield Spot(document.line("source", "sha256"), f"{source.path} has another sha256 than the one that is stated")


def _system(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    named = document.written.system
    if named is None or document.written.kind == "system":
        return
    if named not in around.named_systems:
        known = ", ".join(sorted(around.systems)) or "none"
        yield Spot(document.line("system"), f"{named!r} is no system of the register (it has {known})")


def _level(document: FolderDocument, around: LintContext) -> Iterator[Spot]:  # noqa: ARG001
    wrong = not_of_one_system(document.written.kind, document.written.system)
    if wrong:
        yield Spot(document.line("system"), wrong)


def _own_approver(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    written = document.written
    if written.approver and around.documents.is_one_of(written.approver, (written.author,)):
        yield Spot(document.line("approver"), f"{written.approver} wrote it and cannot approve it")


def _approver_has_key(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    approver = document.written.approver
    if approver is None or around.keyring is None:
        return
    keys = around.documents.keys_of(approver)
    if not keys:
        yield Spot(
            document.line("approver"), f"{approver} has no key in the keyring, so their approval cannot be verified"
        )
        return
    role = approving_role(document.written.kind)
    whys = [k.why_not([role], f"{around.today}T12:00:00Z") for k in keys]
    why = whys[0] if all(whys) else None
    if why:
        yield Spot(document.line("approver"), f"{approver} cannot approve: {why}")


def _review(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    due = document.written.review_by
    if due is None:
        return
    if due < around.today:
        yield Spot(document.line("review_by"), f"its review was due on {due}")
    elif date.fromisoformat(due) - date.fromisoformat(around.today) > timedelta(days=LONGEST_REVIEW.days):
        yield Spot(document.line("review_by"), f"its review on {due} is more than three years away")


def _ended(document: FolderDocument, around: LintContext) -> Iterator[Spot]:
    last = document.written.valid_until
    if last is not None and last < around.today:
        yield Spot(document.line("valid_until"), f"it was valid until {last}")


CHECKS: dict[str, Check] = {
    "D1": _same_id,
    "D2": _gaps,
    "D3": _incomplete,
    "D4": _source,
    "D5": _system,
    "D6": _own_approver,
    "D7": _approver_has_key,
    "D8": _review,
    "D9": _ended,
    "D10": _level,
}
