"""`aims evidence` and `aims verify` on a folder, and the exit statuses of the command line."""

import json

import mlflow
import pytest

from aims_mlflow.cli.main import main
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keys import write_new_key
from support import signed_sessions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_new_key(tmp_path / "k.pem")
    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{tmp_path}/k.pem")
    writer = signed_sessions.session(load_key(f"file:{tmp_path}/k.pem"))
    place = tmp_path / "run" / "aims" / "sessions"
    place.mkdir(parents=True)
    (place / f"{writer.id}.jsonl").write_bytes(writer.jsonl())
    return tmp_path / "run", place / f"{writer.id}.jsonl", writer


def aims(*args):
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in args])
    return ended.value.code


def test_the_states_of_all_controls_and_the_conditions_of_one(folder, capsys):
    root, _, _ = folder
    assert aims("evidence", "controls", root) == 0
    out = capsys.readouterr().out
    assert len([line for line in out.splitlines() if " A." in line[:8]]) == 38
    assert "of 38 controls met" in out
    assert "conformity is the auditor's judgement" in out
    assert aims("evidence", "controls", root, "A.6.2.4") == 0
    out = capsys.readouterr().out
    assert "✗ failed: outcomes by group were measured on held-out data" in out
    assert "selection-rate ratio for sex=Female is 0.31" in out
    assert "owed by another person than the trainer" in out
    assert aims("evidence", "controls", root, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {r["control"]: r["state"] for r in rows}["A.6.2.4"] == "failed"
    assert all(c["sentence"] and c["owed_by"] for r in rows for c in r["conditions"])
    assert aims("evidence", "controls", root, "A.6.2.44") == 2


def test_list_show_and_verify(folder, capsys):
    root, _, writer = folder
    assert aims("evidence", "list", root) == 0
    assert "failed         fairness" in capsys.readouterr().out
    assert aims("evidence", "list", root, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == len(writer.records)
    fairness = next(r for r in writer.records if r.evidence.kind == "fairness")
    assert aims("evidence", "show", root, fairness.id[:8]) == 2
    assert f"begins the ids of {len(writer.records)} records" in capsys.readouterr().err
    assert aims("evidence", "show", root, fairness.id) == 0
    out = capsys.readouterr().out
    assert "selection_rate_ratio [sex=Female] = 0.31 (0.28 to 0.34), 95%, n=3,210, limit >= 0.8 failed" in out
    assert "= undefined, n=0" in out
    assert aims("verify", root) == 0
    assert "✓ envelope: 10 records in 1 sessions, signed by this account's key" in (out := capsys.readouterr().out)
    assert out.splitlines()[-1].startswith("verified by itself: no ledger was consulted")
    assert "- inclusion: not compared with a ledger" in out


def test_a_tampered_record_is_named_with_exit_status_1(folder, capsys):
    root, path, _ = folder
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[3].replace(b"a", b"b", 1), *lines[4:]]))
    assert aims("verify", root) == 1
    assert "line 4" in capsys.readouterr().out
    assert aims("verify", root, "--json") == 1
    out = json.loads(capsys.readouterr().out)
    assert out["verified"] is False
    assert next(step for step in out["steps"] if step["problems"])["problems"][0]["meaning"]


def test_unknown_keys_need_to_be_named(folder, tmp_path, monkeypatch, capsys):
    root, *_ = folder
    public = load_key(f"file:{tmp_path}/k.pem").public.pem
    monkeypatch.delenv("AIMS_SIGNING_KEY")
    assert aims("verify", root) == 1
    said = capsys.readouterr().out
    assert said.count("a key that the keyring does not know") == 1, "what all records have in common stands once"
    assert "and 9 more: signed by a key that the keyring does not know" in said
    (tmp_path / "pub.pem").write_text(public)
    assert aims("verify", root, "--key", tmp_path / "pub.pem") == 0


@pytest.mark.parametrize(
    ("args", "status", "text"),
    [
        (["evidnce"], 2, "did you mean 'evidence'?"),
        (["evidence", "list", "nowhere"], 3, "no such folder"),
        (["verify"], 2, "Missing argument"),
        (["evidence", "verify", "."], 2, "No such command 'verify'"),
        (["verify", ".", "--since", "nowhere.txt"], 3, "cannot be read"),
        (["verify", ".", "--root", "ab"], 2, "nothing says where the ledger is"),
        (["verify", ".", "--at-load"], 2, "nothing says where the ledger is"),
        (["verify", ".", "--ledger", "sqlite:///:memory:", "--key", "k.pem"], 2, "a ledger has its own keyring"),
        (["verify", "ledger", "--key", "k.pem"], 2, "--key is about evidence without a ledger"),
        (["evidence", "show", "."], 1, "no evidence is here"),
        (
            ["gate", "init", "/dev/null/policy"],
            3,
            "/dev/null/policy/keyring.yaml: cannot be read or written (Not a directory)",
        ),
        (["gate", "lint", "nowhere"], 3, "aims gate init"),
        (["keys", "add", "nowhere.pem", "--owner", "a", "--role", "trainer"], 3, "cannot be read"),
        (["gate", "explain", "income", "--stage", "deployment"], 2, "names neither a run nor a model"),
        (["gate", "status", "http://127.0.0.1:9"], 3, "no MLflow server answers"),
        (["gate", "status", "ftp://x"], 2, "ftp://x: MLflow has no store for addresses of this kind"),
        (["gate", "status", "localhost:5000"], 2, "'localhost:5000' is no address of a registry"),
        (["gate", "status", "http://"], 2, "'http://' is no address of a registry"),
    ],
)
def test_wrong_use_gets_one_sentence_and_the_contracts_status(args, status, text, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///:memory:")
    assert aims(*args) == status
    mlflow.set_tracking_uri(None)  # a command names server and registry for the whole process
    mlflow.set_registry_uri(None)
    assert text in capsys.readouterr().err


def test_a_private_key_is_not_trusted_by_mistake(folder, tmp_path, capsys):
    assert aims("keys", "add", tmp_path / "k.pem", "--owner", "a", "--role", "trainer") == 2
    assert "this is a private key" in capsys.readouterr().err
