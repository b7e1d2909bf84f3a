"""Files of a run that act in a real browser do nothing under the names that a bundle keeps them by."""

import http.server
import threading
import time

import pytest

from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.exports.bundle.browser_safe import SHOWN, kept_name
from support.browser import CHROMIUM, chromium

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]
CALL = 'new Image().src="{url}"'
SVG = "http://www.w3.org/2000/svg"
XHTML = "http://www.w3.org/1999/xhtml"
HTML = "<!doctype html><html><body>{}</body></html>"
SCRIPT = HTML.format(f"<script>{CALL}</script>")
XML = f'<html xmlns="{XHTML}" xmlns:h="{XHTML}"><head><title>t</title></head><body><h:script>{CALL}</h:script></body></html>'
# Each asks the server for its own address when a browser opens it; the list is of those that Chromium does run.
ACTING = {
    "a.html": SCRIPT, "b.htm": SCRIPT, "c.shtml": SCRIPT, "d.xhtml": XML, "e.xht": XML, "f.shtm": SCRIPT,
    "g.svg": f'<s:svg xmlns:s="{SVG}"><s:script>{CALL}</s:script></s:svg>',
    "h.svg": f'<!DOCTYPE svg [<!ENTITY x "{{url}}">]><svg xmlns="{SVG}" xmlns:l="http://www.w3.org/1999/xlink"><image width="9" height="9" l:href="&x;"/></svg>',
    "i.html": HTML.format("<div style=\"background:image-set('{url}' 1x)\">a</div>"),
    "j.html": HTML.format(r'<div style="background:u\72 l({url})">a</div>'),
    "k.html": HTML.format('<img src="  \n  {url}">'),
    "l.html": HTML.format('<meta http-equiv=" refresh" content="0"><style>@import   "{url}";</style>'),
    "m.html": "<p>all is well</p>" + SCRIPT,
}  # fmt: skip


@pytest.fixture
def asked():
    """The paths that a server of this machine was asked for; `asked.url` is where it listens."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found.add(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    class Paths(set):
        url: str

    found = Paths()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()


def opened(folder, names, asked, expected=()):
    """Open files, each in a frame of one page that asks for /end itself; a busy machine gets more than one try."""
    frames = "".join(f'<iframe src="{name}"></iframe>' for name in names)
    (folder / "all.html").write_text(f"{frames}<script>onload=()=>{{new Image().src='{asked.url}/end'}}</script>")
    for _ in range(4):
        chromium(folder, "--virtual-time-budget=8000", "--dump-dom", (folder / "all.html").as_uri())
        time.sleep(0.2)
        if asked >= {"/end", *expected}:
            return
    assert asked >= {"/end", *expected}, asked


def test_what_acts_in_a_browser_does_nothing_under_its_kept_name(tmp_path, asked):
    kept = {}
    for name, text in ACTING.items():
        content = text.replace("{url}", f"{asked.url}/{name}").encode()
        (tmp_path / name).write_bytes(content)
        kept[name] = kept_name(name, content)
    opened(tmp_path, ACTING, asked, {f"/{name}" for name in ACTING})
    asked.clear()
    for name, new in kept.items():
        (tmp_path / name).rename(tmp_path / new)
    opened(tmp_path, kept.values(), asked)
    assert asked == {"/end"}
    assert set(kept.values()) == {f"{name}.txt" for name in ACTING}


def test_kinds_that_keep_their_name_run_nothing_whatever_is_in_them(tmp_path, asked):
    names = [f"x{kind}" for kind in SHOWN]
    for name in names:
        (tmp_path / name).write_text(SCRIPT.replace("{url}", f"{asked.url}/{name}"))
    opened(tmp_path, names, asked)
    assert asked == {"/end"}


def test_the_browser_itself_stops_a_page_with_our_head(tmp_path, asked):
    """The head alone is enough: what the search for active content would miss is not run either."""
    texts = [ACTING[name] for name in ("a.html", "i.html", "j.html", "k.html", "l.html")]
    body = "".join(text.partition("<body>")[2].replace("{url}", f"{asked.url}/x") for text in texts)
    body = body.replace('<meta http-equiv=" refresh" content="0">', "")
    head = claims_page("t", []).decode().partition("</head>")[0]
    (tmp_path / "x.html").write_text(f"{head}</head><body>{body}</body></html>")
    opened(tmp_path, ["x.html"], asked)
    assert asked == {"/end"}
