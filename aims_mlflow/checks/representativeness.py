"""Whether data stand for the people of use: groups against a population, gaps and labels by group, proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks import tables
from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.claims import LEFT_OUT, claim, hold, reason_of
from aims_mlflow.checks.grouped import Grouped
from aims_mlflow.checks.groups import Groups, pooled_name
from aims_mlflow.checks.labels import is_label, label_key
from aims_mlflow.checks.moments import group_moments
from aims_mlflow.checks.proxies import information
from aims_mlflow.checks.report import claims_page
from aims_mlflow.errors import DataError
from aims_mlflow.records.evidence import Claim, Result, result_of, worst

if TYPE_CHECKING:
    import numpy as np

    from aims_mlflow.records.pack import Pack, Population, Representativeness

    Array = np.ndarray[Any, Any]

KIND = "representativeness"
SEED = 42001
BOOTSTRAP = "bootstrap, percentile"
NO_POPULATION = "no population of use is declared, so the data were compared with none: representativeness.populations"


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Compare the groups of one table with the declared populations, and with each other.

    Raises:
        DataError: there is no sensitive column and no population, or the table lacks a population's column.
    """
    settings = pack.representativeness
    if data.sensitive is None and not settings.populations:
        raise DataError(
            "no sensitive columns and no populations are named, so there are no groups to compare",
            where=f"{data.role} data",
            next="name them under data.sensitive in aims.yaml, or under representativeness.populations in the pack",
        )
    ran = tables.follow_replicates()
    populations = {p.column: p for p in settings.populations}
    columns = tuple(dict.fromkeys((*data.sensitive_names, *populations)))
    claims: list[Claim] = []
    details: list[dict[str, Any]] = []
    in_bins: set[str] = set()
    codes: dict[str, tuple[Array, int]] = {}
    for name in columns:
        grouped = Grouped(data, name, columns, settings, codes)
        part, groups = grouped.with_()
        sizes = tables.count(groups.codes[groups.codes >= 0], len(groups.names), _kept(part.weights, groups))
        claims += share_claims(sizes, groups, data, settings, populations.get(name))
        claims += _target_claims(grouped, data, settings)
        for of_features in (_missing_claims, _proxy_claims):
            claims += of_features(grouped, data, settings)
        in_bins |= grouped.binned
        details.append({"column": name, "groups": len(groups.names), "groups_pooled": groups.pooled})
    claims = hold(claims, settings.limits, role=data.role)
    results: list[Result] = [result_of(claims), *(() if populations else ("warned",))]
    reason = reason_of(claims)
    return Outcome(
        kind=KIND,
        result=worst(results),
        reason="; ".join(part for part in (reason, None if populations else NO_POPULATION) if part) or None,
        claims=tuple(claims),
        controls=settings.controls,
        details={
            "rows": data.rows,
            "columns": details,
            **({"in_bins": sorted(in_bins)} if in_bins else {}),
            "populations": [p.model_dump(mode="json") for p in settings.populations],
            "bootstrap": tables.bootstrap_details(ran, settings.bootstrap, SEED),
        },
        reports={"representativeness.html": claims_page("Whom the data stand for", claims)},
        tools=versions("numpy", "pandas"),
    )


def _kept(weights: Array | None, groups: Groups) -> Array | None:
    return None if weights is None else weights[groups.codes >= 0]


def share_claims(
    sizes: Array, groups: Groups, data: Dataset, settings: Representativeness, population: Population | None
) -> list[Claim]:
    """Return each group's share of the rows and, where there is a population, that share over the population's.

    Args:
        sizes: Rows of each group, shape (groups,).
        groups: The groups of one column, with their names.
        data: Role and number of rows.
        settings: The least rows to show.
        population: What the column is compared with.
    """
    import numpy as np

    (name,), rows = groups.columns, data.rows
    low, high = tables.wilson(sizes, np.full(len(sizes), rows))
    claims = []
    for g in range(len(groups.names)):
        ends = (low[g], high[g])
        share = sizes[g] / rows
        claims.append(
            claim("group_share", share, slice=groups.slice(g), role=data.role, n=rows, interval=ends, method="Wilson")
        )
    if groups.left_out:
        hidden = {name: pooled_name(settings.pool_under)}
        claims.append(claim("group_share", None, slice=hidden, role=data.role, note=LEFT_OUT))
    if population is None:
        return claims
    place = {label_key(text[0]): g for g, text in enumerate(groups.names)}
    for label, text in population.shares.items():
        wanted, at, found = float(text), {name: label}, place.get(label_key(label))
        note = f"{wanted:.1%} in {population.source}"
        if found is None:  # at most one row under what would be shown
            most = min((settings.pool_under - 1) / rows, 1.0)
            note = f"at most this: fewer than {settings.pool_under} rows; {note}"
            claims.append(claim("share_over_population", most / wanted, slice=at, role=data.role, n=rows, note=note))
            continue
        ends = (low[found] / wanted, high[found] / wanted)
        value = sizes[found] / rows / wanted
        claims.append(
            claim(
                "share_over_population",
                value,
                slice=at,
                role=data.role,
                n=rows,
                interval=ends,
                method="Wilson",
                note=note,
            )
        )
    return claims


