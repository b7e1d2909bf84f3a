"""Data quality check: runs the pack's expectations, which are Great Expectations', in the engine that has the table.

Results are asked for as counts only, so that no cell of the table gets into evidence unless the pack
allows examples. An expectation that could not run is told apart from one that the data failed.
"""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import warnings
from typing import TYPE_CHECKING, Any

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.checks.claims import reason_of
from aims_mlflow.checks.engines.remote_table import RemoteTable
from aims_mlflow.checks.engines.sql import SqlSource
from aims_mlflow.checks.outcome import Outcome, versions
from aims_mlflow.checks.pages.quality_page import ExpectationResult, quality_page
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.checks.quality.claims import asked_for, judged, not_evaluated
from aims_mlflow.checks.quality.counted import CountResult, counted
from aims_mlflow.checks.quality.duplicates import duplicate_claims, with_sensitive
from aims_mlflow.checks.quality.expectations import Demand, demands, pieces, with_categories
from aims_mlflow.checks.statistics.columns import column_types
from aims_mlflow.errors import CheckError, DataError
from aims_mlflow.records.details.checks import DataQualityDetails, ExpectationDescription, ValueExamples
from aims_mlflow.records.evidence import Claim, result_of
from aims_mlflow.settings import set_default

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from aims_mlflow.checks.engines.count_source import CountSource
    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.expectation import RowCondition
    from aims_mlflow.records.pack import Pack

KIND = "data-quality"
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
EXAMPLE_LENGTH = 80
MAX_WORDED = 400  # so many expectations are put in words one by one, 5 ms each

WORDS: BoundedCache[str] = BoundedCache(5000)  # an expectation as JSON -> its words; train and test are asked the same


def run(data: Dataset, pack: Pack, reference: Dataset | None = None) -> Outcome:  # noqa: ARG001
    """Hold one table to the pack's expectations for its role.

    Raises:
        DataError: the pack expects nothing of this role.
        CheckError: Great Expectations cannot be imported.
    """
    settings, types, validated = pack.data_quality, *_opened(data)
    wanted = demands(settings, data, types)
    if not wanted:
        raise DataError(f"the pack {pack.name!r} expects nothing of {data.role} data", where="data_quality")
    missing = {i: text for i, demand in enumerate(wanted) if (text := demand.missing_column(types))}
    runnable = {i: demand for i, demand in enumerate(wanted) if i not in missing}
    results = validated(runnable, examples=settings.examples)
    counted_alone = all(isinstance(result, CountResult) for result in results.values())
    claims: list[Claim] = []
    asked: list[ExpectationResult] = []
    for i, demand in enumerate(wanted):
        mine = [not_evaluated(demand, missing[i], data)] if i in missing else judged(demand, results[i], data)
        claims += mine
        worded = words_of(demand, results.get(i)) if len(wanted) <= MAX_WORDED else asked_for(demand.kwargs)
        asked.append(ExpectationResult(demand, worded, tuple(mine), _examples(results.get(i))))
    claims += duplicate_claims(data)
    title = f"Data quality of {data.role} data"
    return Outcome(
        kind=KIND,
        result=result_of(claims),
        reason=reason_of(claims),
        claims=tuple(claims),
        controls=settings.controls,
        details=_details(data, len(types), pack, asked),
        reports={"data_quality.html": claims_page(title, claims), "data_docs.html": quality_page(title, asked)},
        tools=versions(*([] if counted_alone else ["great-expectations"]), "pandas"),
    )


def _details(data: Dataset, columns: int, pack: Pack, asked: list[ExpectationResult]) -> DataQualityDetails:
    expectations = [
        ExpectationDescription(
            type=e.type, severity=e.severity, characteristic=e.characteristic or "not said", why=e.why
        )
        for e in pack.data_quality.expectations
        if data.role in e.roles
    ]
    examples = [
        ValueExamples(type=a.demand.type, column=a.demand.column or "", values=list(a.examples))
        for a in asked
        if a.examples
    ]
    shown = examples if pack.data_quality.examples else None
    return DataQualityDetails(rows=data.rows, columns=columns, expectations=expectations, examples=shown)


def _opened(data: Dataset) -> tuple[dict[str, str], Callable[..., dict[int, Any]]]:
    """Return the type of each column, and the function that validates the rows where they are."""
    if isinstance(data, RemoteTable):
        source, columns = data.source, data.columns
        types = {name: "number" if (kind := source.types[name]) == "integer" else str(kind) for name in columns}
        if isinstance(source, SqlSource) and source.engine == "duckdb":
            # Great Expectations does not know DuckDB; its tables are read here, where they lie anyway.
            return types, functools.partial(validate, source.frame()[columns])
        return types, functools.partial(validate_batch, functools.partial(_batch_of, source))
    table = with_sensitive(data)
    return column_types(table), functools.partial(validate, table)


