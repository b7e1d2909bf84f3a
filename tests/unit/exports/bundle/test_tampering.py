"""The battery on bundles: each change is named by us, and the second verifier rejects it too."""

import json

import pytest

from support import second_verifier
from support.commands import run
from support.lived_bundle import rewritten
from support.tampering.bundle import CASES

# One of each kind; the others run in `tox -e full`: each makes the pages again.
KEPT = {
    "a leaf is changed", "an allowing decision is taken out, with its proof", "a report is taken out",
    "the proof from the auditor's checkpoint is changed",
}  # fmt: skip
BATTERY = [pytest.param(*case, id=case[0], marks=() if case[0] in KEPT else pytest.mark.full) for case in CASES]


def test_what_is_kept_by_default_are_cases():
    assert {case[0] for case in CASES} >= KEPT


@pytest.mark.parametrize(("what", "step", "says", "change", "outside"), BATTERY)
def test_a_changed_bundle_is_rejected_and_the_change_named(made, tmp_path, what, step, says, change, outside):
    path, first = made
    out = rewritten(path, tmp_path / "b.zip", change)  # pages are compared only where all else verifies
    said = json.loads(run("bundle", "verify", out, *(["--since", first] if outside else []), "--json", status=1))
    texts = [f"{p['record']}: {p['what']}" for s in said["steps"] if s["step"] == step for p in s["problems"]]
    assert any(says in text for text in texts), json.dumps(said, indent=1)[:3000]
    assert second_verifier.problems(out, [first.read_bytes()] if outside else ()), "the second verifier takes it"


def test_a_file_that_no_manifest_lists_is_told(made, tmp_path):
    import zipfile

    from aims_mlflow.exports.bundle.archive import write_archive

    with zipfile.ZipFile(made[0]) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with (tmp_path / "b.zip").open("wb") as stream:
        write_archive({**files, "evidence/more.md": b"all is well"}, stream)
    assert "the manifest does not list it" in run("bundle", "verify", tmp_path / "b.zip", status=1)
    assert second_verifier.problems(tmp_path / "b.zip")


def test_the_root_that_the_auditor_pins_decides(made):
    assert "not signed by the root key" in run("bundle", "verify", made[0], "--root", "0" * 64, status=1)
    assert second_verifier.problems(made[0], root="0" * 64)
