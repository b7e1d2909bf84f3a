"""Each of the auditor's pages, asked by several browsers at once, over a made-up ledger.

    python benchmarks/pages.py [--json] [--quick] [--systems N] [--versions N] [--records N] [--documents N]
                               [--browsers N] [--asks N]

One line for each page. Server and browsers are threads of this one process, so that the browsers' own
work is in the figures. Documents are published and approved: some
of the organisation, and those of one system after another.
"""

import argparse
import json
import logging
import re
import resource
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aims_mlflow.canonical import canonical
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.rules_in_force import read_rules
from aims_mlflow.ledger.leaves import Entry
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.pages.site import SITE
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.evidence import Claim, MlflowIds
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.records.leaves.changes import DecisionBody, DecisionLeaf, OutcomeLeaf
from aims_mlflow.records.leaves.others import KeyringLeaf, PolicyLeaf
from aims_mlflow.server import page_readers, page_routes
from aims_mlflow.signing.keyring import keyring_digest, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
OF_A_SYSTEM = ("impact-assessment", "risk-register", "monitoring-plan", "log-plan")
OF_ALL = ("soa", "risk-method", "competence-record", "ai-policy", "supplier-record", "supplier-evaluation")


class MadeUpLedger:
    """A ledger with systems, versions and records; the last version of each system is in use.

    `trainer`, `approver`, `files` and `force` are what a `DocumentOffice` asks a registry for.
    """

    def __init__(self, folder):
        self.key, log, root = ephemeral_key(), ephemeral_key(), ephemeral_key()
        self.trainer, self.approver, self.files = self.key, ephemeral_key(), {}
        self.ledger = Ledger(f"sqlite:///{folder}/ledger.db", Log(log, "ai.example.org/benchmark"))
        text = default_policy_text()
        self.policy = parse_policy(text).digest
        self.ledger.put_in_force("policy", self.policy, text, Entry(PolicyLeaf(policy_digest=self.policy)))
        people = ((self.key, "ana", "trainer"), (self.approver, "olga", "approver"), (log, "registry", "log"))
        entries = tuple(KeyEntry(key_id=k.key_id, owner=o, roles=(r,), pem=k.public.pem) for k, o, r in people)
        keyring = sign_keyring(Keyring(version=1, keys=entries), root)
        self.keyring = keyring_digest(keyring)
        content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
        leaf = KeyringLeaf(keyring_digest=self.keyring, version="1")
        self.ledger.put_in_force("keyring", self.keyring, content, Entry(leaf))

    @property
    def force(self):
        """The policy and keyring in force."""
        return read_rules(self.ledger, self.policy, self.keyring)

    def publish(self, documents, systems):
        """Publish and approve documents: those of the organisation, then those of one system after another."""
        from support.sealed_documents import DocumentOffice

        office = DocumentOffice(self)
        for kind in OF_ALL[:documents]:
            office.publish(kind, system=None)
        for number in range(max(documents - len(OF_ALL), 0)):
            kind, turn = OF_A_SYSTEM[number // systems % len(OF_A_SYSTEM)], number // (systems * len(OF_A_SYSTEM))
            system = f"system-{number % systems}"
            office.publish(kind, name=f"{kind}-{system}-{turn}", system=system)

    def add(self, number, system, records, *, in_use):
        """Add a version with its records, and where it comes into use, that too."""
        digest, name = f"{number:064x}", f"model-{system}"
        about = [Subject(name="model", digest={"dirHash1": digest})]
        writer = SessionWriter(self.key, "ana", system=f"system-{system}", mlflow=MlflowIds(run_id=f"{number:032x}"))
        for each in range(records - 1):
            claims = [
                Claim(metric="accuracy", value=f"0.{each + 1}", n=1000, comparator=">=", limit="0.1", passed=True)
            ]
            writer.add(("performance", "robustness", "fairness")[each % 3], about, claims=claims)
        writer.close()
        lines = writer.jsonl().split(b"\n")[:-1]
        named = {f"aims/sessions/{writer.id}.jsonl": [*(r.sha256 for r in writer.records), ""]}
        version, entries = str(number + 1), []
        for stage, alias in (("registration", None), ("deployment", "champion"))[: 2 if in_use else 1]:
            said = Decision(
                stage=stage,
                alias=alias,
                model_name=name,
                version=version,
                model_digest=digest,
                mode="enforce",
                allowed=True,
                would_refuse=False,
                policy_digest=self.policy,
                keyring_digest=self.keyring,
                time=utc_text(),
            )
            request = uuid7()
            leaf = DecisionLeaf(
                request=request,
                model_name=name,
                stage=stage,
                alias=alias,
                version=version,
                allowed=True,
                mode="enforce",
                model_digest=digest,
                decided=said.time,
                policy_digest=self.policy,
                keyring_digest=self.keyring,
                sessions=named,
                evidence=[r.sha256 for r in writer.records],
            )
            done = OutcomeLeaf(
                request=request,
                of="decision",
                done=True,
                model_name=name,
                stage=stage,
                alias=alias,
                version=version,
                model_digest=digest,
            )
            body = DecisionBody(decision=said.model_dump(mode="json"))
            entries += [Entry(leaf, body, lines), Entry(done)]
        self.ledger.seal(*entries)


def addresses(shared):
    """Return an address of each page that has something to show."""
    row = shared.index.connection.execute(
        "SELECT model, version, system FROM version ORDER BY sequence DESC"
    ).fetchone()
    record = shared.index.connection.execute("SELECT id FROM record WHERE claims ORDER BY leaf DESC").fetchone()["id"]
    decision = shared.index.connection.execute(
        "SELECT sequence, policy FROM decision ORDER BY sequence DESC"
    ).fetchone()
    known = {
        "system": row["system"],
        "control": "A.6.2.4",
        "model": row["model"],
        "version": row["version"],
        "leaf": decision["sequence"],
        "record": record,
        "number": 0,
        "digest": decision["policy"],
        "document": "soa",
    }
    asked = {"search": "?q=model", "sample": "?population=registrations&leaves=100", "controls": "?rows=12"}
    filled = {p.name: re.sub(r"<(?:path:)?(\w+)>", lambda found: str(known[found[1]]), p.address) for p in SITE}
    return {name: address + asked.get(name, "") for name, address in filled.items()}


def serve(ledger):
    """Serve the pages of a ledger on a free port; returns their address."""
    import flask
    from werkzeug.serving import make_server

    source = page_routes.source_of(ledger)
    page_routes.shared_source = lambda: source
    page_routes.reader_scope = lambda _: page_readers.EVERYTHING
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = flask.Flask("benchmark")
    page_routes.add_pages(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return source, f"http://127.0.0.1:{server.server_port}/aims/"


def measure(address, browsers, asks):
    """Return the milliseconds of each answer to a page that several browsers ask for at once."""
    import requests

    def browse(_):
        took, session = [], requests.Session()
        for _ in range(asks):
            started = time.perf_counter()
            answer = session.get(address, timeout=120)
            took.append((time.perf_counter() - started) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{address}: {answer.status_code} {answer.text[:300]}")
        return took

    with ThreadPoolExecutor(browsers) as pool:
        return [each for took in pool.map(browse, range(browsers)) for each in took]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the ledger, to try the script")
    sizes = {"systems": 200, "versions": 5000, "records": 100_000, "documents": 2000, "browsers": 8, "asks": 20}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    part = 100 if asked.quick else 1
    systems, versions = max(asked.systems // part, 2), max(asked.versions // part, 2)
    with tempfile.TemporaryDirectory() as folder:
        made, each = MadeUpLedger(Path(folder)), max(asked.records // asked.versions, 2)
        for number in range(versions):
            made.add(number, number % systems, each, in_use=number >= versions - systems)
        made.publish(max(asked.documents // part, len(OF_ALL)), systems)
        source, root = serve(made.ledger)
        while not source.index.refresh(source.view):
            pass
        for name, address in addresses(source).items():
            measure(root + address, 1, 2)  # states that were never judged are judged once
            took = sorted(measure(root + address, asked.browsers, asked.asks))
            p99 = took[min(int(len(took) * 0.99), len(took) - 1)]
            line = {
                "page": name,
                "median_ms": round(statistics.median(took), 1),
                "p99_ms": round(p99, 1),
                "asks": len(took),
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
            print(
                json.dumps(line)
                if asked.json
                else f"{name:10} {line['median_ms']:8.1f} ms  p99 {line['p99_ms']:8.1f} ms"
            )


if __name__ == "__main__":
    main()
