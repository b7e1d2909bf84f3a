"""A decision made again: by the gate's own function now, and on another day, by other rules or without a consent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.audit.decisions import DecisionCheck
from aims_mlflow.documents.page_blocks import Form, FormInput, PageTable, Prose, state_cell, to
from aims_mlflow.gates.waivers import last_day
from aims_mlflow.gates.wording import item_text, next_step
from aims_mlflow.pages.views.common import leaf_cell
from aims_mlflow.pages.what_if import WhatIf, what_if
from aims_mlflow.records.leaves.changes import DecisionLeaf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.documents.page_blocks import Block, PageCell
    from aims_mlflow.ledger.leaves import Leaf
    from aims_mlflow.pages.source import PageSource
    from aims_mlflow.records.decision import Unmet

THEN, NOW = "then", "now"
# Kinds of shortfall that are no failure, in the words for states.
SHORTFALLS = {
    "missing": "missing", "stale": "stale", "warned": "warned", "not-evaluated": "not evaluated",
    "unmeasured": "not evaluated",
}  # fmt: skip


def shortfall_cell(item: Unmet) -> PageCell:
    """Return how a condition was not met: evidence that is missing, old or undecided has not failed."""
    word = "missing" if item.kind == "approval" else SHORTFALLS.get(item.condition or "", "failed")
    return state_cell(word)


def replayed(source: PageSource, leaf: Leaf) -> Prose:
    """Decide again, as the verification of a ledger does."""
    if not isinstance(leaf.fact, DecisionLeaf):
        return Prose("Decided again now", ("It cannot be read.",))
    check = DecisionCheck(source.view, whole=True)
    why, by = check.why_not(leaf, leaf.fact), check.erased_behind(leaf, leaf.fact)
    if why is None and by is not None:
        said = f"it was not made again: its envelope was erased by leaf {by}"
        return Prose("Decided again now", (state_cell("not evaluated", "", said), leaf_cell(by)))
    if why is None:
        return Prose(
            "Decided again now", (state_cell("passed", "", "the gate's own function comes to the same decision"),)
        )
    return Prose(
        "Decided again now", (state_cell("not verified", "", f"{why}. If its texts were erased, that is the reason."),)
    )


def what_if_blocks(source: PageSource, leaf: Leaf, query: Mapping[str, str]) -> list[Block]:
    """Return the form of the question, and where it was asked, the answer of the gate's own function."""
    day, rules, without = query.get("on", ""), query.get("rules", THEN), query.get("without", "")
    fields = (
        FormInput("on", "Decided on the day", day, "date"),
        FormInput("rules", "By the rules", rules, "choice", (THEN, NOW)),
        FormInput("without", "Without the approvals and waivers of", without),
    )
    form = Form("What if", to("decisions", leaf.sequence), fields, "Decide again")
    if not day and rules != NOW and not without:
        return [form]
    answer = what_if(source, leaf, WhatIf(day, rules == NOW, without))
    if isinstance(answer, str):
        return [form, Prose("Answer", (answer,))]
    rows: list[tuple[Any, ...]] = [
        (shortfall_cell(u), u.control, item_text(u), next_step(u, answer)) for u in answer.unmet
    ]
    rows += [
        (
            state_cell("failed and waived"),
            w.unmet.control,
            item_text(w.unmet),
            f"waived until and including {last_day(w.expires)} by {w.owner}",
        )
        for w in answer.waived
    ]
    word = "refused" if answer.unmet else "allowed"
    note = (
        "Decided again by the gate's own function on the same evidence. It changes nothing. "
        "Consents that were sealed after it do not count."
    )
    lead = Prose(
        "Answer", (state_cell(word, "", f"it would be {word}, approved by {', '.join(answer.approvals) or 'nobody'}"),)
    )
    return [
        form,
        lead,
        PageTable(
            "Conditions that would not hold",
            ("State", "Control", "Condition", "Next, or by whom waived"),
            rows,
            note,
            "Every condition would hold.",
        ),
    ]
