"""A subject whose every condition holds: sessions made by hand, documents with good fields, rules, keyring, decision."""

import dataclasses
from datetime import timedelta

from aims_mlflow.capture.recorder import artifact
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.gates.person_statements import DocumentApproval, PublishedDocument
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.status_subject import StatusSubject
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.decision import Decision
from aims_mlflow.records.documents import KINDS
from aims_mlflow.records.evidence import Claim, MlflowIds
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.good_documents import DAY, EARLIER, FIELDS, NEXT, NOW, STATED, SYSTEM
from support.signed_sessions import MODEL, TEST, TRAIN, checked, entry

APPROVED = utc_text(NOW - timedelta(days=10))
ROLES = ("approver", "top-management")


def sha_of(kind):
    """A digest for the file of a document."""
    return f"{abs(hash(kind)):064x}"[-64:]


def document(kind, **changes):
    """A published document of a kind with good fields, by rita."""
    about = (MODEL,) if kind in ("impact-assessment", "user-information", "validation-report") else ()
    system = None if KINDS[kind].ABOUT == "organisation" else SYSTEM
    made = PublishedDocument(kind, kind, sha_of(kind), "rita", EARLIER, STATED[kind], system, about, NEXT)
    return dataclasses.replace(made, **changes)


def approval(kind, **changes):
    """An approval of that document by olga."""
    return dataclasses.replace(
        DocumentApproval(sha_of(kind), "olga", ROLES, utc_text(NOW - timedelta(days=10))), **changes
    )


ABLE_TO_AUDIT = {
    "person": "eva", "role": "auditor", "basis": "course of 2025", "obtained_on": EARLIER[:10],
    "requirement": "auditing, model evaluation, fairness",
}  # fmt: skip
SOURCE = {
    "name": "census", "uri": "https://example.org/census", "owner": "statistics office", "licence": "CC-BY-4.0",
    "rights": "open data licence", "subjects": "adults in 1994", "selection_reason": "the only table with the outcome",
    "retention": "until 2030", "purpose": "to learn who earns over 50K",
}  # fmt: skip
DRIFT = Claim(metric="drift", slice={"column": "age"}, value="0.02", n=500, comparator="<", limit="0.1", passed=True)
LIMIT = {"comparator": ">=", "limit": "0.8"}


def data_of(role, digest, rows):
    """How records describe a data set."""
    return {
        "name": role,
        "digest": {"arrowIpcSha256": digest},
        "rows": rows,
        "columns": ["age", "sex"],
        "sensitive": ["sex"],
    }


def machine_parts(system=SYSTEM, model=MODEL, source=None, **start):
    """The records of a good training: kind to (subjects, fields), in the order in which they are signed."""
    train, test = (Subject(name=n, digest={"arrowIpcSha256": d}) for n, d in (("train", TRAIN), ("test", TEST)))
    about = [Subject(name="models:/m-1", digest={"dirHash1": model})]
    data = {"train": data_of("train", TRAIN, 22792), "test": data_of("test", TEST, 9769)}
    named = SOURCE if source is None else source
    details = {
        "mode": "enforce", "target": "income", "favourable": ">50K", "sensitive": ["sex"], "data": data,
        "pack": {"name": "tabular-classification", "version": "1"},
        "system": {"id": system, "owner": "olga", "intended_use": "order applications", "affected_groups": ["applicants"],
                   "serving_capacity": "2 replicas of 2 processors, 50 requests a second"},
        **start,
    }  # fmt: skip
    files = {
        "tooling": artifact("aims/reports/s/packages.txt", b"scikit-learn==1.7.0\n"),
        "card": artifact("card.md", b"# Card"),
    }
    ratio = Claim(metric="selection_rate_ratio", slice={"sex": "Female"}, value="0.95", n=3210, passed=True, **LIMIT)
    other = ratio.model_copy(update={"slice": {"sex": "Male"}, "value": "1", "n": 6512})
    share = Claim(metric="share_over_population", slice={"sex": "Female"}, role="train", value="0.98", n=22792,
                  passed=True, **LIMIT)  # fmt: skip
    return {
        "session-start": ([train, test], {"details": details}),
        "acquisition": ([train], {"details": {"name": "census", "source": named, "data": data["train"], "function": "load"}}),
        "dataset-record": ([train], {"details": {"role": "train", "data": data["train"], "source": named}}),
        "dataset-record/test": ([test], {"details": {"role": "test", "data": data["test"], "source": named}}),
        "lineage": ([train, test], {}),
        "preparation": ([train], {"details": {"why": "rows without a label", "function": "prep.clean", "input": data["train"],
                                              "output": data["train"]}}),
        "data-quality": ([train, test], {"claims": [Claim(metric="expect_x", value="1", passed=True, **LIMIT)]}),
        "representativeness": ([train], {"claims": [share]}),
        "training-provenance": (about, {"details": {
            "function": "train", "parameters": {"depth": "3"}, "code": {"commit": "e" * 40, "dirty": False, "untracked": {}}, "data": data,
            "models": [{"name": "model", "model_id": "m-1", "digest": model, "flavor": "sklearn"}], "fit_seconds": "1.25",
            "parent_run_id": "9" * 32, "trials": 12}}),
        "tooling-record": (about, {"tools": {"python": "3.11.7", "scikit-learn": "1.7.0"}, "artifacts": (files["tooling"],),
                                   "details": {"packages": 1, "algorithms": {"m-1": "sklearn.linear_model.LogisticRegression"},
                                               "serving": {"m-1": ["scikit-learn==1.7.0"]}}}),
        "compute-record": (about, {"details": {"cpu_count": 2, "peak_memory_bytes": 10**9, "fit_seconds": "1.25"}}),
        "performance": (about, {"claims": [
            Claim(metric="balanced_accuracy", value="0.85", n=9769, comparator=">=", limit="0.55", passed=True)]}),
        "fairness": (about, {"claims": [ratio, other]}),
        "robustness": (about, {"claims": [Claim(metric="noise", value="0.9", n=9769, passed=True, **LIMIT)]}),
        "model-card": (about, {"artifacts": (files["card"],)}),
        "monitor-run": (about, {"details": {"rows": 500}, "claims": [DRIFT]}),
        "log-coverage": (about, {"details": {"gaps": []}}),
        "use-conformance": (about, {"details": {"deviations": []}}),
    }  # fmt: skip


