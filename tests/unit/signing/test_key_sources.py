"""Where keys come from: password-protected files, and the services that keep them, for real or as real peers."""

import base64
import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from aims_mlflow import settings
from aims_mlflow.errors import KeyUnavailable
from aims_mlflow.signing import dsse, key_sources, keys, remote_keys


def signs(key):
    """The key signs an envelope and plain bytes, and its public half verifies both."""
    envelope = dsse.sign(b"{}", key)
    assert envelope.key_id == key.key_id
    envelope.verify(keys.PublicKey.from_pem(key.public.pem))
    assert key.public.verifies(key.sign(b"data"), b"data")
    assert not key.public.verifies(key.sign(b"data"), b"other")
    return True


def test_a_protected_file_opens_with_its_password_alone(tmp_path, monkeypatch):
    made = keys.write_new_key(tmp_path / "k.pem", "correct horse")
    assert b"ENCRYPTED PRIVATE KEY" in (tmp_path / "k.pem").read_bytes()
    uri = f"file:{tmp_path}/k.pem"
    with pytest.raises(keys.MissingPassword, match="AIMS_SIGNING_KEY_PASSWORD"):
        key_sources.load_key(uri)
    with pytest.raises(KeyUnavailable, match="AIMS_LOG_KEY_PASSWORD"):
        key_sources.load_key(uri, settings.LOG_KEY)
    asked = []
    assert key_sources.load_key(uri, ask=lambda what: asked.append(what) or "correct horse").key_id == made.key_id
    assert asked == [f"{tmp_path}/k.pem"]
    with pytest.raises(KeyUnavailable, match="does not open the key"):
        key_sources.load_key(uri, ask=lambda _: "wrong")
    monkeypatch.setenv("AIMS_SIGNING_KEY_PASSWORD", "correct horse")
    assert key_sources.load_key(uri).key_id == made.key_id
    monkeypatch.setenv("AIMS_SIGNING_KEY", uri)
    assert signs(key_sources.signing_key())
    monkeypatch.setenv("PEM", (tmp_path / "k.pem").read_text())
    assert key_sources.load_key("env:PEM").key_id == made.key_id


