"""Keys from files and variables, and a keyring signed by its root."""

import base64
import hashlib
import stat

import pytest

from aims_mlflow.errors import ConfigError, EvidenceError, KeyUnavailable
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.settings import signing_key_path
from aims_mlflow.signing.key_sources import load_key, signing_key
from aims_mlflow.signing.keyring import add_key, load_keyring, sign_keyring, write_keyring
from aims_mlflow.signing.keys import ephemeral_key, public_half, write_new_key
from support import signed_sessions


def test_keys_come_from_files_and_variables_and_never_silently(tmp_path, monkeypatch, own_home):
    key = write_new_key(tmp_path / "k.pem")
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    der = base64.b64decode("".join(key.public.pem.splitlines()[1:-1]))
    assert key.key_id == hashlib.sha256(der).hexdigest()
    with pytest.raises(KeyUnavailable, match="exists"):
        write_new_key(tmp_path / "k.pem")
    monkeypatch.setenv("PEM", (tmp_path / "k.pem").read_text())
    assert load_key("env:PEM").key_id == load_key(f"file:{tmp_path}/k.pem").key_id == key.key_id
    for bad, text in (
        ("env:NONE", "not set"),
        (f"file:{tmp_path}/none", "cannot be read"),
        ("carrier-pigeon:x", "not known here"),
    ):
        with pytest.raises(KeyUnavailable, match=text):
            load_key(bad)
    monkeypatch.setenv("AIMS_SIGNING_KEY", (tmp_path / "k.pem").read_text())
    with pytest.raises(KeyUnavailable, match="holds a key itself"):
        signing_key()
    monkeypatch.delenv("AIMS_SIGNING_KEY")
    said = []
    made = signing_key(said.append)
    assert "aims keys export" in said[0]
    public = public_half(signing_key_path())
    assert str(public) in said[0], "the file to hand on lies beside the key"
    assert "PUBLIC KEY" in public.read_text()
    assert signing_key(said.append).key_id == made.key_id
    assert len(said) == 1
    monkeypatch.delenv("AIMS_HOME")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(KeyUnavailable, match="AIMS_SIGNING_KEY"):
        signing_key()


def test_a_keyring_is_its_roots_word(tmp_path):
    root, trainer = ephemeral_key(), ephemeral_key()
    path = tmp_path / "keyring.yaml"
    keyring = sign_keyring(add_key(Keyring(version=1), signed_sessions.entry(trainer)), root)
    write_keyring(path, keyring)
    assert load_keyring(path).find(trainer.key_id).owner == "ana"
    assert load_keyring(path, root.key_id).version == 2
    with pytest.raises(EvidenceError, match="not signed by the root key"):
        load_keyring(path, ephemeral_key().key_id)
    with pytest.raises(ConfigError, match="already has this key"):
        add_key(keyring, signed_sessions.entry(trainer))
    text = path.read_text()
    path.write_text(text.replace("owner: ana", "owner: eve"))
    with pytest.raises(EvidenceError, match="changed after the root signed it"):
        load_keyring(path)
    path.write_text(text.replace("- trainer", "- trainer\n  - approver"))
    with pytest.raises(EvidenceError, match="changed after the root signed it"):
        load_keyring(path)
    path.write_text(text + "extra: 1\n")
    with pytest.raises(ConfigError, match=r"keyring\.yaml:\d+: unknown key 'extra'"):
        load_keyring(path)


def test_what_libsodium_accepts_and_refuses_openssl_does_too():
    """Bits flipped, a number that is not reduced, points of small order, other lengths: one verdict by either library."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key, data = ephemeral_key(), b"what was signed"
    good = key.sign(data)
    order = 2**252 + 27742317777372353535851937790883648493
    unreduced = good[:32] + (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
    flipped = [
        bytes(b ^ (1 << bit if at == i else 0) for i, b in enumerate(good)) for at in (0, 31, 32, 63) for bit in (0, 7)
    ]
    identity = b"\x01" + bytes(31)
    for signature in (good, unreduced, *flipped, good[:-1], good + b"\0", b"", bytes(64), identity + bytes(32)):
        try:
            Ed25519PublicKey.from_public_bytes(key.public.raw_ed25519).verify(signature, data)
            accepted = True
        except InvalidSignature:
            accepted = False
        assert key.public.verifies(signature, data) is accepted
        assert accepted is (signature == good)
