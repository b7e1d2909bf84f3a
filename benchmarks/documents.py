"""What the management system costs: a scan of 10,000 models, findings and the statement of 200 systems.

    python benchmarks/documents.py [--models 10000] [--systems 200] [--items 20000] [--documents 1000] [--json]

The scan reads MLflow's own store on SQLite through its client, every page. Findings are computed over documents, a scan
of `--items` items, and a ledger on SQLite that holds as many signed records behind the versions in use, one of each
system: they are read from it and verified, signature by signature, and as many are in the sample of an audit. The
statement of applicability is computed with the states of the organisation, and rendered in each format.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--systems", type=int, default=200)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    state = management_state(options.systems, options.items)
    out = {
        "models": options.models,
        "systems": options.systems,
        "items": options.items,
        "scan_10k_s": scanned(options.models),
        **found(state, options.systems, options.items),
        "soa_s": stated(state),
        "lint_1000_s": linted(options.documents),
    }
    if options.json:
        print(json.dumps(out))
        return
    print(f"a scan of {options.models:,} registered models: {out['scan_10k_s']} s")
    print(f"findings of {options.systems} systems, {options.items:,} items and records: {out['findings_s']} s")
    print(f"  of that, to read and verify the evidence of what is in use: {out['findings_read_s']} s")
    print(f"statement of applicability in four formats: {out['soa_s']} s")
    print(f"lint of {options.documents:,} documents: {out['lint_1000_s']} s")


def scanned(models: int) -> float:
    """Scan a registry of `models` registered models with one version and one alias each; seconds."""
    import mlflow
    from mlflow.store.model_registry.dbmodels import models as rows

    from aims_mlflow.registry.inventory.scan import scan
    from aims_mlflow.registry.inventory.sources import mlflow_readers
    from aims_mlflow.registry.reading import below

    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        client.create_registered_model("first")
        with below(client).store.ManagedSessionMaker() as session:
            for number in range(models - 1):
                name, now = f"model-{number}", int(time.time() * 1000)
                session.add(rows.SqlRegisteredModel(name=name, creation_time=now, last_updated_time=now))
                session.add(rows.SqlModelVersion(name=name, version=1, creation_time=now, source=f"s3://b/{number}"))
                session.add(rows.SqlRegisteredModelAlias(name=name, alias="champion", version=1))
        begun = time.perf_counter()
        inventory = scan(mlflow_readers(uri, uri), datetime.now(UTC), "benchmark")
        taken = time.perf_counter() - begun
        seen = sum(item.kind == "registered model" for item in inventory.items)
        assert seen == models, f"{seen} of {models} models were found"
    return round(taken, 2)


def management_state(systems: int, items: int):
    """Return a management system of many systems, each with a component, its documents, and a share of the scan."""
    from support import management_states as states

    written = list(states.documents().values())
    seen = []
    for number in range(systems):
        about = {"system": f"system-{number}", "id": f"entry-{number}", "models": [f"model-{number}"]}
        written.append(states.system(**about))
        for make in (states.supplier, states.own_test):
            document = make()
            written.append(document.model_copy(update={"id": f"{document.id}-{number}", "system": f"system-{number}"}))
        seen.append(states.item("registered model", f"model-{number}"))
    seen += [states.item("registered model", f"unknown-{n}") for n in range(items - systems)]
    signers = {f"record-{n}": frozenset({f"person-{n % 50}"}) for n in range(items)}
    sample = {
        "population": "records", "population_size": items, "method": "all", "seed": "1", "items": list(signers),
    }  # fmt: skip
    written = [states.report(sample=sample) if d.kind == "audit-report" else d for d in written]
    return replace(states.good(), documents=tuple(written), inventory=states.inventory(*seen), signers=signers)


def found(state, systems: int, records: int) -> dict[str, float]:
    """Read what is in use from a ledger of `records` records, and compute each finding; seconds in all, and to read."""
    from aims_mlflow.management.findings.every import findings
    from aims_mlflow.management.findings.live_versions import deployed
    from support.made_up_ledger import MadeUpLedger
    from support.management_states import NOW

    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as folder:
        made = MadeUpLedger(folder)
        for number in range(systems):
            made.add(number, number, records // systems, in_use=True)
        begun = time.perf_counter()
        in_use = deployed(made.ledger)
        read = time.perf_counter() - begun
        assert sum(len(v.records) for v in in_use) == records // systems * systems
        assert len(findings(replace(state, deployed=in_use), NOW)) > 1000
        return {"findings_s": round(time.perf_counter() - begun, 2), "findings_read_s": round(read, 2)}


def stated(state) -> float:
    """Compute the statement with the organisation's states, and render it in each format; seconds."""
    from aims_mlflow.gates.person_statements import PublishedDocument
    from aims_mlflow.gates.status_subject import StatusSubject
    from aims_mlflow.management.applicability.formats import FORMATS, rendered
    from aims_mlflow.management.applicability.statement import computed_statement, newest_statement
    from aims_mlflow.management.applicability.states import states_of
    from aims_mlflow.records.documents import stated_fields
    from support.management_states import NOW

    begun = time.perf_counter()
    published = tuple(
        PublishedDocument(d.kind, d.id, None, d.author, "2026-01-01T00:00:00Z", stated_fields(d), d.system)
        for d in state.documents
    )
    statuses = states_of([("the organisation", StatusSubject("x", "organization", documents=published))], NOW)
    whole = computed_statement(newest_statement(state), state, statuses, "2026-06-15T12:00:00")
    for form in FORMATS:
        assert rendered(whole, form)
    return round(time.perf_counter() - begun, 2)


def linted(documents: int) -> float:
    """Read and lint a folder of `documents` assessments, each of a system of its own, with their entries; seconds."""
    from aims_mlflow.management.evidence_view import EvidenceView
    from aims_mlflow.management.folder import read_folder
    from aims_mlflow.management.lint import lint
    from aims_mlflow.management.rules.base import LintContext
    from support import live_states
    from support.management_folder import PEOPLE, REGISTER_ENTRY

    view = EvidenceView(live_states.good_records(), ("run",), (), (live_states.MODEL,))
    with tempfile.TemporaryDirectory(prefix="aims-benchmark-") as folder:
        root = Path(folder)
        (root / "people.yaml").write_text(PEOPLE, encoding="utf-8")
        for number in range(documents // 2):
            system = f"system-{number}"
            entry = REGISTER_ENTRY.replace("income-screening", system).replace("Income screening", f"System {number}")
            (root / f"{system}.yaml").write_text(entry, encoding="utf-8")
            text = live_states.assessed().replace("income-screening", system).replace("id: aiia", f"id: aiia-{number}")
            (root / f"aiia-{number}.md").write_text(text, encoding="utf-8")
        begun = time.perf_counter()
        assert lint(LintContext(read_folder(root), view, None, "2026-12-01"))
        return round(time.perf_counter() - begun, 2)


if __name__ == "__main__":
    main()
