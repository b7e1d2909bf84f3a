"""What changed since the version before: fields of the two trainings side by side, and their measured values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import PageTable
from aims_mlflow.pages.judging import VersionLeaves, judge_version
from aims_mlflow.records.details import read_details
from aims_mlflow.records.details.training import ToolingDetails
from aims_mlflow.records.wording import measured_text, metric_text, slice_text

if TYPE_CHECKING:
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.judging import JudgedVersion
    from aims_mlflow.pages.source import PageSource

MOST = 100
COLUMNS = ("Field", "Before", "Now")


def changes_table(source: PageSource, model: str, version: str, judged: JudgedVersion | None) -> PageTable:
    """Return the fields that differ from the version that was registered before this one."""
    title = "What changed since the version before"
    before = source.row(
        "SELECT version FROM version WHERE model = :m AND sequence "
        "< (SELECT sequence FROM version WHERE model = :m AND "
        "version = :v) AND {scope} ORDER BY sequence DESC LIMIT 1",
        m=model,
        v=version,
    )
    if before is None:
        return PageTable(title, COLUMNS, (), empty="It is the first version that was registered.")
    title = f"What changed since version {before['version']}"
    return _compared(title, source.judgement(model, before["version"]), judged)


def candidate_changes(source: PageSource, leaf: Leaf) -> PageTable:
    """Return what differs between a candidate that was refused and the version that served then, or else the last one.

    A candidate that was refused has no version number, and so no page of its own.
    """
    fact, at = leaf.fact, {"m": leaf.fact.model_name, "s": leaf.sequence, "t": leaf.fact.time}
    served = source.row(
        "SELECT version, place FROM tenure WHERE model = :m AND since <= :t AND (until IS NULL OR until > :t) "
        "AND {scope} ORDER BY since DESC",
        **at,
    )
    last = source.row("SELECT version FROM version WHERE model = :m AND sequence < :s AND {scope} "
                      "ORDER BY sequence DESC LIMIT 1", **at)  # fmt: skip
    before = served or last
    if before is None:
        return PageTable("What is new in this candidate", COLUMNS, (), empty="No version was registered before it.")
    since = f"which served as {served['place']} then" if served else "the last one before it; none was in use"
    leaves = VersionLeaves(leaf, [leaf], [], [])
    judged = judge_version(source.view, leaves, source.history, source.now, source.shelf)
    title = f"What is new in this candidate since version {before['version']}, {since}"
    return _compared(title, source.judgement(str(fact.model_name), before["version"]), judged)


def _compared(title: str, earlier: JudgedVersion | None, judged: JudgedVersion | None) -> PageTable:
    """Return the fields that differ between two versions as a table."""
    if judged is None or earlier is None:
        return PageTable(title, COLUMNS, (), empty="One of the two has no sealed evidence to compare.")
    old, new = _fields(earlier.subject), _fields(judged.subject)
    rows = [
        (name, old.get(name, "not recorded"), new.get(name, "not recorded"))
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    ]
    same = sum(old.get(name) == value for name, value in new.items())
    note = (
        f"{same:,} other fields are equal. Compared are data, code, "
        "settings, limits, tools and measured values with a limit."
    )
    return PageTable(title, COLUMNS, rows[:MOST], note, "None of the compared fields differs.", total=len(rows))


def _fields(subject: StatusSubject) -> dict[str, str]:
    made = subject.provenance
    out: dict[str, str] = {"model digest": subject.digest or ""}
    for role, data in sorted(subject.data.items()):
        out[f"data: {role}"] = f"{data.rows if data.rows is not None else '?'} rows, {_digest(data.digest)}"
    code = made.code
    if code is not None:
        state = {None: ", local changes not known", True: " with local changes", False: ""}[code.dirty]
        out["code"] = f"commit {code.commit[:12]}{state}" if code.commit else f"no commit: {code.reason or 'not said'}"
        out["code of the function"] = (code.source_digest or "")[:12]
    out |= {f"parameter {name}": value for name, value in sorted((made.parameters or {}).items())}
    for settings in (made.hyperparameters or {}).values():
        out |= {f"setting {name}": value for name, value in sorted(settings.items())}
    planned = subject.planned
    out["limits of the training (pack)"] = ((planned.evidence.pack_digest if planned else "") or "")[:12]
    if subject.rules is not None:
        out["rules of the gate (stage)"] = subject.rules.stage_digest[:12]
    return out | _tools(subject) | _values(subject)


def _digest(digests: dict[str, str]) -> str:
    return next((f"{name} {value[:12]}" for name, value in sorted(digests.items())), "no digest")


def _tools(subject: StatusSubject) -> dict[str, str]:
    out: dict[str, str] = {}
    for record in subject.of("tooling-record"):
        details: Any = read_details(record.evidence, ToolingDetails)
        out |= {"python": details.python or ""}
        out |= {f"tool {name}": version for name, version in sorted(record.evidence.tools.items())}
    return out


def _values(subject: StatusSubject) -> dict[str, str]:
    out: dict[str, str] = {}
    for record in subject.records:
        for claim in record.evidence.claims:
            if claim.limit is not None and len(out) < MOST:
                rows = slice_text(claim.slice)
                out[f"{metric_text(claim.metric)}{f' for {rows}' if rows else ''} ({claim.role})"] = measured_text(
                    claim
                )
    return out
