"""Detection of files that a browser might execute; all doubtful files are stored as text."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree as ET

# Browsers show or save these, whatever is in them; every other kind may be one that some browser runs.
SHOWN = (
    ".txt", ".md", ".rst", ".log", ".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml", ".toml",
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".pem", ".proof", ".tsr",
)  # fmt: skip
MOST = 16 * 1024**2
# A page says first of all that its browser may run nothing and load nothing, as every report of ours does.
_HEAD = re.compile(
    r"<!doctype html>\s*<html(?: lang=\"[a-z-]{2,12}\")?>\s*<head>\s*<meta charset=\"utf-8\">\s*"
    r"(?:<meta name=\"[a-z-]+\" content=\"[a-z0-9 ,=.-]*\">\s*)*"
    r"<meta http-equiv=\"Content-Security-Policy\""
    r" content=\"default-src 'none'; style-src 'unsafe-inline'(?:; img-src data:)?\">",
    re.IGNORECASE,
)
# What such a page could still do (go elsewhere), and what no honest one of this kind has. Prose that looks like one of
# these costs its page only that it is kept as text. No two parts that match blanks are adjacent.
_ACTIVE = re.compile(
    r"<script|<iframe|<frame|<object|<embed|<applet|<base|<form|<link|<meta|<portal|<foreignobject|<animate|<set|srcdoc"
    r"|javascript:|vbscript:|data:text/html|[\s/\"']on[a-z]{3,}\s*="
    r"|(?:src|srcset|href|data|poster|action|background|ping)\s*=[\s\"']*(?:https?:|[/\\]{2})"
    r"|@import|image-set|url\([\s\"']*(?:https?:|[/\\]{2})"
)
_BLANKS = re.compile(r"[\x00-\x1f\x7f]+")
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE)
_SVG = "{http://www.w3.org/2000/svg}"
_DRAWN = {
    f"{_SVG}{name}"
    for name in ("svg", "g", "title", "desc", "style", "text", "tspan", "rect", "line", "path", "circle", "ellipse",
                 "polygon", "polyline")
}  # fmt: skip
_FETCHES = re.compile(r"\\|@import|image-set|url\(|src\(", re.IGNORECASE)


def is_inert(name: str, content: bytes) -> bool:
    """Return whether a browser can show the file without running code or contacting a server."""
    kind = name.lower()
    if kind.endswith(SHOWN):
        return True
    if not kind.endswith((".html", ".htm", ".svg")) or len(content) > MOST:
        return False
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _inert_drawing(text) if kind.endswith(".svg") else _inert_page(text)


def _inert_page(text: str) -> bool:
    head = _HEAD.match(text)
    if head is None:
        return False
    rest = text[head.end() :]
    try:
        plain = html.unescape(rest)
    except ValueError:  # a number of thousands of digits
        return False
    seen = {text.lower() for text in (rest, plain, _CSS_ESCAPE.sub(_unescaped, plain))}
    return not any(_ACTIVE.search(text) or _ACTIVE.search(_BLANKS.sub("", text)) for text in seen)


def _unescaped(found: re.Match[str]) -> str:
    number = int(found[1] or "0", 16)
    return found[2] or (chr(number) if number <= 0x10FFFF else "")


def _inert_drawing(text: str) -> bool:
    """Return whether an SVG contains only shapes and text: no declarations, links, scripts or external content."""
    if "<?" in text or re.search(r"<!(?!--|\[CDATA\[)", text):
        return False
    try:
        tree = ET.fromstring(text)  # noqa: S314 - without declarations there are no entities
    except (ET.ParseError, ValueError):
        return False
    for element in tree.iter():
        if element.tag not in _DRAWN:
            return False
        css = [*element.attrib.values(), *(element.itertext() if element.tag == f"{_SVG}style" else ())]
        if any(name.startswith(("{", "on", "href", "src")) for name in element.attrib) or _FETCHES.search("".join(css)):
            return False
    return True


def kept_name(name: str, content: bytes) -> str:
    """Return the name of a file in a bundle; a file that is not inert gets a text name, so that no browser runs it."""
    return name if is_inert(name, content) else f"{name}.txt"