def _target_claims(grouped: Grouped, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return how often each group has the favourable label (numbers: its mean), over rows that have one."""
    if data.target is None or (data.task != "regression" and data.favourable is None):
        return []
    part, groups = grouped.with_(data.target)
    column = part.frame[data.target]
    there = column.notna().to_numpy()
    if data.task != "regression":
        good = is_label(column, str(data.favourable))
        counts = tables.contingency(
            (~there).astype(int), good, _only(groups.codes, there), len(groups.names), part.weights
        )
        return _rates("favourable_label_rate", counts[:, 0, 1], counts[:, 0].sum(axis=1), groups, data, settings)
    import numpy as np

    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    codes = _only(groups.codes, np.isfinite(numbers))
    found = group_moments({"target": np.nan_to_num(numbers)}, codes, len(groups.names), part.weights)["target"]
    low, mean, high = found.interval()
    claims = [
        claim(
            "mean_target",
            mean[g],
            slice=groups.slice(g),
            role=data.role,
            n=found.n[g],
            interval=(low[g], high[g]),
            method="normal",
        )
        for g in range(len(groups.names))
        if found.n[g]
    ]
    ends = tables.percentiles(tables.spread(found.draw(settings.bootstrap, SEED))[0]) if settings.bootstrap else None
    difference = tables.spread(mean)[0]
    method = "bootstrap of group means, normal"
    all_groups = claim(
        "mean_target_difference", difference, slice=groups.all, role=data.role, interval=ends, method=method
    )
    return [*claims, all_groups]


def _only(codes: Array, kept: Array) -> Array:
    import numpy as np

    found: Array = np.where(kept, codes, -1)
    return found


def _rates(
    metric: str,
    part: Array,
    whole: Array,
    groups: Groups,
    data: Dataset,
    settings: Representativeness,
    more: dict[str, str] | None = None,
) -> list[Claim]:
    """Return each group's share with its interval, and the difference between the extreme groups with its own."""
    import numpy as np

    more = more or {}
    share = tables.divide(part, whole)
    low, high = tables.wilson(part, whole)
    claims = [
        claim(
            metric,
            share[g],
            slice={**more, **groups.slice(g)},
            role=data.role,
            n=whole[g],
            interval=(low[g], high[g]),
            method="Wilson",
        )
        for g in range(len(groups.names))
        if whole[g]
    ]
    ends = None
    if settings.bootstrap and whole.sum():
        drawn = tables.resample(np.stack([part, whole - part], axis=-1), settings.bootstrap, SEED)
        ends = tables.percentiles(tables.spread(tables.divide(drawn[..., 0], drawn.sum(axis=-1)))[0])
    difference = tables.spread(share)[0]
    note = "undefined: fewer than two groups" if np.isnan(difference) else None
    claims.append(
        claim(
            f"{metric}_difference",
            difference,
            slice={**more, **groups.all},
            role=data.role,
            n=int(whole.sum()),
            interval=None if note else ends,
            method=BOOTSTRAP,
            note=note,
        )
    )
    return claims


def _missing_claims(grouped: Grouped, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return how unequally cells are missing, for each feature with missing cells."""
    claims: list[Claim] = []
    for name in data.features:
        if name == grouped.name:
            continue
        part, groups = grouped.with_(name)
        gone = part.frame[name].isna().to_numpy()
        if not gone.any():
            continue
        counts = tables.contingency(gone * 0, gone, groups.codes, len(groups.names), part.weights)[:, 0]
        found = _rates("missing_rate", counts[:, 1], counts.sum(axis=1), groups, data, settings, {"column": name})
        claims += [found[-1]]  # by group they would be many, and small counts
    return claims


def _proxy_claims(grouped: Grouped, data: Dataset, settings: Representativeness) -> list[Claim]:
    """Return how much each feature tells of the group: 0 nothing, 1 all of it."""
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
        counts = tables.count(
            (groups.codes * levels + codes)[groups.codes >= 0], len(groups.names) * levels, _kept(part.weights, groups)
        ).reshape(len(groups.names), levels)
        value = float(information(counts))
        ends = None
        if settings.bootstrap:
            drawn = information(tables.resample(counts, settings.bootstrap, SEED))
            moved = value - float(np.median(drawn))  # drawing again adds chance information a second time
            ends = tuple(np.clip(np.asarray(tables.percentiles(drawn)) + moved, 0, 1))
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
