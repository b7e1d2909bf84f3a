"""The auditor's pages of a test's ledger over HTTP, and a browser that clicks through them as a person would."""

import functools
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from aims_mlflow.documents.page_html import stylesheet
from aims_mlflow.pages.scope import EVERYTHING
from aims_mlflow.pages.serving import SECURITY, PageRequest, answer
from aims_mlflow.pages.site import found_at, split_format
from support.browser import CHROMIUM

ROOT = "/aims/"


class PageServer:
    """Serves the pages of a `PageSite` below /aims/, with the headers of the real server."""

    def __init__(self, site):
        self.site = site
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, headers, body = outer.respond(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}{ROOT}"

    def respond(self, address):
        split = urlsplit(address)
        path = split.path.removeprefix(ROOT)
        if path == "style.css":
            return 200, {**SECURITY, "Content-Type": "text/css"}, stylesheet()
        path, kind = split_format(path)
        place = found_at("" if path == "index" else path)
        if place is None:
            return 404, {}, unquote(path).encode()
        page, args = place
        made = answer(self.site.shared, EVERYTHING, self._asked(page, args, split.query, kind))
        return made.status, made.headers, made.body

    def _asked(self, page, args, query, kind):
        return PageRequest(page, args, dict(parse_qsl(query)), kind, ROOT, self.url.removesuffix(ROOT))

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@functools.cache
def axe_source(folder):
    """The text of axe-core, fetched once by npm into a folder; the test is skipped where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so axe-core cannot be had")
    done = subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core@4"],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    file = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not file.is_file():
        pytest.skip(f"axe-core could not be installed: {done.stderr[-200:]}")
    return file.read_text(encoding="utf-8")


class Reader:
    """A person with a browser: clicks are counted, and nothing is opened by its address but the first page."""

    def __init__(self, page, start):
        self.page, self.clicks = page, 0
        page.goto(start)

    def click(self, name, role="link"):
        """Click the first link or button with this name."""
        self.page.get_by_role(role, name=name, exact=True).first.click()
        self.page.wait_for_load_state()
        self.clicks += 1
        return self

    def within(self, title, name, place=0):
        """Click a link with this name in the section with this heading; `place` counts from 0."""
        section = self.page.locator("section", has=self.page.get_by_role("heading", name=title, exact=True))
        section.get_by_role("link", name=name, exact=True).nth(place).click()
        self.page.wait_for_load_state()
        self.clicks += 1
        return self

    def fill(self, label, value):
        """Type into a field, or choose from a list."""
        field = self.page.get_by_label(label, exact=True)
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
        return self

    def sees(self, *texts):
        """Return whether all these texts stand on the page."""
        shown = self.page.locator("main").inner_text()
        missing = [text for text in texts if text.lower() not in shown.lower()]
        assert not missing, (missing, shown[:3000])
        assert self.clicks <= 4, f"{self.clicks} clicks"


def browser_of(playwright):
    """Chromium as it is installed, through Playwright's API; it downloads none."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
