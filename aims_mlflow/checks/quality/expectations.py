"""A pack's expectations filled in for one table: placeholders replaced, one demand for each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.expectation import DataQuality, Expectation

PLACEHOLDERS = ("$target", "$sensitive", "$column", "$numeric", "$text")
WIDE, PIECE = 400, 100  # from so many columns on a table is shown in pieces of so many
SAMPLE, FEW_TEXTS = 10_000, 1000
ROLES = ("train", "validation", "test", "cross-validation")

# Great Expectations' own expectations for tables in memory. Kept as text, so that a pack can be
# read without importing the library; a test compares the list with its registry.
KNOWN = (
    "expect_column_distinct_values_to_be_in_set",
    "expect_column_distinct_values_to_contain_set",
    "expect_column_distinct_values_to_equal_set",
    "expect_column_kl_divergence_to_be_less_than",
    "expect_column_max_to_be_between",
    "expect_column_mean_to_be_between",
    "expect_column_median_to_be_between",
    "expect_column_min_to_be_between",
    "expect_column_most_common_value_to_be_in_set",
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
    "expect_column_pair_values_to_be_in_set",
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between",
    "expect_column_quantile_values_to_be_between",
    "expect_column_stdev_to_be_between",
    "expect_column_sum_to_be_between",
    "expect_column_to_exist",
    "expect_column_type_to_be",
    "expect_column_unique_value_count_to_be_between",
    "expect_column_value_lengths_to_be_between",
    "expect_column_value_lengths_to_equal",
    "expect_column_value_z_scores_to_be_less_than",
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_dateutil_parseable",
    "expect_column_values_to_be_decreasing",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_be_in_type_list",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_json_parseable",
    "expect_column_values_to_be_null",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_unique",
    "expect_column_values_to_match_json_schema",
    "expect_column_values_to_match_like_pattern",
    "expect_column_values_to_match_like_pattern_list",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_match_regex_list",
    "expect_column_values_to_match_strftime_format",
    "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_not_be_null",
    "expect_column_values_to_not_be_outliers",
    "expect_column_values_to_not_match_like_pattern",
    "expect_column_values_to_not_match_like_pattern_list",
    "expect_column_values_to_not_match_regex",
    "expect_column_values_to_not_match_regex_list",
    "expect_compound_columns_to_be_unique",
    "expect_multicolumn_sum_to_equal",
    "expect_multicolumn_values_to_be_equal",
    "expect_query_results_to_match_comparison",
    "expect_select_column_values_to_be_unique_within_record",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_columns_to_match_set",
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
    "expect_table_row_count_to_equal_other_table",
)

# What these find of a text column does not change when each different text is kept once, as a category.
COUNTING = {
    "expect_column_distinct_values_to_be_in_set",
    "expect_column_distinct_values_to_contain_set",
    "expect_column_distinct_values_to_equal_set",
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between",
    "expect_column_to_exist",
    "expect_column_unique_value_count_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_be_null",
    "expect_column_values_to_be_unique",
    "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_not_be_null",
}


@dataclass(frozen=True)
class Demand:
    """One expectation with its arguments filled in."""

    expectation: Expectation
    kwargs: dict[str, Any]

    @property
    def type(self) -> str:
        """The expectation's name in Great Expectations' spelling."""
        return self.expectation.type

    @property
    def column(self) -> str | None:
        """The column it is about; None for one about the table or about several columns."""
        column = self.kwargs.get("column")
        return column if isinstance(column, str) else None

    @property
    def columns(self) -> list[str]:
        """Every column that its arguments name."""
        named = [self.kwargs.get(key) for key in ("column", "column_A", "column_B")]
        named += [condition.column for condition in self.expectation.where]
        several = self.kwargs.get("column_list")
        return [name for name in [*named, *(several if isinstance(several, list) else [])] if isinstance(name, str)]

    def missing_column(self, columns: Iterable[str]) -> str | None:
        """Return one sentence where it names a column that is not among `columns`, else None."""
        if self.type == "expect_column_to_exist":
            return None
        known = list(columns)
        for name in self.columns:
            if name not in known:
                hint = did_you_mean(name, known)
                return f"there is no column {name!r}" + (f", {hint}" if hint else "")
        return None


def demands(settings: DataQuality, data: Dataset, types: Mapping[str, str]) -> list[Demand]:
    """Return what a pack asks of `data`, in the pack's order; expectations for other roles are left out.

    Args:
        settings: The pack's expectations and its groups of columns.
        data: Gives role, target and sensitive columns.
        types: Column -> "number", "text" or another type: what the placeholders stand for, in turn.
    """
    features = {name: kind for name, kind in types.items() if name != data.task.target}
    values = {
        "$target": [data.task.target] if data.task.target else [],
        "$sensitive": list(data.sensitive_names),
        "$column": list(types),
        "$numeric": [name for name, kind in features.items() if kind == "number"],
        "$text": [name for name, kind in features.items() if kind == "text"],
        **{f"${name}": list(columns) for name, columns in settings.groups.items()},
    }
    return [
        Demand(expectation, kwargs)
        for expectation in settings.expectations
        if data.role in expectation.roles
        for kwargs in _expanded(expectation.kwargs, values)
    ]


def pieces(columns: list[str], wanted: Mapping[int, Demand]) -> Iterator[tuple[list[str] | None, Mapping[int, Demand]]]:
    """Yield (columns, demands on them); None for all columns, where the table is not wide or asked for as a whole."""
    if len(columns) <= WIDE:
        yield None, wanted
        return
    place = {name: i // PIECE for i, name in enumerate(columns)}
    parts: dict[tuple[int, ...], dict[int, Demand]] = {}
    for i, demand in wanted.items():
        key = tuple(sorted({place[name] for name in demand.columns if name in place}))
        parts.setdefault(key if demand.type != "expect_column_to_exist" else (), {})[i] = demand
    for key, part in parts.items():
        named = dict.fromkeys(name for demand in part.values() for name in demand.columns)
        yield (list(named) if key else None), part


def with_categories(table: pd.DataFrame, wanted: Iterable[Demand]) -> pd.DataFrame:
    """Return the table with pandas' texts as categories where there are few and only `COUNTING` asks about them.

    Great Expectations makes Python's texts of such a column, a million at a time, for its own fingerprint too.
    """
    import pandas as pd

    otherwise = {name for d in wanted if d.type not in COUNTING or d.expectation.where for name in d.columns}
    texts = {
        name: "category"
        for name, kind in table.dtypes.items()
        if isinstance(kind, pd.StringDtype) and name not in otherwise and table[name].head(SAMPLE).nunique() < FEW_TEXTS
    }
    return table.astype(texts) if texts else table


def placeholders_in(kwargs: Any) -> set[str]:
    """Return every text in the arguments that starts as a placeholder does: "$" and a letter."""
    if isinstance(kwargs, dict):
        return {name for value in kwargs.values() for name in placeholders_in(value)}
    if isinstance(kwargs, list):
        return {name for value in kwargs for name in placeholders_in(value)}
    return {kwargs} if isinstance(kwargs, str) and kwargs[:1] == "$" and kwargs[1:2].isalpha() else set()


def _expanded(kwargs: Any, values: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Yield the arguments once for each value of the first placeholder in them, and so on for the rest."""
    used = next((name for name in values if _uses(kwargs, name)), None)
    if used is None:
        yield kwargs
        return
    for value in values[used]:
        yield from _expanded(_replaced(kwargs, used, value), values)


def _uses(value: Any, placeholder: str) -> bool:
    if isinstance(value, dict):
        return any(_uses(item, placeholder) for item in value.values())
    if isinstance(value, list):
        return any(_uses(item, placeholder) for item in value)
    return bool(value == placeholder)


def _replaced(value: Any, placeholder: str, by: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, placeholder, by) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, placeholder, by) for item in value]
    return by if value == placeholder else value
