"""The page in a real browser: offline, light and dark, and on a narrow screen."""

import html
import re

import pytest

from aims_mlflow.documents.index_page import render_index
from support import signed_sessions
from support.browser import CHROMIUM, chromium

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


@pytest.fixture
def page(tmp_path):
    content = render_index([signed_sessions.checked(signed_sessions.session())], {}, [signed_sessions.MODEL])
    (tmp_path / "index.html").write_bytes(content)
    return tmp_path / "index.html"


def painted(folder, page, shot, *flags):
    """Return the picture of a page. A busy machine may take it before a frame is painted: then it is taken again."""
    from PIL import Image

    for _ in range(5):
        chromium(folder, "--window-size=900,1200", *flags, f"--screenshot={shot}", page.as_uri())
        image = Image.open(shot).convert("L")
        if len(set(image.resize((60, 80)).tobytes())) > 8:
            return image
    pytest.fail(f"{page.name} is empty")


def test_light_and_dark_are_different_and_both_painted(page, tmp_path):
    seen = []
    for name, blink in (("light", "1"), ("dark", "0")):
        image = painted(tmp_path, page, tmp_path / f"{name}.png", f"--blink-settings=preferredColorScheme={blink}")
        seen.append(image.getpixel((3, 3)))
    assert seen[0] > 200 > 60 > seen[1]


def test_the_page_opens_in_a_sandboxed_frame_as_mlflow_shows_it(page, tmp_path):
    """MLflow previews HTML in a frame without an origin of its own: what is painted must be the same."""
    from PIL import ImageChops

    content = html.escape(page.read_text(), quote=True)
    style = "position:absolute;left:0;top:0;width:900px;height:1200px;border:0"
    frame = tmp_path / "frame.html"
    frame.write_text(f'<iframe style="{style}" sandbox="allow-scripts" srcdoc="{content}"></iframe>')
    shots = [painted(tmp_path, p, tmp_path / f"{p.stem}.png").crop((0, 0, 880, 1200)) for p in (page, frame)]
    assert ImageChops.difference(*shots).getbbox() is None


def test_everything_that_opens_is_reached_by_the_tab_key(page):
    """Only `summary` opens something, and scrolling tables take the focus: no script, no mouse."""
    text = page.read_text()
    assert text.count("<summary") == text.count("<details") > 5
    assert not re.search(r"\bon[a-z]+=|cursor: *pointer[^}]*}[^<]*<div|<script", text)
    scrolling = re.findall(r'<div class="[^"]*(?:scroll|wide)[^"]*"[^>]*>', text)
    assert all('tabindex="0"' in tag for tag in scrolling)
    assert "outline: none" not in text


def test_a_narrow_screen_does_not_scroll_sideways(page, tmp_path):
    measured = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
    script = (
        "<script>for (const d of document.querySelectorAll('details')) d.open = true;"
        "document.title = 'WIDTH ' + document.documentElement.scrollWidth + ' OF ' + innerWidth;</script></body>"
    )
    (tmp_path / "m.html").write_text(measured.replace("</body>", script))
    frame = f'<iframe style="width:360px;height:800px;border:0" sandbox="allow-scripts allow-same-origin" src="{(tmp_path / "m.html").as_uri()}"></iframe>'
    (tmp_path / "f.html").write_text(
        frame
        + "<script>onload = () => { document.title = document.querySelector('iframe').contentDocument.title }</script>"
    )
    out = chromium(
        tmp_path,
        "--allow-file-access-from-files",
        "--virtual-time-budget=4000",
        "--dump-dom",
        (tmp_path / "f.html").as_uri(),
    ).stdout
    width, of = map(int, re.search(r"WIDTH (\d+) OF (\d+)", out).groups())
    assert of == 360
    assert width <= of
