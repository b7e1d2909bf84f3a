"""The bundle: the same bytes for the same input, verified offline by us, by a second verifier, and by openssl."""

import html
import io
import json
import posixpath
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aims_mlflow.audit.keyrings import history_of
from aims_mlflow.audit.report import Step
from aims_mlflow.evidence import tracking
from aims_mlflow.exports.bundle import layout
from aims_mlflow.exports.bundle.archive import write_archive
from aims_mlflow.exports.bundle.create import create as make
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.ledger.ledger import Ledger
from support import second_verifier
from support.commands import run
from support.lived_bundle import blocks, contents, rewritten, shown


def create(life, out, *more):
    run("bundle", "create", "--system", "loans", "--ledger", life.uri, "--out", out, *more)
    return out


def test_the_same_input_gives_the_same_bytes_and_all_verifiers_accept_them(life, made, tmp_path):
    path, first = made
    again = create(life, tmp_path / "again.zip", "--held", first)
    assert again.read_bytes() == path.read_bytes()
    text = run("bundle", "verify", path, "--since", first)
    assert "verified" in text.splitlines()[-1]
    assert f"continues the {int(first.stem)} leaves" in text
    assert json.loads(run("verify", path, "--json"))["verified"]
    root = history_of(PartLedger(layout.FilesInMemory(contents(path))), Step("keyring"), ()).versions[0].keyring
    assert second_verifier.problems(path, [first.read_bytes()], root.signatures[0].key_id) == []
    assert "the file exists" in run("bundle", "create", "--system", "loans", "--out", path, status=2)


