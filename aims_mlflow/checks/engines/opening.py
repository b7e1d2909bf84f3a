"""Count sources by address: `sqlite:///loans.db#applications`, `postgresql://host/base#schema.table`, `spark:loans`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.engines.spark import SparkSource, is_spark, spark_source
from aims_mlflow.checks.engines.sql import SqlSource
from aims_mlflow.checks.engines.sql_address import address_of

if TYPE_CHECKING:
    from aims_mlflow.checks.engines.count_source import CountSource


def count_source_of(source: Any) -> CountSource | None:
    """Return the count source that an address or a Spark frame means; None for anything else, such as a path.

    Raises:
        ConfigError: the address is not valid, or its driver is not installed.
        Unreachable: the database or Spark does not answer.
        DataError: there is no such table.
    """
    if is_spark(source):
        return SparkSource(source)
    text = source if isinstance(source, str) else ""
    if text.startswith("spark:"):
        return spark_source(text.removeprefix("spark:"))
    return SqlSource(address_of(text)) if "://" in text else None


def shown_name(source: Any) -> str:
    """Return a source as it may be shown: an address of a database without its password."""
    return address_of(source).name if isinstance(source, str) and "://" in source else str(source)


def short_name(source: Any) -> str:
    """Return what to call a table in a heading: its file or table name, never its address."""
    text = str(source)
    return (
        text.rpartition("#")[2] if "://" in text else text.removeprefix("spark:").replace("\\", "/").rpartition("/")[2]
    )
