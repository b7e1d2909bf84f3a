"""Addresses of tables: schema and table, in quotation marks where their names hold a dot or a mark."""

import sqlite3

import pytest

from aims_mlflow.checks.engines.count_source import ROWS, Column
from aims_mlflow.checks.engines.opening import count_source_of
from aims_mlflow.checks.engines.sql_address import address_of
from aims_mlflow.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "schema", "table"),
    [
        ("loans", None, "loans"),
        ("public.loans", "public", "loans"),
        ("my loans", None, "my loans"),
        ('"loans.2024"', None, "loans.2024"),
        ('"my schema"."loans.2024"', "my schema", "loans.2024"),
        ('public."loans.2024"', "public", "loans.2024"),
        ('"a ""b"""', None, 'a "b"'),
    ],
)
def test_names_are_taken_apart_as_in_sql(text, schema, table):
    place = address_of(f"sqlite:///loans.db#{text}")
    assert (place.schema, place.table) == (schema, table)


@pytest.mark.parametrize("text", ["", '"loans', '""', 'a"b'])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ConfigError, match=r"no table|no name"):
        address_of(f"sqlite:///loans.db#{text}")


def test_a_table_with_odd_names_is_counted(tmp_path):
    with sqlite3.connect(tmp_path / "t.db") as base:
        base.execute('create table "loans.2024 ""x""" ("a.b" integer, "q""q" boolean, "select" text)')
        base.executemany('insert into "loans.2024 ""x""" values (?, ?, ?)', [(i % 2, i % 2, "x") for i in range(10)])
    base.close()
    source = count_source_of(f'sqlite:///{tmp_path}/t.db#"loans.2024 ""x"""')
    counts = source.counts((Column('q"q'), Column("a.b"), Column("select")), 10)
    assert counts[ROWS].tolist() == [5, 5]
    assert counts['q"q'].tolist() == [False, True]
