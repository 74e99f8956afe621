"""The page as people use it, in a real Chromium: by mouse, keyboard and finger, in light and dark.

With SAMESENSE_SCREENSHOTS=FOLDER each test leaves a picture of what it saw.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.serving import INDEX, OTHER_INDEX, Indexed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 60_000
DONE = "#results[aria-busy='false']"
PHONE = {"width": 390, "height": 844}
# A file cannot be dragged into a headless browser, so the page is given the event that it gets.
BRING = """([kind, name, type, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type}));
    const [target, event] = kind === 'drop'
        ? [document.body, new DragEvent('drop', {dataTransfer: transfer, bubbles: true})]
        : [document, new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true})];
    target.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        leave = pytest.fail if os.environ.get("CI") else pytest.skip
        leave(f"no Chromium at {CHROMIUM}: `make chromium` installs it")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """A person at the page; whatever it complains of or asks elsewhere is noted."""

    def __init__(self, browser: Any, service: str, **device: Any) -> None:
        self.page = browser.new_context(**device).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.told: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self.told.append(message.text))
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url, service))
        self.page.goto(service)
        self.done()
        if self.page.locator("#options").get_attribute("open") is None:
            self.page.locator("#options summary").click()
        self.page.locator("#index").select_option(INDEX)
        self.done()

    def _note(self, url: str, service: str) -> None:
        if not url.startswith((service, "data:", "blob:")):
            self.elsewhere.append(url)

    def bring(self, kind: str, file: Path, *, mime: str = "image/png") -> None:
        """Drop or paste a file."""
        data = base64.b64encode(file.read_bytes()).decode()
        self.page.evaluate(BRING, [kind, file.name, mime, data])

    def done(self, then: str = "") -> None:
        """Wait until what was asked for is there."""
        self.page.wait_for_selector(f"{DONE} {then}".strip(), timeout=PATIENCE_MS)

    def rows(self) -> list[str]:
        """The domains that answers are shown of."""
        self.done(".row .tile")
        return list(self.page.locator(".row h4").all_text_contents())

    def end(self, name: str) -> None:
        """Leave; the page must have kept to itself and complained of nothing."""
        if folder := os.environ.get("SAMESENSE_SCREENSHOTS"):
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        self.page.context.close()
        assert self.told == []
        assert self.elsewhere == []


def test_a_dropped_picture_finds_others_and_each_leads_on(
    browser: Any, service: str, indexed: Indexed
) -> None:
    visit = Visit(browser, service)
    visit.bring("drop", Path(indexed.uris("domain2")[0]))
    visit.page.wait_for_selector("#preview:not([hidden])")
    assert visit.rows() == ["domain0", "domain1", "domain2"]
    nearest = visit.page.locator(".row .tile").nth(2)
    clicked = nearest.get_attribute("data-id")
    nearest.click()
    visit.page.wait_for_url(f"**item={clicked}**")
    assert visit.rows() == ["domain0", "domain1", "domain2"]
    assert "More like this" in visit.page.locator("#query-note").inner_text()
    visit.page.go_back()
    visit.page.wait_for_function("() => !location.hash.includes('item=')")
    visit.done(".row .tile")
    assert "your picture" in visit.page.locator("#query-note").inner_text()
    visit.end("dropped")


def test_a_pasted_picture_and_a_chosen_file_do_the_same(
    browser: Any, service: str, indexed: Indexed
) -> None:
    picture = Path(indexed.uris("domain0")[3])
    found = []
    for way in ("paste", "file"):
        visit = Visit(browser, service)
        if way == "file":
            visit.page.locator("#file").set_input_files(str(picture))
        else:
            visit.bring("paste", picture)
        visit.page.wait_for_selector("#preview:not([hidden])")
        visit.done(".row .tile .score")
        tiles = visit.page.locator(".row .tile").all()
        found.append([tile.get_attribute("data-id") for tile in tiles])
        visit.end(way)
    assert found[0] == found[1]


