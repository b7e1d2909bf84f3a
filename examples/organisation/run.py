"""From an empty folder to an approved statement of applicability and a bundle that verifies, by commands.

python examples/organisation/run.py [FOLDER]

Offline, about a minute. README.md beside this file says what happens.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import string
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mlflow
import yaml
from sklearn.dummy import DummyRegressor

from aims_mlflow.cli.main import cli, run_command

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "letters")]
PEOPLE = {
    "ana": ["trainer"],  # data scientist
    "rita": ["approver"],  # writes the documents; nobody approves what they wrote
    "olga": ["approver"],  # answers for the systems
    "eva": ["auditor"],  # audits
    "max": ["approver", "top-management"],
}
MODEL, LEDGER = "loan-screening", "sqlite:///mlflow.db.aims.db"


def aims(*args: object, by: str = "rita") -> None:
    """Run one `aims` command as a person, and stop where it says no."""
    os.environ["AIMS_SIGNING_KEY"] = f"file:{by}.pem"
    print(f"$ {by}: aims {' '.join(map(str, args))}", flush=True)
    status = cli.main(args=[str(a) for a in args], standalone_mode=False)
    if status:
        sys.exit(f"stopped: `aims {args[0]} {args[1]}` ended with exit status {status}")


def set_up(folder: Path) -> None:
    """Open MLflow in the folder, and make the policy and everybody's key."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    os.environ |= {
        "AIMS_HOME": str(folder / "platform"),
        "AIMS_POLICY": str(folder / "policy"),
        "AIMS_FOLDER": str(folder / "aims"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    Path("aims").mkdir()
    aims("gate", "init", "policy", "--keys-here")
    for person, roles in PEOPLE.items():
        aims("keys", "new", f"{person}.pem", by=person)
        aims("keys", "add", f"{person}.pub.pem", "--owner", person, *(a for r in roles for a in ("--role", r)))


def retired_system() -> None:
    """Log and register the model of branch-visits, as it was done before there was a gate; nothing uses it now."""
    with mlflow.start_run(run_name="branch-visits, 2023"):
        made = mlflow.sklearn.log_model(DummyRegressor().fit([[0.0], [1.0]], [120.0, 90.0]), name="model")
    mlflow.register_model(made.model_uri, "branch-visits")


def trained_system() -> dict[str, str]:
    """Train loan-screening, let it be approved, put it into use; returns what its evidence shows."""
    committed("train.py")
    from train import train, write_loans

    write_loans("loans.csv")
    os.environ["AIMS_SIGNING_KEY"] = "file:ana.pem"
    train("loans.csv")
    aims("approve", f"models:/{MODEL}/1", "--stage", "deployment", "--alias", "champion", by="olga")
    mlflow.MlflowClient().set_registered_model_alias(MODEL, "champion", "1")
    return evidence_of(f"models:/{MODEL}/1")


def committed(name: str) -> None:
    """Take a script into the folder and commit it there: evidence names the commit that its code is of."""
    shutil.copy(HERE / name, name)
    sys.path.insert(0, str(Path.cwd()))
    if shutil.which("git"):
        ana = ("-c", "user.name=ana", "-c", "user.email=ana@example.org")
        for command in (["init", "--quiet"], ["add", name], [*ana, "commit", "--quiet", "--message", f"Add {name}"]):
            subprocess.run(["git", *command], check=True)


def evidence_of(version: str) -> dict[str, str]:
    """Return what the documents cite of a version: ids of records, digests and figures."""
    kinds = {r["kind"]: r["id"] for r in json.loads(run_command("evidence", "list", version, "--json"))}
    known = {kind: kinds[kind] for kind in ("fairness", "performance", "robustness")}

    def record(kind: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
        shown = json.loads(run_command("evidence", "show", version, kinds[kind], "--json"))[0]
        digests = {s["name"]: next(iter(s["digest"].values())) for s in shown["subject"]}
        return digests, shown["predicate"]["aims"].get("claims", [])

    def figure(kind: str, metric: str, **rows: str) -> str:
        value = next(c["value"] for c in record(kind)[1] if (c["metric"], c["slice"]) == (metric, rows))
        return f"{float(value):.3g}"

    data = record("lineage")[0]
    tooling = json.loads(run_command("evidence", "show", version, kinds["tooling-record"], "--json"))[0]
    (packages,) = tooling["predicate"]["aims"]["details"]["serving"].values()
    return known | {
        "model": next(iter(record("performance")[0].values())),
        "train_data": data["train"],
        "test_data": data["test"],
        "tools": ", ".join(packages),
        "ratio": figure("fairness", "selection_rate_ratio", sex="f"),
        "accuracy": figure("performance", "balanced_accuracy"),
        "agreement": figure("robustness", "agreement_with_missing"),
    }


def called_system() -> dict[str, str]:
    """Let the letter assistant answer the kept cases, and count the letters that name the true reason."""
    from assistant import draft

    content = (HERE / "letters" / "cases.csv").read_bytes()
    cases = list(csv.DictReader(content.decode().splitlines()))
    right = sum(case["word"] in draft(case["reason"], lambda _, kept=case: kept["answer"]) for case in cases)
    return {
        "cases": hashlib.sha256(content).hexdigest(),
        "cases_n": str(len(cases)),
        "letters_right": str(right),
        "letters_wrong": str(len(cases) - right),
    }


def review_inputs() -> dict[str, str]:
    """Let the software write the inputs of the management review, from documents and ledger."""
    draft = yaml.safe_load(run_command("document", "new", "review-inputs", "--print", "--ledger", LEDGER))
    told = {name: json.dumps(draft[name]) for name in ("ledger", "written", "audits")}
    return {f"review_{name}": text for name, text in told.items()} | {"review_cutoff": draft["cutoff"]}


def days() -> dict[str, str]:
    """Return the days that the documents name, counted from today."""
    now = datetime.now(UTC)
    later = {"today": 0, "next_month": 30, "next_year": 365, "ten_years": 3652}
    return {n: f"{now + timedelta(days=d):%Y-%m-%d}" for n, d in later.items()} | {"now": f"{now:%Y-%m-%dT%H:%M:%SZ}"}


def write_documents(known: dict[str, str]) -> list[Path]:
    """Write each document for which everything is known that it names, and that is not there yet; returns the files."""
    written = []
    for file in sorted((HERE / "documents").iterdir()):
        text, target = string.Template(file.read_text(encoding="utf-8")), Path("aims", file.name)
        if not target.exists() and set(text.get_identifiers()) <= set(known):
            target.write_text(text.substitute(known), encoding="utf-8")
            written.append(target)
    return written


def publish(files: list[Path], *evidence: str) -> None:
    """Check the folder; its author publishes each file, and the person whom it names approves it."""
    aims("document", "lint", *evidence)
    for file in files:
        said = dict(re.findall(r"^(id|author|approver): (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE))
        aims("document", "publish", said["id"], by=said["author"])
        aims("approve", f"document:{said['id']}", by=said["approver"])


def main(folder: Path) -> None:
    """Go the whole way, in an empty folder."""
    set_up(folder)
    retired_system()
    os.environ["MLFLOW_REGISTRY_URI"] = f"aims+sqlite:///{folder}/mlflow.db"
    mlflow.set_registry_uri(os.environ["MLFLOW_REGISTRY_URI"])
    known = called_system() | days()
    publish(write_documents(known))  # requirements are approved before the training
    known |= trained_system()
    publish(write_documents(known), "--evidence", f"models:/{MODEL}/1")
    known |= review_inputs()
    publish(write_documents(known), "--evidence", f"models:/{MODEL}/1")
    aims("system", "scan", "--source", HERE / "letters", "--vendors", HERE / "vendors.csv", "--write")
    aims("document", "findings", "--ledger", LEDGER)
    aims("document", "soa", "--ledger", LEDGER, "--evidence", f"models:/{MODEL}/1", "--output", "soa.html", by="max")
    aims("bundle", "create", "--organisation", "--ledger", LEDGER, "--out", "organisation.zip")
    aims("bundle", "verify", "organisation.zip")
    print(f"done: {folder}/soa.html and {folder}/organisation.zip")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="aims-organisation-")).resolve())
