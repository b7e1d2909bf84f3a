"""Lint of documents: every rule on every document, what a person has set aside with reason and end, and the formats."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from aims_mlflow import strict_yaml
from aims_mlflow.catalog.loader import controls_for_kind, kinds
from aims_mlflow.management.rules import CHECKS, UNREADABLE, rules
from aims_mlflow.records.base import Day, Record
from aims_mlflow.records.counts import how_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from aims_mlflow.management.folder import Folder, FolderDocument
    from aims_mlflow.management.rules.base import LintContext, LintRule

IGNORED = "ignored.yaml"
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


class SetAside(Record):
    """A result of lint that a person sets aside: it needs a reason and an end, and is listed."""

    rule: str = Field(description="rule")
    document: str = Field(description="id of the document")
    reason: str = Field(min_length=10, description="why")
    by: str = Field(min_length=1, description="who")
    until: Day = Field(description="last day")
    id: str | None = Field(None, description="the one result that is meant; all of the rule in the document otherwise")


class SetAsideList(Record):
    """The file `ignored.yaml` of a management folder."""

    ignored: tuple[SetAside, ...] = ()


@dataclass(frozen=True)
class LintResult:
    """One thing that a rule found in a document.

    Attributes:
        id: The same on every run, so that it can be set aside.
        aside: Who set it aside, why and until when; None where nobody did.
    """

    rule: LintRule
    document: str
    path: Path
    line: int
    text: str
    controls: tuple[str, ...]
    id: str
    aside: SetAside | None = None

    def sentence(self) -> str:
        """Return the result as one line: `file:line: rule severity: what [controls]`."""
        about = f" [{', '.join(self.controls[:3])}]" if self.controls else ""
        return f"{self.path}:{self.line}: {self.rule.id} {self.rule.severity}: {self.text}{about}"


def lint(around: LintContext, only: Iterable[str] | None = None) -> list[LintResult]:
    """Return what the rules find in the documents of a folder, in the order of files and lines.

    `only` names the documents (ids) that are looked at; the others are still compared with.

    Raises:
        ConfigError: the list of what is set aside is not valid.
    """
    wanted = set(only) if only is not None else None
    out = [r for d in around.folder.documents if wanted is None or d.id in wanted for r in _of(d, around)]
    if wanted is None:
        out += unreadable(around.folder)
    asides = read_asides(around.folder.root)
    return sorted((_aside(r, asides, around.today) for r in out), key=lambda r: (str(r.path), r.line, r.rule.id))


def unreadable(folder: Folder) -> list[LintResult]:
    """Return the problems of files that are no valid documents."""
    return [
        LintResult(rules()[UNREADABLE], u.path.stem, u.path, p.line, p.what, (), _id(UNREADABLE, u.path.stem, p.what))
        for u in folder.unreadable
        for p in u.problems
    ]


def _of(document: FolderDocument, around: LintContext) -> list[LintResult]:
    kind = document.written.kind
    about = tuple(c for c, need in controls_for_kind(kind) if need == "required") if kind in kinds() else ()
    out = []
    for rule in rules().values():
        if not rule.kinds or kind in rule.kinds:
            spots = dict.fromkeys(CHECKS[rule.id](document, around))
            out += [
                LintResult(rule, document.id, document.path, s.line, s.text, about, _id(rule.id, document.id, s.text))
                for s in spots
            ]
    return out


def _id(rule: str, document: str, text: str) -> str:
    return hashlib.sha256(f"{rule}\n{document}\n{text}".encode()).hexdigest()[:12]


def read_asides(root: Path) -> tuple[SetAside, ...]:
    """Return what a folder's `ignored.yaml` sets aside.

    Raises:
        ConfigError: it is not valid.
    """
    path = root / IGNORED
    return strict_yaml.read(path).validate(SetAsideList).ignored if path.is_file() else ()


def _aside(result: LintResult, asides: Sequence[SetAside], today: str) -> LintResult:
    mine = [
        a for a in asides
        if (a.rule, a.document) == (result.rule.id, result.document) and a.id in (None, result.id) and a.until >= today
    ]  # fmt: skip
    return replace(result, aside=mine[0]) if mine else result


def stops(results: Sequence[LintResult]) -> bool:
    """Return whether lint says no: an error that nobody has set aside."""
    return any(r.rule.severity == "error" and r.aside is None for r in results)


def as_text(results: Sequence[LintResult], unread: Sequence[str] = ()) -> str:
    """Return results for a terminal: each with its fix, then what is set aside, then the counts."""
    lines = [f"{r.sentence()}\n    fix: {r.rule.fix} (`aims rule {r.rule.id}`)" for r in results if r.aside is None]
    asides = [(r, r.aside) for r in results if r.aside is not None]
    lines += [f"{r.sentence()}\n    set aside by {a.by} until {a.until}: {a.reason}" for r, a in asides]
    lines += [f"not looked up: {reason}" for reason in unread]
    counts = {s: sum(r.rule.severity == s and r.aside is None for r in results) for s in ("error", "warning", "note")}
    aside = sum(r.aside is not None for r in results)
    said = ", ".join(how_many(n, word) for word, n in counts.items())
    return "\n".join([*lines, f"{said}; {aside} set aside"])


def as_json(results: Sequence[LintResult], unread: Sequence[str] = ()) -> str:
    """Return results as one JSON object."""
    return json.dumps({"results": [_plain(r) for r in results], "not_looked_up": list(unread)}, indent=2)


def _plain(result: LintResult) -> dict[str, Any]:
    return {
        "id": result.id, "rule": result.rule.id, "severity": result.rule.severity, "document": result.document,
        "path": str(result.path), "line": result.line, "text": result.text, "controls": list(result.controls),
        "fix": result.rule.fix, "ignored": result.aside.model_dump() if result.aside else None,
    }  # fmt: skip


def as_sarif(results: Sequence[LintResult]) -> str:
    """Return results as SARIF 2.1.0, which code hosts show beside the lines."""
    used = {r.rule.id: r.rule for r in results}
    described = [
        {"id": r.id, "shortDescription": {"text": r.title}, "fullDescription": {"text": r.why},
         "help": {"text": r.fix}, "defaultConfiguration": {"level": r.severity}}
        for r in used.values()
    ]  # fmt: skip
    found = [
        {
            "ruleId": r.rule.id, "level": r.rule.severity, "message": {"text": r.text},
            "partialFingerprints": {"aims/v1": r.id},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": r.path.as_posix()},
                                                "region": {"startLine": max(r.line, 1)}}}],
            **({"suppressions": [{"kind": "external", "justification": r.aside.reason}]} if r.aside else {}),
        }
        for r in results
    ]  # fmt: skip
    run = {"tool": {"driver": {"name": "aims", "rules": described}}, "results": found}
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def as_github(results: Sequence[LintResult]) -> str:
    """Return results as annotations of GitHub's workflow commands."""
    lines = []
    for r in (r for r in results if r.aside is None):
        text = r.text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        path = r.path.as_posix().replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
        lines.append(f"::{LEVELS[r.rule.severity]} file={path},line={r.line},title={r.rule.id}::{text}")
    return "\n".join(lines)
