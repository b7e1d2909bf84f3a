"""Fuzzing of everything that reads a stranger's bytes: only our own errors come out, in bounded time and memory.

150 examples each here, 3 for each way to spoil a bundle; 10,000 with `tox -e full` (the mark `full`).
"""

import base64
import io
import json
import resource
import sys
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aims_mlflow.audit.part_check import leaf_content
from aims_mlflow.canonical import sha256_hex
from aims_mlflow.checks.packs import check_pack, shipped_packs
from aims_mlflow.checks.pages.charts import drift_chart
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.errors import AimsError
from aims_mlflow.evidence import statement
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.archive import Archive, write_archive
from aims_mlflow.exports.bundle.browser_safe import is_inert
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.gates.consents import read_consent, unpacked, with_words
from aims_mlflow.gates.policy import default_policy_text, parse_policy
from aims_mlflow.ledger import checkpoint, merkle
from aims_mlflow.ledger.leaves import Leaf
from aims_mlflow.records.evidence import Claim
from aims_mlflow.records.keyring import KeyEntry, Keyring
from aims_mlflow.records.leaves.others import ConsentText
from aims_mlflow.records.system import AimsConfig
from aims_mlflow.signing import dsse
from aims_mlflow.signing.keyring import keyring_text, parse_keyring, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from aims_mlflow.strict_yaml import parse
from support import signed_sessions
from support.ledger_with_decisions import decided_ledger
from support.small_bundle import small_ledger

QUICK, FULL, ROUND = 150, 10_000, 500
# A bundle makes its pages again to compare them, which takes half a second on an idle core.
QUICK_BUNDLES = 3
MAX_MEMORY = 400 * 1024  # KiB more than before, over all examples of one parser
KEY = ephemeral_key()
SESSION = signed_sessions.session(KEY)
RECORD = SESSION.records[3].envelope
KEYRING = sign_keyring(
    Keyring(version=1, keys=(KeyEntry(key_id=KEY.key_id, owner="ana", roles=("trainer",), pem=KEY.public.pem),)), KEY
)
NOTE = checkpoint.sign("ai.example.org/x", 7, merkle.leaf_hash(b"x"), KEY).text.encode()
CONFIG = b"""system: {id: loans, owner: ana, intended_use: x, affected_groups: [all], objectives: {fairness: high}}
data: {target: y, favourable: yes, sensitive: [sex], sources: {a: {uri: x, personal_data: true}}}
pack: tabular-classification
"""
PACK = __import__("importlib.resources").resources.files("aims_mlflow.checks").joinpath(
    "packs", shipped_packs()[0], "pack.yaml"
).read_bytes()  # fmt: skip

# -- how bytes and values are spoilt -----------------------------------------------------------

PIECES = [
    b"\0", b"\xff", b"\xc3\x28", b"{", b"[" * 50, b'"', b"\n\n", b"\xe2\x80\x94 ", b": ", b"- ", b"&a [*a]", b"!!python/object:x {}",
    b"9" * 400, b"-1", b"1e999", b"null", b"NaN", b"\\u0000", b"\xed\xa0\x80", b"../../x", b"<script>", b"=" * 9, b"2**70",
    b" " * 3000, b"&#" + b"9" * 5000, b"\\72 ", b"<!", b"<?x?>", b"&x;", b"<style>", b"url( ",
]  # fmt: skip


@st.composite
def edits(draw, length):
    """What spoils bytes of a length: a few cuts, flips, repeats and hostile pieces; or other bytes in their place."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=300))
    out = []
    for _ in range(draw(st.integers(1, 4))):
        at, kind = draw(st.integers(0, max(length - 1, 0))), draw(st.integers(0, 4))
        more = {0: st.integers(0, 255), 1: st.integers(1, 60), 2: st.sampled_from(PIECES), 3: st.integers(1, 200)}
        out.append((kind, at, draw(more[kind]) if kind in more else None))
    return out


def edited(seed, asked):
    """The seed's bytes, spoilt as is asked."""
    if isinstance(asked, bytes):
        return asked
    data = bytearray(seed)
    for kind, where, more in asked:
        at = min(where, max(len(data) - 1, 0))
        if kind == 0 and data:
            data[at] = more
        elif kind == 1:
            del data[at : at + more]
        elif kind == 2:
            data[at:at] = more
        elif kind == 3:
            data[at:at] = data[at : at + more]
        else:
            data = data[:at]
    return bytes(data)


