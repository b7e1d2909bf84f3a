"""A bundle of a ledger with an erased envelope verifies by the erasure's leaf, and shows who erased it, when and why."""

import pytest

from aims_mlflow.audit.report import Report
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.archive import write_archive
from aims_mlflow.exports.bundle.verify import verify_bundle
from aims_mlflow.lifecycle.erasure import erase_envelope
from support import second_verifier
from support.ledger_with_decisions import UNFAIR, decided_ledger
from support.lived_bundle import shown

REASON = "asked for by the person concerned"


@pytest.fixture(scope="module")
def erased(tmp_path_factory):
    """A registry, the decision whose record was erased, the erasure's leaf, and the bundle."""
    registry = decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('erased')}/l.db")
    leaf = [x for x in registry.ledger.leaves(types=("decision",)) if x.fact.model_digest == UNFAIR][-1]
    by = erase_envelope(registry.ledger, leaf.fact.evidence[0], REASON, registry.approver, "olga")
    return registry, leaf, by, registry.bundle()


def verified(files) -> Report:
    return verify_bundle(layout.FilesInMemory(files), "b.zip")


def test_it_verifies_and_names_the_decision_that_was_not_made_again(erased, tmp_path):
    _, leaf, by, files = erased
    assert layout.envelope_path(by.fact.erased) not in files
    report = verified(files)
    assert report.problems == []
    said = f"leaf {leaf.sequence}, decision {leaf.fact.request}, was not made again: its envelope was erased by leaf {by.sequence}"
    assert said in report["completeness"].skipped
    path = tmp_path / "b.zip"
    with path.open("wb") as stream:
        write_archive(files, stream)
    assert second_verifier.problems(path) == []


def test_its_pages_show_who_erased_it_when_and_why(erased):
    _, _, by, files = erased
    pages = [text.decode() for name, text in files.items() if name.endswith(".html")]
    decision = ("Records that were erased", REASON, "olga", by.fact.time[:10], "was not made again")
    erasure = (f"Leaf {by.sequence}: erased", by.fact.erased, REASON, "Decisions that cannot be made again")
    for texts in (decision, erasure):
        assert any(all(text in page for text in texts) for page in pages), texts


def test_another_envelope_taken_out_is_found(erased):
    _, leaf, by, files = erased
    other = next(name for name in leaf.fact.evidence if name != by.fact.erased)
    cut = {name: data for name, data in files.items() if name != layout.envelope_path(other)}
    assert "it is missing" in {p.what for p in verified(cut)["envelope"].problems}


def test_the_shell_says_erased(erased, tmp_path):
    _, _, by, files = erased
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    lines = shown(tmp_path)
    assert any(line.startswith(f"erased: envelope {by.fact.erased}") for line in lines)
    assert lines[-1].startswith("ok verdict"), [line for line in lines if not line.startswith("ok")]
