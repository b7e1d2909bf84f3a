"""Make the golden files of a release: `python tests/golden/make.py`. Files of an earlier release are never made again.

Their private keys are thrown away, so that nobody can make others that look the same.
"""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


def main():
    import sealed
    from small_bundle import lost, small_ledger

    import aims_mlflow
    from aims_mlflow.evidence.keys import ephemeral_key
    from aims_mlflow.evidence.ledger import Ledger
    from aims_mlflow.evidence.log import Log
    from aims_mlflow.exports.archive import write_archive
    from aims_mlflow.exports.bundle import create

    folder = HERE / aims_mlflow.__version__
    folder.mkdir(exist_ok=True)
    trainer, log = ephemeral_key(), ephemeral_key()
    with tempfile.TemporaryDirectory() as place:
        ledger = small_ledger(f"sqlite:///{place}/ledger.db", trainer, log)
        (folder / "checkpoint.txt").write_text(ledger.proofs.newest().text, encoding="utf-8")
        Ledger(ledger.uri, Log(log)).append(*[entry(number) for number in range(5)])
        leaf = next(ledger.leaves(types=("keyring",))).content
        (folder / "keyring.yaml").write_text(ledger.state.stored(leaf["keyring_digest"]), encoding="utf-8")
        (folder / "session.jsonl").write_bytes(sealed.session(trainer).jsonl())
        with (folder / "bundle.zip").open("wb") as stream:
            write_archive(create(ledger, "income-screening", "stage1", lost), stream)
        dump(Path(place) / "ledger.db", folder / "ledger.sql")


def entry(number):
    from aims_mlflow.evidence.ledger import Entry

    return Entry("finding", {"about": "golden", "n": str(number)}, {"text": "later"}, f"request-{number}")


def dump(database, target):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(database)) as connection:
        target.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
