"""A small ledger and its bundle, made without MLflow: quick enough to be verified thousands of times."""

import json

from aims_mlflow.audit.whole_ledger import verify_ledger
from aims_mlflow.canonical import canonical
from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.exports.bundle.create import create
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.lifecycle.ingest import ingest, keyring_now
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.server.active_policy import policy_entry
from aims_mlflow.signing.keyring import keyring_digest, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.entries import entry_of


def put_keyring(ledger, keyring):
    named = keyring_digest(keyring)
    content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
    public = {"keyring_digest": named, "version": str(keyring.version)}
    ledger.put_in_force("keyring", named, content, entry_of("keyring", public))


def keyring_of(ledger):
    return Keyring.model_validate(json.loads(ledger.state.stored(ledger.in_force()["keyring"])))


def small_ledger(uri, trainer=None, log=None, root=None):
    """A ledger with policy, keyring, one session that was ingested, and checkpoints."""
    trainer, log, root = trainer or ephemeral_key(), log or ephemeral_key(), root or ephemeral_key()
    ledger = Ledger(uri, Log(log, "ai.example.org/small"))
    text = default_policy_text()
    digest = parse_policy(text).digest
    ledger.put_in_force("policy", digest, text, policy_entry(digest, text))
    keys = tuple(
        KeyEntry(key_id=k.key_id, owner=o, roles=(r,), pem=k.public.pem)
        for k, o, r in ((trainer, "ana", "trainer"), (log, "registry", "log"))
    )
    put_keyring(ledger, sign_keyring(Keyring(version=1, keys=keys), root))
    writer = signed_sessions.session(trainer)
    session = check_session(writer.jsonl(), f"aims/sessions/{writer.id}.jsonl", keyring_now(ledger).find)
    ingest(ledger, [session], "test", "a test")
    return ledger


def lost(run_id, path):
    raise Unreachable("no file is here", where=f"{run_id}/{path}")


def small_bundle(uri):
    """The files of a bundle of that ledger; its records name no file."""
    return create(small_ledger(uri), "income-screening", "stage1", lost)


def sentences(ledger):
    return [problem.sentence() for problem in verify_ledger(ledger, "ledger").problems]
