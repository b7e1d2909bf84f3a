"""The page that says how to verify without us, for ledgers whose keys changed and whose checkpoints were stamped."""

import json
import re
import zipfile

import pytest

from aims_mlflow.canonical import canonical
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.archive import plain_name, write_archive
from aims_mlflow.exports.bundle.create import create
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.exports.bundle.site import OfflineSite, file_name
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.ledger import timestamps
from aims_mlflow.ledger.ledger import Ledger
from aims_mlflow.ledger.log import Log
from aims_mlflow.records.base import utc_text
from aims_mlflow.records.evidence import Claim
from aims_mlflow.signing.keyring import rotate_key, rotate_root, sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import second_verifier, signed_sessions
from support.entries import entry_of
from support.ledger_with_decisions import GOOD, SYSTEM, Registry, decided_ledger
from support.lived_bundle import shown
from support.long_runs import full_but
from support.sealed_documents import DocumentOffice
from support.small_bundle import keyring_of, lost, put_keyring, small_bundle, small_ledger
from support.timestamp_authority import keep_receipt


def unpacked(files, folder):
    with (folder / "b.zip").open("wb") as stream:
        write_archive(files, stream)
    with zipfile.ZipFile(folder / "b.zip") as archive:
        archive.extractall(folder / "b")
    return folder / "b"


def test_a_bundle_has_the_text_of_published_documents_and_not_the_models_bytes(tmp_path):
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    DocumentOffice(registry).publish("impact-assessment")
    for stage in ("stage1", "stage2"):
        files = registry.bundle(stage)
        (text,) = (content for name, content in files.items() if "/aims/documents/" in name)
        assert text.startswith(b"# impact-assessment 1")
        page = files[layout.INDEX].decode()
        assert "their text lies in their files, below evidence/RUN/aims/documents/" in page
        for told in ("The files of models", "Whose the root key is"):
            assert told in page
        report = verify_bundle(layout.FilesInMemory(files), "bundle")
        assert report.verified, report.problems
        step = report["subject bytes"]
        compared = sum(name.startswith("evidence/") and "/index" not in name for name in files)
        assert step.said == [f"{compared} files were compared with the digests that signed records name"]
        assert step.skipped == ["no model's bytes were compared: a bundle has none"]


def test_after_the_logs_key_was_rotated_the_page_prints_the_one_that_signed(tmp_path):
    log, root, new, next_root = (ephemeral_key() for _ in range(4))
    ledger = small_ledger(f"sqlite:///{tmp_path}/l.db", log=log, root=root)
    later = Ledger(ledger.uri, Log(new, "ai.example.org/small"))
    put_keyring(later, sign_keyring(rotate_key(keyring_of(ledger), log.key_id, new.public, utc_text()), root))
    put_keyring(later, rotate_root(keyring_of(ledger), root, next_root, "olga"))
    later.seal(entry_of("finding", {"about": "x"}))
    files = create(later, "income-screening", "stage1", lost)
    report = verify_bundle(layout.FilesInMemory(files), "bundle")
    assert report.verified, report.as_json()
    said = shown(unpacked(files, tmp_path))
    assert f"ok checkpoint, signed by {new.key_id}" in said
    signers = [line.rpartition(" ")[2] for line in said if "is signed by root" in line]
    assert signers == [root.key_id, root.key_id, next_root.key_id, root.key_id]
    assert all(line.startswith(("ok ", "not here: ")) for line in said), said
    assert second_verifier.problems(tmp_path / "b.zip") == []


def test_earlier_checkpoints_and_time_stamps_are_checked_with_openssl(tmp_path, authority):
    ledger = small_ledger(f"sqlite:///{tmp_path}/l.db")
    notes = list(ledger.proofs.checkpoints())
    for number, (size, note, _) in enumerate(notes[:2]):
        keep_receipt(ledger, size, f"tsa:{number}", timestamps.request_stamp(note.encode(), authority.url))
    files = create(ledger, "income-screening", "stage1", lost)
    root = tmp_path / "tsa.pem"
    root.write_bytes(authority.root)
    report = verify_bundle(layout.FilesInMemory(files), "bundle", stamp_roots=[authority.root])
    assert report.verified, report.as_json()
    folder = unpacked(files, tmp_path)
    said = shown(folder, TSA=str(root))
    assert sum(line.startswith("Time stamp:") for line in said) == 2, said
    assert sum("is continued, signed by" in line for line in said) == 2
    assert not any("NOT" in line for line in said)
    first, second = sorted((folder / "ledger/earlier").glob("*.tsr"))
    first.write_bytes(second.read_bytes())
    assert f"NOT STAMPED: ledger/earlier/{first.name}" in shown(folder, TSA=str(root))
    assert second_verifier.problems(tmp_path / "b.zip") == []