def spoilt(seed):
    """The seed's bytes with a few edits in them."""
    return edits(len(seed)).map(lambda asked: edited(seed, asked))


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=12), st.just([]), st.just({}),
    st.sampled_from(["0" * 64, "x" * 5000, "2020-01-01T00:00:00Z", "9999-99-99T99:99:99Z", "0001-01-01T00:00:00Z", "../x"]),
    st.lists(st.integers(0, 3), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=2),
)  # fmt: skip


@st.composite
def changed(draw, seed):
    """The JSON value with a few of its parts exchanged, taken out, doubled or added to."""
    value = json.loads(json.dumps(seed))
    for _ in range(draw(st.integers(1, 3))):
        at, parent, key = value, None, None
        while isinstance(at, dict | list) and at and draw(st.integers(0, 5)):
            keys = sorted(at) if isinstance(at, dict) else range(len(at))
            parent, key = at, draw(st.sampled_from(list(keys)))
            at = at[key]
        if parent is None:
            continue
        kind = draw(st.integers(0, 3))
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent.append(at)
        elif kind == 2 and isinstance(parent, dict):
            parent[draw(st.text(max_size=5))] = draw(VALUES)
        else:
            parent[key] = draw(VALUES)
    return value


# -- what is fuzzed ----------------------------------------------------------------------------


def compact(value):
    """Almost canonical bytes, of values too that have none."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def signed_again(value):
    """An envelope over any statement, signed: what a trusted but hostile key can send."""
    return dsse.sign(compact(value), KEY).raw


def read_any(raw):
    record = statement.read(raw, "record")
    record.has_subject("x")


def session_with(raw):
    lines = SESSION.jsonl().split(b"\n")
    check_session(b"\n".join([*lines[:3], raw, *lines[4:]]), "s.jsonl", signed_sessions.lookup(KEYRING.keys[0]))


def try_text(read):
    return lambda raw: read(raw.decode("utf-8", "surrogateescape"))


def consent(raw):
    read_consent(raw, KEYRING)


def travelled(raw):
    envelope, words = unpacked(raw.decode("utf-8", "surrogateescape"))
    with_words(read_consent(envelope, KEYRING), words)


STATEMENT = json.loads(RECORD.payload)
CONSENT = {
    **STATEMENT,
    "subject": [{"name": "m", "digest": {"dirHash1": "a" * 64}}],
    "predicateType": statement.OWN,
    "predicate": {"aims": {**STATEMENT["predicate"]["aims"], "kind": "approval", "claims": [], "details": {
        "action": "approval", "model_name": "loans", "stage": "deployment", "stage_digest": "b" * 64}}},
}  # fmt: skip
TRAVELLING = {
    "envelope": json.loads(signed_again(CONSENT)),
    "words": ConsentText.of("looked at it", "olga").model_dump(),
}
DRIFT = [Claim(metric="drift", slice={"column": "age"}, value="0.2", comparator="<", limit="0.1", passed=False)]
PICTURE = drift_chart(DRIFT)
LEAF = {
    "v": 1,
    "type": "decision",
    "time": "2026-01-01T00:00:00Z",
    "request": "r",
    "commitment": "a" * 64,
    "sessions": {"s": ["b" * 64]},
}
PARSERS = {
    "envelope": (spoilt(RECORD.raw), lambda raw: dsse.parse(raw, "envelope")),
    "statement": (changed(STATEMENT).map(signed_again), read_any),
    "session": (st.one_of(spoilt(RECORD.raw), changed(STATEMENT).map(signed_again)), session_with),
    "consent": (changed(CONSENT).map(signed_again), consent),
    "consent with its words": (st.one_of(changed(TRAVELLING).map(compact), spoilt(compact(TRAVELLING))), travelled),
    "checkpoint": (spoilt(NOTE), lambda raw: checkpoint.parse(raw, "note").verify([KEY.public])),
    "leaf": (changed(LEAF).map(compact), lambda raw: leaf_content(Leaf(0, raw, ""))),
    "page": (spoilt(claims_page("Drift", DRIFT, PICTURE)), lambda raw: is_inert("drift.html", raw)),
    "picture": (spoilt(PICTURE), lambda raw: is_inert("drift.svg", raw)),
    "keyring": (spoilt(keyring_text(KEYRING).encode()), try_text(lambda t: parse_keyring(t, "keyring.yaml"))),
    "keyring of any form": (
        changed(json.loads(KEYRING.model_dump_json(exclude_none=True))).map(lambda v: json.dumps(v).encode()),
        try_text(lambda t: parse_keyring(t, "keyring.yaml")),
    ),
    "aims.yaml": (spoilt(CONFIG), try_text(lambda t: parse(t, "aims.yaml").validate(AimsConfig))),
    "pack": (spoilt(PACK), try_text(lambda t: check_pack(parse(t, "pack.yaml")))),
    "policy": (spoilt(default_policy_text().encode()), try_text(parse_policy)),
}  # fmt: skip


def check(strategy, read, examples):
    """Read that many examples, in rounds: Hypothesis keeps a round's examples, which is its memory and not ours."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(
        max_examples=min(examples, ROUND),
        deadline=timedelta(seconds=60),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        database=None,
    )
    @given(strategy)
    def only_our_errors(raw):
        try:
            read(raw)
        except AimsError as exc:
            exc.sentence()

    for _ in range(-(-examples // ROUND)):
        only_our_errors()
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_MEMORY


@pytest.mark.parametrize("name", PARSERS)
def test_only_our_errors_come_out(name):
    check(*PARSERS[name], QUICK)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PARSERS)
def test_only_our_errors_come_out_of_ten_thousand(name):
    check(*PARSERS[name], FULL)


# -- bundles -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """One with decisions, consents, bodies, reports and an earlier checkpoint: everything that verification reads."""
    registry = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('decided')}/l.db")
    files = registry.bundle(held=[next(note for _, note, _ in registry.ledger.proofs.checkpoints())])
    assert verify_bundle(layout.FilesInMemory(files), "bundle").verified
    return files


