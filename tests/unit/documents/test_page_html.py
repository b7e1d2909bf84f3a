"""Texts of pages: what stands between backticks is code, and everything is escaped."""

import pytest

from aims_mlflow.documents.page_blocks import Facts, PageCell, PageTable, PageView, Prose
from aims_mlflow.documents.page_html import page_html, show


@pytest.mark.parametrize(
    ("cell", "html"),
    [
        (PageCell("run `aims x <ID>` & wait"), "run <code>aims x &lt;ID&gt;</code> &amp; wait"),
        (PageCell("`a`", "there"), '<a href="/there"><code>a</code></a>'),
        (PageCell("a`b", code=True), "<code>a`b</code>"),
        (PageCell("one ` alone"), "one ` alone"),
        (PageCell("`<b>`", mark="!"), '<span class="mark" aria-hidden="true">!</span>&nbsp;<code>&lt;b&gt;</code>'),
    ],
)
def test_what_stands_between_backticks_is_code_and_the_rest_is_escaped(cell, html):
    assert str(show(cell, "/")) == html


def test_no_place_of_a_page_shows_backticks():
    said = "mend it: `aims document new soa`"
    blocks = [
        Facts("f", [("name", said)]),
        Prose("p", [said]),
        PageTable("t", ("a", "b"), [(said, said)], note=said),
        PageTable("e", ("a",), [], empty=said),
    ]
    view = PageView("t", "t", (said,), blocks)
    page = page_html("run_page.html.j2", view, style="", time="", run_id="r", records=1, sessions=1).decode()
    assert page.count("<code>aims document new soa</code>") == 7
    assert "`" not in page.partition("<main")[2].partition("</main>")[0]
