"""Ways to change a bundle, by someone who makes its manifest and pages fit: (what, step, what is said, how, --since)."""

import json

from aims_mlflow.ledger import checkpoint
from aims_mlflow.signing.keys import ephemeral_key
from support import second_verifier
from support.tampering.thief import flip


def some(files, begin, end=""):
    return sorted(n for n in files if n.startswith(begin) and n.endswith(end))


def leaf(files, kind, **fields):
    for name in some(files, "ledger/leaves/"):
        content = json.loads(files[name])
        if content["type"] == kind and all(content.get(k) == v for k, v in fields.items()):
            return name, content
    raise LookupError(kind)


def change_leaf(files):
    name, content = leaf(files, "decision", allowed=False)
    files[name] = second_verifier.canonical({**content, "allowed": True})


def junk_leaf(files):
    files[some(files, "ledger/leaves/")[2]] = b"{}"


def drop_decision(files):
    name, _ = leaf(files, "decision", allowed=True)
    number = name.rpartition("/")[2].partition(".")[0]
    for gone in (name, f"ledger/proofs/{number}.txt", f"ledger/bodies/{number}.json"):
        del files[gone]


def change_proof(files):
    name = some(files, "ledger/proofs/")[2]
    files[name] = files[name].rstrip(b"\n").rpartition(b"\n")[0] + b"\n"


def change_step(files):
    name = some(files, "ledger/proofs/")[2]
    files[name] = files[name][:-5] + (b"0" if files[name][-5:-4] != b"0" else b"1") + files[name][-4:]


def change_body(files):
    name, _ = leaf(files, "approval")
    path = name.replace("leaves", "bodies")
    body = json.loads(files[path])
    files[path] = second_verifier.canonical({**body, "salt": "0" * 64})


def drop_body(files):
    del files[some(files, "ledger/bodies/")[2]]


def relied(files):
    _, content = leaf(files, "decision", allowed=True)
    return f"envelopes/{content['evidence'][0]}.json"


def change_envelope(files):
    files[relied(files)] = flip(files[relied(files)])


def drop_envelope(files):
    del files[relied(files)]


def change_report(files):
    files[some(files, "evidence/", "fairness.html")[0]] += b"<p>all is well</p>"


def drop_report(files):
    del files[some(files, "evidence/", "performance.html")[0]]


def resign(files, key, **fields):
    head = checkpoint.parse(files["ledger/checkpoint.txt"], "c")
    made = checkpoint.sign(fields.get("origin", head.origin), head.size, fields.get("root", head.root), key)
    files["ledger/checkpoint.txt"] = made.text.encode()


def change_root(files):
    head = checkpoint.parse(files["ledger/checkpoint.txt"], "c")
    text = files["ledger/checkpoint.txt"].decode().split("\n")
    text[1] = str(head.size + 1)
    files["ledger/checkpoint.txt"] = "\n".join(text).encode()


def keyring_name(files):
    _, content = leaf(files, "keyring")
    return f"ledger/in-force/{content['keyring_digest']}.txt"


def add_key(files):
    keyring = json.loads(files[keyring_name(files)])
    mine = ephemeral_key()
    keyring["keys"].append({"key_id": mine.key_id, "owner": "me", "roles": ["log", "trainer"], "pem": mine.public.pem})
    files[keyring_name(files)] = second_verifier.canonical(keyring)
    resign(files, mine)


def change_policy(files):
    _, content = leaf(files, "policy")
    name = f"ledger/in-force/{content['policy_digest']}.txt"
    files[name] = files[name].replace(b"0.8", b"0.1")


def change_earlier(files):
    name = some(files, "ledger/earlier/", ".proof")[0]
    files[name] = b"0" * 64 + files[name][64:]


def drop_earlier(files):
    for name in some(files, "ledger/earlier/"):
        del files[name]


def change_key(files):
    files[some(files, "keys/")[0]] = ephemeral_key().public.pem.encode()


def change_page(files):
    name = some(files, "evidence/", "aims/index.html")[0]
    files[name] = files[name].replace(b"missing", b"met")


def add_file(files):
    run = some(files, "evidence/", "aims/index.html")[0].split("/")[1]
    files[f"evidence/{run}/aims/impact_assessment.md"] = b"All is well."


