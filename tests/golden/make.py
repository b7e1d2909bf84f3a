"""Make the golden files of a release: `python tests/golden/make.py`. Files of an earlier release are never made again.

`python tests/golden/make.py pages` renders only the pages of the bundle again, from its unchanged records: while a release
is in the making, its pages change and its evidence does not.

They need openssl and the extra `timestamps`. Their private keys are thrown away, so that nobody can make others that look
the same.
"""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


def main():
    import aims_mlflow
    from aims_mlflow.exports.bundle.archive import write_archive
    from aims_mlflow.ledger.timestamps import request_stamp
    from support.ledger_with_decisions import decided_ledger
    from support.timestamp_authority import Authority, keep_receipt

    folder = HERE / aims_mlflow.__version__
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        registry = decided_ledger(f"sqlite:///{place}/ledger.db")
        ledger = registry.ledger
        first, middle = (note for size, note, _ in ledger.proofs.checkpoints() if size in (2, 5))
        authority = Authority(Path(place))
        keep_receipt(ledger, 5, "tsa:golden", request_stamp(middle.encode(), authority.url))
        authority.close()
        (folder / "tsa.pem").write_bytes(authority.root)
        (folder / "checkpoint.txt").write_text(first, encoding="utf-8")
        leaf = next(ledger.leaves(types=("keyring",))).content
        (folder / "keyring.yaml").write_text(ledger.state.stored(leaf["keyring_digest"]), encoding="utf-8")
        (folder / "session.jsonl").write_bytes(next(iter(registry.train("a" * 64, "0.91").values())))
        with (folder / "bundle.zip").open("wb") as stream:
            write_archive(registry.bundle(held=[first]), stream)
        dump(Path(place) / "ledger.db", folder / "ledger.sql")


def dump(database, target):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(database)) as connection:
        target.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")


def pages():
    import aims_mlflow
    from support.lived_bundle import rewritten

    bundle = HERE / aims_mlflow.__version__ / "bundle.zip"
    with tempfile.TemporaryDirectory() as place:
        again = rewritten(bundle, Path(place) / "bundle.zip", lambda _: None, pages=True)
        bundle.write_bytes(again.read_bytes())


if __name__ == "__main__":
    pages() if sys.argv[1:] == ["pages"] else main()
