"""Comparison of registry and ledger: versions without an allowing decision, open changes, changed files."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aims_mlflow.gates.waivers import last_day
from aims_mlflow.ledger.in_force import exchanged_rules, exchanged_text
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.lifecycle.measures import measures_due
from aims_mlflow.lifecycle.model_history import ModelHistory
from aims_mlflow.lifecycle.recovery import finish_open_change
from aims_mlflow.lifecycle.rules_put_back import why_put_back
from aims_mlflow.lifecycle.standing_now import why_it_ended_now
from aims_mlflow.lifecycle.tenures import holders, place, standing_versions
from aims_mlflow.records.base import parse_time, uuid7
from aims_mlflow.records.leaves.changes import (
    AdoptionLeaf,
    DecisionLeaf,
    DeletionBody,
    DeletionLeaf,
    OutcomeLeaf,
    WithdrawalBody,
    WithdrawalLeaf,
)
from aims_mlflow.records.leaves.others import FindingLeaf
from aims_mlflow.registers.findings import Finding, record
from aims_mlflow.registers.kinds import RECONCILED
from aims_mlflow.registry.reading import RegistryModel, lookups, models, try_digest, try_digest_of_row, try_model
from aims_mlflow.registry.workspaces import in_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.ledger.ledger import Ledger
    from aims_mlflow.records.leaves.changes import ChangeLeaf, DoneLeaf

RESTORED = "aims gate reconcile --restored"


@dataclass(frozen=True)
class SettledChange:
    """A change that its server left open: the finding about it, and the outcome that the registry shows."""

    finding: Finding
    outcome: OutcomeLeaf


@dataclass(frozen=True)
class Reconciliation:
    """Result of one reconciliation: open, new and closed findings, with the changes that it finished."""

    findings: list[Finding]
    new: list[Finding]
    closed: list[str]
    settled: list[SettledChange]
    checked: int


def reconcile(
    ledger: Ledger,
    client: Any,
    policy: LoadedPolicy,
    tick: Callable[[str], None] = lambda _: None,
    restored: str | None = None,
) -> Reconciliation:
    """Compare every model of a registry with the ledger, seal findings, and close changes without an outcome.

    `restored` is the reason why the registry came back from a backup: what it lost by that is sealed as lost first.

    Raises:
        Unreachable: registry or ledger does not answer; nothing is then closed for want of an answer.
    """
    if restored is not None:
        seal_lost(ledger, reconcile(ledger, client, policy, tick).findings, restored)
    found: list[Finding] = []
    settled: list[SettledChange] = []
    overdue: list[Finding] = []
    seen_names = set()
    for seen in models(client):
        tick(seen.ledger_name)
        seen_names.add(seen.ledger_name)
        past = ModelHistory(ledger, seen.ledger_name)
        settled += _settle(ledger, past, client)
        overdue += measures_due(past, datetime.now(UTC))
        found += _certain(ledger, client, seen, policy)
    settled_elsewhere, lost = _without_model(ledger, client, seen_names)
    found += lost
    found += [*_late(ledger), *_exchanged(ledger)]
    new, closed = record(ledger, RECONCILED, found)
    if overdue:
        ledger.seal(*(each.entry() for each in overdue))
    settled += settled_elsewhere
    return Reconciliation(
        [*found, *overdue], [*new, *overdue], [*closed, *(s.finding.text for s in settled)], settled, len(seen_names)
    )


def seal_lost(ledger: Ledger, findings: list[Finding], reason: str) -> None:
    """Seal that versions and aliases were lost with a registry that was restored: the ledger then expects none of them.

    Authority comes from no backup: an alias that is back again needs a decision, as every other does.
    """
    for finding in findings:
        lost, request = finding.content, uuid7()
        name, version = str(lost.model_name), lost.version
        if finding.about == "lost-version":
            gone = Entry(DeletionLeaf(model_name=name, version=version, request=request), DeletionBody(reason=reason))
        elif finding.about == "lost-alias":
            withdrawn = WithdrawalLeaf(model_name=name, version=version, alias=lost.alias, request=request)
            gone = Entry(withdrawn, WithdrawalBody(reason=reason))
        else:
            continue
        outcome = OutcomeLeaf(
            of=gone.content.type, done=True, closed_by=RESTORED, model_name=name, version=version, alias=lost.alias,
            request=request,
        )  # fmt: skip
        ledger.seal(gone, Entry(outcome))


def _certain(ledger: Ledger, client: Any, seen: RegistryModel, policy: LoadedPolicy) -> list[Finding]:
    """Return the findings about one model. Doubtful ones are read again with the model locked."""
    if not list(_of_model(seen, ModelHistory(ledger, seen.ledger_name), policy)):
        return []
    with ledger.lock(seen.ledger_name):
        now = try_model(client, seen.name, seen.workspace)
        return list(_of_model(now, ModelHistory(ledger, seen.ledger_name), policy)) if now else []


def _late(ledger: Ledger) -> list[Finding]:
    """Return one finding for each anchor that is more than a minute behind."""
    oldest = {late.anchor: late for late in reversed(ledger.proofs.late())}
    return [Finding(FindingLeaf(about="late-delivery", anchor=at), late.sentence()) for at, late in oldest.items()]


def _exchanged(ledger: Ledger) -> Iterator[Finding]:
    """Yield a finding for each kind of rules of which the database's row and the newest leaf say different things."""
    for kind, (row, sealed) in exchanged_rules(ledger).items():
        content = FindingLeaf(about="exchanged-rules", of=kind, registered=sealed, found=row)
        yield Finding(content, exchanged_text(kind, row, sealed))