def machine_session(change=None, key=None, **options):
    """A good session; `change` may edit the parts before they are signed."""
    key = key or ephemeral_key()
    system = options.get("system", SYSTEM)
    writer = SessionWriter(key, "ana", system=system, mlflow=MlflowIds(run_id="f" * 32), pack_digest="d" * 64)
    parts = machine_parts(**options)
    if change:
        change(parts)
    acquired = None
    for name, (subjects, fields) in parts.items():
        kind = name.partition("/")[0]
        if kind == "lineage" and "details" not in fields:
            step = {"kind": "acquisition", "name": "census", "record": acquired, "session": "s", "digest": TRAIN}
            links = [
                {"role": r, "digest": d, "link": "subset", "steps": [step]}
                for r, d in (("train", TRAIN), ("test", TEST))
            ]
            fields["details"] = {"links": links}
        record = signed_sessions.add(writer, kind, subjects, **fields)
        acquired = record.id if kind == "acquisition" else acquired
    writer.close()
    return writer


def good(change=None, documents=None, approvals=None, **options):
    """A subject whose every condition holds; each part can be replaced."""
    key, reviewer = ephemeral_key(), ephemeral_key()
    writer = machine_session(change, key, **options.pop("session", {}))
    session = checked(writer, key)
    written = {kind: document(kind) for kind in STATED}
    ids = [r.id for r in session.records if r.evidence.kind == "fairness"]
    if ids:
        written["impact-assessment"] = document(
            "impact-assessment", fields={**FIELDS["impact-assessment"], "evidence": ids}
        )
    olga = {
        "person": "olga",
        "role": "approver",
        "basis": "course on fairness analysis",
        "requirement": "fairness analysis",
        "obtained_on": DAY,
    }
    extra = [
        document("competence-record", id="competence-olga", fields=olga),
        document("competence-record", id="competence-eva", fields=ABLE_TO_AUDIT),
    ]
    rules = parse_policy(default_policy_text()).rules("income-screening", "deployment", "champion")
    keyring = Keyring(version=1, keys=(entry(key), entry(reviewer, "olga", ("approver",))))
    decided = Decision(
        stage="deployment", alias="champion", model_name="income-screening", version="2", model_digest=MODEL, mode="enforce",
        allowed=True, would_refuse=False, approvals=("olga",), time=utc_text(NOW),
    )  # fmt: skip
    parts = {
        "digest": MODEL, "sessions": (session,), "rules": rules, "keyring": keyring, "decisions": (decided,),
        "aliases": ("champion",),
        "documents": tuple([*written.values(), *extra] if documents is None else documents),
        "approvals": tuple([approval(k) for k in STATED] if approvals is None else approvals),
        **options,
    }  # fmt: skip
    return StatusSubject(SYSTEM, **parts)


def other_session():
    """A session about the same system and another model."""
    key = ephemeral_key()
    return signed_sessions.checked(machine_session(key=key, model="9" * 64), key)
