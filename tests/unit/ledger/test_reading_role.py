"""The database role for auditors that docs/gate.md makes: it reads a whole ledger, and changes nothing in it."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.records.leaves.others import PolicyLeaf
from aims_mlflow.signing.keys import ephemeral_key

GUIDE = (Path(__file__).parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")
(STATEMENTS,) = re.findall(r"^```sql\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def auditors_uri(postgres_server, postgres_uri):
    """The address of a ledger with one leaf, for the role that the guide makes."""
    Ledger(postgres_uri, Log(ephemeral_key(), "ai.example.org/aims")).seal(Entry(PolicyLeaf(policy_digest="a" * 64)))
    url = sa.make_url(postgres_uri)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in STATEMENTS.replace("ON DATABASE aims", f"ON DATABASE {url.database}").split(";"):
            if statement.strip():
                connection.execute(sa.text(statement))
    yield url.set(username="auditor", password="PASSWORD").render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text("DROP OWNED BY auditor"))
        connection.execute(sa.text("DROP ROLE auditor"))
    engine.dispose()


def test_the_role_for_auditors_reads_the_ledger_and_writes_nothing(auditors_uri):
    ledger = Ledger(auditors_uri)
    assert [leaf.content["type"] for leaf in ledger.leaves()] == ["policy"]
    assert verify_ledger(ledger, "ledger")["inclusion"].state == "ok"
    engine = sa.create_engine(auditors_uri)
    with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        connection.execute(sa.text("DELETE FROM aims.aims_bodies"))
    engine.dispose()
