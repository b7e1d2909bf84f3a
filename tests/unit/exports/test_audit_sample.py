"""An auditor's sample: the filled sheet is drawn again, signed with their key, sealed, shown, and carried in bundles."""

import csv
import io
import json

import pytest

from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.exports.audit_sample import read_sheet, seal_sample, sign_sample
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.pages.sample_draw import SampleQuestion
from aims_mlflow.records.keyring import Keyring
from aims_mlflow.signing.keyring import sign_keyring
from aims_mlflow.signing.keys import ephemeral_key
from support import signed_sessions
from support.ledger_with_decisions import decided_ledger
from support.page_site import PageSite
from support.small_bundle import keyring_of, put_keyring

QUERY = {"population": "all decisions", "leaves": "8", "n": "2"}
ASKED = SampleQuestion("all decisions", "", 8, 2, "random")


@pytest.fixture
def world(tmp_path):
    """A registry whose keyring knows eva, an auditor; the pages, and eva's key."""
    registry, eva = decided_ledger(f"sqlite:///{tmp_path}/ledger.db"), ephemeral_key()
    keys = (*keyring_of(registry.ledger).keys, signed_sessions.entry(eva, "eva", ("auditor",)))
    put_keyring(registry.ledger, sign_keyring(Keyring(version=2, keys=keys), registry.root))
    return registry, PageSite.of(registry.ledger, tmp_path / "pages.db"), eva


def filled(site, *results, note="looked at the run"):
    """The page's CSV with an answer, a note and a result on each line."""
    text = site.answer("sample", QUERY, "csv").body.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2
    for row, result in zip(rows, results, strict=True):
        row |= {"Evidence whole": "yes", "Note": note, "Result": result}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_a_tested_sample_is_signed_sealed_shown_and_in_the_bundle(world):
    registry, site, eva = world
    items = read_sheet(filled(site, "conform", "nonconform"), "s.csv")
    writer, details = sign_sample(registry.ledger, ASKED, items, eva, "eva")
    assert (details.size, details.method, len(details.seed or "")) == (3, "random", 64)
    leaf = seal_sample(registry.ledger, writer)
    site.shared.index.refresh(site.shared.view)
    (row,) = site.rows("sample", "Samples that were signed and sealed", QUERY)
    assert (row["Signed by"], row["Results"], row["Drawn again now"]["state"]) == (
        "eva",
        "1 conform, 1 nonconform",
        "passed",
    )
    assert row["Sealed"]["href"] == f"leaves/{leaf}"
    shown = site.rows("record", "Items, with what the auditor found", record=writer.records[0].id)
    assert [(r["Evidence whole"], r["Note"], r["Result"]["state"]) for r in shown] == [
        ("yes", "looked at the run", "passed"), ("yes", "looked at the run", "failed"),
    ]  # fmt: skip
    assert "fits the envelope" in site.html("record", record=writer.records[0].id)
    files = registry.bundle()
    report = verify_bundle(layout.FilesInMemory(files), "bundle")
    assert report.verified, report.as_json()
    assert any(writer.records[0].id.encode() in content for name, content in files.items() if name.startswith("pages/"))
    assert b"1 conform, 1 nonconform" in files["pages/sample.html"]


def test_a_sheet_with_other_items_than_are_drawn_is_refused(world):
    registry, site, eva = world
    items = read_sheet(filled(site, "conform", "conform"), "s.csv")
    with pytest.raises(EvidenceError, match="other items than are drawn"):
        sign_sample(registry.ledger, ASKED, items[::-1], eva, "eva")
    with pytest.raises(EvidenceError, match="other items than are drawn"):
        sign_sample(
            registry.ledger, SampleQuestion("all decisions", "", 3, 2, "random"), items, eva, "eva"
        )  # of one item


def test_a_key_that_is_no_auditors_seals_nothing(world):
    registry, site, _ = world
    items = read_sheet(filled(site, "conform", "not tested"), "s.csv")
    writer, _ = sign_sample(registry.ledger, ASKED, items, registry.trainer, "ana")
    assert writer.records[0].evidence.result == "not_evaluated"
    size = registry.ledger.proofs.newest().size
    with pytest.raises(EvidenceError):
        seal_sample(registry.ledger, writer)
    assert registry.ledger.proofs.newest().size == size


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("leaf 12", "=leaf 12"), "names no leaf"),
        (lambda text: text.replace(",conform,", ",fine,"), "'fine' is no result"),
        (lambda text: text.replace("Result", "Outcome"), "it has no column Result"),
        (lambda _: "", "it has no column"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_told_with_its_line(change, why):
    sheet = "Item,Note,Result,Sealed\nincome version 1,seen,conform,leaf 12\n"
    assert read_sheet(sheet, "s.csv")[0].leaf == 12
    with pytest.raises(ConfigError, match=why):
        read_sheet(change(sheet), "s.csv")


def test_a_note_with_script_is_text_in_the_signed_record(world):
    registry, site, eva = world
    items = read_sheet(filled(site, "conform", "conform", note="<script>alert(1)</script>"), "s.csv")
    writer, _ = sign_sample(registry.ledger, ASKED, items, eva, "eva")
    seal_sample(registry.ledger, writer)
    site.shared.index.refresh(site.shared.view)
    page = site.html("record", record=writer.records[0].id)
    assert "<script" not in page
    assert json.loads(json.dumps(writer.records[0].evidence.details))["items"][0]["note"].startswith("<script>")
