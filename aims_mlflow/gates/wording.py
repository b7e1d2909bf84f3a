"""Text of a decision: the refusal that a client reads, and the lines that `aims gate explain` prints."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from aims_mlflow.gates.waivers import last_day
from aims_mlflow.records.wording import metric_text, number_text, slice_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.records.decision import Decision, Unmet, WaivedBy

MAX_ITEMS = 8
MAX_NAMED, MAX_CHARS = 3, 500
# Where a refusal is broken into lines for a reader; MLflow's client prints the line breaks of a server's answer.
PARTS = re.compile(r"(?<=\. )(?=A\.\d+(?:\.\d+)*: |And \d+ more: |Next: |Unchanged: )|(?<=[:;] )(?=aims waive )")
WAIVER = "waiver"
# Beside commands that waive some failures: with those alone the change would be refused again.
THE_REST = "those waivers do not cover the rest, which takes a remedy or a waiver too"
STAGE_WORD = {"registration": "Registration", "deployment": "Deployment"}


def refusal(decision: Decision) -> str:
    """Return the text of a refusal: each unmet condition with its control and the next step."""
    shown = decision.unmet[:MAX_ITEMS]
    what = " ".join(f"{item_text(u)}." for u in shown)
    if len(decision.unmet) > MAX_ITEMS:
        more = f"{len(decision.unmet) - MAX_ITEMS} more"
        change = f"{_subject(decision)} --stage {decision.stage}{_alias(decision)}"
        what += f" And {more}: `aims gate explain {change}` lists all."
    nexts = [f"{advice}: {'; '.join(commands)}" if commands else advice for advice, commands in _steps(shown, decision)]
    alias = f" as {decision.alias}" if decision.alias else ""
    model = f"model {decision.model_id}" if decision.model_id else "a model"
    text = f"{STAGE_WORD[decision.stage]} refused{alias}: {decision.model_name}, {model}. {what}"
    if nexts:
        text += " Next: " + "; ".join(nexts) + "."
    return f"{text} {_unchanged(decision)}"


def _unchanged(decision: Decision) -> str:
    """Return what a refused change left as it was: the gate touches neither files nor runs, whatever it found there."""
    if decision.stage == "deployment":
        return f"Unchanged: {decision.alias or 'the alias'} is where it was."
    kept = [f"{what} {each}" for what, each in (("run", decision.run_id), ("model", decision.model_id)) if each]
    rest = f"; {' and '.join(kept)} {'are as they were' if len(kept) > 1 else 'is as it was'}" if kept else ""
    return f"Unchanged: no version was made{rest}."


def item_text(item: Unmet) -> str:
    """Return one unmet condition with control and evidence id."""
    evidence = f", evidence {item.evidence}" if item.evidence else ""
    return f"{item.control}: {one_line(item.text)}{evidence}"


def one_line(text: str) -> str:
    """Return text as one bounded line without control characters: some of it was written by a client."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"


def next_step(item: Unmet, decision: Decision) -> str:
    """Return the remedy of an unmet condition, with the model and the run of the decision in its commands.

    What is sealed says VERSION, so that decisions of earlier releases are made again word for word.
    """
    text = one_line(item.next).replace(one_line(f"models:/{decision.model_name}/VERSION"), _subject(decision))
    run = f" {quoted(f'runs:/{decision.run_id}')}" if decision.run_id else ""
    return text.replace("`aims evidence controls`", f"`aims evidence controls{run}`")


def _subject(decision: Decision) -> str:
    """Return the model of a decision as commands name it: the version, else the logged model that would become one."""
    if decision.version is not None or not decision.model_id:
        return quoted(f"models:/{decision.model_name}/{decision.version or 'VERSION'}")
    return f"{quoted(f'models:/{decision.model_id}')} --name {quoted(decision.model_name)}"


def _alias(decision: Decision) -> str:
    return f" --alias {quoted(decision.alias)}" if decision.alias else ""


def quoted(text: str) -> str:
    """Return text as one argument of a command that somebody pastes: a client may have written it."""
    return shlex.quote(one_line(text))


def refusal_lines(text: str) -> list[str]:
    """Return a refusal as lines: what is refused, each reason, the advice, each command alone; other text as it is."""
    return [line.strip() for line in PARTS.sub("\n", text).split("\n")]


def _steps(items: Sequence[Unmet], decision: Decision) -> list[tuple[str, list[str]]]:
    """Return each advice once, with the commands that belong to it; those with commands come last."""
    steps: dict[str, list[str]] = {}
    for item in items:
        if item.next:
            steps.setdefault(next_step(item, decision), []).extend(_waiver_command(item, decision))
    if any(steps.values()):
        steps[THE_REST] = [c for item in items if WAIVER not in item.next for c in _command(item, decision)]
    told = [(advice, list(dict.fromkeys(commands))) for advice, commands in steps.items()]
    return sorted((step for step in told if step[1] or step[0] != THE_REST), key=lambda step: bool(step[1]))


