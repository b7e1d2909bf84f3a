"""The keyring through its life: added, rotated and revoked keys, a new root, and who judges what when."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.signing import keyring as kr
from aims_mlflow.signing.keyring_history import KeyringVersion, checked_history
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions

ROOT, ANA, OLGA, LOG = (ephemeral_key() for _ in range(4))
T = "2026-0{}-01T00:00:00Z".format


def first(*entries):
    entries = entries or (signed_sessions.entry(ANA, "ana"), signed_sessions.entry(OLGA, "olga", ("approver",)))
    return kr.sign_keyring(Keyring(version=1, keys=entries), ROOT)


def test_a_key_is_found_by_id_beginning_or_owner():
    keyring = first(
        signed_sessions.entry(ANA, "ana"), signed_sessions.entry(OLGA, "olga"), signed_sessions.entry(LOG, "olga")
    )
    assert kr.find_key(keyring, ANA.key_id).owner == "ana"
    assert kr.find_key(keyring, ANA.key_id[:8].upper()).owner == "ana"
    assert kr.find_key(keyring, "ana").key_id == ANA.key_id
    for name, count in (("olga", "2 keys"), ("eve", "no key"), (ANA.key_id[:5], "no key")):
        with pytest.raises(ConfigError, match=count):
            kr.find_key(keyring, name)


def test_revocation_has_a_time_and_may_only_move_back():
    revoked = kr.revoke_key(first(), "ana", T(3))
    assert revoked.version == 2
    assert not revoked.signatures
    entry = revoked.find(ANA.key_id)
    assert entry.why_not(("trainer",), T(2)) is None
    assert "revoked at" in entry.why_not(("trainer",), T(3))
    with pytest.raises(ConfigError, match="revoked since"):
        kr.revoke_key(revoked, ANA.key_id, T(4))
    assert kr.revoke_key(revoked, ANA.key_id, T(2)).find(ANA.key_id).revoked == T(2)


def test_rotation_hands_owner_and_roles_on():
    new = ephemeral_key()
    rotated = kr.rotate_key(first(), "ana", new.public, T(5))
    old, follower = rotated.find(ANA.key_id), rotated.find(new.key_id)
    assert rotated.version == 2
    assert (old.valid_until, follower.valid_from, follower.owner, follower.roles) == (T(5), T(5), "ana", ("trainer",))
    assert old.why_not(("trainer",), T(4)) is None
    assert old.why_not(("trainer",), T(6))
    with pytest.raises(ConfigError, match="already has this key") as told:
        kr.rotate_key(rotated, "olga", new.public, T(6))
    assert "make a second key with all roles" in told.value.next
    assert "aims keys add NEW.pub.pem --owner 'ana' --role trainer --role" in told.value.next
    assert "revoke this one" in told.value.next
    with pytest.raises(ConfigError, match="not valid any more"):
        kr.rotate_key(rotated, ANA.key_id, ephemeral_key().public, T(6))


def test_a_new_root_is_signed_in_by_the_old_one_and_then_alone(tmp_path):
    new, path = ephemeral_key(), tmp_path / "keyring.yaml"
    before = first()
    rotated = kr.rotate_root(before, ROOT, new, "platform")
    assert kr.roots_of(before) == {ROOT.key_id}
    assert kr.roots_of(rotated) == {new.key_id}
    kr.write_keyring(path, rotated)
    assert kr.load_keyring(path, ROOT.key_id).version == kr.load_keyring(path, new.key_id).version == 2
    assert kr.load_keyring(path, new.key_id).signatures[0].key_id == new.key_id
    after = kr.sign_keyring(kr.revoke_key(rotated, "ana", T(3)), new)
    assert kr.follow(rotated, after, "x").version == 3
    by_old = kr.sign_keyring(kr.revoke_key(rotated, "ana", T(3)), ROOT)
    with pytest.raises(EvidenceError, match="version 3 may not follow version 2: not signed by the root key"):
        kr.follow(rotated, by_old, "x")
    with pytest.raises(EvidenceError, match="is not the root of this keyring"):
        kr.rotate_root(rotated, ROOT, ephemeral_key(), "platform")
    with pytest.raises(ConfigError, match="a key of its own"):
        kr.rotate_root(rotated, new, new, "platform")
    second = kr.rotate_root(rotated, new, ephemeral_key(), "platform")
    assert second.find(new.key_id).revoked
    assert kr.follow(rotated, second, "x").version == 3


@pytest.mark.parametrize(
    "changed", [{"revoked": T(2)}, {"valid_until": T(2)}, {"roles": ("auditor",)}], ids=["revoked", "ended", "re-roled"]
)
def test_an_ended_root_is_not_brought_back_by_its_own_signature(changed):
    other = signed_sessions.entry(LOG, "office", ("root",))
    root = signed_sessions.entry(ROOT, "platform", ("root",)).model_copy(update=changed)
    for entries, left in (((root,), set()), ((root, other), {LOG.key_id})):
        ended = first(*entries)
        assert kr.roots_of(ended, T(3)) == left
        with pytest.raises(EvidenceError, match="version 2 may not follow version 1: not signed by the root key"):
            kr.follow(ended, kr.sign_keyring(kr.add_key(ended, signed_sessions.entry(ANA, "ana")), ROOT), "x", T(3))


def test_a_root_that_ends_later_signs_until_then():
    root = signed_sessions.entry(ROOT, "platform", ("root",), valid_until=T(5))
    keyring = first(root)
    after = kr.sign_keyring(kr.add_key(keyring, signed_sessions.entry(ANA, "ana")), ROOT)
    history = checked_history([KeyringVersion(1, T(1), keyring), KeyringVersion(2, T(4), after)])
    assert history.newest == after
    with pytest.raises(EvidenceError, match="may not follow"):
        checked_history([KeyringVersion(1, T(1), keyring), KeyringVersion(2, T(6), after)])


def test_a_signature_added_beside_the_roots_gives_nobody_a_say(tmp_path):
    eve, path = ephemeral_key(), tmp_path / "keyring.yaml"
    (forged,) = kr.sign_keyring(first(), eve).signatures
    genuine = first()
    for signatures in ((forged, *genuine.signatures), (*genuine.signatures, forged)):
        both = genuine.model_copy(update={"signatures": signatures})
        kr.write_keyring(path, both)
        loaded = kr.load_keyring(path, ROOT.key_id)
        assert kr.roots_of(loaded) == {ROOT.key_id}
        by_eve = kr.sign_keyring(kr.add_key(loaded, signed_sessions.entry(eve, "eve")), eve)
        with pytest.raises(EvidenceError, match="may not follow"):
            kr.follow(loaded, by_eve, "x")
        second = kr.sign_keyring(kr.revoke_key(loaded, "olga", T(2)), ROOT)
        beside = second.model_copy(
            update={"signatures": (kr.sign_keyring(second, eve).signatures[0], *second.signatures)}
        )
        third = kr.sign_keyring(kr.add_key(second, signed_sessions.entry(eve, "eve")), eve)
        with pytest.raises(EvidenceError, match="keyring 3 of 3"):
            checked_history(
                [KeyringVersion(1, T(1), both), KeyringVersion(2, T(2), beside), KeyringVersion(3, T(3), third)],
                ROOT.key_id,
            )


def test_what_is_no_keyring_of_the_root_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "keyring.yaml"
    kr.write_keyring(path, first())
    with pytest.raises(EvidenceError, match="not signed by the root key"):
        kr.load_keyring(path, OLGA.key_id)
    monkeypatch.setenv("AIMS_KEYRING_ROOT", f"{OLGA.key_id}, {ROOT.key_id}")
    assert kr.load_keyring(path).version == 1
    monkeypatch.setenv("AIMS_KEYRING_ROOT", OLGA.key_id)
    with pytest.raises(EvidenceError, match="not signed by the root key"):
        kr.load_keyring(path)
    twice = Keyring(version=1, keys=(signed_sessions.entry(ANA, "ana"), signed_sessions.entry(ANA, "eve")))
    with pytest.raises(ConfigError, match="stands twice"):
        kr.checked_keyring(kr.sign_keyring(twice, ROOT), "x", ROOT.key_id)
    lying = signed_sessions.entry(ANA, "ana").model_copy(update={"key_id": OLGA.key_id})
    with pytest.raises(ConfigError, match="another id than it says"):
        kr.checked_keyring(kr.sign_keyring(Keyring(version=1, keys=(lying,)), ROOT), "x", ROOT.key_id)
    bad = first().signatures[0].model_copy(update={"sig": base64.b64encode(b"x" * 64).decode()})
    with pytest.raises(EvidenceError, match="changed after the root signed it"):
        kr.checked_keyring(first().model_copy(update={"signatures": (bad,)}), "x", ROOT.key_id)
    unreadable = first().signatures[0].model_copy(update={"sig": "%%"})
    with pytest.raises(EvidenceError, match="cannot be read"):
        kr.checked_keyring(first().model_copy(update={"signatures": (unreadable,)}), "x", ROOT.key_id)


def test_each_decision_is_judged_by_the_keyring_of_its_leaf():
    one = first()
    two = kr.sign_keyring(kr.add_key(one, signed_sessions.entry(LOG, "server", ("log",))), ROOT)
    three = kr.sign_keyring(kr.revoke_key(two, "ana", T(2)), ROOT)
    history = checked_history(
        [KeyringVersion(1, T(1), one), KeyringVersion(3, T(3), two), KeyringVersion(5, T(5), three)], ROOT.key_id
    )
    assert history.newest.version == 3
    assert history.at(1) is None
    assert (history.at(2).version, history.at(5).version, history.at(9).version) == (1, 2, 3)


def test_clocks_of_workers_order_no_keyring():
    """The second was sealed by a worker whose clock is ahead, the third by one whose clock is behind."""
    one = first()
    two = kr.sign_keyring(kr.add_key(one, signed_sessions.entry(LOG, "server", ("log", "trainer"))), ROOT)
    three = kr.sign_keyring(kr.revoke_key(two, "ana", "2026-03-01T00:00:00Z"), ROOT)
    early, late = "2026-02-28T23:59:30Z", "2026-03-01T00:00:05Z"
    history = checked_history(
        [KeyringVersion(0, T(1), one), KeyringVersion(4, late, two), KeyringVersion(7, early, three)], ROOT.key_id
    )
    assert [history.at(leaf).version for leaf in (4, 5, 7, 8)] == [1, 2, 2, 3]


def test_a_broken_history_names_the_version():
    one = first()
    two = kr.sign_keyring(kr.revoke_key(one, "ana", T(2)), ROOT)
    by_eve = kr.sign_keyring(kr.revoke_key(one, "ana", T(2)), ephemeral_key())
    cases = {
        "keyring 1 of 1": [KeyringVersion(1, T(1), kr.sign_keyring(one, OLGA))],
        r"keyring 2 of 2 \(version 2.*may not follow version 1": [
            KeyringVersion(1, T(1), one),
            KeyringVersion(2, T(2), by_eve),
        ],
        r"keyring 2 of 2 \(version 1.*version 2 is in force": [
            KeyringVersion(1, T(1), two),
            KeyringVersion(2, T(2), one),
        ],
    }
    for text, versions in cases.items():
        with pytest.raises(EvidenceError, match=text):
            checked_history(versions, ROOT.key_id)
    assert checked_history([], ROOT.key_id).newest is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["add", "revoke", "rotate", "root"]), min_size=1, max_size=6))
def test_any_life_of_a_keyring_is_a_history_and_no_version_can_be_left_out_of_its_roots_chain(steps):
    root, keyring, versions, roots = ROOT, first(), [], 0
    versions.append(KeyringVersion(0, "2026-01-01T00:00:00Z", keyring))
    for day, step in enumerate(steps, 2):
        time = f"2026-01-{day:02d}T00:00:00Z"
        if step == "root":
            new = ephemeral_key()
            keyring, root, roots = kr.rotate_root(keyring, root, new, "platform"), new, roots + 1
        else:
            active = [k for k in keyring.keys if not k.revoked and not k.valid_until and "root" not in k.roles]
            if step == "add" or not active:
                changed = kr.add_key(keyring, signed_sessions.entry(ephemeral_key(), f"new{day}"))
            elif step == "revoke":
                changed = kr.revoke_key(keyring, active[0].key_id, time)
            else:
                changed = kr.rotate_key(keyring, active[0].key_id, ephemeral_key().public, time)
            keyring = kr.sign_keyring(changed, root)
        versions.append(KeyringVersion(day, time, keyring))
    history = checked_history(versions, ROOT.key_id)
    assert [v.keyring.version for v in history.versions] == list(range(1, len(steps) + 2))
    if roots and steps[-1] != "root":
        without = [v for v, s in zip(versions[1:], steps, strict=True) if s != "root"]
        with pytest.raises(EvidenceError):
            checked_history([versions[0], *without], ROOT.key_id)
