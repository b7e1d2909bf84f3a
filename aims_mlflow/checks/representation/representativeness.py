"""Representativeness check: groups against a population, missing cells and labels by group, proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import LEFT_OUT, claim, hold, is_of_extremes, reason_of
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.representation.group_rates import BOOTSTRAP, SEED
from aims_mlflow.checks.representation.grouping import Grouping, codes_of_features
from aims_mlflow.checks.representation.label_shares import target_claims
from aims_mlflow.checks.representation.missing_cells import missing_by_group, missing_claims
from aims_mlflow.checks.representation.proxies import information
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.groups import MISSING, Groups, group_name, pooled_name
from aims_mlflow.checks.statistics.labels import label_key
from aims_mlflow.errors import DataError
from aims_mlflow.records.details.checks import PopulationComparison, RepresentativenessDetails
from aims_mlflow.records.evidence import Claim, Result, result_of, worst
from aims_mlflow.records.wording import share_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.pack import Pack, Population, Representativeness

    Array = np.ndarray[Any, Any]

KIND = "representativeness"
OTHERS = "(others)"
ROUNDING = 0.002  # shares of a census table are rounded: what they leave under this is no group
POPULATION_METRICS = ("share_over_population", "share_outside_population")
NO_POPULATION = "no population of use is declared, so the data were compared with none: representativeness.populations"


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Compare the groups of one table with the declared populations, and with each other.

    Raises:
        DataError: there is no sensitive column and no population, or the table lacks a population's column.
    """
    settings = pack.representativeness
    if not data.sensitive_names and not settings.populations:
        raise DataError(
            "no sensitive columns and no populations are named, so there are no groups to compare",
            where=f"{data.role} data",
            next="name them by data.sensitive in aims.yaml, or under representativeness.populations in the pack",
        )
    with count_tables.replicates_followed() as ran:
        claims, columns, in_bins = _by_groups(data, settings, pack.fairness.reference)
    limits = settings.limits
    if not settings.populations:  # limits on populations speak of nothing; the result is a warning, and says so
        limits = tuple(limit for limit in limits if limit.metric not in POPULATION_METRICS)
    described = [c for c in claims if is_of_extremes(c)]
    claims = hold([c for c in claims if not is_of_extremes(c)], limits, role=data.role) + described
    results: list[Result] = [result_of(claims), *(() if settings.populations else ("warned",))]
    reason = reason_of(claims)
    return Outcome(
        kind=KIND,
        result=worst(results),
        reason="; ".join(part for part in (reason, None if settings.populations else NO_POPULATION) if part) or None,
        claims=tuple(claims),
        controls=settings.controls,
        details=RepresentativenessDetails(
            rows=data.rows,
            columns=columns,
            in_bins=sorted(in_bins) or None,
            left_out=_without_proxies(data),
            populations=[p.model_dump(mode="json") for p in settings.populations],
            bootstrap=count_tables.bootstrap_details(ran, settings.bootstrap, SEED),
        ),
        reports={"representativeness.html": claims_page("Whom the data stand for", claims)},
        tools=versions("numpy", "pandas"),
    )


def _by_groups(
    data: Dataset, settings: Representativeness, reference: Mapping[str, str]
) -> tuple[list[Claim], list[PopulationComparison], set[str]]:
    """Return the claims, the details of each grouped column, and the columns that an engine put into bins."""
    populations = {p.column: p for p in settings.populations}
    columns = tuple(dict.fromkeys((*data.sensitive_names, *populations)))
    claims, codes = missing_claims(data), codes_of_features(data)
    details: list[PopulationComparison] = []
    in_bins: set[str] = set()
    for name in columns:
        grouping = Grouping(data, name, columns, settings, codes, reference)
        part, groups = grouping.with_()
        sizes = count_tables.count(groups.codes[groups.codes >= 0], len(groups.names), _kept(part.weights, groups))
        claims += share_claims(sizes, groups, data, settings)
        if name in populations:
            claims += population_claims(sizes, groups, data, settings, populations[name])
        claims += target_claims(grouping, data, settings) + missing_by_group(grouping, data)
        claims += _proxy_claims(grouping, data, settings)
        in_bins |= grouping.binned
        details.append(PopulationComparison(column=name, groups=len(groups.names), groups_pooled=groups.pooled))
    return claims, details, in_bins


def _without_proxies(data: Dataset) -> dict[str, str]:
    """Return the columns that are not looked at as proxies, and why."""
    names = [name for name in data.features if name not in data.sensitive_names]
    kinds = {name: data.kind_of(name) for name in names}
    return {
        **dict.fromkeys(data.identifiers, "named as an identifier"),
        **{name: why for name, (kind, why) in kinds.items() if kind is None},
    }


def _kept(weights: Array | None, groups: Groups) -> Array | None:
    return None if weights is None else weights[groups.codes >= 0]


