"""Changes in MLflow's artifact store and in its registry."""

import sqlite3
from contextlib import closing

from aims_mlflow.signing.key_sources import load_key
from support.tampering.cases import ART, REG, battery
from support.tampering.thief import flip

CASES, case = battery()


def _model(life):
    return next((life.folder / "mlruns").glob(f"**/{life.model.removeprefix('models:/')}/artifacts"))


def _aims(life):
    return next((life.folder / "mlruns").glob(f"**/{life.run}/artifacts/aims"))


def _session(life):
    return next((_aims(life) / "sessions").glob("*.jsonl"))


@case(
    ART,
    "the model's bytes are changed after its approval",
    "subject bytes",
    "the model was exchanged",
    target="version",
)
def _(t, life):
    path = max(_model(life).iterdir(), key=lambda p: p.stat().st_size)
    path.write_bytes(flip(path.read_bytes()))


@case(ART, "a file is put into the model's folder", "subject bytes", "do not load it", target="load")
def _(t, life):
    (_model(life) / "loader.py").write_text("print('hello')")


@case(ART, "a file of the model is deleted", "subject bytes", "do not load it", target="load")
def _(t, life):
    (_model(life) / "requirements.txt").unlink()


@case(ART, "a report is changed", "subject bytes", "the file's content changed", target="version")
def _(t, life):
    path = next((_aims(life) / "reports").glob("*/fairness.html"))
    path.write_text(path.read_text().replace("0.", "1."))


@case(ART, "a report is deleted", "subject bytes", "the file is missing", target="version")
def _(t, life):
    next((_aims(life) / "reports").glob("*/drift.svg")).unlink()


@case(
    ART,
    "the model card that people open is changed",
    "subject bytes",
    "the document's content changed",
    target="version",
)
def _(t, life):
    path = _aims(life) / "model_card.md"
    path.write_text(path.read_text() + "\nNo limitations are known.\n")


@case(ART, "the page that people open is changed", "subject bytes", "the page's content changed", target="version")
def _(t, life):
    path = _aims(life) / "index.html"
    path.write_text(path.read_text().replace("missing", "met"))


@case(ART, "a record of the session is changed", "envelope", "envelope's bytes were changed", target="version")
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b'"payload"', b'"payload" ', 1)
    _session(life).write_bytes(b"\n".join(lines))


@case(ART, "a record's signature is changed", "envelope", "the signature does not fit the content", target="version")
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    at = lines[3].index(b'"sig":"') + 10
    lines[3] = lines[3][:at] + (b"A" if lines[3][at : at + 1] != b"A" else b"B") + lines[3][at + 1 :]
    _session(life).write_bytes(b"\n".join(lines))


@case(
    ART,
    "a record is taken out of the session",
    "completeness",
    "a record was taken out, added or moved",
    target="version",
)
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    _session(life).write_bytes(b"\n".join(lines[:5] + lines[6:]))


@case(ART, "two records change places", "completeness", "a record was taken out, added or moved", target="version")
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    lines[3], lines[4] = lines[4], lines[3]
    _session(life).write_bytes(b"\n".join(lines))


@case(
    ART,
    "the session's manifest is cut off",
    "completeness",
    "there is no session manifest at its end",
    target="version",
)
def _(t, life):
    lines = _session(life).read_bytes().split(b"\n")
    _session(life).write_bytes(b"\n".join(lines[:-2]) + b"\n")


@case(
    ART,
    "the session is exchanged for that of another run",
    "inclusion",
    "sealed it with other records",
    target="version",
)
def _(t, life):
    other = next((life.folder / "mlruns").glob(f"**/{life.unfair}/artifacts/aims/sessions/*.jsonl"))
    _session(life).write_bytes(other.read_bytes())


@case(ART, "the session is deleted", "envelope", "no evidence is here", target="version")
def _(t, life):
    _session(life).unlink()


@case(
    ART,
    "a better session, signed by the trainer, is added afterwards",
    "inclusion",
    "no leaf of the ledger names it",
    target="version",
)
def _(t, life):
    from support import signed_sessions

    made = signed_sessions.session(load_key(f"file:{life.office.scientist}"))
    (_session(life).parent / f"{made.id}.jsonl").write_bytes(made.jsonl())


# -- MLflow's registry ----------------------------------------------------------------------------


def _registry(life, statement, *values):
    with closing(sqlite3.connect(life.folder / "mlflow.db")) as connection, connection:
        connection.execute(statement, values)


@case(
    REG,
    "a version is inserted past the gate",
    "subject bytes",
    "the ledger knows of no registration of it",
    target="inserted",
)
def _(t, life):
    _registry(life, "INSERT INTO model_versions SELECT name, '2', creation_time, last_updated_time, description, user_id, "
              "current_stage, source, run_id, status, status_message, run_link, storage_location, workspace FROM model_versions")  # fmt: skip


@case(REG, "an alias is moved past the gate", "completeness", "the alias was moved past the gate", target="alias")
def _(t, life):
    _registry(life, "UPDATE registered_model_aliases SET alias = 'production'")


@case(REG, "a version's source is pointed at another model", "subject bytes", "do not load it", target="load")
def _(t, life):
    other = next(p for p in (life.folder / "mlruns").glob("**/m-*/artifacts") if life.model[8:] not in str(p))
    _registry(life, "UPDATE model_versions SET source = ?, storage_location = ?", str(other), str(other))
