"""A second verifier of bundles: the standard library and `cryptography`, nothing of ours.

It follows docs/evidence-format.md and docs/security.md as a stranger would. `problems(path)` is [] for a whole bundle.
"""

import base64
import hashlib
import json
import zipfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def canonical(value):
    """RFC 8785, for values without floats and with keys of the basic plane."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def key_id(pem):
    public = load_pem_public_key(pem)
    return sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def signed(pem, signature, data):
    public = load_pem_public_key(pem)
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, data)
        else:
            public.verify(signature, data, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def pae(kind, payload):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def envelope(raw):
    data = json.loads(raw)
    (signature,) = data["signatures"]
    payload = base64.b64decode(data["payload"])
    return data["payloadType"], payload, signature["keyid"], base64.b64decode(signature["sig"])


class Bundle:
    def __init__(self, path):
        self.files, self.found = {}, []
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename in self.files or ".." in entry.filename or entry.filename.startswith("/"):
                    self.found.append(f"name {entry.filename}")
                self.files[entry.filename] = archive.read(entry)

    def some(self, begin):
        return {n: c for n, c in sorted(self.files.items()) if n.startswith(begin)}

    def check(self):
        manifest = json.loads(self.files["bundle.json"])
        for name in set(manifest["files"]) ^ set(self.files) ^ {"bundle.json"}:
            self.found.append(f"listed {name}")
        for name, digest in manifest["files"].items():
            if sha256(self.files.get(name, b"")) != digest:
                self.found.append(f"digest {name}")
        self.leaves = {int(n[-17:-5]): json.loads(c) for n, c in self.some("ledger/leaves/").items()}
        self.keyrings()
        self.checkpoint()
        self.inclusion()
        self.beside()
        self.named = {"bundle.json", "index.html", "verify.html", "ledger/checkpoint.txt"}
        self.envelopes()
        self.keys_and_pages()
        for name in set(self.files) - self.named:
            if not name.startswith(("ledger/", "envelopes/")):
                self.found.append(f"stray {name}")
        return self.found

    def keyrings(self):
        self.trusted, root = {}, None
        for sequence, leaf in sorted(self.leaves.items()):
            if leaf["type"] != "keyring":
                continue
            keyring = json.loads(self.files[f"ledger/in-force/{leaf['keyring_digest']}.txt"])
            unsigned = canonical({k: v for k, v in keyring.items() if k != "signatures"})
            if sha256(unsigned) != leaf["keyring_digest"]:
                self.found.append(f"keyring {sequence}")
            data = pae("application/vnd.aims-mlflow.keyring+json", unsigned)
            good = {
                s["key_id"]
                for s in keyring["signatures"]
                if key_id(s["pem"].encode()) == s["key_id"]
                and signed(s["pem"].encode(), base64.b64decode(s["sig"]), data)
            }
            if not (good & root if root else good):
                self.found.append(f"root of keyring {sequence}")
            own = {k["key_id"] for k in keyring["keys"] if "root" in k["roles"]}
            root = own or {keyring["signatures"][0]["key_id"]}
            for key in keyring["keys"]:
                if key_id(key["pem"].encode()) != key["key_id"]:
                    self.found.append(f"key {key['key_id']}")
                self.trusted[key["key_id"]] = key

    def checkpoint(self):
        text, _, tail = self.files["ledger/checkpoint.txt"].decode().rpartition("\n\n")
        origin, size, root = text.split("\n")[:3]
        self.size, self.root = int(size), base64.b64decode(root)
        _, name, encoded = tail.strip().split(" ")
        raw = base64.b64decode(encoded)
        logs = [k for k in self.trusted.values() if "log" in k["roles"]]
        if name != origin or not any(signed(k["pem"].encode(), raw[4:], (text + "\n").encode()) for k in logs):
            self.found.append("checkpoint")

    def inclusion(self):
        for sequence in self.leaves:
            raw = self.files[f"ledger/leaves/{sequence:012d}.json"]
            at, last = sequence, self.size - 1
            value = hashlib.sha256(b"\0" + raw).digest()
            for line in self.files[f"ledger/proofs/{sequence:012d}.txt"].decode().splitlines():
                step = bytes.fromhex(line.split(" ")[1])
                if at & 1 or at == last:
                    value = hashlib.sha256(b"\1" + step + value).digest()
                    while not at & 1 and at:
                        at, last = at >> 1, last >> 1
                else:
                    value = hashlib.sha256(b"\1" + value + step).digest()
                at, last = at >> 1, last >> 1
            if last != 0 or value != self.root:
                self.found.append(f"inclusion {sequence}")

    def beside(self):
        erased = {leaf["sequence"] for leaf in self.leaves.values() if leaf["type"] == "erased"}
        for sequence, leaf in self.leaves.items():
            raw = self.files.get(f"ledger/bodies/{sequence:012d}.json")
            if raw is None:
                if sequence not in erased:
                    self.found.append(f"no body {sequence}")
                continue
            body = json.loads(raw)
            if sha256(bytes.fromhex(body["salt"]) + base64.b64decode(body["body"])) != leaf["commitment"]:
                self.found.append(f"body {sequence}")
            if (
                leaf["type"] == "outcome"
                and leaf["of"] == "decision"
                and leaf["done"]
                and not any(
                    d["type"] == "decision" and d["request"] == leaf["request"] and d["allowed"]
                    for d in self.leaves.values()
                )
            ):
                self.found.append(f"outcome {sequence}")

    def envelopes(self):
        for leaf in self.leaves.values():
            refused = leaf["type"] == "decision" and not leaf["allowed"]
            names = [n for lines in leaf.get("sessions", {}).values() for n in lines if n]
            names += [leaf["envelope"]] if "envelope" in leaf else []
            for name in names:
                raw = self.files.get(f"envelopes/{name}.json")
                if raw is None or sha256(raw) != name:
                    self.found.append(f"envelope {name}")
                else:
                    self.record(name, raw, refused)
            for lines in leaf.get("sessions", {}).values():
                self.session([n for n in lines if n], refused)

    def record(self, name, raw, refused):
        kind, payload, key, signature = envelope(raw)
        entry = self.trusted.get(key)
        if entry is None or not signed(entry["pem"].encode(), signature, pae(kind, payload)):
            self.found += [] if refused else [f"signature {name}"]
            return
        body = json.loads(payload)["predicate"]["aims"]
        if body["key_id"] != key:
            self.found.append(f"key of {name}")
        for artifact in body.get("artifacts", ()):
            path = f"evidence/{body['mlflow']['run_id']}/{artifact['path']}"
            content = self.files.get(path, self.files.get(f"{path}.txt"))
            self.named |= {path, f"{path}.txt"}
            if content is None or sha256(content) != artifact["sha256"]:
                self.found.append(f"file {path}")

    def keys_and_pages(self):
        for key in self.trusted.values():
            self.named.add(f"keys/{key['key_id']}.pem")
            if self.files.get(f"keys/{key['key_id']}.pem") != key["pem"].encode():
                self.found.append(f"key file {key['key_id']}")
        for name in list(self.some("evidence/")):
            if name.endswith("/aims/index.html.jsonl"):
                kind, payload, key, signature = envelope(self.files[name])
                page = name.removesuffix(".jsonl")
                self.named |= {name, page}
                (artifact,) = json.loads(payload)["predicate"]["aims"]["artifacts"]
                pem = self.trusted[key]["pem"].encode()
                if not signed(pem, signature, pae(kind, payload)) or sha256(self.files[page]) != artifact["sha256"]:
                    self.found.append(f"page {page}")

    def session(self, names, refused):
        if refused:
            return
        previous = None
        for number, name in enumerate(names):
            raw = self.files.get(f"envelopes/{name}.json")
            if raw is None:
                return
            statement = json.loads(envelope(raw)[1])
            body = statement["predicate"]["aims"]
            if body.get("sequence") != number or body.get("previous") != previous:
                self.found.append(f"order {name}")
            previous = name
        if body["kind"] != "session" or [s["digest"]["sha256"] for s in statement["subject"]] != names[:-1]:
            self.found.append(f"manifest {names[-1:]}")


def problems(path):
    try:
        return Bundle(path).check()
    except Exception as exc:
        return [f"unreadable ({type(exc).__name__}: {exc})"]
