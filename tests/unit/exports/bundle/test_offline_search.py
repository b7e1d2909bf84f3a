"""A bundle is searched by the browser alone, and draws a sample that anybody draws again; neither takes a script."""

import html
import re
import subprocess

import pytest

from aims_mlflow.exports.bundle import layout, site_notes
from aims_mlflow.exports.bundle.ledger import PartLedger
from aims_mlflow.exports.bundle.site import site_files
from aims_mlflow.exports.bundle.verify import verify_bundle
from support.ledger_with_decisions import GOOD, NAME, decided_ledger


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return decided_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db").bundle()


def page(files, name):
    return files[f"{layout.PAGES}{name}.html"].decode()


def test_the_menu_leads_to_a_list_of_every_page_with_names_and_digests(files):
    assert 'href="pages/search.html"' in files[layout.INDEX].decode()
    found = page(files, "search")
    for link in ("models_income_1.html", "decisions_", "records_"):
        assert f'href="{link}' in found
    assert GOOD[:12] in found
    assert "Ctrl and F" in found
    assert "<form" not in found


def test_nothing_in_it_runs_and_verification_makes_it_again(files):
    for name in ("search", "sample"):
        assert not re.search(r"<script|\son[a-z]+=|<form", page(files, name))
    assert verify_bundle(layout.FilesInMemory(files), "bundle").verified
    changed = {
        **files,
        f"{layout.PAGES}search.html": files[f"{layout.PAGES}search.html"].replace(b"income", b"outcome"),
    }
    told = [problem.sentence() for problem in verify_bundle(layout.FilesInMemory(changed), "bundle").problems]
    assert any("pages/search.html" in each for each in told)


def test_a_sample_is_drawn_again_by_a_shell(files):
    shown = page(files, "sample")
    assert "All decisions, in the order of the seed" in shown
    section = shown.partition("All decisions, in the order of the seed</h2>")[2].partition("</section>")[0]
    order = [int(n.replace(",", "")) for n in re.findall(r">leaf ([\d,]+)<", section)]
    assert len(order) > 3
    script = html.unescape(re.search(r"<pre[^>]*>(# A sample.*?)</pre>", shown, re.DOTALL)[1])
    root = re.search(r"<code>([0-9a-f]{64})</code>", shown.partition(">Seed<")[2])[1]
    script = script.replace("SEED=0123456789", f"SEED={root}")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert [int(line.split()[1]) for line in done.stdout.splitlines()] == order[:5]


def test_a_version_whose_history_is_left_out_says_so_where_it_would_stand(files, monkeypatch):
    from aims_mlflow.exports.bundle import site

    assert site_notes.NO_HISTORY not in page(files, "models_income_1")
    monkeypatch.setattr(site, "MOST_HISTORIES", 0)
    about = {"system": NAME, "stage": "stage2", "since": None, "origin": "o", "size": 1, "root": "r",
             "aims_mlflow": "x", "missing": []}  # fmt: skip
    made = site_files(PartLedger(layout.FilesInMemory(files)), about)
    assert site_notes.NO_HISTORY in made[f"{layout.PAGES}models_income_1.html"].decode()
