"""Statement of applicability: its versions, the differences between two, the live state beside the approved text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.documents.page_blocks import (
    MET_MEANS,
    Facts,
    Form,
    FormInput,
    PageCell,
    PageTable,
    PageView,
    state_cell,
    to,
)
from aims_mlflow.errors import AimsError
from aims_mlflow.gates.combined_status import ControlStatus
from aims_mlflow.gates.control_status import control_statuses
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.management.applicability.statement import changes, computed_statement
from aims_mlflow.management.applicability.states import general_rules
from aims_mlflow.management.findings.state import ManagementState
from aims_mlflow.management.published import written_of
from aims_mlflow.pages.judging import authority_on
from aims_mlflow.pages.library import leaves_of
from aims_mlflow.pages.views.common import document_cell, leaf_cell, time_text
from aims_mlflow.pages.views.states import NOT_JUDGED, catalogue, live_versions, states_among
from aims_mlflow.records.documents.risk import ApplicabilityDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aims_mlflow.documents.page_blocks import Block
    from aims_mlflow.gates.policy import Rules
    from aims_mlflow.gates.published_documents import Publication
    from aims_mlflow.management.applicability.statement import StatementRow
    from aims_mlflow.pages.source import PageSource

ORGANISATION = "the organisation"
DECIDED = {"applies": "holds", "excluded": "not applicable", "no decision": "missing"}
WHOSE = (
    "Decisions and reasons are the words of the people who signed the statement. The state beside each is computed "
    "now, for the organisation and for the versions in use that are judged."
)


@dataclass(frozen=True)
class StatementVersion:
    """One published version of a statement of applicability; `written` is what it states."""

    publication: Publication
    written: ApplicabilityDocument

    @property
    def label(self) -> str:
        """Its id and version, as forms ask for it."""
        return f"{self.publication.document.id} {self.publication.statement.version}"


def statements(source: PageSource) -> list[StatementVersion]:
    """Return every published version of every statement that the reader may read, oldest first."""
    found = (p for p in source.shelf.publications if p.document.kind == "soa")
    readable = (p for p in found if source.documents.reads(p.document.system))
    return [StatementVersion(p, w) for p in readable if isinstance(w := written_of(p), ApplicabilityDocument)]


def soa(source: PageSource, _args: Mapping[str, str], query: Mapping[str, str]) -> PageView:
    """Return the statement that is in force, or the one that is asked for, and its differences to another version."""
    every = statements(source)
    if not every:
        unseen = "" if source.scope.whole else ", or this reader may not read all registered models"
        text = f"No statement of applicability is published here{unseen}."
        return PageView("Statement of applicability", "soa", (text,))
    by_label = {version.label: version for version in every}
    now = by_label.get(query.get("version", "")) or _in_force(source, every)
    before = by_label.get(query.get("before", "")) or _earlier(every, now)
    statement = _computed(source, now)
    stated = now.publication.statement
    facts = Facts(
        "Statement",
        [
            ("Statement", document_cell(now.publication.document.id, f"{stated.title}, version {stated.version}")),
            ("State", state_cell(source.documents.state(now.publication))),
            ("Approved by", ", ".join(source.documents.approvers(now.publication)) or "nobody"),
            (
                "In force since, review by",
                f"{stated.effective_from or 'not stated'}, {stated.review_by or 'not stated'}",
            ),
            ("In short", statement.sentence()),
            ("States are of", ", ".join(statement.subjects)),
            ("Beyond Annex A", ", ".join(now.written.extra_controls) or "nothing"),
            ("What risk is left", ", ".join(now.written.residual_risks) or "not stated"),
        ],
    )
    table = PageTable(
        "Controls of Annex A",
        (
            "Control", "Decision", "Reason", "Risks, objectives, laws", "Implemented", "Owner", "Next review",
            "Computed state", "Why this state", "Against it",
        ),
        [_row(row) for row in statement.rows],
        WHOSE,
    )  # fmt: skip
    blocks: list[Block] = [
        facts,
        table,
        *_differences(before, now),
        _versions(source, every),
        _form(every, before, now),
    ]
    return PageView("Statement of applicability", "soa", (MET_MEANS,), blocks)


def _in_force(source: PageSource, every: Sequence[StatementVersion]) -> StatementVersion:
    current = {p.record.id for p in source.shelf.on(source.moment[:10])}
    return next((v for v in reversed(every) if v.publication.record.id in current), every[-1])


def _earlier(every: Sequence[StatementVersion], now: StatementVersion) -> StatementVersion | None:
    mine = [v for v in every if v.publication.document.id == now.publication.document.id]
    place = mine.index(now)
    return mine[place - 1] if place else None


def _computed(source: PageSource, version: StatementVersion) -> Any:
    """Return the statement beside the states; what the same reader was shown of the same states is remembered.

    It lasts as long as a judgement does: until the next leaf, or minute; while versions are still judged, ten seconds.
    """
    live = live_versions(source)
    judged = source.judged_among(live)
    ends = (source.cut_off, source.behind, source.moment[: 16 if len(judged) == len(live) else 18])
    key = (version.publication.record.id, source.scope.models, len(judged) == len(live), ends)
    return source.shared.statements.once(key, lambda: _compute(source, version, live, judged))


def _compute(source: PageSource, version: StatementVersion, live: Sequence[Any], judged: Sequence[Any]) -> Any:
    documents = [d.written for d in source.documents.in_force if d.written is not None]
    others = [d for d in documents if not isinstance(d, ApplicabilityDocument)]
    state = ManagementState((version.written, *others))
    return computed_statement(version.written, state, _statuses(source, live, judged), source.moment)


def _statuses(
    source: PageSource, live: Sequence[Any], judged: Sequence[Any]
) -> dict[str, list[tuple[str, ControlStatus]]]:
    """Return the states of the organisation and of each version in use, by control."""
    documents = tuple(d.publication.document for d in source.documents.in_force)
    subject = StatusSubject(
        ORGANISATION,
        "organization",
        documents=documents,
        approvals=source.shelf.approvals,
        keyring=source.history.newest,
        rules=_rules(source),
    )
    found: dict[str, list[tuple[str, ControlStatus]]] = {}
    for status in control_statuses(subject, source.now):
        found.setdefault(status.control.id, []).append((ORGANISATION, status))
    states, controls = states_among(source, judged), catalogue().values()
    known = {(each["model"], each["version"]) for each in judged}
    for each in live:
        name = f"{each['model']} version {each['version']}"
        for control in controls:
            row = states.get((each["model"], each["version"], control.id))
            if row is not None:
                found.setdefault(control.id, []).append((name, ControlStatus(control, row["state"], row["reason"])))
            elif (each["model"], each["version"]) not in known:
                late = ControlStatus(control, "not evaluated", NOT_JUDGED)
                found.setdefault(control.id, []).append((name, late))
    return found


def _rules(source: PageSource) -> Rules | None:
    """Return the rules in force of a model that no entry of the policy names; None where no policy can be read."""
    try:
        return general_rules(authority_on(source.view, "", source.now).force.policy)
    except AimsError:  # the ledger's verification names what is wrong with it
        return None


def _row(row: StatementRow) -> tuple[Any, ...]:
    worst = row.states[0][1] if row.states else "not assessed here"
    return (
        PageCell(f"{row.control} {row.title}", to("controls", row.control)),
        state_cell(DECIDED[row.decision], "", row.decision),
        row.reason,
        ", ".join(row.basis) or "none named",
        row.implemented,
        row.owner,
        row.review,
        state_cell(worst, to("controls", row.control), row.state),
        row.why,
        state_cell("open", "", "; ".join(row.against)) if row.against else "nothing found",
    )


def _differences(before: StatementVersion | None, now: StatementVersion) -> list[PageTable]:
    if before is None:
        return [PageTable("What changed since the version before", (), (), empty="It is the first version published.")]
    rows = [
        (PageCell(c.control, to("controls", c.control)), c.field, c.before, c.after)
        for c in changes(before.written, now.written)
    ]
    return [
        PageTable(
            f"What changed since {before.label}",
            ("Control", "Field", "Before", "Now"),
            rows,
            "Compared are decision, reason, basis, implementation, owner and review of each control.",
            "None of the compared fields differs.",
        )
    ]


def _versions(source: PageSource, every: Sequence[StatementVersion]) -> PageTable:
    rows, leaves = [], leaves_of(source, (v.publication for v in every))
    for version in reversed(every):
        publication = version.publication
        out = sum(not c.applies for c in version.written.controls)
        rows.append(
            (
                PageCell(version.label, to("soa", version=version.label)),
                state_cell(source.documents.state(publication)),
                f"{len(version.written.controls) - out} in, {out} out",
                publication.document.author,
                ", ".join(source.documents.approvers(publication)) or "nobody",
                time_text(publication.document.time),
                publication.statement.reason_for_change or "",
                leaf_cell(leaves.get(publication.record.sha256)),
            )
        )
    columns = ("Version", "State", "Controls", "Signed by", "Approved by", "Signed at", "Why it was changed", "Sealed")
    return PageTable("Versions, newest first", columns, rows)


def _form(every: Sequence[StatementVersion], before: StatementVersion | None, now: StatementVersion) -> Form:
    labels = [version.label for version in every]
    return Form(
        "Compare two versions",
        "soa",
        (
            FormInput("version", "This version", now.label, "choice", labels),
            FormInput("before", "With this one", before.label if before else labels[0], "choice", labels),
        ),
        "Compare",
    )
