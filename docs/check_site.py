"""Fails where a page of the built site would load something from outside: python docs/check_site.py build/site."""

import re
import sys
from pathlib import Path

LOADS = re.compile(
    r"""<(?:script|img|iframe|source|audio|video|embed|object)\b[^>]*\b(?:src|data)\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preconnect|preload|dns-prefetch|icon))[^>]*\bhref\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|@import\s+["']?(?:url\()?(?:https?:)?//[^"'\s)]+|\burl\(\s*["']?(?:https?:)?//[^"'\s)]+""",
    re.IGNORECASE,
)


def loads_from_outside(site: Path) -> list[str]:
    """Return one line for each place in the pages and styles of `site` that makes a browser ask another host."""
    files = [path for path in sorted(site.rglob("*")) if path.suffix in {".html", ".css"}]
    return [f"{path}: {found.group(0)[:120]}" for path in files for found in LOADS.finditer(path.read_text())]


if __name__ == "__main__":
    site = Path(sys.argv[1])
    pages = len(list(site.rglob("*.html")))
    bad = loads_from_outside(site)
    print("\n".join(bad) or f"{pages} pages, which load nothing from outside")
    sys.exit(1 if bad or not pages else 0)
