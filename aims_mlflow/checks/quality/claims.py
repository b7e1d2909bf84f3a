"""Claims from the results of expectations: shares, observed values, and expectations that could not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.claims import claim
from aims_mlflow.records.base import decimal_text
from aims_mlflow.records.evidence import Claim, Comparator
from aims_mlflow.records.limit import LimitOrigin, holds

if TYPE_CHECKING:
    from aims_mlflow.checks.quality.expectations import Demand
    from aims_mlflow.checks.tables.dataset import Dataset

# Their observed value is the value of a single row.
ONE_ROWS_VALUE = ("expect_column_max_to_be_between", "expect_column_min_to_be_between")
SHOWN = 10
Bound = tuple[Comparator, str]


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
    note = "1 means that it holds" if success else _columns_apart(demand, data) or "1 means that it holds"
    return [_claim(demand, data, ("==", "1"), value=int(success), passed=success, note=note)]


def _columns_apart(demand: Demand, data: Dataset) -> str | None:
    """Return which columns of a set are missing or unexpected, and the way on; None for other expectations."""
    wanted = demand.kwargs.get("column_set")
    if demand.type != "expect_table_columns_to_match_set" or not isinstance(wanted, list):
        return None
    names = list(dict.fromkeys([*map(str, data.columns), *data.sensitive_names]))
    missing = [name for name in wanted if name not in names]
    more = [name for name in names if name not in wanted] if demand.kwargs.get("exact_match", True) else []
    parts = [
        f"{len(found)} {what}: {', '.join(found[:SHOWN])}"
        for what, found in (("missing", missing), ("unexpected", more))
        if found
    ]
    return f"columns of {data.role} data: {'; '.join(parts)}. If that is meant, correct column_set in the pack"


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
    rows = " and ".join(condition.words() for condition in demand.expectation.where)
    asked = "; ".join(part for part in (note, f"where {rows}" if rows else "", asked_for(demand.kwargs)) if part)
    measured = claim(
        demand.type,
        value,
        slice={"column": demand.column} if demand.column else {},
        role=data.role,
        n=data.rows if n is None else n,
        note=asked or None,
    )
    comparator, limit = bound
    asked_by = demand.expectation
    update = {
        "comparator": comparator,
        "limit": limit,
        "severity": asked_by.severity,
        "limit_origin": LimitOrigin(why=asked_by.why, **asked_by.author),
        "passed": passed,
    }
    return measured.model_copy(update=update)


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


def asked_for(kwargs: Mapping[str, Any]) -> str:
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