def _batch_of(source: CountSource, context: Any) -> Any:
    if isinstance(source, SqlSource):
        place = source.handle
        url = place.url.render_as_string(hide_password=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has a class for each database, which takes fewer drivers
            database = context.data_sources.add_sql("database", connection_string=url)
            asset = database.add_table_asset("table", table_name=place.table, schema_name=place.schema)
        return asset.add_batch_definition_whole_table("all").get_batch()
    asset = context.data_sources.add_spark("spark", persist=False).add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": source.handle})


def validate(table: pd.DataFrame, wanted: Mapping[int, Demand], *, examples: int = 0) -> dict[int, Any]:
    """Return Great Expectations' result (or the reason why there is none) for each demand on a pandas table.

    Its time grows with the square of the columns, so a wide table is shown to it in pieces; what is asked of the
    table as a whole is asked of the whole. Plain counts need no library; see `counted`.
    """
    results: dict[int, Any] = {} if examples else dict(counted(table, wanted))
    wanted = {i: demand for i, demand in wanted.items() if i not in results}
    if not wanted:
        return results
    with _copy_on_write():
        table = with_categories(table, wanted.values())
        for columns, part in pieces(list(table.columns), wanted):
            batch = functools.partial(_pandas_batch, table=table if columns is None else table[columns])
            results.update(validate_batch(batch, part, examples=examples))
    return results


def validate_batch(
    batch_of: Callable[[Any], Any], wanted: Mapping[int, Demand], *, examples: int = 0
) -> dict[int, Any]:
    """Return Great Expectations' result (or the reason why there is none) for each demand.

    Its results come in an order of its own, and equal expectations are run once: a mark in the
    expectation's `meta` joins them to the demands.

    Args:
        batch_of: From a context to a batch of the table, in whichever engine has it.
        wanted: The demands, by number.
        examples: How many values that break an expectation are asked for.
    """
    gx = _great_expectations()
    from great_expectations.expectations.registry import get_expectation_impl

    results: dict[int, Any] = {}
    suite: dict[str, tuple[Any, list[int]]] = {}
    for i, demand in wanted.items():
        conditions = [c.model_dump() for c in demand.expectation.where]
        key = json.dumps([demand.type, demand.kwargs, conditions], sort_keys=True, default=str)
        if key in suite:
            suite[key][1].append(i)
            continue
        try:
            where = {"row_condition": _conditions(demand.expectation.where)} if conditions else {}
            built = get_expectation_impl(demand.type)(**demand.kwargs, **where, meta={"demand": key})
        except Exception as exc:  # noqa: BLE001  whatever its arguments do to it, the others still run
            results[i] = _complaint(exc)
        else:
            suite[key] = (built, [i])
    if suite:
        context = gx.get_context(mode="ephemeral", project_config=_in_memory())
        whole = gx.ExpectationSuite(name="pack", expectations=[built for built, _ in suite.values()])
        asked = {"result_format": "SUMMARY", "partial_unexpected_count": examples}
        validated = batch_of(context).validate(whole, result_format=asked)
        for result in validated.results:
            for i in suite[result.expectation_config.meta["demand"]][1]:
                results[i] = result
    return results


def _pandas_batch(context: Any, table: pd.DataFrame) -> Any:
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})


def _conditions(where: tuple[RowCondition, ...]) -> Any:
    """Return Great Expectations' own condition, which every engine of it understands."""
    from great_expectations.expectations.row_conditions import Column

    whole: Any = None
    for condition in where:
        column, value = Column(condition.column), condition.value
        if value is None:
            built = column.is_null() if condition.op == "is null" else column.is_not_null()
        elif isinstance(value, tuple):
            built = column.is_in(list(value)) if condition.op == "in" else column.is_not_in(list(value))
        else:
            built = COMPARED[condition.op](column, value)
        whole = built if whole is None else whole & built
    return whole


def words_of(demand: Demand, result: Any) -> str:
    """Return the expectation in Great Expectations' own words, or its arguments where it has no words."""
    if isinstance(result, CountResult):
        return result.words
    config = getattr(result, "expectation_config", None)
    if config is None:
        return asked_for(demand.kwargs)
    asked = {**config.kwargs, "batch_id": None}
    key = json.dumps([config.type, asked], sort_keys=True, default=str)
    return WORDS.get(key, lambda: _rendered(config)) or asked_for(demand.kwargs)


def _rendered(config: Any) -> str:
    """Return an expectation in Great Expectations' words; empty where it has none. It takes 5 ms."""
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    try:
        (content, *_) = InlineRenderer(render_object=config).get_rendered_content()
        value = content.to_json_dict()["value"]
        text = str(value.get("template") or "")
        parts = {name: part["value"] for name, part in (value.get("params") or {}).items()}
    except Exception:  # noqa: BLE001  wording is a convenience: the arguments say the same
        return ""
    for name in sorted(parts, key=len, reverse=True):
        shown = parts[name]
        shown = int(shown) if isinstance(shown, float) and shown.is_integer() else shown
        text = text.replace(f"${name}", str(shown)[:EXAMPLE_LENGTH])
    return text


def _examples(result: Any) -> tuple[str, ...]:
    values = (getattr(result, "result", None) or {}).get("partial_unexpected_list") or []
    return tuple(str(value)[:EXAMPLE_LENGTH] for value in values)


def _in_memory() -> Any:
    """Return a configuration that keeps everything in memory, sends nothing and draws no progress bar."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars={"globally": False, "metric_calculations": False},
    )


def _great_expectations() -> Any:
    set_default("GX_ANALYTICS_ENABLED", "false")
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
