"""A decision that is made again from the ledger alone is the decision that was made, whatever it was made from."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.canonical import canonical
from aims_mlflow.gates.authority import Authority
from aims_mlflow.gates.consents import KnownConsents, read_consent, sealed_consents, with_words
from aims_mlflow.gates.counting_evidence import count
from aims_mlflow.gates.decide import DecisionRequest, decide
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.gates.replay import check_sessions, recorded, replay
from aims_mlflow.gates.rules_in_force import RulesInForce
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.lifecycle.consents import seal_consent
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.decision import Consent
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.records.leaves.base import CallerBody
from aims_mlflow.registry.channel import ModelRef, sign_consent
from aims_mlflow.server.change import DecisionContext, RegistryChange, announced_decision, decision_entry, kept_lines
from aims_mlflow.signing.keyring import keyring_digest
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.entries import entry_of
from support.session_strategies import KEY, LAW, NEEDED, OTHER, sessions

OLGA, PER = ephemeral_key(), ephemeral_key()
APPROVAL, EMERGENCY = {"action": "approval"}, {"action": "waiver", "break_glass": True}
SAID = [
    APPROVAL,
    {"action": "waiver", "control": "A.6.2.4"},
    {"action": "waiver", "control": "A.7.4"},
    EMERGENCY,
    {"action": "revocation"},
]
numbers = itertools.count()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A ledger with a policy and a keyring in force."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('replay')}/ledger.db")
    text = default_policy_text()
    policy = parse_policy(text)
    people = [(KEY, "ana", "trainer"), (OTHER, "ben", "trainer"), (OLGA, "olga", "approver"), (PER, "per", "approver")]
    keyring = Keyring(version=1, keys=tuple(signed_sessions.entry(k, owner=o, roles=(r,)) for k, o, r in people))
    ledger.put_in_force("policy", policy.digest, text, entry_of("policy", {"policy_digest": policy.digest}))
    content = canonical(keyring.model_dump(mode="json", exclude_none=True)).decode()
    digest = keyring_digest(keyring)
    ledger.put_in_force("keyring", digest, content, entry_of("keyring", {"keyring_digest": digest, "version": "1"}))
    return ledger, RulesInForce(policy, keyring, digest)


def say(ledger, rules, force, name, key, fields):
    """Let a person say something about the model, as the gate seals it."""
    lasts = {"expires": utc_text(datetime.now(UTC) + timedelta(hours=12))} if fields["action"] == "waiver" else {}
    consent = Consent(
        model_name=name, stage="deployment", alias="champion", stage_digest=rules.stage_digest, comment="c",
        **fields, **lasts,
    )  # fmt: skip
    record, words = sign_consent(consent, ModelRef(name, "1", "m-" + "1" * 32, signed_sessions.MODEL), key, "x")
    raw = record.envelope.raw
    seal_consent(ledger, raw, with_words(read_consent(raw, force.keyring), words), name, CallerBody(), words)


def made_again(world, files, said):
    """Decide, seal, decide again from the ledger, and return the decision that both are."""
    ledger, force = world
    name = f"income-{next(numbers)}"
    rules = force.policy.rules(name, "deployment", "champion")
    for key, fields in said:
        say(ledger, rules, force, name, key, fields)
    read = {f"{n}.jsonl": b"".join(lines) for n, lines in enumerate(files)}
    authority = Authority(ledger, name, force, datetime.now(UTC))
    consents = sealed_consents(authority, signed_sessions.MODEL, KnownConsents(100))
    checked = check_sessions(read, authority, rules, BoundedCache(0))
    asked = DecisionRequest(
        signed_sessions.MODEL, registered=signed_sessions.MODEL, version="1", keyring_digest=force.keyring_digest,
        seen_from=authority.seen_from(count(checked, signed_sessions.MODEL)),
    )  # fmt: skip
    decision = decide(rules, checked, list(consents.values()), asked, datetime.now(UTC))
    decided = DecisionContext(
        decision, lines=kept_lines(read), consents=tuple(consents), registered=signed_sessions.MODEL
    )
    change, request = RegistryChange("deployment", name, None, "champion", "1"), uuid7()
    ledger.seal(decision_entry(announced_decision(change, decided, request, []), decided, "", CallerBody()))
    say(ledger, rules, force, name, OLGA, {"action": "revocation"})  # what is said later must not count
    assert replay(ledger, request) == recorded(ledger, request) == decision
    return decision


@LAW
@given(sessions(), st.lists(st.tuples(st.sampled_from([OLGA, PER]), st.sampled_from(SAID)), max_size=4))
def test_a_decision_replays_to_itself(world, files, said):
    made_again(world, files, said)


@pytest.mark.parametrize(
    ("ratio", "said", "expected"),
    [
        ("0.95", [(OLGA, APPROVAL)], (True, "evidence")),
        ("0.95", [(OLGA, APPROVAL), (PER, {"action": "revocation"})], (False, "evidence")),
        ("0.31", [(OLGA, APPROVAL)], (False, "evidence")),
        ("0.31", [(OLGA, APPROVAL), (PER, {"action": "waiver", "control": "A.6.2.4"})], (True, "evidence")),
        ("0.31", [(OLGA, EMERGENCY), (PER, EMERGENCY)], (True, "break-glass")),
    ],
)
def test_every_way_to_decide_replays(world, ratio, said, expected):
    files = [signed_sessions.session(KEY, ratio=ratio, kinds=NEEDED).jsonl().splitlines(keepends=True)]
    decision = made_again(world, files, said)
    assert (decision.allowed, decision.basis) == expected