def test_it_verifies_without_mlflow_and_without_a_network(made, tmp_path):
    path, first = made
    code = (
        "import sys, socket\n"
        "class No:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] == 'mlflow':\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        "def no(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = no\n"
        "from aims_mlflow.cli.main import main\n"
        f"main(['bundle', 'verify', {str(path)!r}, '--since', {str(first)!r}])\n"
    )
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified" in done.stdout


def test_the_commands_on_the_page_work_and_find_a_change(made, tmp_path):
    with zipfile.ZipFile(made[0]) as archive:
        archive.extractall(tmp_path)
    names = archive.namelist()
    whole = shown(tmp_path)
    sure = [n for n in names if n.startswith(("ledger/leaves/", "envelopes/"))]
    assert {line for line in whole if line.startswith(("ok ledger/leaves", "ok envelopes"))} == {
        f"ok {n}" for n in sure
    }
    reports = {n for n in names if n.startswith("evidence/") and "aims/index.html" not in n}
    assert {f"ok {n}" for n in reports} <= set(whole)
    said = [line.split()[:2] for line in whole if line not in {f"ok {n}" for n in names}]
    steps = ["keyring", "keyring", "checkpoint,", "ledger/earlier/000000000001.txt", "verdict:"]
    assert [word for _, word in said] == steps, whole
    assert whole[-1] == f"ok verdict: {len(whole) - 1} checks hold, none failed; what they do not cover is named below"
    assert {ok for ok, _ in said} == {"ok"}
    leaf, envelope, report, policy = (
        next(n for n in names if n.startswith(begin) and n.endswith(end))
        for begin, end in (
            ("ledger/leaves", ""),
            ("envelopes", ""),
            ("evidence", "fairness.html"),
            ("ledger/in-force", ""),
        )
    )
    for name in (leaf, envelope, report, "ledger/earlier/000000000001.proof", "keys/" + Path(names[-1]).name, policy):
        if (tmp_path / name).exists():
            data = bytearray((tmp_path / name).read_bytes())
            data[40] ^= 1
            (tmp_path / name).write_bytes(data)
    note = tmp_path / "ledger/checkpoint.txt"
    note.write_text(note.read_text().replace("/loans", "/loanz", 1))
    broken = "\n".join(shown(tmp_path))
    for words in (
        f"NOT BELOW THE CHECKPOINT: {leaf}", f"MISSING OR CHANGED: envelope {Path(envelope).stem}", f"NOT SIGNED: {envelope}",
        f"CHANGED: {report}", "NOT CONTINUED: ledger/earlier/000000000001.txt", "NOT SIGNED: the checkpoint",
    ):  # fmt: skip
        assert words in broken
    assert "CHANGED: policy" in broken or "CHANGED: keyring" in broken
    assert re.fullmatch(r"VERDICT: \d+ of \d+ lines say what is wrong.*", broken.splitlines()[-1])


def test_the_page_of_commands_says_that_it_does_not_cover_the_pages(made):
    page = contents(made[0])["verify.html"].decode()
    assert "What this does not cover" in page
    assert "no command above reads them" in page


def test_each_decision_leads_to_the_policy_and_the_keyring_that_it_was_made_by(made):
    files = contents(made[0])
    decisions = [c.decode() for n, c in files.items() if re.fullmatch(r"pages/decisions_\d+\.html", n)]
    assert len(decisions) == 3
    for page in decisions:
        pages = [files[f"pages/{name}"].decode() for name in re.findall(r'href="(policies_[0-9a-f]{64}\.html)"', page)]
        raw = {name for each in pages for name in re.findall(r'href="\.\./(ledger/in-force/[0-9a-f]{64}\.txt)"', each)}
        assert len(raw) == 2
        assert raw <= set(files)


def test_each_link_of_the_pages_leads_to_a_file_of_the_bundle(made):
    files = contents(made[0])
    pages = {n: c.decode() for n, c in files.items() if layout.is_page(n) and n.endswith(".html")}
    assert len(pages) > 50
    for name, page in pages.items():
        for link in re.findall(r'(?:href|src|action)="([^"#]*)"', page):
            assert posixpath.normpath(posixpath.join(posixpath.dirname(name), html.unescape(link))) in files, (
                name,
                link,
            )


def test_the_first_page_says_what_the_bundle_cannot_show_before_anything_else(made):
    page = contents(made[0])["index.html"].decode()
    titles = re.findall(r"<h2[^>]*>([^<]*)</h2>", page)
    assert titles[:3] == ["This bundle", "What this bundle cannot show", "Needs attention"]
    assert "Other systems of the organisation" in page


def test_a_bundle_of_the_organisation_has_every_leaf(life, tmp_path):
    path = tmp_path / "organisation.zip"
    run("bundle", "create", "--organisation", "--ledger", life.uri, "--out", path)
    files = contents(path)
    assert sum(n.startswith("ledger/leaves/") for n in files) == json.loads(files["bundle.json"])["size"]
    assert "verified" in run("bundle", "verify", path).splitlines()[-1]
    page = files["index.html"].decode()
    assert "Evidence of the whole organisation" in page
    assert "Other systems of the organisation" not in page

    def drop(found):
        """Take out the newest leaf with all that is beside it: what it sealed is hidden."""
        number = max(Path(n).stem for n in found if n.startswith("ledger/leaves/"))
        for name in [n for n in found if number in n]:
            del found[name]

    cut = rewritten(path, tmp_path / "cut.zip", drop, pages=True)
    assert "is missing, and the checkpoint is over" in run("bundle", "verify", cut, status=1)
    assert "a leaf of the organisation is missing" in second_verifier.problems(cut)
    both = run("bundle", "create", "--organisation", "--system", "loans", "--out", tmp_path / "x.zip", status=2)
    assert "of one system or of the organisation" in both


def test_the_python_on_the_page_runs_as_it_is_and_finds_a_change(made, tmp_path):
    """securesystemslib alone reads our envelopes: in-toto's tools are built on it."""
    with zipfile.ZipFile(made[0]) as archive:
        archive.extractall(tmp_path)
    envelopes = sorted(f"ok {n}" for n in archive.namelist() if n.startswith("envelopes/"))
    (program,) = blocks(tmp_path, ' class="python"')

    def said():
        command = [sys.executable, "-I", "-c", program]
        return subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)

    assert said().stdout.splitlines() == envelopes
    file = tmp_path / envelopes[0].removeprefix("ok ")
    found = json.loads(file.read_text())
    found["payload"] = found["payload"].replace("A", "B", 1)
    file.write_text(json.dumps(found))
    assert "VerificationError" in said().stderr