def share_claims(sizes: Array, groups: Groups, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return each group's share of the rows.

    Args:
        sizes: Rows of each group, shape (groups,).
        groups: The groups of one column, with their names.
        data: Role and number of rows.
        settings: The least rows to show.
    """
    import numpy as np

    rows = data.rows
    low, high = count_tables.exact_interval(sizes, np.full(len(sizes), rows))
    claims = []
    for g in range(len(groups.names)):
        ends, share = (low[g], high[g]), sizes[g] / rows
        claims.append(
            claim(
                "group_share",
                share,
                slice=groups.slice(g),
                role=data.role,
                n=rows,
                interval=ends,
                method=count_tables.EXACT,
            )
        )
    if groups.left_out:
        hidden = {groups.columns[0]: pooled_name(settings.pool_under)}
        claims.append(claim("group_share", None, slice=hidden, role=data.role, note=LEFT_OUT))
    return claims


def population_claims(
    sizes: Array, groups: Groups, data: Dataset, settings: Representativeness, population: Population
) -> list[Claim]:
    """Return each group's share of the rows over its share of the population, and the share of all other groups.

    Groups that the population does not name are compared with what its shares leave; where they leave nothing, their
    share of the rows is claimed as it is.

    Args:
        sizes: Rows of each group, shape (groups,).
        groups: The groups of one column, with their names.
        data: Role and number of rows.
        settings: The least rows to show.
        population: Shares of the groups where the system will be used.
    """
    place = {label_key(text[0]): g for g, text in enumerate(groups.names)}
    claims, named = [], {key for label in population.shares for key in (label_key(label), group_name(label))}
    for label, text in population.shares.items():
        at, g = {groups.columns[0]: label}, place.get(label_key(label), place.get(group_name(label)))
        if g is None:  # at most one row under what would be shown
            most, wanted = min((settings.pool_under - 1) / data.rows, 1.0), float(text)
            note = f"at most this: fewer than {settings.pool_under} rows; {share_text(wanted)} in {population.source}"
            claims.append(claim(POPULATION_METRICS[0], most / wanted, slice=at, role=data.role, n=data.rows, note=note))
        else:
            claims.append(_over_population(int(sizes[g]), float(text), at, data, population.source))
    unnamed = [g for g, text in enumerate(groups.names) if label_key(text[0]) not in {*named, MISSING}]
    rows = sum(int(sizes[g]) for g in unnamed if groups.names[g][0] != pooled_name(settings.pool_under))
    left, at = 1 - sum(map(float, population.shares.values())), {groups.columns[0]: OTHERS}
    outside, note = rows, f"groups that {population.source} does not name"
    if left > ROUNDING:
        claims.append(_over_population(rows, left, at, data, population.source))
        outside, note = 0, f"{note} are compared with the {share_text(left)} that its shares leave"
    ends = exact_of(outside, data.rows)
    share = outside / data.rows
    return [
        *claims,
        claim(
            POPULATION_METRICS[1],
            share,
            slice=at,
            role=data.role,
            n=data.rows,
            interval=ends,
            method=count_tables.EXACT,
            note=note,
        ),
    ]


def exact_of(rows: int, n: int) -> tuple[float, float]:
    """Return the ends of the exact interval of one share."""
    import numpy as np

    low, high = count_tables.exact_interval(np.asarray(rows), np.asarray(n))
    return float(low[()]), float(high[()])


def _over_population(rows: int, wanted: float, at: dict[str, str], data: Dataset, source: str) -> Claim:
    low, high = exact_of(rows, data.rows)
    return claim(
        POPULATION_METRICS[0],
        rows / data.rows / wanted,
        slice=at,
        role=data.role,
        n=data.rows,
        interval=(low / wanted, high / wanted),
        method=count_tables.EXACT,
        note=f"{share_text(wanted)} in {source}",
    )


def _proxy_claims(grouped: Grouping, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return the share of the group's uncertainty that each feature removes: 0 nothing, 1 all of it."""
    claims: list[Claim] = []
    for name in data.features:
        if name in (grouped.name, *data.sensitive_names):
            continue
        part, groups = grouped.with_(name)
        if len(groups.names) < 2:
            return claims
        if data.kind_of(name)[0] is None:  # dates, texts and identifiers: `_without_proxies` names them
            continue
        codes, levels = grouped.codes_of(name, part)
        counts = count_tables.crossed(groups.codes, len(groups.names), codes, levels, part.weights)
        claims.append(_proxy_claim(counts, {"column": name, **groups.all}, data.role, settings))
    return claims


def _proxy_claim(counts: Array, at: dict[str, str], role: str, settings: Representativeness) -> Claim:
    """Return the claim of one column and one grouping; counts of shape (groups, levels).

    A column with one value tells nothing, for certain: its 0 has no interval.
    """
    import numpy as np

    group = list(at)[-1]
    if (counts.sum(axis=0) > 0).sum() < 2:
        note = f"it has one value in all rows, so it tells nothing of {group}"
        return claim("proxy_information", 0, slice=at, role=role, n=int(counts.sum()), note=note)
    estimate = float(information(counts))
    value, ends = float(np.clip(estimate, 0, 1)), None
    if settings.bootstrap:
        drawn = information(count_tables.resample(counts, settings.bootstrap, SEED))
        # Drawing again adds chance information a second time: what counts is the spread around the middle.
        low, high = (value + float(end - np.median(drawn)) for end in count_tables.percentiles(drawn))
        ends = (max(low, 0.0), min(high, 1.0))
    return claim(
        "proxy_information",
        value,
        slice=at,
        role=role,
        n=int(counts.sum()),
        interval=ends,
        method=BOOTSTRAP,
        note=f"share of what is unknown of {group} that this column tells",
    )
