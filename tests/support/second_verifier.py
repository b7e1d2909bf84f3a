"""A second verifier of bundles: the standard library and `cryptography`, nothing of ours.

It follows docs/evidence-format.md and docs/security.md as a stranger would. `problems(path)` is [] for a whole bundle.
It reads no YAML and renders no page: of a policy it knows the text's digest, and the words that it looks for.
"""

import base64
import hashlib
import json
import re
import zipfile
from datetime import datetime, timedelta

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
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, data, ec.ECDSA(SHA256()))
        else:
            return False
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


def moment(text):
    return datetime.fromisoformat(text)


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def note(raw):
    """(text, origin, size, root, [(name, signature)]) of a signed note."""
    text, _, tail = raw.decode().rpartition("\n\n")
    origin, size, root = text.split("\n")[:3]
    lines = [line.split(" ") for line in tail.strip().split("\n")]
    return text + "\n", origin, int(size), base64.b64decode(root), [(n, base64.b64decode(s)) for _, n, s in lines]


def consistent(old, new, old_root, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if old == new:
        return not proof and old_root == new_root
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not steps:
        return False
    below = above = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            below, above = node(step, below), node(step, above)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            above = node(above, step)
        at, last = at >> 1, last >> 1
    return below == old_root and above == new_root and last == 0


# Workers' clocks may differ by this much.
CLOCKS = timedelta(seconds=60)
CONSENTS = ("approval", "waiver", "revocation", "retirement")
DOCUMENTS = ("model-card", "datasheet")


class Bundle:
    def __init__(self, path, held=(), root=None):
        self.files, self.found, self.held, self.pinned = {}, [], held, root
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename in self.files or ".." in entry.filename or entry.filename.startswith("/"):
                    self.found.append(f"name {entry.filename}")
                self.files[entry.filename] = archive.read(entry)

    def some(self, begin):
        return {n: c for n, c in sorted(self.files.items()) if n.startswith(begin)}

    def check(self):
        self.about = manifest = json.loads(self.files["bundle.json"])
        if canonical(manifest) != self.files["bundle.json"]:
            self.found.append("spelling bundle.json")
        for name in set(manifest["files"]) ^ set(self.files) ^ {"bundle.json"}:
            self.found.append(f"listed {name}")
        for name, digest in manifest["files"].items():
            if sha256(self.files.get(name, b"")) != digest:
                self.found.append(f"digest {name}")
        self.found += [f"missing {name}" for name in manifest["missing"]]
        self.leaves = {int(n[-17:-5]): json.loads(c) for n, c in self.some("ledger/leaves/").items()}
        self.named = {"bundle.json", "ledger/checkpoint.txt"}
        # Views, which it does not render: the page that says how to verify says that they are not covered.
        self.named |= {"index.html", "index.csv", "index.json", "verify.html", *self.some("pages/")}
        self.systems, self.reports = set(), {}
        self.keyrings()
        self.policies()
        self.checkpoint()
        self.inclusion()
        self.beside()
        self.envelopes()
        self.evidence()
        self.keys_and_pages()
        self.found += [f"stray {name}" for name in set(self.files) - self.named]
        return self.found

    def keyrings(self):
        self.versions, self.trusted, root = [], {}, {self.pinned} if self.pinned else None
        for sequence, leaf in sorted(self.leaves.items()):
            if leaf["type"] != "keyring":
                continue
            name = f"ledger/in-force/{leaf['keyring_digest']}.txt"
            self.named.add(name)
            keyring = json.loads(self.files[name])
            unsigned = canonical({k: v for k, v in keyring.items() if k != "signatures"})
            if sha256(unsigned) != leaf["keyring_digest"] or canonical(keyring) != self.files[name]:
                self.found.append(f"keyring {sequence}")
            data = pae("application/vnd.aims-mlflow.keyring+json", unsigned)
            good = {
                s["key_id"]
                for s in keyring["signatures"]
                if key_id(s["pem"].encode()) == s["key_id"]
                and signed(s["pem"].encode(), base64.b64decode(s["sig"]), data)
            }
            if len(good) != len(keyring["signatures"]) or not (good & root if root else good):
                self.found.append(f"root of keyring {sequence}")
            if self.versions and keyring["version"] <= self.versions[-1][2]["version"]:
                self.found.append(f"version of keyring {sequence}")
            own = {k["key_id"] for k in keyring["keys"] if "root" in k["roles"] and "revoked" not in k}
            root = own or {keyring["signatures"][0]["key_id"]}
            self.versions.append((sequence, moment(leaf["time"]), keyring))
            for key in keyring["keys"]:
                if key_id(key["pem"].encode()) != key["key_id"]:
                    self.found.append(f"key {key['key_id']}")
                self.trusted[key["key_id"]] = key

    def may_sign(self, key, roles, signed_at, sequence):
        """Whether a key could act in one of `roles` at a leaf, by the keyring in force there, and was not found out later."""
        newest = self.trusted.get(key)
        if newest is None or ("revoked" in newest and moment(newest["revoked"]) <= moment(signed_at)):
            return False
        for _, _, keyring in [v for v in self.versions if v[0] < sequence][-1:]:
            for entry in keyring["keys"]:
                if (
                    entry["key_id"] == key
                    and set(entry["roles"]) & set(roles)
                    and moment(entry.get("valid_from", signed_at)) <= moment(signed_at)
                    and moment(entry.get("valid_until", signed_at)) >= moment(signed_at)
                    and ("revoked" not in entry or moment(entry["revoked"]) > moment(signed_at))
                ):
                    return True
        return False

    def policies(self):
        self.texts = []
        for sequence, leaf in sorted(self.leaves.items()):
            if leaf["type"] == "policy":
                name = f"ledger/in-force/{leaf['policy_digest']}.txt"
                self.named.add(name)
                if sha256(self.files[name]) != leaf["text_sha256"]:
                    self.found.append(f"policy {sequence}")
                self.texts.append((sequence, leaf["policy_digest"], self.files[name].decode()))
        known = {d for _, d, _ in self.texts}, {leaf.get("keyring_digest") for leaf in self.leaves.values()}
        for sequence, leaf in self.leaves.items():
            if leaf["type"] == "decision" and (
                leaf["policy_digest"] not in known[0] or leaf["keyring_digest"] not in known[1]
            ):
                self.found.append(f"rules of {sequence}")

    def log_signed(self, raw):
        """Whether a key that was the log's, and was not ended or revoked, signed a note."""
        text, origin, size, _, signatures = note(raw)
        below = [leaf["time"] for sequence, leaf in sorted(self.leaves.items()) if sequence < size]
        for key in self.trusted.values():
            fits = any(n == origin and signed(key["pem"].encode(), s[4:], text.encode()) for n, s in signatures)
            time = below[-1] if below else "9998-12-31T00:00:00Z"
            if fits and "log" in key["roles"]:
                ended = "valid_until" in key and moment(key["valid_until"]) + CLOCKS < moment(time)
                gone = "revoked" in key and moment(key["revoked"]) <= moment(time)
                return origin == self.origin and not ended and not gone
        return False

    def checkpoint(self):
        raw = self.files["ledger/checkpoint.txt"]
        _, self.origin, self.size, self.root, _ = note(raw)
        stated = self.about["origin"], self.about["size"], self.about["root"]
        if stated != (self.origin, self.size, self.root.hex()) or not self.log_signed(raw):
            self.found.append("checkpoint")
        whole = self.about["system"] is None and self.about["since"] is None
        if whole and sorted(self.leaves) != list(range(self.size)):
            self.found.append("a leaf of the organisation is missing")
        for name, raw in self.some("ledger/earlier/").items():
            size = int(name[15:27])
            self.named |= {f"ledger/earlier/{size:012d}.txt", f"ledger/earlier/{size:012d}.proof"}
            if name.endswith(".txt"):
                self.earlier(name, raw, note(raw)[2] == size)
            elif name.endswith(".tsr") and f"ledger/earlier/{size:012d}.txt" in self.files:
                self.named.add(name)  # openssl's business
            elif f"ledger/earlier/{size:012d}.txt" not in self.files:
                self.found.append(f"stray {name}")
        for raw in self.held:
            self.earlier("held", raw, True)

    def earlier(self, name, raw, fits):
        _, _, size, root, _ = note(raw)
        proof = self.files.get(f"ledger/earlier/{size:012d}.proof", b"" if size == self.size else b"none").decode()
        try:
            steps = [bytes.fromhex(line) for line in proof.splitlines()]
        except ValueError:
            fits, steps = False, []
        if not fits or not self.log_signed(raw) or not consistent(size, self.size, root, self.root, steps):
            self.found.append(f"earlier {name}")

    def inclusion(self):
        for sequence in self.leaves:
            raw = self.files[f"ledger/leaves/{sequence:012d}.json"]
            self.named |= {f"ledger/{kind}.json" for kind in (f"leaves/{sequence:012d}", f"bodies/{sequence:012d}")}
            self.named.add(f"ledger/proofs/{sequence:012d}.txt")
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
        erased = {leaf.get("sequence") for leaf in self.leaves.values() if leaf["type"] == "erased"}
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
        erased = {leaf.get("erased") for leaf in self.leaves.values() if leaf["type"] == "erased"}
        for sequence, leaf in self.leaves.items():
            refused = leaf["type"] == "decision" and not leaf["allowed"]
            names = [n for lines in leaf.get("sessions", {}).values() for n in lines if n]
            names += [leaf["envelope"]] if "envelope" in leaf else []
            for name in names:
                raw = self.files.get(f"envelopes/{name}.json")
                self.named.add(f"envelopes/{name}.json")
                if raw is None and name in erased:
                    continue
                if raw is None or sha256(raw) != name:
                    self.found.append(f"envelope {name}")
                else:
                    self.record(name, raw, sequence, leaf, refused)
            for lines in leaf.get("sessions", {}).values():
                self.session([n for n in lines if n], refused)

    def roles(self, sequence, leaf):
        """The roles that count: those of the format, and those that the policy's text names."""
        if leaf["type"] == "erased":
            return {"approver", "auditor"}
        if leaf["type"] == "incident":
            return {"approver"}
        text = ([t for at, _, t in self.texts if at < sequence] or [""])[-1]
        if leaf["type"] in CONSENTS:
            return {"approver", *re.findall(r"([a-z][a-z0-9-]*)[\"']?\s*:\s*[0-9]", text)}
        return {"trainer", *re.findall(r"require_reevaluation:\s*[\"']?([a-z][a-z0-9-]*)", text)}

    def record(self, name, raw, sequence, leaf, refused):
        kind, payload, key, signature = envelope(raw)
        entry = self.trusted.get(key)
        if entry is None or not signed(entry["pem"].encode(), signature, pae(kind, payload)):
            self.found += [] if refused else [f"signature {name}"]
            return
        body = json.loads(payload)["predicate"]["aims"]
        if body["key_id"] != key:
            self.found.append(f"key of {name}")
        if leaf["type"] == "erased" and any(body["details"].get(k) != leaf.get(k) for k in ("erased", "sequence")):
            self.found.append(f"erasure {name}")
        relied = name in leaf.get("evidence", ()) or name == leaf.get("envelope")
        if relied and not self.may_sign(key, self.roles(sequence, leaf), leaf["time"], sequence):
            self.found.append(f"who signed {name}")
        self.systems.add(body.get("system"))
        for artifact in body.get("artifacts", ()):
            path = f"evidence/{body['mlflow']['run_id']}/{artifact['path']}"
            self.reports.setdefault(path, set()).add((body["kind"], artifact["sha256"]))

    def evidence(self):
        for path, said in self.reports.items():
            kept = path if path in self.files else f"{path}.txt"
            documents = any(kind in DOCUMENTS for kind, _ in said)
            if kept in self.files:
                self.named.add(kept)
                if {sha256(self.files[kept])} != {digest for _, digest in said}:
                    self.found.append(f"file {path}")
                if self.about["stage"] == "stage1" and not documents:
                    self.found.append(f"report {path}")
            elif self.about["stage"] != "stage1" or documents:
                self.found.append(f"file {path}")
        texts = "".join(text for _, _, text in self.texts)
        if not {self.about["system"]} & {*self.systems, *re.findall(r"\bid:\s*([\w.-]+)", texts)}:
            self.found.append("system")

    def keys_and_pages(self):
        for key in self.trusted.values():
            self.named.add(f"keys/{key['key_id']}.pem")
            if self.files.get(f"keys/{key['key_id']}.pem") != key["pem"].encode():
                self.found.append(f"key file {key['key_id']}")
        for name in list(self.some("evidence/")):
            if name.endswith("/aims/index.html.jsonl"):
                kind, payload, key, signature = envelope(self.files[name])
                page = name.removesuffix(".jsonl")
                page = page if page in self.files else f"{page}.txt"
                self.named |= {name, page}
                body = json.loads(payload)["predicate"]["aims"]
                (artifact,) = body["artifacts"]
                pem = self.trusted[key]["pem"].encode()
                if (
                    not signed(pem, signature, pae(kind, payload))
                    or sha256(self.files[page]) != artifact["sha256"]
                    or body["kind"] != "page"
                    or name != f"evidence/{body['mlflow']['run_id']}/aims/index.html.jsonl"
                ):
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


def problems(path, held=(), root=None):
    """What is wrong with a bundle; `held` are notes that the auditor has, `root` the id of the root key that they know."""
    try:
        return Bundle(path, held, root).check()
    except Exception as exc:
        return [f"unreadable ({type(exc).__name__}: {exc})"]