def test_stages_and_dates_choose_what_lies_in_it(life, tmp_path):
    whole = contents(create(life, tmp_path / "whole.zip"))
    documents = create(life, tmp_path / "one.zip", "--stage", "stage1")
    names = set(contents(documents))
    assert any(n.endswith("model_card.md") for n in names)
    assert not any("fairness.html" in n for n in names)
    assert any("fairness.html" in n for n in whole)
    assert "verified" in run("bundle", "verify", documents)
    late = tmp_path / "late.zip"
    files = make(Ledger(life.uri), "loans", "surveillance", tracking.read_file, since="2099-01-01T00:00:00Z")
    with late.open("wb") as stream:
        write_archive(files, stream)
    kept = [json.loads(c) for n, c in contents(late).items() if n.startswith("ledger/leaves/")]
    assert {leaf["type"] for leaf in kept} == {"policy", "keyring", "approval", "decision", "outcome"}
    stages = [leaf["stage"] for leaf in kept if leaf["type"] == "decision"]
    assert stages == ["registration", "deployment"], (
        "what is in use stays, with the decision that first sealed its evidence"
    )
    assert "verified" in run("bundle", "verify", late)
    assert "begins at the last audit" in run(
        "bundle", "create", "--system", "loans", "--stage", "surveillance", "--out", tmp_path / "x.zip", status=2
    )
    assert "did you mean 'loans'?" in run("bundle", "create", "--system", "loan", "--out", tmp_path / "x.zip", status=2)
    assert not (tmp_path / "x.zip").exists()