def archive_of(bundle, folder):
    stream = io.BytesIO()
    write_archive(bundle, stream)
    whole = stream.getvalue()

    def read(asked):
        path = folder / "b.zip"
        path.write_bytes(edited(whole, asked))
        with Archive(path) as archive:
            verify_bundle(archive, "bundle").as_json()

    return edits(len(whole)), read  # not the archives themselves: Hypothesis keeps each of a round


def files_of(bundle):
    """A bundle whose manifest fits: one JSON or text file of it is spoilt, or a body and its leaf's commitment with it."""
    kinds = sorted({name.rpartition("/")[0] for name in bundle if name != "bundle.json"})

    @st.composite
    def one_changed(draw):
        kind = draw(st.sampled_from(kinds))
        name = draw(st.sampled_from(sorted(n for n in bundle if n.rpartition("/")[0] == kind and n != "bundle.json")))
        raw = bundle[name]
        if kind == "ledger/bodies" and draw(st.booleans()):
            beside = json.loads(raw)
            body = compact(draw(changed(json.loads(base64.b64decode(beside["body"])))))
            leaf = json.loads(bundle[name.replace("bodies", "leaves")])
            leaf["commitment"] = sha256_hex(bytes.fromhex(beside["salt"]) + body)
            text = layout.body_text(bytes.fromhex(beside["salt"]), body)
            return {name: text, name.replace("bodies", "leaves"): compact(leaf)}
        if name.endswith(".json") and draw(st.booleans()):
            return {name: compact(draw(changed(json.loads(raw))))}
        return {name: draw(spoilt(raw))}

    def read(case):
        about = json.loads(bundle["bundle.json"])
        about["files"] |= {name: sha256_hex(content) for name, content in case.items()}
        report = verify_bundle(layout.FilesInMemory({**bundle, **case, "bundle.json": compact(about)}), "bundle")
        assert not report.verified or all(bundle[name] == content for name, content in case.items()), list(case)
        assert list(report.lines())

    return one_changed(), read


def manifests_of(bundle):
    def read(value):
        verify_bundle(layout.FilesInMemory({**bundle, "bundle.json": compact(value)}), "bundle").as_json()

    return changed(json.loads(bundle["bundle.json"])), read


def test_a_spoilt_bundle_is_told_and_nothing_else_happens(bundle, tmp_path):
    for values, read in (archive_of(bundle, tmp_path), files_of(bundle), manifests_of(bundle)):
        check(values, read, QUICK_BUNDLES)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("what", "examples"), [("archive", FULL), ("files", FULL // 10), ("manifest", FULL // 10)])
def test_thousands_of_spoilt_bundles(bundle, tmp_path, what, examples):
    """An archive is mostly refused before it is opened; what fits its manifest is verified, and its pages made again."""
    ways = {
        "archive": lambda: archive_of(bundle, tmp_path),
        "files": lambda: files_of(bundle),
        "manifest": lambda: manifests_of(bundle),
    }
    values, read = ways[what]()
    check(values, read, examples)


def test_the_small_ledger_is_whole(tmp_path):
    from aims_mlflow.audit.whole_ledger import verify_ledger

    ledger = small_ledger(f"sqlite:///{tmp_path}/l.db")
    report = verify_ledger(ledger, "ledger")
    assert report.verified, report.as_json()
