"""What an attached file contains decides whether it states anything; its name and size do not."""

import io
import zipfile

import pytest

from aims_mlflow.documents.attached_content import MIN_CHARACTERS, read_content

TEXT = (
    "The system orders applications. Clerks decide about each of them and may overrule every score. Women and men were "
    "compared on 9,769 held-out rows; the rate of the smaller group was 0.95 of the larger one. Reviews happen weekly, "
    "and the risk team keeps a list of each overruled case with its reason."
)


def office(name="word/document.xml", text=TEXT):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, f"<w:p><w:t>{text}</w:t></w:p>")
    return out.getvalue()


PDF = b"%PDF-1.7\n1 0 obj <</Type /Pages /Count 1>> endobj\ntrailer <<>>\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"\x00" * 4096, "is empty"),
        (b"# Requirements", "too short"),
        (b"-" * 5000, "too short"),
        (b"requirements " * 100, "repeats"),
        ((TEXT + " TODO: limits").encode(), "draft: it contains 'TODO'"),
        ((TEXT + " [insert name]").encode(), "draft"),
        (bytes(range(1, 256)) * 20, "cannot be read"),
        (PDF[:-7], "cut off"),
        (PDF.replace(b"trailer <<>>", b"trailer <</Encrypt 3 0 R>>"), "locked"),
        (b"%PDF-1.7\nnothing\n%%EOF\n", "no page"),
        (office("other.bin"), "cannot be read"),
        (office(text="short"), "too short"),
        (b"PK\x03\x04broken", "cannot be read"),
    ],
)
def test_a_file_that_says_nothing_is_told_why(content, word):
    assert word in (read_content(content).problem or "")


@pytest.mark.parametrize(
    "content", [TEXT.encode(), TEXT.encode("utf-16"), b"\xef\xbb\xbf" + TEXT.encode(), PDF, office()]
)
def test_a_file_with_content_is_read_or_left_to_its_reader(content):
    read = read_content(content)
    assert read.problem is None
    assert read.text is None or sum(c.isalnum() for c in read.text) >= MIN_CHARACTERS
