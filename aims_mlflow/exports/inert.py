"""Telling files that a browser only shows from those that make it do something."""

from __future__ import annotations

import html
import re

SHOWN = (".html", ".htm", ".svg", ".xhtml", ".xml")
# Read after entities are resolved and everything is dropped that browsers skip, so that nothing hides in spelling;
# prose that looks like one of these costs its page only that it is kept as text.
_ACTIVE = re.compile(
    r"<script|<iframe|<frame|<object|<embed|<applet|<base|<form|<link|<portal|<foreignobject|<animate|<set|srcdoc"
    r"|javascript:|vbscript:|data:text/html|http-equiv=.?refresh|[\s/\"']on[a-z]{3,}="
    r"|@import|(?:src|href|data|poster|action|background|srcset)=.?(?:https?:)?//|url\(.?(?:https?:)?//",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[\x00-\x1f\x7f]+")
_AROUND = re.compile(r"\s*=\s*")


def is_inert(name: str, content: bytes) -> bool:
    """Tell whether a browser that opens the file runs nothing and asks no server for anything."""
    if not name.lower().endswith(SHOWN):
        return True
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    spaced = _AROUND.sub("=", text)
    for seen in (spaced, html.unescape(spaced)):
        if _ACTIVE.search(seen) or _ACTIVE.search(_BLANKS.sub("", seen)) or _ACTIVE.search(_BLANKS.sub(" ", seen)):
            return False
    return True


def kept_name(name: str, content: bytes) -> str:
    """Return under which name a bundle keeps a file: one that is not inert as text, so that no browser runs it."""
    return name if is_inert(name, content) else f"{name}.txt"
