"""Signed sessions made by hand, for tests of what reads them."""

from pydantic import ValidationError

from aims_mlflow.capture.recorder import artifact
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject, seal
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.details import details_model
from aims_mlflow.records.evidence import Claim, Evidence, Interval, MlflowIds, result_of
from aims_mlflow.records.keyring import KeyEntry
from aims_mlflow.signing.keys import ephemeral_key

MODEL = "a" * 64
TRAIN, TEST = "b" * 64, "c" * 64


def entry(key, owner="ana", roles=("trainer",), **more):
    return KeyEntry(key_id=key.key_id, owner=owner, roles=roles, pem=key.public.pem, **more)


def lookup(*entries):
    return {e.key_id: e for e in entries}.get


def group_claims(ratio="0.31", group="Female", column="sex"):
    interval = Interval(low="0.28", high="0.34", method="bootstrap")
    rate = Interval(low="0.06", high="0.08", method="wilson")
    low = dict(comparator=">=", limit="0.8", passed=float(ratio) >= 0.8)
    return [
        Claim(metric="selection_rate", slice={column: group}, value="0.071234", n=3210, interval=rate),
        Claim(metric="selection_rate", slice={column: "Male"}, value="0.229787", n=6512, interval=rate),
        Claim(metric="selection_rate_ratio", slice={column: group}, value=ratio, n=3210, interval=interval, **low),
        Claim(metric="true_positive_rate", slice={column: group}, value=None, n=0, note="undefined: no positives"),
        Claim(metric="demographic_parity_ratio", slice={column: "*"}, value=ratio, n=9722, **low),
    ]


def session(
    key=None,
    *,
    ratio="0.31",
    system="income-screening",
    model=MODEL,
    kinds=None,
    group="Female",
    affected=("all",),
    close=True,
    files=None,
    **start,
):
    """A whole session about one model; `kinds` leaves some out, `files` are the reports of some: {kind: (path, content)}."""
    key = key or ephemeral_key()
    writer = SessionWriter(key, "ana", system=system, mlflow=MlflowIds(run_id="f" * 32), pack_digest="d" * 64)
    train, test = (Subject(name=n, digest={"arrowIpcSha256": d}) for n, d in (("train", TRAIN), ("test", TEST)))
    about = [Subject(name="models:/m-" + "1" * 32, digest={"dirHash1": model})]
    data = {
        role: {
            "name": role,
            "digest": {"arrowIpcSha256": d},
            "rows": n,
            "columns": ["age", "sex", "income"],
            "sensitive": ["sex"],
        }
        for role, d, n in (("train", TRAIN, 22792), ("test", TEST, 9769))
    }
    details = {
        "function": "train", "mode": "enforce", "target": "income", "favourable": ">50K", "sensitive": ["sex"], "data": data,
        "pack": {"name": "tabular-classification", "version": "1"},
        "system": {"id": system, "owner": "ana@example.org", "intended_use": "Order *applications*.", "affected_groups": list(affected)},
        **start,
    }  # fmt: skip
    performance = [
        Claim(
            metric="accuracy", value="0.8714567", n=9769, interval=Interval(low="0.865", high="0.878", method="wilson")
        ),
        Claim(metric="balanced_accuracy", value="0.7912", n=9769, comparator=">=", limit="0.55", passed=True),
    ]
    fairness = group_claims(ratio, group)
    parts = {
        "session-start": ([train, test], {"details": details}),
        "dataset-record": ([train], {"details": {"role": "train", "data": data["train"], "column_types": {"age": "int64"},
                                                 "missing": {"age": 12}}}),
        "data-quality": ([train, test], {"claims": [Claim(metric="expect_x", slice={"column": "age"}, value="1", passed=True)]}),
        "training-provenance": (about, {"details": {
            "function": "train", "parameters": {"depth": "3"}, "code": {"commit": "e" * 40, "dirty": False}, "data": data,
            "models": [{"name": "model", "model_id": "m-" + "1" * 32, "digest": model, "flavor": "sklearn"}], "fit_seconds": "1.25"}}),
        "tooling-record": (about, {"tools": {"python": "3.11.7"}}),
        "performance": (about, {"claims": performance}),
        "fairness": (about, {"claims": fairness, "result": result_of(fairness), "reason": "selection_rate_ratio too low"}),
        "drift-baseline": (about, {}),
        "model-card": (about, {}),
    }  # fmt: skip
    for kind, (subjects, fields) in parts.items():
        if kinds is None or kind in kinds:
            named = [artifact(*files[kind])] if kind in (files or {}) else []
            add(writer, kind, subjects, **fields, artifacts=named)
    if close:
        writer.close()
    return writer


def add(writer, kind, subjects, *, details=None, **fields):
    """The next record of a session, with details from JSON; a hostile writer signs such as no model has."""
    try:
        return writer.add(kind, subjects, details=details_model(kind).model_validate(details or {}), **fields)
    except ValidationError:
        fields = {"result": "passed", "id": uuid7(), "session": writer.id, "time": utc_text(), **fields}
        last = writer.records[-1].sha256 if writer.records else None
        body = Evidence(
            **{**writer._common, **fields}, kind=kind, sequence=len(writer.records), previous=last, details=details
        )
        writer.records.append(seal(body, list(subjects), writer._key))
        return writer.records[-1]


def checked(writer, key=None, name="aims/sessions/s.jsonl", **more):
    key = key or writer._key
    return check_session(writer.jsonl(), name, lookup(entry(key, **more)))
