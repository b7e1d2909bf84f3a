"""The documentation site loads nothing from outside; what `tox -e docs` runs to see that finds each way to do it."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "bad"),
    [
        ('<script src="https://cdn.example.org/x.js"></script>', True),
        ("<script src=//cdn.example.org/x.js></script>", True),
        ('<link href="https://fonts.example.org" rel="preconnect" crossorigin>', True),
        ('<link rel="stylesheet" href="http://example.org/a.css">', True),
        ('<img alt="x" src="https://example.org/x.png">', True),
        ("<style>@import url(https://example.org/a.css);</style>", True),
        ("<style>a { background: url('//example.org/a.png') }</style>", True),
        ('<a href="https://example.org">a link that a person follows</a>', False),
        ('<link rel="canonical" href="https://example.org/"><script src="../a.js"></script>', False),
    ],
)
def test_what_a_browser_would_fetch_is_found(tmp_path, page, bad):
    loads_from_outside = runpy.run_path(str(ROOT / "docs" / "check_site.py"))["loads_from_outside"]
    (tmp_path / "index.html").write_text(page)
    assert bool(loads_from_outside(tmp_path)) is bad


def test_every_page_that_is_generated_has_its_content():
    pages = runpy.run_path(str(ROOT / "docs" / "site_pages.py"))["PAGES"]
    for path, words in {
        "reference/cli.md": ("## aims gate", "### aims gate init", "--policy"),
        "reference/settings.md": ("| `AIMS_SIGNING_KEY` | whoever signs |", "`AIMS_ANCHORS`", "| `timestamps` |"),
        "reference/api.md": ("::: aims_mlflow.capture.decorators.trains", "::: aims_mlflow.errors.AimsError"),
        "reference/aims-yaml.md": ("| `system.id` | text | required |", "| `system.intended_use` | text | required by"),
        "reference/policy-yaml.md": ("`break_glass.max_hours`", "`systems.PATTERN.held_out_digests`", "| `fairness` |"),
        "reference/pack-yaml.md": ("`SECTION.limits[].severity`", "| `fairness.min_n` | a whole number | `1` |"),
    }.items():
        text = pages.pop(path)()
        assert not [word for word in words if word not in text], path
        assert "UNSET" not in text
    assert not pages


def test_every_key_of_the_policy_is_explained():
    """The guide named some of them; `held_out_digests` was nowhere."""
    page = runpy.run_path(str(ROOT / "docs" / "site_pages.py"))["PAGES"]["reference/policy-yaml.md"]()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `") and line.count(" | ") == 3]
    assert len(rows) > 50
    assert [row[0] for row in rows if not row[3].strip(" |")] == []


NAMED = re.compile(r"pip install ['\"]?aims_mlflow(_skinny)?\b(?! @)|`aims_mlflow(_skinny)?\[")


def test_nobody_is_told_to_install_by_a_name_that_is_not_ours_on_the_index():
    """docs/gate.md says so; ten sentences of errors and five pages told people to."""
    texts = [*(ROOT / "aims_mlflow").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    texts += [*(ROOT / "hooks").rglob("*.*"), *(ROOT / "skinny").glob("*.md")]
    found = [f"{p.relative_to(ROOT)}: {m[0]}" for p in texts for m in NAMED.finditer(p.read_text(encoding="utf-8"))]
    assert [line for line in found if "adr/" not in line and not line.startswith("CHANGELOG")] == []


def test_the_checkout_has_the_reference_pages_for_readers_without_the_site():
    """They were stubs. To write them again: `python docs/site_pages.py`."""
    for path, page in runpy.run_path(str(ROOT / "docs" / "site_pages.py"))["CHECKOUT"].items():
        assert (ROOT / "docs" / path).read_text(encoding="utf-8") == page() + "\n", path


def test_each_decision_record_has_its_parts_in_one_order():
    for record in sorted((ROOT / "docs" / "adr").glob("0*.md")):
        text = record.read_text()
        parts = ["## Status", "## Context", "## Options considered", "## Decision", "## Consequences"]
        positions = [text.find(f"\n{part}") for part in parts]
        assert min(positions) >= 0, record.name
        assert positions == sorted(positions), record.name


def test_files_of_the_root_have_links_that_lead_from_their_page(monkeypatch):
    monkeypatch.chdir(ROOT)
    shown = runpy.run_path(str(ROOT / "docs" / "site_pages.py"))["on_page_markdown"]
    page = SimpleNamespace(file=SimpleNamespace(src_uri="explanation/architecture.md"))
    text = shown((ROOT / "docs/explanation/architecture.md").read_text(), page)
    assert "](../gate.md)" in text
    assert "](docs/" not in text
    page = SimpleNamespace(file=SimpleNamespace(src_uri="reference/changelog.md"))
    text = shown((ROOT / "docs/reference/changelog.md").read_text(), page)
    assert "examples/organisation" in (ROOT / "CHANGELOG.md").read_text()
    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith(("../", "http", "#"))] == []
