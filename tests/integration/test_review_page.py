"""The review page in a real browser: one key each, under a policy that lets nothing else run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.integration import test_reviews
from tests.integration.test_reviews import TOKEN, Talk
from tests.integration.test_web import Web

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright_api.expect
expect.set_options(timeout=20_000)  # a machine under load is slow, not wrong

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
talk, page = test_reviews.talk, test_reviews.page  # the fixtures


@pytest.fixture()
def opened(page: Web) -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no browser: install chromium to test the review page")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=["--no-sandbox"])
        context = browser.new_context(http_credentials={"username": "ana", "password": TOKEN})
        tab, complaints = context.new_page(), []
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        tab.url_of_page = f"{page.url}/review"
        yield tab
        browser.close()
        assert complaints == []


@pytest.mark.slow
def test_a_key_dismisses_labels_or_goes_on_to_the_next(talk: Talk, opened: Any, tmp_path: Path) -> None:
    for words in ("hello", "zumba quixotic", "<b>grumble</b> & mumble"):
        talk.turn(words, readings=[("greet", 0.4)], after=300)
    opened.goto(opened.url_of_page)
    expect(opened.locator("section")).to_have_count(3)
    assert opened.locator("b").count() == 0
    while "hello" not in opened.locator("section.now").inner_text():
        opened.keyboard.press(" ")
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("status")).to_have_text("greet: 0 written, 1 known already")
    expect(opened.locator("section")).to_have_count(2)
    opened.keyboard.press("-")
    expect(opened.get_by_role("status")).to_have_text("1 dismissed")
    opened.keyboard.press("-")
    expect(opened.locator("h1")).to_have_text("Nothing waits to be reviewed")
    assert talk.waiting() == []
    verdicts = {row["verdict"] for row in talk.rows("select verdict from nlu_review where reviewer = 'ana'")}
    assert verdicts == {"labelled", "dismissed"}