@pytest.mark.parametrize("old", full_but([1, 4, 7], range(1, 8)))
def test_the_pages_consistency_proof_is_right_for_every_shape_of_the_tree(tmp_path, old):
    from aims_mlflow.audit.outside_checkpoint import OutsideCheckpoint
    from aims_mlflow.ledger import checkpoint

    ledger = small_ledger(f"sqlite:///{tmp_path}/l.db")
    for number in range(4):
        ledger.seal(entry_of("finding", {"about": str(number)}))
    note = {size: note for size, note, _ in ledger.proofs.checkpoints()}[old]
    files = create(
        ledger,
        "income-screening",
        "stage1",
        lost,
        outside=[OutsideCheckpoint(checkpoint.parse(note.encode(), "n"), "n")],
    )
    assert json.loads(files["bundle.json"])["size"] == 7
    said = shown(unpacked(files, tmp_path))
    assert any(line.startswith(f"ok ledger/earlier/{old:012d}.txt is continued") for line in said), said
    (tmp_path / "b/ledger/earlier" / f"{old:012d}.proof").write_text("0" * 64 + "\n")
    assert f"NOT CONTINUED: ledger/earlier/{old:012d}.txt" in shown(tmp_path / "b")


def test_a_page_names_its_own_file_in_the_bundle(tmp_path):
    files = decided_ledger(f"sqlite:///{tmp_path}/ledger.db").bundle()
    for name in ("index.html", "pages/waivers.html"):
        assert f"Page <code>{name}</code> of this bundle" in files[name].decode()


def test_a_page_that_was_taken_out_is_missed(tmp_path):
    files = dict(small_bundle(f"sqlite:///{tmp_path}/l.db"))
    del files["pages/controls.html"]
    about = json.loads(files["bundle.json"])
    del about["files"]["pages/controls.html"]
    files["bundle.json"] = canonical(about)
    (problem,) = verify_bundle(layout.FilesInMemory(files), "bundle").problems
    assert problem.sentence().startswith("pages/controls.html: it is missing")


def test_a_site_with_more_pages_than_a_bundle_takes_says_how_many_are_left_out(tmp_path):
    files = small_bundle(f"sqlite:///{tmp_path}/l.db")
    about = {k: v for k, v in json.loads(files["bundle.json"]).items() if k != "files"}
    made = OfflineSite(PartLedger(layout.FilesInMemory(files)), about, most=20).files()
    assert sum(name.endswith(".html") for name in made) == 20
    page = made["index.html"].decode()
    assert re.search(r"\d+ further pages, of claims or rows far down, or more clicks away", page)


@pytest.mark.parametrize(
    ("one", "other"),
    [("models/a/1", "models/a_1"), ("systems/a=b", "systems/a%3Db"), ("x?a=1", "x@a=1"), ("x" * 300, "x" * 301)],
)
def test_each_address_has_a_plain_file_name_of_its_own(one, other):
    names = [file_name(address) for address in (one, other)]
    assert all(map(plain_name, names)), names
    assert names[0] != names[1]


def test_of_a_record_with_very_many_claims_the_first_have_pages_of_their_own(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/l.db")
    writer = signed_sessions.session(registry.trainer, model=GOOD, ratio="0.9", system=SYSTEM, close=False)
    many = [Claim(metric="selection_rate", slice={"group": f"g{i}"}, value="0.5", n=1000) for i in range(90)]
    writer.add("performance", [Subject(name="models:/m-1", digest={"dirHash1": GOOD})], claims=many)
    writer.close()
    registry.ask("registration", {f"aims/sessions/{writer.id}.jsonl": writer.jsonl()}, GOOD, "1")
    files = registry.bundle()
    mine = [n for n in files if n.startswith(f"pages/claims_{writer.records[-2].id}_")]
    assert len(mine) == 60
    assert "further pages, of claims or rows far down" in files["index.html"].decode()
    assert verify_bundle(layout.FilesInMemory(files), "bundle").verified


def test_a_bundle_has_the_history_of_every_state_of_a_version(tmp_path):
    """One page for a version: its page and those of its controls lead to it; the pages are verified as all others."""
    registry = decided_ledger(f"sqlite:///{tmp_path}/ledger.db")
    files = registry.bundle()
    (name,) = (n for n in files if n.endswith("models_income_1@history=3Dall.html"))
    page = files[name].decode()
    rows = re.findall(r'role="rowheader" class="[^"]*"><a [^>]*>([^<]+)</a></th>(.*?)</tr>', page)
    mine = [row for control, row in rows if control == "A.6.2.4"]
    assert len({control for control, _ in rows}) > 20
    assert any("met" in row or "failed" in row or "missing" in row for row in mine)
    link = name.removeprefix("pages/")
    leading = {n for n in files if n.endswith(".html") and n != name and f'href="{link}"' in files[n].decode()}
    assert "pages/models_income_1.html" in leading
    assert any("controls_A.6.2.4" in n for n in leading)
    assert "pages/sample.html" in files
    assert verify_bundle(layout.FilesInMemory(files), "bundle").verified
