"""`aims waive`: an approver's signed waiver of named failures of one model, until a day."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from aims_mlflow.catalog.loader import require_control
from aims_mlflow.cli.approve import NAME, STAGE, notice, sign_and_send
from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.records.base import parse_time, utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.records.decision import Decision, Unmet
    from aims_mlflow.records.policy import Stage

MAX_HOURS = 72  # of an emergency waiver, by any policy
MAX_CLAIMS = 15  # an envelope of at most 4,500 characters holds them
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("model")
@STAGE
@click.option("--reason", required=True, help="Why the waiver is acceptable.")
@click.option("--control", help="The control whose failures are waived, such as A.6.2.4.")
@click.option("--until", type=DAY, help="Last day (UTC) on which the waiver is valid.")
@click.option("--metric", help="Only failures of this metric.")
@click.option(
    "--slice", "rows", multiple=True, metavar="COLUMN=GROUP", help="Only failures of this group; may be repeated."
)
@click.option("--measure", help="The compensating measure that is promised.")
@click.option("--measure-due", type=DAY, help="Day on which evidence of the measure is due; --until by default.")
@click.option("--break-glass", is_flag=True, help="An emergency: waive everything for hours; takes two approvers.")
@click.option(
    "--hours", type=click.IntRange(1, MAX_HOURS), help="Hours of --break-glass; the policy's most by default."
)
@click.option("--alias", help="The alias that it is for; every gated alias by default.")
@NAME
def waive(model: str, stage: Stage, reason: str, alias: str | None, name: str | None, **given: Any) -> None:
    """Waive failures of one control for MODEL until a day, with a reason; each decision that uses the waiver shows it.

    The waiver names each failure that the gate finds now: its metric, its group, and its value. It covers no failure
    that comes later, and no worse value. --metric and --slice narrow it. With --break-glass everything is waived for
    hours, once two approvers have signed one each; it opens an incident.
    """
    if not reason.strip():
        raise ConfigError("a waiver needs a reason", next="--reason 'why that is acceptable for now'")
    if given["break_glass"]:
        _waive_all(model, name, stage, alias, reason, given)
        return
    control, until = given["control"], given["until"]
    if control is None or until is None:
        raise ConfigError("a waiver names one control and its last day", next="--control A.6.2.4 --until 2027-01-31")
    require_control(control)
    due = _due(given["measure"], given["measure_due"], until)
    _waive_failures(model, name, stage, alias, {
        "comment": reason + (f". Measure promised, evidence due {due:%Y-%m-%d}: {given['measure']}" if due else ""),
        "control": control,
        "expires": _end_of(until, "--until"),
        "measure_due": _end_of(due, "--measure-due") if due else None,
    }, (given["metric"], _slice(given["rows"])))  # fmt: skip


def _waive_all(
    model: str, name: str | None, stage: Stage, alias: str | None, reason: str, given: dict[str, Any]
) -> None:
    narrowing = ("control", "until", "metric", "rows", "measure", "measure_due")
    if any(given[option] for option in narrowing):
        raise ConfigError(
            "--break-glass waives everything for hours",
            next="leave out --control, --until, --metric, --slice and --measure",
        )
    from aims_mlflow.registry import channel

    found = channel.named(model, name)
    channel.make_room(found.name)
    rules, involved = channel.rules_in_force(found, stage, alias), None
    with contextlib.suppress(Unreachable):  # in an emergency the files may be what is away
        involved = channel.explain(found.name, found.version or found.model_id, stage, alias).involved_keys
    hours = given["hours"] or rules.break_glass_hours or MAX_HOURS
    expires = datetime.now(UTC) + timedelta(hours=hours)
    _require_short(hours, "hours", rules.break_glass_hours, f"--hours {rules.break_glass_hours}")
    fields = {"comment": reason, "expires": utc_text(expires), "break_glass": True}
    sign_and_send(found, stage, alias, rules, involved, action="waiver", **fields)


def _waive_failures(
    model: str,
    name: str | None,
    stage: Stage,
    alias: str | None,
    fields: dict[str, Any],
    narrowed: tuple[str | None, dict[str, str]],
) -> None:
    from aims_mlflow.gates.waivers import waived_claim
    from aims_mlflow.gates.wording import item_text
    from aims_mlflow.registry import channel

    found = channel.named(model, name)
    channel.make_room(found.name)
    rules, today = channel.rules_in_force(found, stage, alias), datetime.now(UTC)
    days = (parse_time(fields["expires"]).date() - today.date()).days
    longest = today + timedelta(days=rules.waiver_days or 0)
    _require_short(days, "days", rules.waiver_days, f"--until {longest:%Y-%m-%d}")
    explained = channel.explain(found.name, found.version or found.model_id, stage, alias)
    items = _failures(explained.decision, fields["control"], *narrowed)
    for item in items:
        click.echo(f"waived: {item_text(item)}")
    claims = [waived_claim(item) for item in items]
    sign_and_send(found, stage, alias, rules, explained.involved_keys, action="waiver", claims=claims, **fields)


def _require_short(lasts: int, unit: str, most: int | None, advice: str) -> None:
    """Refuse a waiver that would be sealed and cover nothing, as far as the server tells what its policy allows.

    Raises:
        ConfigError: it lasts longer than the policy allows.
    """
    if most is None:
        notice("this server does not tell how long a waiver may last; one that is too long covers nothing")
    elif lasts > most:
        what = f"nothing is signed: a waiver of {lasts} {unit} would cover nothing, for the policy allows {most} {unit}"
        raise ConfigError(what, next=advice)


def _failures(decision: Decision, control: str, metric: str | None, rows: dict[str, str]) -> list[Unmet]:
    """Return the failures of a control that a waiver can cover: those open now, and those that one covers already.

    Raises:
        ConfigError: there is none, or more than a waiver can name.
    """
    waivable = [u for u in (*decision.unmet, *(w.unmet for w in decision.waived)) if u.waivable]
    found = [
        u for u in waivable if u.control == control and metric in (None, u.metric) and rows.items() <= u.slice.items()
    ]
    if not found:
        narrowing = "".join(f", {what}" for what in (metric, _joined(rows)) if what)
        what = f"the gate finds no failure of {control}{narrowing} that a waiver could cover"
        raise ConfigError(what, next=_open(decision, waivable))
    if len(found) > MAX_CLAIMS:
        raise ConfigError(
            f"{len(found)} failures of {control} are more than one waiver can name, which is {MAX_CLAIMS}",
            next="sign several, narrowed by --metric and --slice",
        )
    return found


def _open(decision: Decision, waivable: Sequence[Unmet]) -> str:
    named = dict.fromkeys(" ".join(x for x in (u.control, u.metric, _joined(u.slice)) if x) for u in waivable)
    if named:
        return f"open are {'; '.join(named)}"
    lacking = ", ".join(dict.fromkeys(u.control for u in decision.unmet))
    return f"no waiver covers what is open ({lacking}): see `aims gate explain`" if lacking else "nothing is open"


def _joined(rows: dict[str, str]) -> str:
    return " ".join(f"{column}={group}" for column, group in rows.items())


def _slice(rows: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in rows]
    if wrong := next(
        (each for each, (column, equals, _) in zip(rows, pairs, strict=True) if not (column and equals)), None
    ):
        raise ConfigError(f"--slice {wrong} names no group", next="--slice COLUMN=GROUP, such as --slice sex=Female")
    return {column: group for column, _, group in pairs}


def _due(measure: str | None, day: datetime | None, until: datetime) -> datetime | None:
    if day is not None and not measure:
        raise ConfigError("--measure-due names a day, and no measure is promised", next="--measure 'what is done'")
    return (day or until) if measure else None


def _end_of(day: datetime, option: str) -> str:
    """Return the last second of a day; the day counts whole."""
    ends = day.replace(tzinfo=UTC) + timedelta(days=1, seconds=-1)
    if ends <= datetime.now(UTC):
        raise ConfigError(f"{option} {day:%Y-%m-%d} is past", next="name a day to come")
    return ends.strftime("%Y-%m-%dT%H:%M:%SZ")