@pytest.mark.parametrize(
    "options",
    [["ED25519"], ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]],
    ids=lambda o: o[0],
)
def test_files_that_openssl_made_are_read(tmp_path, options, monkeypatch):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path / "k.pem"
    command = ["openssl", "genpkey", "-algorithm", *options, "-aes256", "-pass", "pass:secret", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("AIMS_SIGNING_KEY_PASSWORD", "secret")
    assert signs(key_sources.load_key(f"file:{path}"))


def test_keys_that_cannot_sign_records_are_refused(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    private, public = tmp_path / "x.pem", tmp_path / "x.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    with pytest.raises(KeyUnavailable, match="not a key that signs records"):
        key_sources.load_key(f"file:{private}")
    with pytest.raises(keys.EvidenceError, match="not a key that signs records"):
        keys.PublicKey.from_pem(public.read_text())


@pytest.mark.parametrize(
    ("uri", "module", "name"),
    [
        ("awskms:alias/x", "_aws_signer", "AWS_IMPORT_ERROR"),
        ("gcpkms:projects/p", "_gcp_signer", "GCP_IMPORT_ERROR"),
        ("azurekms://v.vault.azure.net/keys/k", "_azure_signer", "AZURE_IMPORT_ERROR"),
        ("hv:k", "_vault_signer", "VAULT_IMPORT_ERROR"),
        ("hsm:2", "_hsm_signer", "PKCS11_IMPORT_ERROR"),
    ],
)
def test_a_missing_extra_is_named(uri, module, name, monkeypatch):
    import importlib

    monkeypatch.setattr(importlib.import_module(f"securesystemslib.signer.{module}"), name, "not here")
    extra = remote_keys.SERVICES[uri.partition(":")[0]].extra
    with pytest.raises(KeyUnavailable, match=rf"pip install '\.\[{extra}\]' in the checkout"):
        key_sources.load_key(uri)


@pytest.fixture
def aws(monkeypatch):
    moto = pytest.importorskip("moto", reason="moto is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with moto.mock_aws():
        yield


def test_a_key_in_aws_kms_signs(aws, monkeypatch):
    import boto3
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256
    from moto.kms.utils import ECDSAPrivateKey

    # moto hashes the digest again ("MessageType DIGEST is not yet implemented"); AWS does not.
    prehashed = ec.ECDSA(utils.Prehashed(SHA256()))
    monkeypatch.setattr(ECDSAPrivateKey, "sign", lambda self, message, _: self.private_key.sign(message, prehashed))
    client = boto3.client("kms")
    key = client.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]
    client.create_alias(AliasName="alias/aims-log", TargetKeyId=key["KeyId"])
    found = key_sources.load_key("awskms:alias/aims-log")
    der = client.get_public_key(KeyId=key["KeyId"])["PublicKey"]
    assert found.key_id == keys.sha256_hex(der)
    assert signs(found)


def test_a_service_that_refuses_is_said_in_one_sentence(aws):
    with pytest.raises(KeyUnavailable, match="AWS KMS did not give the key") as caught:
        key_sources.load_key("awskms:alias/none")
    assert "awskms:alias/aims-log" in caught.value.next
    assert "\n" not in caught.value.sentence()


def test_a_key_that_is_gone_does_not_sign(aws):
    import boto3

    client = boto3.client("kms")
    key_id = client.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
    found = key_sources.load_key(f"awskms:{key_id}")
    signer: Any = found._signer
    signer.client.sign = lambda **_: (_ for _ in ()).throw(RuntimeError("down"))
    with pytest.raises(KeyUnavailable, match="the key did not sign"):
        found.sign(b"data")


@pytest.fixture
def hsm(tmp_path, monkeypatch):
    """SoftHSM with an ECDSA key 2 on a token."""
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    library = Path("/usr/lib/softhsm/libsofthsm2.so")
    if not library.exists():
        pytest.skip("SoftHSM is not installed")
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.setenv("PYKCS11LIB", str(library))
    command = ["softhsm2-util", "--init-token", "--free", "--label", "aims", "--pin", "1234", "--so-pin", "1234"]
    subprocess.run(command, check=True, capture_output=True, env=dict(os.environ))
    token_library = pkcs11.lib(str(library))
    token_library.reinitialize()
    with token_library.get_token(token_label="aims").open(rw=True, user_pin="1234") as session:
        curve = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        readable = {pkcs11.Attribute.PRIVATE: False}
        curve.generate_keypair(store=True, id=bytes([2]), label="k", public_template=readable)
    return "hsm:2?label=aims"


def test_a_key_in_an_hsm_signs_with_its_pin(hsm, monkeypatch):
    found = key_sources.load_key(hsm, settings.LOG_KEY)
    with pytest.raises(KeyUnavailable, match="AIMS_LOG_KEY_PASSWORD"):
        found.sign(b"data")
    assert signs(key_sources.load_key(hsm, ask=lambda _: "1234"))
    monkeypatch.setenv("AIMS_LOG_KEY_PASSWORD", "1234")
    assert signs(key_sources.load_key(hsm, settings.LOG_KEY))


class Transit(http.server.BaseHTTPRequestHandler):
    """The two calls of Vault's transit engine, with a real key behind them."""

    key: Any = None

    def _answer(self, data):
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._answer({"keys": {"1": {"public_key": base64.b64encode(raw).decode()}}})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        made = self.key.sign(base64.b64decode(asked["input"]))
        self._answer({"signature": "vault:v1:" + base64.b64encode(made).decode()})

    do_PUT = do_POST

    def log_message(self, *_):
        pass


def test_a_key_in_vault_signs(monkeypatch):
    pytest.importorskip("hvac", reason="hvac is not installed")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    monkeypatch.setattr(Transit, "key", Ed25519PrivateKey.generate())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Transit)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("VAULT_TOKEN", "t")
    try:
        assert signs(key_sources.load_key("hv:aims"))
        assert key_sources.load_key("hv:aims/1").key_id == key_sources.load_key("hv:aims").key_id
        with pytest.raises(KeyUnavailable, match="newest version is hv:aims/1"):
            key_sources.load_key("hv:aims/7")
    finally:
        server.shutdown()


def test_why_sigstore_has_no_key_here_is_said():
    for uri in ("sigstore:", "sigstore:?ambient=false"):
        with pytest.raises(KeyUnavailable, match="no lasting key that a keyring could name or revoke"):
            key_sources.load_key(uri)