def _settle(ledger: Ledger, past: ModelHistory, client: Any) -> list[SettledChange]:
    """Seal a finding for a change without outcome; then close both by the state of the registry."""
    if past.unfinished() is None:
        return []
    with ledger.lock(past.name):
        past = ModelHistory(ledger, past.name)
        change = past.unfinished()
        if change is None:
            return []
        finding = _open_change(change)
        ledger.seal(finding.entry())
        done = finish_open_change(ledger, past, lookups(client), "aims gate reconcile")
        ledger.seal(finding.entry("closed"))
    return [SettledChange(finding, done)] if done else []


def _open_change(change: ChangeLeaf) -> Finding:
    content = FindingLeaf(
        about="open-change", of=change.type, change=change.request, model_name=change.model_name,
        version=change.version,
    )  # fmt: skip
    if isinstance(change, DecisionLeaf | WithdrawalLeaf):
        content = content.changed(alias=change.alias, mlflow_stage=change.mlflow_stage)
    if isinstance(change, DecisionLeaf):
        content = content.changed(stage=change.stage)
    about = f"{change.model_name}{f' version {change.version}' if change.version else ''}"
    text = f"the server ended between announcing a change of {about} ({change.type}) and sealing its outcome"
    return Finding(content, text)


def _without_model(ledger: Ledger, client: Any, seen: set[str]) -> tuple[list[SettledChange], list[Finding]]:
    """Handle names that are in the ledger only: close their open changes, and report vanished models."""
    named = (leaf.fact.model_name for leaf in ledger.leaves(types=("decision", "renamed", "deleted", "legacy")))
    settled: list[SettledChange] = []
    lost = []
    for name in sorted({name for name in named if name is not None} - seen):
        workspace, _, plain = name.rpartition("/")
        with in_workspace(workspace or None):
            settled += _settle(ledger, ModelHistory(ledger, name), client)
            with ledger.lock(name):
                made_since = try_model(client, plain, workspace or None)
                standing = set() if made_since else standing_versions(ModelHistory(ledger, name))
        lost += [_lost_version(name, version) for version in sorted(standing, key=int)]
    return settled, lost


def _lost_version(name: str, version: str) -> Finding:
    text = f"{name} version {version} was registered and is gone without a deletion that the gate saw"
    return Finding(FindingLeaf(about="lost-version", model_name=name, version=version), text)


