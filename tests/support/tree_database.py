"""A ledger's database with its tree's tables, without a ledger."""

import sqlalchemy as sa

from aims_mlflow.ledger import merkle, upgrade
from aims_mlflow.ledger import tree as ledger_tree
from aims_mlflow.ledger.database import SCHEMA, Tables
from aims_mlflow.ledger.write import write


class Database:
    """A migrated ledger database, and appends as the ledger makes them."""

    def __init__(self, uri, migrate=True):
        self.engine = sa.create_engine(uri)
        self.schema = None if self.engine.dialect.name == "sqlite" else SCHEMA
        self.tables = Tables(self.schema)
        self.tree = self.tables.tree
        self.leaves = self.tables.leaves
        with self.engine.begin() as connection:
            if self.schema:
                connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {self.schema}"))
            if migrate:
                upgrade.migrate(connection, self.schema)

    def append(self, *contents):
        with self.engine.begin() as connection:
            first = connection.execute(sa.select(sa.func.count()).select_from(self.leaves)).scalar()
            hashes = [merkle.leaf_hash(data) for data in contents]
            rows = [
                {"sequence": first + i, "leaf": data, "leaf_hash": h.hex(), "type": "decision"}
                for i, (data, h) in enumerate(zip(contents, hashes, strict=True))
            ]
            connection.execute(self.leaves.insert(), rows)
            edge = ledger_tree.frontier(connection, self.tree, self.leaves, first)
            grown, nodes = ledger_tree.extend(edge, hashes)
            write(connection, (self.tree.nodes, nodes))
            return grown

    def fetch(self, nodes):
        with self.engine.connect() as connection:
            return ledger_tree.fetch_nodes(connection, self.tree, self.leaves, nodes)
