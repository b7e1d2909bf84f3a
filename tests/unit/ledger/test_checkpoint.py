"""Checkpoints: known answers of the format's own documents, a strict parser, and openssl as a second opinion."""

import base64
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from aims_mlflow.errors import EvidenceError, KeyUnavailable
from aims_mlflow.ledger import checkpoint, merkle
from aims_mlflow.signing.keys import PublicKey, SigningKey, ephemeral_key

# The example of golang.org/x/mod/sumdb/note, where the format comes from.
GO_PRIVATE = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of c2sp.org/signed-note, "Verifier keys".
SPEC_VERIFIER = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The example of c2sp.org/tlog-checkpoint.
SPEC_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
ROOT = merkle.leaf_hash(b"x")


def public_of(verifier):
    raw = base64.b64decode(verifier.split("+", 2)[2])[1:]
    key = Ed25519PublicKey.from_public_bytes(raw)
    return PublicKey.from_pem(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def private_of(private):
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey.from_pem(pem, "test")


def signed_note(text, name, key):
    signature = checkpoint.NoteSignature(name, checkpoint.key_hint(name, key.public), key.sign(text.encode()))
    return checkpoint.Note(text, (signature,))


def test_gos_key_signs_gos_note_byte_for_byte():
    key = private_of(Ed25519PrivateKey.from_private_bytes(base64.b64decode(GO_PRIVATE)[1:]))
    assert signed_note(GO_TEXT, "PeterNeumann", key).encode() == GO_NOTE
    assert checkpoint.key_hint("PeterNeumann", key.public).hex() == GO_VERIFIER.split("+")[1]


@pytest.mark.parametrize(("note", "verifier"), [(GO_NOTE, GO_VERIFIER), (SPEC_NOTE, SPEC_VERIFIER)])
def test_foreign_notes_verify(note, verifier):
    name, key = verifier.split("+", 1)[0], public_of(verifier)
    parsed = checkpoint.parse_note(note.encode(), "note")
    assert parsed.encode() == note
    assert parsed.signed_by(name, key)
    assert not parsed.signed_by(name, ephemeral_key().public)
    changed = checkpoint.parse_note(note.replace("a", "e", 1).encode(), "note")
    if changed.signatures == parsed.signatures:
        with pytest.raises(EvidenceError, match="does not fit the note's text"):
            changed.signed_by(name, key)


def test_the_specifications_checkpoint_is_read():
    parsed = checkpoint.parse(SPEC_CHECKPOINT.encode(), "checkpoint")
    assert (parsed.origin, parsed.size) == ("example.com/behind-the-sofa", 20852163)
    assert parsed.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert parsed.text == SPEC_CHECKPOINT


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_checkpoint_is_its_log_keys_word(kind):
    key = ephemeral_key() if kind == "ed25519" else private_of(ec.generate_private_key(ec.SECP256R1()))
    made = checkpoint.sign("ai.example.org/ledger", 12, ROOT, key)
    read = checkpoint.parse(made.text.encode(), "checkpoint")
    assert read == made
    assert read.verify([ephemeral_key().public, key.public]) == key.public
    with pytest.raises(EvidenceError, match="not signed by a log key"):
        read.verify([ephemeral_key().public])
    with pytest.raises(EvidenceError, match="none is known"):
        read.verify([])
    forged = made.text.replace("\n12\n", "\n13\n").encode()
    with pytest.raises(EvidenceError, match="does not fit"):
        checkpoint.parse(forged, "checkpoint").verify([key.public])
    renamed = made.text.replace("ai.example.org/ledger\n12", "other.example.org/ledger\n12").encode()
    with pytest.raises(EvidenceError, match="not signed by a log key"):
        checkpoint.parse(renamed, "checkpoint").verify([key.public])


def test_signatures_of_witnesses_may_stand_beside():
    log, witness = ephemeral_key(), ephemeral_key()
    made = checkpoint.sign("ai.example.org/ledger", 12, ROOT, log)
    beside = signed_note(made.note.text, "witness.example.org", witness)
    both = made.text + beside.signatures[0].line()
    read = checkpoint.parse(both.encode(), "checkpoint")
    assert read.verify([log.public]) == log.public
    assert read.note.signed_by("witness.example.org", witness.public)
    assert read.text == both


GOOD = checkpoint.sign("ai.example.org/ledger", 12, ROOT, ephemeral_key()).text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a signed note"),
        (GOOD[:-1], "not a signed note"),
        (GOOD.replace("\n\n", "\n"), "not a signed note"),
        (GOOD.replace("\n12\n", "\n012\n"), "size is not a number"),
        (GOOD.replace("\n12\n", "\n+12\n"), "size is not a number"),
        (GOOD.replace("\n12\n", "\n\u0661\u0662\n"), "size is not a number"),
        (GOOD.replace("\n12\n", f"\n{'9' * 5000}\n"), "size is not a number"),
        (GOOD.replace("\n12\n", "\n12\r\n"), "control characters"),
        (GOOD.replace("—", "-"), "signature line"),
        (GOOD.replace("— ai", "—  ai"), "signature line"),
        (GOOD.replace("— ai", "— a+i"), "signature line"),
        (GOOD.replace("=\n\n", "\n\n"), "base64"),
        (GOOD.replace("\n12\n", "\n12\nAAAA\n"), "not a sha256"),
        (GOOD.replace("\n12\n", "\n"), "not a checkpoint"),
        ("a\n1\n\n" + GOOD.split("\n\n")[1], "not a checkpoint"),
        (GOOD + GOOD.split("\n\n")[1] * 16, "more than 16 signatures"),
        ("x\n" * 40_000 + GOOD, "larger than 64 KiB"),
        (GOOD + "— x AAAA\n", "too short"),
        (GOOD + "— x AAAAAAAB==\n", "base64"),
        (GOOD.replace("ai.example.org/ledger\n12", "ai.\n\nexample\n12"), "not a checkpoint"),
    ],
)
def test_a_checkpoint_has_one_spelling(text, why):
    with pytest.raises(EvidenceError, match=why) as caught:
        checkpoint.parse(text.encode(), "the file")
    assert caught.value.where == "the file"


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(EvidenceError, match="not UTF-8"):
        checkpoint.parse(b"\xff\xfe" + GOOD.encode(), "x")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "x" * 300, "a\u2003b"])