def test_a_file_that_is_no_picture_is_told(browser: Any, service: str, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("no picture")
    visit = Visit(browser, service)
    visit.bring("drop", words, mime="text/plain")
    visit.page.wait_for_selector("#alert p")
    assert visit.page.locator("#alert").inner_text() == "That is not a picture."
    visit.end("no_picture")


def test_domains_are_chosen_and_merged_into_one_grid(browser: Any, service: str) -> None:
    visit = Visit(browser, service)
    visit.page.locator("#text").fill("a star")
    visit.page.locator("#search").click()
    assert visit.rows() == ["domain0", "domain1", "domain2"]
    visit.page.locator("#domains input[value=domain1]").uncheck()
    visit.page.wait_for_function("() => document.querySelectorAll('.row h4').length === 2")
    visit.page.locator("#source").select_option("domain0")
    visit.page.wait_for_function("() => document.querySelectorAll('.row h4').length === 1")
    assert visit.rows() == ["domain2"]
    visit.page.locator("#view input[value=grid]").check(force=True)
    visit.done(".tiles.wrapped .tile .score")
    assert set(visit.page.locator(".tile .domain").all_text_contents()) == {"domain2"}
    visit.end("grid")


def test_two_models_stand_side_by_side(browser: Any, service: str, indexed: Indexed) -> None:
    visit = Visit(browser, service, viewport={"width": 1280, "height": 900})
    visit.bring("drop", Path(indexed.uris("domain1")[0]))
    visit.done(".row .tile")
    visit.page.locator("#compare").select_option(OTHER_INDEX)
    visit.page.wait_for_selector(f".compared .column[data-index='{OTHER_INDEX}'] .row .tile")
    visit.done()
    assert visit.page.locator(".column h3").all_text_contents() == [INDEX, OTHER_INDEX]
    left, right = (visit.page.locator(".column").nth(n).bounding_box() for n in (0, 1))
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]
    visit.end("compared")


def test_the_map_shows_a_picture_under_the_pointer_and_searches_by_it(
    browser: Any, service: str
) -> None:
    visit = Visit(browser, service)
    visit.page.locator("#view input[value=map]").check(force=True)
    visit.done(".map-canvas")
    canvas = visit.page.locator(".map-canvas")
    points = visit.page.evaluate(f"() => fetch('v1/indexes/{INDEX}/map').then((r) => r.json())")
    point, box = points["points"][0], canvas.bounding_box()
    margin = 16
    at = {
        "x": margin + point["x"] * (box["width"] - 2 * margin),
        "y": margin + point["y"] * (box["height"] - 2 * margin),
    }
    canvas.hover(position=at)
    visit.page.wait_for_selector(".map-card:not([hidden]) img[src]")
    assert point["domain"] in visit.page.locator(".map-card").inner_text()
    visit.page.locator("#colour input[value=label]").check(force=True)
    visit.done(".legend")
    labels = visit.page.locator(".legend li").all_text_contents()
    assert labels == sorted({one["label"] for one in points["points"]})
    if folder := os.environ.get("SAMESENSE_SCREENSHOTS"):
        canvas.hover(position=at)
        visit.page.screenshot(path=f"{folder}/map.png")
    canvas.click(position=at)
    visit.page.wait_for_function("() => location.hash.includes('item=')")
    assert visit.rows() == ["domain0", "domain1", "domain2"]
    visit.end("from_map")


def test_the_keyboard_alone_is_enough(browser: Any, service: str) -> None:
    visit = Visit(browser, service)
    keyboard = visit.page.keyboard
    visit.page.locator("#text").focus()
    keyboard.type("a circle")
    keyboard.press("Enter")
    visit.done(".row .tile")
    for _ in range(60):
        keyboard.press("Tab")
        if visit.page.evaluate("() => document.activeElement.classList.contains('tile')"):
            break
    keyboard.press("Enter")
    visit.page.wait_for_function("() => location.hash.includes('item=')")
    visit.done(".row .tile")
    visit.page.locator("#view input:checked").focus()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    visit.done(".map-canvas")
    visit.page.locator(".map-canvas").focus()
    keyboard.press("ArrowLeft")
    assert "Point" in visit.page.locator(".map-point").inner_text()
    keyboard.press("Enter")
    visit.done(".row .tile")
    visit.end("keyboard")


def test_a_phone_in_the_dark_shows_all_without_scrolling_sideways(
    browser: Any, service: str, indexed: Indexed
) -> None:
    visit = Visit(browser, service, viewport=PHONE, color_scheme="dark", has_touch=True)
    visit.bring("drop", Path(indexed.uris("domain0")[0]))
    visit.done(".row .tile")
    widths = "() => [document.documentElement.scrollWidth, innerWidth]"
    needed, there = visit.page.evaluate(widths)
    assert needed <= there == PHONE["width"]
    ground = visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in ground.strip("rgb()").split(",")) < 3 * 64
    visit.page.locator(".row .tile").nth(1).tap()
    visit.page.wait_for_function("() => location.hash.includes('item=')")
    visit.done(".row .tile")
    visit.end("phone_dark")
