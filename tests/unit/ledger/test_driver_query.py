"""Queries that go to the driver as they are give the same rows as through SQLAlchemy, and look at each value."""

import pytest
import sqlalchemy as sa

from aims_mlflow.errors import EvidenceError
from aims_mlflow.ledger.database import open_database, reading
from aims_mlflow.ledger.driver_query import DriverQuery
from aims_mlflow.ledger.ledger import Ledger
from support.entries import entry_of


@pytest.fixture
def ledger(database_uri):
    made = Ledger(database_uri)
    made.seal(*[entry_of("finding", {"about": f"kind {i}"}, {"text": str(i)}) for i in range(4)])
    return made


def query(table):
    columns = (table.c.sequence, table.c.leaf, table.c.leaf_hash.label("hash"), table.c.model_name)
    wanted = (table.c.sequence >= sa.bindparam("start"), table.c.type == sa.bindparam("kind"))
    return sa.select(*columns).where(*wanted).order_by(table.c.sequence).limit(2)


def test_rows_are_the_same_as_through_sqlalchemy(ledger):
    engine, tables = open_database(ledger.uri)
    asked = {"start": 1, "kind": "finding"}
    prepared = DriverQuery(query(tables.leaves), engine.dialect)
    with reading(engine) as connection:
        expected = connection.execute(query(tables.leaves), asked).all()
        assert prepared.rows(connection, asked) == [tuple(row) for row in expected]
        (last,) = prepared.rows(connection, {**asked, "start": 3})
        assert (last.sequence, last.model_name) == (3, None)
        assert prepared.rows(connection, {**asked, "kind": "policy"}) == []


def test_each_value_is_looked_at(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/l.db")
    ledger.seal(entry_of("finding", {"about": "x"}, {"text": "1"}))
    engine, tables = open_database(ledger.uri)
    wrong = sa.type_coerce(sa.literal_column("'no bytes'"), tables.leaves.c.leaf.type).label("leaf")
    with pytest.raises(EvidenceError, match="holds text where bytes belong"), reading(engine) as connection:
        DriverQuery(sa.select(wrong), engine.dialect).rows(connection, {})
