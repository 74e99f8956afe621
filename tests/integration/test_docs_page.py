"""The page that describes the HTTP interface, in a real Chromium."""

from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")


def test_it_shows_every_path_and_asks_no_other_host(service: str) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: `make chromium` installs it")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        told: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{service}/docs")
        page.wait_for_selector("#paths[aria-busy='false']")
        titles = page.locator("h2").all_text_contents()
        search = page.locator("section", has_text="POST /v1/search")
        row = search.locator("tr", has_text="query.text").inner_text()
        browser.close()
    described = httpx.get(f"{service}/openapi.json").json()["paths"]
    assert set(titles) == {
        f"{method.upper()} {path}" for path, methods in described.items() for method in methods
    }
    assert row.split("\t") == ["query.text", "string | null", "", "Words."]
    assert told == []
    assert all(url.startswith((service, "data:")) for url in asked)