def _of_model(seen: RegistryModel, past: ModelHistory, policy: LoadedPolicy) -> Iterator[Finding]:
    standing, held = standing_versions(past), holders(past)
    for number in sorted(set(seen.versions) - standing, key=int):
        text = f"{seen.ledger_name} version {number} exists without an allowing decision"
        yield Finding(FindingLeaf(about="ungated-version", model_name=seen.ledger_name, version=number), text)
    for number in sorted(standing - set(seen.versions), key=int):
        yield _lost_version(seen.ledger_name, number)
    in_use = _in_use(seen, policy)
    for at, version in sorted(in_use.items()):
        yield from _of_alias(seen, past, at, version, held.get(at), policy)
    for at, content in sorted(held.items()):
        if at not in in_use and content.version in seen.versions:
            text = f"{at} was taken from {seen.ledger_name} version {content.version} past the gate"
            lost = FindingLeaf(about="lost-alias", model_name=seen.ledger_name, version=content.version, alias=at)
            yield Finding(lost, text)


def _in_use(seen: RegistryModel, policy: LoadedPolicy) -> dict[str, str]:
    """Return gated alias or `stage NAME` -> version, as the registry shows it."""
    out = {alias: version for alias, version in seen.aliases.items() if policy.gated_alias(alias)}
    for number, version in seen.versions.items():
        if policy.gated_move(version.current_stage or ""):
            out[place(None, version.current_stage, number)] = number
    return out


def _of_alias(
    seen: RegistryModel, past: ModelHistory, at: str, version: str, by: DoneLeaf | None, policy: LoadedPolicy
) -> Iterator[Finding]:
    of_kind = functools.partial(FindingLeaf, model_name=seen.ledger_name, version=version, alias=at)
    if by is None or by.version != version:
        what = "" if version in seen.versions else ", which is no version of a model,"
        text = f"{at} of {seen.ledger_name} points to version {version}{what} without an allowing decision"
        yield Finding(of_kind(about="ungated-alias"), text)
    elif _rests_on_adoption(by) and _over(policy.policy.legacy.until):
        text = f"{at} of {seen.ledger_name} still points to version {version}, adopted from before the gate"
        yield Finding(of_kind(about="legacy-over"), text)
    elif why := why_it_ended_now(past.ledger, past, by):
        text = f"{at} of {seen.ledger_name} points to version {version}, which may not be in use any more: {why}"
        yield Finding(of_kind(about="authority-ended"), text)
    elif isinstance(by, OutcomeLeaf) and by.would_refuse and _enforced(seen, policy):
        held = f"{at} of {seen.ledger_name} points to version {version} by a decision that only observed"
        yield Finding(of_kind(about="observed-alias"), f"{held}: it would have refused, and the gate enforces now")
    elif put_back := why_put_back(past.ledger, by.request, policy):
        text = f"{at} of {seen.ledger_name} points to version {version}, which other rules let in: {put_back}"
        yield Finding(of_kind(about="rules-put-back"), text)
    elif (until := past.waived_until(by)) and parse_time(until) <= datetime.now(UTC):
        text = f"{at} of {seen.ledger_name} points to version {version}, whose waiver ended {last_day(until)}"
        yield Finding(of_kind(about="waiver-over"), text)
    if version not in seen.versions:
        return
    registered = past.registered(version)
    digest, why = try_digest(seen.versions[version])
    if digest == registered:
        digest, why = try_digest_of_row(seen.versions[version])
    if digest is None:
        text = f"the files of {seen.ledger_name} version {version} ({at}) cannot be read: {why}"
        yield Finding(of_kind(about="unreadable-bytes"), text)
    elif registered and digest != registered:
        text = f"the files of {seen.ledger_name} version {version} ({at}) changed since they were registered"
        yield Finding(of_kind(about="changed-bytes", registered=registered, found=digest), text)


def _enforced(seen: RegistryModel, policy: LoadedPolicy) -> bool:
    return policy.rules(seen.name, "deployment", workspace=seen.workspace).mode == "enforce"


def _rests_on_adoption(by: DoneLeaf) -> bool:
    """Return whether a version is in use as adopted, also where its alias was taken away and set again since."""
    return isinstance(by, AdoptionLeaf) or by.basis == "legacy"


def _over(until: str | None) -> bool:
    return until is None or datetime.now(UTC) > parse_time(f"{until}T23:59:59Z")
