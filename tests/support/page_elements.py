"""The elements of a page as a browser would see them, and whether any of them could act."""

from html.parser import HTMLParser

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
ACTING = {"script", "img", "iframe", "object", "style", "base"}


class Elements(HTMLParser):
    """The names of the elements and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.names, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def assert_inert(page):
    """Check that an answer of the pages has no element and no attribute that runs, frames or fetches something."""
    assert page.status in (200, 404), page.body[:500]
    found = Elements()
    found.feed(page.body.decode())
    assert found.names.isdisjoint(ACTING)
    assert {name for name in found.attributes if name.startswith("on") or name == "style"} == set()
