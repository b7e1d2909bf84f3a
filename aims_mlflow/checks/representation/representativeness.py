"""Representativeness check: groups against a population, missing cells and labels by group, proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import LEFT_OUT, claim, hold, reason_of
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.representation.group_rates import BOOTSTRAP, SEED
from aims_mlflow.checks.representation.grouping import Grouping, codes_of_features
from aims_mlflow.checks.representation.label_shares import target_claims
from aims_mlflow.checks.representation.missing_cells import missing_by_group, missing_claims
from aims_mlflow.checks.representation.proxies import information
from aims_mlflow.checks.statistics import count_tables
from aims_mlflow.checks.statistics.groups import Groups, pooled_name
from aims_mlflow.checks.statistics.labels import label_key
from aims_mlflow.errors import DataError
from aims_mlflow.records.evidence import Claim, Result, result_of, worst

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.pack import Pack, Population, Representativeness

    Array = np.ndarray[Any, Any]

KIND = "representativeness"
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
            next="name them under data.sensitive in aims.yaml, or under representativeness.populations in the pack",
        )
    with count_tables.replicates_followed() as ran:
        claims, columns, in_bins = _by_groups(data, settings)
    claims = hold(claims, settings.limits, role=data.role)
    results: list[Result] = [result_of(claims), *(() if settings.populations else ("warned",))]
    reason = reason_of(claims)
    return Outcome(
        kind=KIND,
        result=worst(results),
        reason="; ".join(part for part in (reason, None if settings.populations else NO_POPULATION) if part) or None,
        claims=tuple(claims),
        controls=settings.controls,
        details={
            "rows": data.rows,
            "columns": columns,
            **({"in_bins": sorted(in_bins)} if in_bins else {}),
            "populations": [p.model_dump(mode="json") for p in settings.populations],
            "bootstrap": count_tables.bootstrap_details(ran, settings.bootstrap, SEED),
        },
        reports={"representativeness.html": claims_page("Whom the data stand for", claims)},
        tools=versions("numpy", "pandas"),
    )


def _by_groups(data: Dataset, settings: Representativeness) -> tuple[list[Claim], list[dict[str, Any]], set[str]]:
    """Return the claims, the details of each grouped column, and the columns that an engine put into bins."""
    populations = {p.column: p for p in settings.populations}
    columns = tuple(dict.fromkeys((*data.sensitive_names, *populations)))
    claims, codes = missing_claims(data), codes_of_features(data)
    details: list[dict[str, Any]] = []
    in_bins: set[str] = set()
    for name in columns:
        grouping = Grouping(data, name, columns, settings, codes)
        part, groups = grouping.with_()
        sizes = count_tables.count(groups.codes[groups.codes >= 0], len(groups.names), _kept(part.weights, groups))
        claims += share_claims(sizes, groups, data, settings)
        if name in populations:
            claims += population_claims(sizes, groups, data, settings, populations[name])
        for of_features in (target_claims, missing_by_group, _proxy_claims):
            claims += of_features(grouping, data, settings)
        in_bins |= grouping.binned
        details.append({"column": name, "groups": len(groups.names), "groups_pooled": groups.pooled})
    return claims, details, in_bins


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
    low, high = count_tables.wilson(sizes, np.full(len(sizes), rows))
    claims = []
    for g in range(len(groups.names)):
        ends, share = (low[g], high[g]), sizes[g] / rows
        claims.append(
            claim("group_share", share, slice=groups.slice(g), role=data.role, n=rows, interval=ends, method="Wilson")
        )
    if groups.left_out:
        hidden = {groups.columns[0]: pooled_name(settings.pool_under)}
        claims.append(claim("group_share", None, slice=hidden, role=data.role, note=LEFT_OUT))
    return claims


def population_claims(
    sizes: Array, groups: Groups, data: Dataset, settings: Representativeness, population: Population
) -> list[Claim]:
    """Return each group's share of the rows over its share of the population.

    Args:
        sizes: Rows of each group, shape (groups,).
        groups: The groups of one column, with their names.
        data: Role and number of rows.
        settings: The least rows to show.
        population: Shares of the groups where the system will be used.
    """
    import numpy as np

    metric, rows, role = "share_over_population", data.rows, data.role
    low, high = count_tables.wilson(sizes, np.full(len(sizes), rows))
    place = {label_key(text[0]): g for g, text in enumerate(groups.names)}
    claims = []
    for label, text in population.shares.items():
        wanted, at, g = float(text), {groups.columns[0]: label}, place.get(label_key(label))
        note = f"{wanted:.1%} in {population.source}"
        if g is None:  # at most one row under what would be shown
            most = min((settings.pool_under - 1) / rows, 1.0)
            note = f"at most this: fewer than {settings.pool_under} rows; {note}"
            claims.append(claim(metric, most / wanted, slice=at, role=role, n=rows, note=note))
            continue
        ends, value = (low[g] / wanted, high[g] / wanted), sizes[g] / rows / wanted
        claims.append(claim(metric, value, slice=at, role=role, n=rows, interval=ends, method="Wilson", note=note))
    return claims


def _proxy_claims(grouped: Grouping, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return the share of the group's uncertainty that each feature removes: 0 nothing, 1 all of it."""
    import numpy as np

    claims: list[Claim] = []
    for name in data.features:
        if name in (grouped.name, *data.sensitive_names):
            continue
        part, groups = grouped.with_(name)
        if len(groups.names) < 2:
            return claims
        codes, levels = grouped.codes_of(name, part)
        if levels < 2:
            continue
        counts = count_tables.crossed(groups.codes, len(groups.names), codes, levels, part.weights)
        value = float(information(counts))
        ends = None
        if settings.bootstrap:
            drawn = information(count_tables.resample(counts, settings.bootstrap, SEED))
            moved = value - float(np.median(drawn))  # drawing again adds chance information a second time
            ends = tuple(np.clip(np.asarray(count_tables.percentiles(drawn)) + moved, 0, 1))
        claims.append(
            claim(
                "proxy_information",
                value,
                slice={"column": name, **groups.all},
                role=data.role,
                n=int(counts.sum()),
                interval=ends,
                method=BOOTSTRAP,
                note=f"share of what is unknown of {groups.columns[0]} that this column tells",
            )
        )
    return claims