def test_a_log_has_a_name_that_notes_can_bear(name):
    with pytest.raises(EvidenceError, match="cannot be named"):
        checkpoint.sign(name, 1, ROOT, ephemeral_key())


def test_rsa_keys_cannot_sign_notes():
    from cryptography.hazmat.primitives.asymmetric import rsa

    with pytest.raises(KeyUnavailable, match="Ed25519 or ECDSA"):
        checkpoint.sign("a", 1, ROOT, private_of(rsa.generate_private_key(65537, 2048)))


def test_openssl_verifies_a_checkpoint(tmp_path):
    """Signature and text cut out with the shell's own means, as the bundle's page says."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key = ephemeral_key()
    made = checkpoint.sign("ai.example.org/ledger", 12, ROOT, key)
    (tmp_path / "checkpoint").write_text(made.text)
    (tmp_path / "log.pub.pem").write_text(key.public.pem)
    script = """
    sed '/^$/,$d' checkpoint > text
    sed -n 's/^— [^ ]* //p' checkpoint | openssl base64 -d -A | tail -c +5 > sig
    openssl pkeyutl -verify -pubin -inkey log.pub.pem -rawin -in text -sigfile sig
    """
    run = lambda: subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: E731
    assert "Signature Verified Successfully" in run().stdout
    (tmp_path / "checkpoint").write_text(made.text.replace("\n12\n", "\n13\n"))
    assert run().returncode != 0