def test_a_bundle_since_a_day_that_has_not_come_is_refused_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = run("bundle", "create", "--system", "loans", "--since", "2099-01-01", status=2)
    assert "--since 2099-01-01 lies in the future" in said
    assert len(said.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_lost_report_is_told_not_passed_over(life, tmp_path, monkeypatch):
    from aims_mlflow.errors import Unreachable
    from aims_mlflow.evidence import tracking

    read = tracking.read_file

    def lost(run_id, path):
        if path.endswith("fairness.html"):
            raise Unreachable("gone")
        return read(run_id, path)

    monkeypatch.setattr(tracking, "read_file", lost)
    text = run("bundle", "verify", create(life, tmp_path / "b.zip"), status=1)
    assert "fairness.html: it could not be read when the bundle was made" in text


def test_an_erased_body_stays_erased_in_the_bundle(life, tmp_path, monkeypatch):
    from aims_mlflow.ledger.ledger import Ledger

    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{life.office.approver}")
    sequence = next(Ledger(life.uri).leaves(types=("approval",))).sequence
    run("evidence", "erase", sequence, "--reason", "asked for", "--ledger", life.uri)
    path = create(life, tmp_path / "b.zip")
    assert f"ledger/bodies/{sequence:012d}.json" not in contents(path)
    assert "verified" in run("bundle", "verify", path)
    assert second_verifier.problems(path) == []


# -- as a stranger's file ------------------------------------------------------------------------


def zipped(out, entries, **more):
    with zipfile.ZipFile(out, "w", **more) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return out


def entry(name, mode=0o644):
    made = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    made.create_system, made.external_attr = 3, mode << 16
    return made


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("traversal", "leads elsewhere"), ("absolute", "leads elsewhere"), ("backslash", "leads elsewhere"),
        ("hidden", "leads elsewhere"), ("null", "leads elsewhere"), ("link", "is a link"), ("folder", "leads elsewhere"),
        ("duplicate", "have one name"), ("compressed", "compressed"), ("bomb", "compressed"), ("prefix", "belong to none"),
        ("comment", "its end is not"), ("extra", "belong to none"), ("suffix", "its end is not"), ("order", "not in order"),
        ("time", "belong to none"), ("empty", "no bundle"), ("text", "its end is not"), ("half", "its end is not"),
        ("size", "can be read"), ("no manifest", "no file bundle.json"), ("encrypted", "can be read"),
    ],
)  # fmt: skip
def test_hostile_archives_are_refused(made, tmp_path, what, why):  # noqa: C901 - one branch for each attack
    files = sorted(contents(made[0]).items())
    raw, out = made[0].read_bytes(), tmp_path / "b.zip"
    plain = [(entry(n), c) for n, c in files]
    bad = {"traversal": "../../evil", "absolute": "/etc/evil", "backslash": "a\\..\\evil", "hidden": ".ssh/key",
           "null": "evil\0.txt", "folder": "evil/"}  # fmt: skip
    if what in bad:
        zipped(out, [*plain, (entry("evil" if what == "null" else bad[what]), b"x")])
        if what == "null":
            out.write_bytes(out.read_bytes().replace(b"evil", b"ev\0l"))
    elif what == "link":
        zipped(out, [*plain, (entry("link", 0o120777), b"/etc/passwd")])
    elif what == "duplicate":
        zipped(out, [*plain, plain[0]])
    elif what == "compressed":
        zipped(out, plain, compression=zipfile.ZIP_DEFLATED)
        with zipfile.ZipFile(out, "w") as archive:
            for e, c in plain:
                archive.writestr(e, c, compress_type=zipfile.ZIP_DEFLATED)
    elif what == "bomb":
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(entry("bomb"), b"\0" * 50_000_000, compress_type=zipfile.ZIP_DEFLATED)
    elif what == "prefix":
        stream = io.BytesIO()
        stream.write(b"#!/bin/sh\n")
        with zipfile.ZipFile(stream, "a") as archive:
            for e, c in plain:
                archive.writestr(e, c)
        out.write_bytes(stream.getvalue())
    elif what == "comment":
        zipped(out, plain)
        with zipfile.ZipFile(out, "a") as archive:
            archive.comment = b"hello"
    elif what == "extra":
        plain[0][0].extra = b"\x01\x00\x02\x00ab"
        zipped(out, plain)
    elif what == "time":
        plain[0][0].date_time = (2020, 1, 1, 0, 0, 0)
        zipped(out, plain)
    elif what == "order":
        zipped(out, plain[::-1])
    elif what == "size":
        at = raw.index(b"PK\1\2")
        out.write_bytes(raw[: at + 24] + b"\xff\xff\xff\x0f" + raw[at + 28 :])
        why = "compressed"
    elif what == "encrypted":
        at = raw.index(b"PK\1\2")
        out.write_bytes(raw[: at + 8] + b"\x01" + raw[at + 9 :])
    elif what == "no manifest":
        zipped(out, [(e, c) for e, c in plain if e.filename != "bundle.json"])
    else:
        out.write_bytes(
            {"suffix": raw + b"x", "empty": b"", "text": b"hello" * 100, "half": raw[: len(raw) // 2]}[what]
        )
    assert why in run("bundle", "verify", out, status=1)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        pytest.param(
            "index.html",
            lambda c: c.replace(b"of 38", b"of 39"),
            "does not show what the files",
            marks=pytest.mark.full,
        ),
        ("pages/decisions.html", lambda c: c.replace(b"refused", b"allowed"), "does not show what the files"),
        pytest.param(
            "pages/decisions.csv",
            lambda c: c.replace(b"refused", b"allowed"),
            "does not show what the files",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "pages/extra.html",
            lambda _: b"<p>all is well</p>",
            "does not show what the files",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "index.html",
            lambda c: c.replace(b"</body>", b"<script>alert(1)</script></body>"),
            "does not show what the files",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "verify.html",
            lambda c: c.replace(b"sha256sum", b"md5sum"),
            "does not show what the files",
            marks=pytest.mark.full,
        ),
        pytest.param("extra.html", lambda _: b"<p onclick = 'x()'>hi</p>", "it may run script", marks=pytest.mark.full),
        pytest.param(
            "extra.svg",
            lambda _: b"<svg><a href='java&#x0a;script:alert(1)'/></svg>",
            "it may run script",
            marks=pytest.mark.full,
        ),
        ("extra.html", lambda _: b"<img src=http://example.org/x>", "ask a server"),
        pytest.param("extra.html", lambda _: b"\xff\xfe<\0s\0c\0", "it may run script", marks=pytest.mark.full),
    ],
)
def test_pages_that_lie_or_act_are_told(made, tmp_path, name, change, why):
    out = rewritten(made[0], tmp_path / "b.zip", lambda f: f.update({name: change(f.get(name, b""))}))
    assert why in run("bundle", "verify", out, status=1)


def test_a_trainers_page_with_script_is_kept_as_text(life, tmp_path, monkeypatch):
    from aims_mlflow.evidence import tracking

    read = tracking.read_file
    monkeypatch.setattr(
        tracking, "read_file", lambda r, p: b"<script>x</script>" if p.endswith("drift.html") else read(r, p)
    )
    path = create(life, tmp_path / "b.zip")
    names = [n for n in contents(path) if "drift.html" in n]
    assert names
    assert all(n.endswith("drift.html.txt") for n in names)
    assert "it is not the file that the drift record was signed over" in run("bundle", "verify", path, status=1)