def _waiver_command(item: Unmet, decision: Decision) -> list[str]:
    """Return the command that waives a failure, where the advice speaks of a waiver."""
    return _command(item, decision) if WAIVER in item.next else []


def _command(item: Unmet, decision: Decision) -> list[str]:
    """Return the command that waives a failure; nothing where no waiver can cover it."""
    if not decision.model_id or not item.waivable:
        return []
    metric = f" --metric {quoted(item.metric)}" if item.metric else ""
    rows = "".join(f" --slice {quoted(f'{column}={group}')}" for column, group in item.slice.items())
    model = f"{quoted(f'models:/{decision.model_id}')} --name {quoted(decision.model_name)}"
    change = f"{model} --stage {decision.stage}{_alias(decision)} --control {quoted(item.control)}"
    return [f"aims waive {change}{metric}{rows} --reason … --until …"]


def waiver_lines(decision: Decision) -> list[str]:
    """Return one line for each waiver that a decision uses, with its end, owner and reason."""
    by_waiver: dict[str, list[WaivedBy]] = {}
    for waived in decision.waived:
        by_waiver.setdefault(waived.waiver, []).append(waived)
    return [f"{_head(each)}, reason: {one_line(each[0].reason)}" for each in by_waiver.values()]


def _head(covered: Sequence[WaivedBy]) -> str:
    waived = covered[0]
    if waived.break_glass:
        return f"BREAK-GLASS, WAIVED until {waived.expires[:16]}Z by {' and '.join(waived.owners)}: everything"
    failures = list(dict.fromkeys(_failure(each.unmet) for each in covered))
    more = f" and {len(failures) - MAX_NAMED} more" if len(failures) > MAX_NAMED else ""
    named = f"{waived.unmet.control} ({'; '.join(failures[:MAX_NAMED])}{more})"
    return f"WAIVED until {last_day(waived.expires)} by {waived.owner}: {named}"


def _failure(item: Unmet) -> str:
    """Return a failure in few words: its metric and group with the value, or its kind."""
    if not item.metric:
        return item.kind
    rows = slice_text(item.slice)
    value = f" {number_text(item.value)}" if item.value is not None else ""
    return one_line(metric_text(item.metric) + (f" for {rows}" if rows else "") + value)


def set_aside(decision: Decision) -> list[str]:
    """Return what a decision does not rest on although it is there, and what it rests on although it is not whole.

    These are results that a later record supersedes, what was taken back before, and an adoption from before the gate.
    """
    out = [
        f"superseded: {s.kind} {s.record[:13]} by {s.owner} said {s.result}; in its place {s.by_owner} signed "
        f"{s.by[:13]}, which says {s.instead}, reason: {one_line(s.reason)}"
        for s in decision.superseded
    ]
    out += [
        f"{t.action} of these files on {t.time[:10]} under the name {t.model_name} (leaf {t.sequence})"
        for t in decision.taken_back
    ]
    if decision.basis == "legacy":
        out.append("adopted from before the gate: no evidence and no approval was asked for")
    return out


def what_is_approved(decision: Decision) -> list[str]:
    """Return what an approver should know before signing: all that a decision rests on, but missing approvals."""
    out = [f"you approve {decision.model_name}, on {len(decision.evidence)} records of evidence"]
    out += [f"! {line}" for line in (*waiver_lines(decision), *set_aside(decision))]
    out += [f"  - {item_text(u)}" for u in decision.unmet if u.kind not in ("approval", "retirement", "revocation")]
    out += [f"  ~ warning: {item_text(u)}" for u in decision.warnings]
    return out + _documents(decision)


def _documents(decision: Decision) -> list[str]:
    """Return how many documents a decision rests on, and which kinds its policy did not ask for."""
    out = [f"  and on {len(decision.documents)} published documents"] if decision.documents else []
    asked = ", ".join(decision.not_asked or ())
    return out + ([f"  not asked for by this policy: {asked}"] if asked else [])


def lines(decision: Decision) -> list[str]:
    """Return a decision as lines for a terminal."""
    target = f" as {decision.alias}" if decision.alias else ""
    if decision.would_refuse and decision.allowed:
        head = f"would be refused{target}, but the registry only observes"
    else:
        head = f"{'allowed' if decision.allowed else 'refused'}{target}"
    out = [f"{decision.stage} of {decision.model_name}: {head}"]
    out += [f"! {line}" for line in waiver_lines(decision)]
    out += [f"  ! {item_text(w.unmet)}" for w in decision.waived]
    out += [f"! {line}" for line in set_aside(decision)]
    out += [f"  - {item_text(u)}" for u in decision.unmet]
    out += [f"  ~ warning: {item_text(u)}" for u in decision.warnings]
    for advice, commands in _steps(decision.unmet, decision):
        out += [f"  next: {advice}{':' if commands else ''}", *(f"    {command}" for command in commands)]
    if decision.approvals:
        out.append(f"  approved by {', '.join(decision.approvals)}")
    out += _documents(decision)
    out.append(f"  rests on {len(decision.evidence)} records, policy {(decision.policy_digest or '')[:12]}")
    return out
