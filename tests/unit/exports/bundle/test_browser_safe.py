"""Which files keep their name in a bundle, and that telling takes time by their size alone."""

import time

import pytest

from aims_mlflow.checks.pages.charts import drift_chart
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.documents.index_page import render_index
from aims_mlflow.exports.bundle.browser_safe import is_inert, kept_name
from aims_mlflow.records.evidence import Claim

HEAD = claims_page("t", []).partition(b"</head>")[0] + b"</head><body>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg">%s</svg>'


def test_our_own_reports_pictures_and_documents_keep_their_names():
    from support import signed_sessions

    claim = Claim(metric="drift", slice={"column": "a\\b"}, value="0.2", comparator="<", limit="0.1", passed=False)
    picture = drift_chart([claim])
    own = {
        "drift.svg": picture, "drift.html": claims_page("Drift", [claim], picture, [r"C:\data\72 x"]),
        "index.html": render_index([signed_sessions.checked(signed_sessions.session())], {}, [signed_sessions.MODEL]),
        "model_card.md": b"<script>", "Baseline.JSON": b"{}", "rows.csv": b"a", "chart.png": b"\x89PNG", "s.jsonl": b"{}",
    }  # fmt: skip
    assert {name: kept_name(name, content) for name, content in own.items()} == {name: name for name in own}


@pytest.mark.parametrize(
    "name", ["x.xht", "x.xhtm", "x.xhtml", "x.shtml", "x.shtm", "x.ehtml", "x.mhtml", "x.xml", "x.xsl", "x.pdf", "x.hta", "x.js", "x"]
)  # fmt: skip
def test_a_kind_that_some_browser_runs_is_kept_as_text(name):
    assert kept_name(name, b"all is well") == f"{name}.txt"


@pytest.mark.parametrize(
    "body",
    [
        b"<script>x()</script>", b"<p onclick = 'x()'>hi</p>", b"<p/onclick=x()>", b"<a href='java&#x0a;script:x()'>", b"<a href=java\tscript:x()>",
        b"<img src=http://example.org/x>", b"<img src=' \n  http://example.org/x'>", b"<img src=\\\\example.org/x>", b"<img src='/\\example.org/x'>",
        b"<meta http-equiv='refresh' content='0; url=x'>", b"<base href=x>", b"<form>", b"<link rel=dns-prefetch>", b"<svg><animate>",
        b"<p style=\"background:image-set('http://example.org/x' 1x)\">", b"<p style='background:u\\72 l(http://example.org/x)'>",
        b"<p style='background:url(   \"http://example.org/x\")'>", b"<style>@\\69mport 'x'</style>", b"<style>@import 'x'</style>",
        b"<p style='background:&#92;75rl(//example.org/x)'>", b"\xff", b"&#" + b"1" * 5000 + b";",
    ],
)  # fmt: skip
def test_a_page_that_does_more_than_show_is_kept_as_text(body):
    assert is_inert("x.html", HEAD + b"<p>all is well</p>")
    assert not is_inert("x.html", HEAD + body)


@pytest.mark.parametrize(
    "page",
    [
        b"<p>no head</p>", b"<script></script>" + HEAD, b" " + HEAD, b"\xef\xbb\xbf" + HEAD, HEAD.replace(b"utf-8", b"iso-2022-jp"),
        HEAD.replace(b"'none'", b"'none'; script-src *"), HEAD.replace(b"default-src 'none'", b"default-src *"),
        HEAD.replace(b'<meta http-equiv="Content', b'<noscript><meta http-equiv="Content'),
    ],
)  # fmt: skip
def test_a_page_that_does_not_forbid_its_browser_everything_first_is_kept_as_text(page):
    assert not is_inert("x.html", page)


@pytest.mark.parametrize(
    "inside",
    [
        b"<script/>", b"<a/>", b"<use/>", b"<image/>", b"<set/>", b"<foreignObject/>", b"<g onload='x'/>", b"<g style='fill:url(#a)'/>",
        b"<g fill='url(http://example.org)'/>", b"<style>@import 'x'</style>", b"<style>@\\69mport 'x'</style>", b"<style><![CDATA[@import 'x']]></style>",
        b"<h:p xmlns:h='http://www.w3.org/1999/xhtml'/>", b"<g xmlns:x='http://www.w3.org/1999/xlink' x:href='//a'/>", b"<g>", b"&amp;&x;",
    ],
)  # fmt: skip
def test_a_drawing_of_more_than_shapes_is_kept_as_text(inside):
    assert is_inert("x.svg", SVG % b"<g><rect/><text>a &amp; b</text><!-- well --></g>")
    assert not is_inert("x.svg", SVG % inside)


@pytest.mark.parametrize(
    "before",
    [b"<?xml-stylesheet href='x'?>", b"<!DOCTYPE svg [<!ENTITY x 'y'>]>", b"<?xml version='1.0' encoding='utf-7'?>"],
)
def test_a_drawing_with_declarations_is_kept_as_text(before):
    assert not is_inert("x.svg", before + SVG % b"<g/>")
    assert not is_inert("x.svg", b"<s:svg xmlns:s='http://www.w3.org/2000/svg'><s:script/></s:svg>")


@pytest.mark.parametrize(
    "piece", [b" ", b" =", b"= ", b"on", b" onaaa ", b"src= ", b"url( ", b"\\", b"\\7 ", b"&#", b"<", b"<style", b"<!--", b'<meta name="a" content="b"> ']
)  # fmt: skip
@pytest.mark.parametrize("head", [HEAD, b"", HEAD.partition(b"<meta name")[0]], ids=["page", "no head", "half a head"])
def test_a_page_takes_time_by_its_size_alone(piece, head):
    """What is quadratic takes hundreds of times as long as a page of the same size, however fast the machine is."""
    size = 60_000

    def seconds(body):
        begun = time.perf_counter()
        is_inert("x.html", body)
        return time.perf_counter() - begun

    plain = max(seconds(HEAD + b"all is well, " * (size // 13)) for _ in range(3))
    # A busy machine may stop any one of them.
    assert any(seconds(head + piece * (size // len(piece))) < 25 * plain for _ in range(3))
