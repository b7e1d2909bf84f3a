"""The tree's tables: filled by appends, made over an older database, read for proofs."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.ledger import merkle, upgrade
from aims_mlflow.ledger.database import Tables
from aims_mlflow.ledger.ledger import Ledger
from support.entries import entry_of
from support.tree_database import Database


def test_appends_one_by_one_and_many_at_once_make_the_same_tree(database_uri):
    database = Database(database_uri)
    contents = [b"leaf %d" % i for i in range(1300)]
    expected, roots = merkle.Frontier(), []
    for data in contents:
        expected.append(merkle.leaf_hash(data))
        roots.append(expected.root())
    for data in contents[:20]:
        grown = database.append(data)
        assert grown.root == roots[grown.size - 1]
    assert database.append(*contents[20:21]).root == roots[20]
    assert database.append(*contents[21:]).root == roots[-1]
    for size in (1, 2, 19, 20, 21, 1024, 1300):
        assert merkle.root(size, database.fetch) == roots[size - 1]
    for index in (0, 20, 511, 1299):
        proof = merkle.inclusion_proof(index, 1300, database.fetch)
        assert merkle.verify_inclusion(merkle.leaf_hash(contents[index]), index, 1300, proof, roots[-1])
    proof = merkle.consistency_proof(777, 1300, database.fetch)
    assert merkle.verify_consistency(777, 1300, roots[776], roots[-1], proof)


def test_the_database_refuses_to_change_nodes_and_checkpoints(database_uri):
    database = Database(database_uri)
    database.append(b"a", b"b")
    place = f"{database.schema}." if database.schema else ""
    with database.engine.begin() as connection:
        connection.execute(database.tree.checkpoints.insert().values(size=2, note="n", time="t"))
    for statement in (
        f"UPDATE {place}aims_nodes SET level = 7",
        f"DELETE FROM {place}aims_nodes",
        f"UPDATE {place}aims_checkpoints SET note = 'x'",
        f"DELETE FROM {place}aims_leaves",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
            connection.execute(sa.text(statement))


def test_a_deleted_node_stops_the_next_append_and_nothing_is_written(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/l.db")
    database.append(*[b"%d" % i for i in range(6)])
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER aims_nodes_no_delete")
        connection.exec_driver_sql("DELETE FROM aims_nodes WHERE level = 2")
    with pytest.raises(EvidenceError, match=r"no node \(2, 0\), which 6 leaves need"):
        database.append(b"next")
    with database.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(database.leaves)).scalar() == 6


def test_migrations_make_the_tables_that_the_code_declares(database_uri):
    database = Database(database_uri)
    with database.engine.connect() as connection:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == database.schema,
            "include_object": lambda item, name, kind, *_: kind != "table" or name.startswith("aims_"),
            "version_table": upgrade.VERSION_TABLE,
            "version_table_schema": database.schema,
            "compare_type": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, database.tables.metadata) == []
        assert upgrade.current_revision(connection, database.schema) == upgrade.HEAD


def test_head_is_the_newest_migration():
    from pathlib import Path

    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(upgrade.__file__).parent / "migrations"))
    assert script.get_heads() == [upgrade.HEAD]


def unmigrated(uri):
    """A database as the ledger made it before there were migrations."""
    database = Database(uri, migrate=False)
    before = Tables(database.schema)
    with database.engine.begin() as connection:
        tree = [
            t
            for t in before.metadata.sorted_tables
            if t.name in ("aims_nodes", "aims_checkpoints", "aims_deliveries", "aims_sessions")
        ]
        before.metadata.create_all(connection, [t for t in before.metadata.sorted_tables if t not in tree])
    return database


def test_a_database_from_before_migrations_is_taken_over_with_its_leaves(database_uri):
    database = unmigrated(database_uri)
    contents = [b"old leaf %d" % i for i in range(11_000)]
    expected = merkle.Frontier()
    rows = []
    for sequence, data in enumerate(contents):
        expected.append(merkle.leaf_hash(data))
        rows.append({"sequence": sequence, "leaf": data, "leaf_hash": merkle.leaf_hash(data).hex(), "type": "finding"})
    with database.engine.begin() as connection:
        connection.execute(database.leaves.insert(), rows)
    with database.engine.begin() as connection:
        assert upgrade.current_revision(connection, database.schema) is None
        assert upgrade.migrate(connection, database.schema)
        assert not upgrade.migrate(connection, database.schema)
    assert merkle.root(11_000, database.fetch) == expected.root()
    expected.append(merkle.leaf_hash(b"new"))
    assert database.append(b"new").root == expected.root()


def test_leaves_that_are_not_whole_are_not_taken_over_and_nothing_changes(database_uri):
    database = unmigrated(database_uri)
    row = {"sequence": 0, "leaf": b"x", "leaf_hash": merkle.leaf_hash(b"y").hex(), "type": "finding"}
    with database.engine.begin() as connection:
        connection.execute(database.leaves.insert(), [row])
    with pytest.raises(EvidenceError, match="leaf 0 is missing or was changed"), database.engine.begin() as connection:
        upgrade.migrate(connection, database.schema)
    with database.engine.connect() as connection:
        assert not sa.inspect(connection).has_table("aims_nodes", database.schema)
        assert upgrade.current_revision(connection, database.schema) is None


def test_a_newer_releases_database_is_left_alone(database_uri):
    database = Database(database_uri)
    version = sa.table(upgrade.VERSION_TABLE, sa.column("version_num"), schema=database.schema)
    with database.engine.begin() as connection:
        connection.execute(sa.update(version).values(version_num="9999"))
    with pytest.raises(ConfigError, match="revision 9999, which this"), database.engine.begin() as connection:
        upgrade.migrate(connection, database.schema)


def test_the_ledgers_appends_fill_the_tree(tmp_path):
    uri = f"sqlite:///{tmp_path}/l.db"
    ledger = Ledger(uri)
    leaves = ledger.seal(*[entry_of("finding", {"about": "x"}, {"text": str(i)}) for i in range(5)])
    database = Database(uri)
    expected = merkle.Frontier()
    for leaf in leaves:
        expected.append(bytes.fromhex(leaf.leaf_hash))
    assert merkle.root(5, database.fetch) == expected.root()


def test_nodes_are_found_by_the_primary_key(tmp_path):
    """A proof reads a few nodes of a million: SQLite must not read the others for it."""
    database, asked = Database(f"sqlite:///{tmp_path}/ledger.db"), []
    database.append(*(b"leaf %d" % i for i in range(70)))
    sa.event.listen(database.engine, "before_cursor_execute", lambda _c, _u, *said: asked.append(said[:2]))
    merkle.inclusion_proof(33, 70, database.fetch)
    statement, values = next(said for said in asked if "aims_nodes" in said[0])
    with database.engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any("SEARCH aims_nodes USING PRIMARY KEY (level=? AND position=?)" in step for step in plan), plan


@pytest.mark.parametrize("between", [1, 5, 40], ids=["one", "few", "more than an append reads"])
def test_two_workers_that_append_in_turn_make_one_tree(database_uri, between):
    """Each continues the edge that it left, by the hashes of what the other wrote meanwhile."""
    first, second = Ledger(database_uri), Ledger(database_uri)
    expected = merkle.Frontier()
    for turn in range(4):
        for worker, many in ((first, 1), (second, between)):
            for leaf in worker.seal(*[entry_of("finding", {"about": "x"}, {"text": str(turn)}) for _ in range(many)]):
                expected.append(bytes.fromhex(leaf.leaf_hash))
    database = Database(database_uri)
    assert merkle.root(expected.size, database.fetch) == expected.root()
    nodes = merkle.nodes_of(0, expected.size)
    assert merkle.Frontier(expected.size, [database.fetch([node])[node] for node in nodes]).root() == expected.root()
