"""Data quality: the pack's expectations, run by Great Expectations on the table in memory.

Results are asked for as counts only, so that no cell of the table gets into evidence. An
expectation that could not run is told apart from one that the data failed.
"""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.base import Dataset, Outcome, versions
from aims_mlflow.checks.claims import claim, holds, reason_of
from aims_mlflow.checks.expectations import Demand, demands
from aims_mlflow.checks.report import claims_page
from aims_mlflow.checks.row_hashes import duplicate_share
from aims_mlflow.errors import CheckError, DataError, did_you_mean
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim, Comparator, result_of

if TYPE_CHECKING:
    import pandas as pd

    from aims_mlflow.records.pack import Pack

KIND = "data-quality"
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
# Their observed value is the value of a single row.
ONE_ROWS_VALUE = ("expect_column_max_to_be_between", "expect_column_min_to_be_between")
Bound = tuple[Comparator, str]


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Hold one table to the pack's expectations for its role.

    Raises:
        DataError: the pack expects nothing of this role.
        CheckError: Great Expectations cannot be imported.
    """
    table = _table(data)
    wanted = demands(pack.data_quality.expectations, data, list(table.columns))
    if not wanted:
        raise DataError(f"the pack {pack.name!r} expects nothing of {data.role} data", where="data_quality")
    missing = {i: text for i, demand in enumerate(wanted) if (text := _missing_column(demand, table))}
    results = validate(table, {i: demand for i, demand in enumerate(wanted) if i not in missing})
    claims = []
    for i, demand in enumerate(wanted):
        claims += [not_evaluated(demand, missing[i], data)] if i in missing else judged(demand, results[i], data)
    repeated = duplicate_share(table)
    if repeated is not None:
        note = "rows that repeat an earlier row"
        claims.append(claim("duplicate_rows", repeated, role=data.role, n=len(table), note=note))
    title = f"Data quality of {data.role} data"
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=pack.data_quality.controls,
        details={
            "rows": len(table),
            "columns": len(table.columns),
            "expectations": [
                {"type": e.type, "severity": e.severity, "why": e.why}
                for e in pack.data_quality.expectations
                if data.role in e.roles
            ],
        },
        reports={"data_quality.html": claims_page(title, claims)},
        tools=versions("great-expectations", "pandas"),
    )


def _table(data: Dataset) -> pd.DataFrame:
    """Return the table with the sensitive columns that stand beside it; nothing is copied otherwise."""
    import pandas as pd

    beside = [name for name in data.sensitive_names if name not in data.frame.columns]
    if not beside or data.sensitive is None:
        return data.frame
    return pd.concat([data.frame, data.sensitive[beside].set_axis(data.frame.index, axis=0)], axis=1)


def validate(table: pd.DataFrame, wanted: Mapping[int, Demand]) -> dict[int, Any]:
    """Return Great Expectations' result (or the reason why there is none) for each demand.

    Its results come in an order of its own, and equal expectations are run once: a mark in the
    expectation's `meta` joins them to the demands.
    """
    gx = _great_expectations()
    from great_expectations.expectations.registry import get_expectation_impl

    results: dict[int, Any] = {}
    suite: dict[str, tuple[Any, list[int]]] = {}
    for i, demand in wanted.items():
        key = json.dumps([demand.type, demand.kwargs], sort_keys=True, default=str)
        if key in suite:
            suite[key][1].append(i)
            continue
        try:
            built = get_expectation_impl(demand.type)(**demand.kwargs, meta={"demand": key})
        except Exception as exc:  # noqa: BLE001  whatever its arguments do to it, the others still run
            results[i] = _complaint(exc)
        else:
            suite[key] = (built, [i])
    if suite:
        with _copy_on_write():
            context = gx.get_context(mode="ephemeral", project_config=_in_memory())
            asset = context.data_sources.add_pandas("memory").add_dataframe_asset("table")
            batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
            whole = gx.ExpectationSuite(name="pack", expectations=[built for built, _ in suite.values()])
            found = batch.validate(whole, result_format=RESULT_FORMAT)
        for result in found.results:
            for i in suite[result.expectation_config.meta["demand"]][1]:
                results[i] = result
    return results


def _in_memory() -> Any:
    """Return a configuration that keeps everything in memory, sends nothing and draws no progress bar."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars={"globally": False, "metric_calculations": False},
    )


def _great_expectations() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pyspark's, about pandas 3, when both are installed
            import great_expectations
    except SystemExit:  # pyspark 4.3 without grpcio ends the process when it is imported
        raise CheckError(
            "great_expectations ended its own import, which pyspark without grpcio causes",
            next="install pyspark[connect], or remove pyspark",
        ) from None
    return great_expectations


@contextlib.contextmanager
def _copy_on_write() -> Iterator[None]:
    """Spare pandas 2 the copies that great_expectations asks for; pandas 3 never makes them."""
    import pandas as pd

    if int(pd.__version__.split(".")[0]) >= 3:
        yield
        return
    with pd.option_context("mode.copy_on_write", True):
        yield


