"""What an attached file contains: its text where it can be read here, and why it says nothing."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass

MIN_CHARACTERS = 200
MAX_TEXT = 20 * 1024 * 1024
# Where the text of an office file is, by its format.
OFFICE = ("word/document.xml", "content.xml", "xl/sharedStrings.xml", "ppt/slides/slide1.xml")
DRAFT = re.compile(r"\b(TODO|TBD|TBA|FIXME|XXX+|lorem ipsum)\b|\[(insert|fill in|your) [^\]]*\]", re.IGNORECASE)


@dataclass(frozen=True)
class ReadContent:
    """The text of a file, None where none can be read here; and the problem that keeps it from counting."""

    text: str | None
    problem: str | None = None


def read_content(content: bytes) -> ReadContent:
    """Return the text of a file and what is wrong with it; of a PDF only whether it can be opened is known."""
    if not content.strip(b"\x00 \t\r\n"):
        return ReadContent(None, "is empty")
    if content.startswith(b"%PDF-"):
        return ReadContent(None, _pdf_problem(content))
    text = _office_text(content) if content.startswith(b"PK\x03\x04") else _plain_text(content)
    if text is None:
        return ReadContent(None, "cannot be read: it is no text, PDF or office document")
    return ReadContent(text, _text_problem(text))


def _pdf_problem(content: bytes) -> str | None:
    if b"%%EOF" not in content[-2048:]:
        return "cannot be read: the PDF is cut off"
    if b"/Encrypt" in content:
        return "cannot be read: the PDF is locked"
    return None if re.search(rb"/Type\s*/Pages?\b|/ObjStm\b", content) else "cannot be read: the PDF has no page"


def _office_text(content: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            named = next((n for n in OFFICE if n in archive.namelist()), None)
            if named is None or archive.getinfo(named).file_size > MAX_TEXT:
                return None
            raw = archive.read(named).decode("utf-8")
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError):
        return None
    return re.sub(r"<[^>]*>", " ", raw)


def _plain_text(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            text = content.decode(encoding)
        except ValueError:
            continue
        return None if "\x00" in text else text
    return None


def _text_problem(text: str) -> str | None:
    letters = sum(c.isalnum() for c in text)
    if letters < MIN_CHARACTERS:
        return f"is too short to state anything ({letters} letters and digits, at least {MIN_CHARACTERS})"
    if len(set(re.findall(r"\w+", text.casefold()))) < 20:
        return "states nothing: it repeats a few words"
    found = DRAFT.search(text)
    return f"is a draft: it contains {found[0]!r}" if found else None
