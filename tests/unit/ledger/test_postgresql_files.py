"""What docs/gate.md says of PostgreSQL's own programs: a dump restores a ledger that verifies, VACUUM FULL removes texts."""

import subprocess
from pathlib import Path

import sqlalchemy as sa

from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.lifecycle.erasure import erase
from support.ledger_with_decisions import GOOD, Registry, decided_ledger
from support.postgresql import new_database
from support.production import postgresql_binaries

GUIDE = (Path(__file__).parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")


def postgresql(program, *words):
    subprocess.run([postgresql_binaries() / program, *words], check=True, capture_output=True, timeout=60)


def address(uri):
    return uri.replace("+psycopg", "", 1)


def test_a_dump_restores_a_ledger_that_goes_on_from_its_checkpoint(postgres_server, tmp_path):
    assert "pg_dump -Fc -f registry.dump" in GUIDE
    old, new = new_database(postgres_server), new_database(postgres_server)
    ledger = decided_ledger(old).ledger
    postgresql("pg_dump", "-Fc", "-f", tmp_path / "ledger.dump", address(old))
    postgresql("pg_restore", "--dbname", address(new), tmp_path / "ledger.dump")
    report = verify_ledger(Ledger(new), "the copy", outside=[OutsideCheckpoint(ledger.proofs.newest(), "mine")])
    assert report.problems == []
    assert [leaf.data for leaf in Ledger(new).leaves()] == [leaf.data for leaf in ledger.leaves()]


def test_vacuum_full_removes_an_erased_text_from_all_files_but_the_write_ahead_log(postgres_server):
    assert "run `VACUUM FULL aims.aims_bodies`" in " ".join(GUIDE.split())
    uri = new_database(postgres_server)
    registry, text = Registry(uri), b"olga@example.org"
    registry.consent("approval", "deployment", GOOD, "champion")
    admin = sa.create_engine(uri, isolation_level="AUTOCOMMIT")

    def files():
        with admin.connect() as connection:
            connection.execute(sa.text("CHECKPOINT"))
            number = connection.scalar(sa.text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        folder = Path(postgres_server.pgdata)
        assert (folder / "pg_wal").is_dir()
        return [p.name for p in (folder / "base" / str(number)).iterdir() if p.is_file() and text in p.read_bytes()]

    assert files()
    (approval,) = registry.ledger.leaves(types=("approval",))
    erase(registry.ledger, approval, "asked for", registry.approver, "olga")
    assert files(), "a row that is deleted stays in its page"
    with admin.connect() as connection:
        connection.execute(sa.text("VACUUM FULL aims.aims_bodies"))
    assert files() == []
    admin.dispose()
    assert verify_ledger(Ledger(uri), "after it").problems == []