def _complaint(exc: Exception) -> str:
    """Return why an expectation could not be built: pydantic's first error, without any value."""
    errors = getattr(exc, "errors", None)
    first = errors()[0] if callable(errors) else None
    if first is None:
        return type(exc).__name__
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _missing_column(demand: Demand, table: pd.DataFrame) -> str | None:
    if demand.type == "expect_column_to_exist":
        return None
    for name in demand.columns:
        if name not in table.columns:
            hint = did_you_mean(name, table.columns)
            return f"there is no column {name!r}" + (f", {hint}" if hint else "")
    return None


def judged(demand: Demand, result: Any, data: Dataset) -> list[Claim]:
    """Return the claims of one expectation: usually one, two where a value has a bound on each side."""
    raised = result if isinstance(result, str) else _raised(result.exception_info)
    if raised:
        return [not_evaluated(demand, raised, data)]
    counts, success = result.result or {}, bool(result.success)
    if "element_count" in counts and "unexpected_count" in counts:
        return [_share_claim(demand, counts, success, data)]
    observed = counts.get("observed_value")
    value = decimal_text(float(observed)) if observed is not None and _is_number(observed) else None
    bounds = [] if demand.type in ONE_ROWS_VALUE else _bounds(demand.kwargs)
    if value is not None and bounds and all(holds(value, *bound) for bound in bounds) == success:
        return [_claim(demand, data, bound, value=value, passed=holds(value, *bound)) for bound in bounds]
    return [_claim(demand, data, ("==", "1"), value=int(success), passed=success, note="1 means that it holds")]


def not_evaluated(demand: Demand, why: str, data: Dataset) -> Claim:
    """Return the claim of an expectation that could not run: neither passed nor failed."""
    bound: Bound = (">=", _mostly(demand)) if "mostly" in demand.kwargs else ("==", "1")
    return _claim(demand, data, bound, note=f"not evaluated: {why}")


def _share_claim(demand: Demand, counts: Mapping[str, Any], success: bool, data: Dataset) -> Claim:
    """Claim the share of the elements, without missing ones, that meet the expectation."""
    checked = int(counts["element_count"]) - int(counts.get("missing_count") or 0)
    bound: Bound = (">=", _mostly(demand))
    if checked == 0:  # great_expectations calls this a success
        return _claim(demand, data, bound, n=0, note="not evaluated: no value to check")
    share = (checked - int(counts["unexpected_count"])) / checked
    return _claim(demand, data, bound, value=share, passed=success, n=checked)


def _claim(
    demand: Demand,
    data: Dataset,
    bound: Bound,
    *,
    value: Any = None,
    passed: bool | None = None,
    n: int | None = None,
    note: str = "",
) -> Claim:
    asked = "; ".join(part for part in (note, _asked(demand.kwargs)) if part)
    found = claim(
        demand.type,
        value,
        slice={"column": demand.column} if demand.column else {},
        role=data.role,
        n=len(data.frame) if n is None else n,
        note=asked or None,
    )
    comparator, limit = bound
    update = {"comparator": comparator, "limit": limit, "severity": demand.expectation.severity, "passed": passed}
    return found.model_copy(update=update)


def _mostly(demand: Demand) -> str:
    mostly = demand.kwargs.get("mostly", 1)
    return decimal_text(float(mostly)) or "1"


def _bounds(kwargs: Mapping[str, Any]) -> list[Bound]:
    """Return the limits on an observed value, e.g. [(">=", "0"), ("<=", "5")]."""
    sides: tuple[tuple[str, Comparator], ...] = (
        ("min_value", ">" if kwargs.get("strict_min") else ">="),
        ("max_value", "<" if kwargs.get("strict_max") else "<="),
        ("value", "=="),
    )
    return [
        (comparator, str(decimal_text(float(kwargs[key])))) for key, comparator in sides if _is_number(kwargs.get(key))
    ]


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str) and hasattr(value, "__float__")


def _asked(kwargs: Mapping[str, Any]) -> str:
    """Return the arguments as text; a long list is only counted."""
    parts = []
    for key, value in kwargs.items():
        if key in ("column", "mostly") or value is None:  # the slice and the limit say them
            continue
        if isinstance(value, list | dict):
            parts.append(f"{key}: {len(value)} entries")
        else:
            parts.append(f"{key}: {str(value)[:60]}")
    return ", ".join(parts)


def _raised(info: Any) -> str | None:
    """Return in which exception an expectation ended, or None.

    The message may quote a cell of the table, so only the type is kept.
    """
    entries: Sequence[Any] = (
        [info] if isinstance(info, Mapping) and "raised_exception" in info else [*(info or {}).values()]
    )
    for entry in entries:
        if entry.get("raised_exception"):
            last = (entry.get("exception_traceback") or "").strip().splitlines()[-1:]
            kind = last[0].split(":")[0].split(".")[-1] if last else "an exception"
            return f"{kind} inside great_expectations"
    return None
