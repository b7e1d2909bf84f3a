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
from aims_mlflow.signing.keys import PublicKey, ephemeral_key, public_half, write_new_key
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


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        pytest.param(
            "5b207668329915475db3d31d6f2432aaf9904d2ec8c7d4e999b046a8e99c8a54",
            "c9364343bb757803de2d46710adbf41e995ed2df88c8d759fcf70b736baa1ff4"
            "4eac5983e1a6efced813adf27a75399ec41654930043a427ff826796e2308402",
            id="as signed",
        ),
        pytest.param(
            "5b207668329915475db3d31d6f2432aaf9904d2ec8c7d4e999b046a8e99c8a54",
            "c9364343bb757803de2d46710adbf41e995ed2df88c8d759fcf70b736baa1ff4"
            "3b804fe0fb090227afb0a495596f18b3c41654930043a427ff826796e2308412",
            id="a scalar that is not reduced",
        ),
        pytest.param(
            "5b207668329915475db3d31d6f2432aaf9904d2ec8c7d4e999b046a8e99c8a54",
            "ab52d96cb505257a42c16a10694a34bc40a056ebe57911dabd4e4afb9eff0113"
            "e2f1476de710e4330c36039878f0e60aa3fa0a7fb97f417fccf006fe8412c80c",
            id="a point of order 8 in R",
        ),
        pytest.param(
            "3a2afb607db3648431f3edd81a292fb028f31781a17be94f5ac6aecdcdd89cbb",
            "ecee598a1e22a437025e78639f9a8e2307efe3247d221fbf05b771e3d788d87f"
            "a899f47e2129885402e834829100641e41e583b27ccaa39e37545582f7d6fd00",
            id="a point of order 8 in the key, left",
        ),
        pytest.param(
            "3a2afb607db3648431f3edd81a292fb028f31781a17be94f5ac6aecdcdd89cbb",
            "4afd78c5bdbe27b075c1bcfa33bc2859ba1fd32dec1eb2322d32b770cd175c7e"
            "190a80f4671c7a16236b99502d14b16669715ae8e563c8dc77d19c357fd44b0f",
            id="a point of order 8 in the key, cancelled",
        ),
        pytest.param(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "b862409fb5c4c4123df2abf7462b88f041ad36dd6864ce872fd5472be363c5b1"
            "0700000000000000000000000000000000000000000000000000000000000000",
            id="a key of small order",
        ),
    ],
)
def test_a_signature_that_libraries_of_ed25519_disagree_about_gets_openssls_verdict(key, signature):
    """Points of order 8 in key and signature of b"hello": a library that multiplies by the cofactor accepts them.

    The signer alone can make these, so that a record would verify here and not with an auditor's own tools.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    try:
        public.verify(bytes.fromhex(signature), b"hello")
        accepted = True
    except InvalidSignature:
        accepted = False
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert PublicKey.from_pem(pem).verifies(bytes.fromhex(signature), b"hello") is accepted