def manifest(files, **fields):
    files["bundle.json"] = second_verifier.canonical({**json.loads(files["bundle.json"]), **fields})


def comment_policy(files):
    _, content = leaf(files, "policy")
    files[f"ledger/in-force/{content['policy_digest']}.txt"] += b"# The auditor may skip this.\n"


def add_beside(files):
    files[some(files, "evidence/", "fairness.html")[0] + ".txt"] = b"all is well"


def add_earlier(files):
    files["ledger/earlier/000000000002.txt"] = b"all is well"


def add_proof(files):
    files["ledger/earlier/000000000003.proof"] = b"all is well"


def exchange_earlier(files):
    """The log's own note, under the size of another one."""
    files["ledger/earlier/000000000002.txt"] = files[some(files, "ledger/earlier/", ".txt")[0]]
    files["ledger/earlier/000000000002.proof"] = files[some(files, "ledger/earlier/", ".proof")[0]]


def exchange_page(files):
    """One run's page with its seal, in the place of another run's."""
    one, other = some(files, "evidence/", "aims/index.html")
    files[other], files[f"{other}.jsonl"] = files[one], files[f"{one}.jsonl"]


def add_envelope(files):
    raw = files[some(files, "envelopes/")[0]] + b" "
    files[f"envelopes/{second_verifier.sha256(raw)}.json"] = raw


CASES = [
    ("a leaf is changed", "inclusion", "it does not stand below the checkpoint", change_leaf, False),
    ("a leaf is made something that is no leaf", "completeness", "not a leaf of this format", junk_leaf, False),
    ("an allowing decision is taken out, with its proof", "completeness", "no allowing decision stands before", drop_decision, False),
    ("a proof is shortened", "inclusion", "it does not stand below the checkpoint", change_proof, False),
    ("a step of a proof is changed", "inclusion", "it does not stand below the checkpoint", change_step, False),
    ("a body is changed", "completeness", "its body does not fit the commitment", change_body, False),
    ("a body is taken out", "completeness", "no erasure is recorded", drop_body, False),
    ("an envelope is changed", "envelope", "its bytes were changed", change_envelope, False),
    ("an envelope is taken out", "envelope", "it is missing", drop_envelope, False),
    ("a report is changed", "subject bytes", "it is not the file that", change_report, False),
    ("a report is taken out", "subject bytes", "is not here", drop_report, False),
    ("the checkpoint's size is changed", "checkpoint", "does not fit the note's text", change_root, False),
    ("the checkpoint is signed with another key", "checkpoint", "is not signed by a log key", lambda f: resign(f, ephemeral_key()), False),
    ("a key is added to the keyring, and signs the checkpoint", "keyring", "its text was changed", add_key, False),
    ("the policy's text is changed", "completeness", "is missing or was changed", change_policy, False),
    ("the proof from the auditor's checkpoint is changed", "checkpoint", "does not continue it", change_earlier, True),
    ("the proof from the auditor's checkpoint is taken out", "checkpoint", "holds no proof", drop_earlier, True),
    ("a key's file is exchanged, for readers with openssl", "keyring", "it is not the key that", change_key, False),
    ("a run's page is changed", "subject bytes", "the page's content changed", change_page, False),
    ("a document is added that nothing names", "completeness", "nothing in the bundle names it", add_file, False),
    ("the policy gets another comment", "completeness", "is missing or was changed", comment_policy, False),
    ("a file is put beside a report, under the name that it would have as text", "completeness", "nothing in the bundle names it", add_beside, False),
    ("a text is put where an earlier checkpoint would be", "checkpoint", "000000000002.txt: ", add_earlier, False),
    ("a text is put where a proof would be", "completeness", "nothing in the bundle names it", add_proof, False),
    ("an earlier checkpoint is put under another size", "checkpoint", "it is over 1 leaves", exchange_earlier, False),
    ("a run's page is put in the place of another run's", "subject bytes", "its seal is another run's", exchange_page, False),
    ("an envelope is added that nothing names", "completeness", "nothing in the bundle names it", add_envelope, False),
    ("it is presented as for a stage 1 audit", "subject bytes", "a bundle for stage 1 holds no reports", lambda f: manifest(f, stage="stage1"), False),
    ("it is presented as another system's", "completeness", "nothing in it is about hiring", lambda f: manifest(f, system="hiring"), False),
]  # fmt: skip
