"""The phone page in a real browser, against the simulator and a small bot that answers with every kind of message."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from simulator_business import NUMBER, OTHER_NUMBER, SECRET, TOKEN, VERIFY, Business, buttons, listing

from mostrador.simulator.media import picture
from mostrador.simulator.server import SimulatorThread

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright_api.expect

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
ANA = "5491122334455"
ROSA = "919812345678"
EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'

HINDI = "नमस्ते रोज़ा! *3 चीज़ें* आपके स्टॉक में नहीं हैं।\n_पिछले 7 दिनों में_ इनकी माँग सबसे ज़्यादा रही — अनुमानित नुकसान *42 ऑर्डर*।"
ROWS = [
    {"id": "v1", "title": "Rojo · talle 38", "description": "0 en stock, 14 pedidos perdidos"},
    {"id": "v2", "title": "Negro · talle 40", "description": "2 en stock"},
    {"id": "v3", "title": "नीला · साइज़ 42", "description": "स्टॉक में 5"},
]


def card(to: str, text: str) -> Dict[str, Any]:
    payload = buttons(to, "Update stock", "Reject", "More", text=text)
    payload["interactive"]["header"] = {"type": "image", "image": {"link": "BUSINESS/shoe.png"}}
    payload["interactive"]["footer"] = {"text": "1 of 12 · Mostrador"}
    return payload


def answer(business: Business, value: Dict[str, Any]) -> None:
    """Reads mark, then a reply that depends on the word."""
    number = value["metadata"]["phone_number_id"]
    for message in value.get("messages", []):
        to = message["from"]
        business.send({"status": "read", "message_id": message["id"], "typing_indicator": {"type": "text"}}, number)
        word = message.get("text", {}).get("body", "").strip()
        kind = message["type"]
        if word == "think":
            continue
        if word == "card":
            payload = card(to, "*Zapatilla urbana*, rojo 38\nOut of stock for _6 days_: about *14 orders* lost.")
            payload["interactive"]["header"]["image"]["link"] = business.url + "/shoe.png"
        elif word == "list":
            sections = [{"title": "Sin stock", "rows": ROWS[:1]}, {"title": "Con poco stock", "rows": ROWS[1:]}]
            payload = listing(to, sections, "Which variation do you mean?", "See variations")
        elif word == "picture":
            media = business.upload(picture(640, 400, seed=2), "image/png").json()["id"]
            payload = {"to": to, "type": "image", "image": {"id": media, "caption": "Here it is"}}
        elif word == "document":
            media = business.upload(b"%PDF-1.4\n%%EOF\n", "application/pdf", "p.pdf").json()["id"]
            payload = {
                "to": to,
                "type": "document",
                "document": {"id": media, "filename": "prefactura-0042.pdf", "caption": "Your pro-forma"},
            }
        elif word == "fail":
            payload = {"to": to, "type": "image", "image": {"link": business.url + "/none.png"}}
        elif word == "evil":
            payload = buttons(to, "<b>x</b>", text=EVIL + " javascript:alert(1) https://example.com/a?b=1.")
        elif word == "नमस्ते":
            payload = {"to": to, "type": "text", "text": {"body": HINDI}}
        elif kind == "interactive":
            reply = message["interactive"]
            payload = {"to": to, "type": "text", "text": {"body": "You chose " + reply[reply["type"]]["id"]}}
        elif kind in ("image", "document"):
            payload = {"to": to, "type": "text", "text": {"body": f"Thanks for the {kind}"}}
        else:
            payload = {"to": to, "type": "text", "text": {"body": "echo: " + word}}
        business.send(payload, number)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no browser: install chromium to test the phone page")
    with playwright_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield started
        started.close()


@pytest.fixture()
def business() -> Iterator[Business]:
    it = Business(answer)
    it.files["/shoe.png"] = ("image/png", picture(480, 360))
    yield it
    it.close()


@pytest.fixture()
def sim(business: Business) -> Iterator[SimulatorThread]:
    with SimulatorThread(
        app_secret=SECRET,
        access_token=TOKEN,
        verify_token=VERIFY,
        phone_number_ids=(NUMBER, OTHER_NUMBER),
        callback_url=business.url,
        retry_delays=(0.1,),
    ) as running:
        business.graph = running.url
        running.client.put_contact(phone=ANA, name="Ana Quispe", role="supplier")
        running.client.put_contact(phone=ROSA, name="रोज़ा शर्मा", role="customer")
        yield running


@pytest.fixture()
def page(browser: Any, sim: SimulatorThread) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1200, "height": 800}, accept_downloads=True)
    opened = context.new_page()
    complaints = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    opened.goto(f"{sim.url}/#contact={ANA}")
    expect(opened.locator("#under")).to_contain_text("Ana Quispe")
    yield opened
    context.close()
    assert complaints == []


def write(page: Any, text: str) -> None:
    page.get_by_role("textbox", name="Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def picture_of(page: Any, name: str) -> None:
    """Keep a screenshot when a folder for them is named; people look at it."""
    folder = os.environ.get("PHONE_PAGE_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def newest(page: Any) -> Any:
    return page.locator("#messages .turn:not(.mine)").last


def test_a_text_goes_out_and_the_answer_comes_without_reloading(page: Any) -> None:
    write(page, "hello *you*")
    expect(page.locator(".mine .said strong")).to_have_text("you")
    expect(newest(page).locator(".said")).to_have_text("echo: hello you")
    expect(page.locator(".mine .tick").last).to_have_attribute("data-tick", "read")
    expect(newest(page).locator(".tick")).to_have_attribute("data-tick", "read")
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")


def test_typing_is_shown_until_the_answer(page: Any) -> None:
    write(page, "think")
    expect(page.locator("#under")).to_have_text("typing…")
    expect(page.locator(".dots")).to_be_visible()
    write(page, "now")
    expect(newest(page)).to_contain_text("echo: now")
    expect(page.locator(".dots")).to_have_count(0)


def test_a_card_shows_its_picture_and_a_button_answers(page: Any) -> None:
    write(page, "card")
    image = newest(page).locator("img")
    expect(image).to_be_visible()
    expect(image).to_have_js_property("naturalWidth", 480)
    expect(newest(page).locator(".foot")).to_have_text("1 of 12 · Mostrador")
    picture_of(page, "desktop-card")
    page.get_by_role("button", name="Update stock").click()
    expect(newest(page)).to_contain_text("You chose b0")
    expect(page.locator(".mine .quote")).to_contain_text("Zapatilla")


def test_a_list_opens_a_sheet_that_the_keyboard_can_use(page: Any) -> None:
    write(page, "list")
    page.get_by_role("button", name="See variations").press("Enter")
    sheet = page.get_by_role("dialog", name="See variations")
    expect(sheet).to_be_visible()
    expect(sheet.locator("h3")).to_have_text(["Sin stock", "Con poco stock"])
    expect(sheet).to_contain_text("14 pedidos perdidos")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="See variations").click()
    sheet.get_by_role("button", name=re.compile("Negro")).press("Enter")
    expect(sheet).to_be_hidden()
    expect(newest(page)).to_contain_text("You chose v2")


def test_pictures_open_and_documents_download(page: Any, tmp_path: Path) -> None:
    write(page, "picture")
    expect(newest(page)).to_contain_text("Here it is")
    newest(page).get_by_role("button", name="Open the picture").click()
    expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    page.keyboard.press("Escape")
    write(page, "document")
    with page.expect_download() as download:
        page.get_by_role("link", name="prefactura-0042.pdf").click()
    assert download.value.suggested_filename == "prefactura-0042.pdf"
    download.value.save_as(tmp_path / "p.pdf")
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")


def test_a_message_that_fails_says_so(page: Any) -> None:
    write(page, "fail")
    expect(newest(page).locator(".tick")).to_have_attribute("data-tick", "failed")
    expect(newest(page).locator(".why")).to_contain_text("131053")


def test_a_business_that_does_not_answer_is_shown_and_recovers(page: Any, business: Business) -> None:
    business.answers = [503]
    write(page, "hello")
    expect(newest(page)).to_contain_text("echo: hello")
    expect(page.locator(".mine .tick")).to_have_attribute("data-tick", "read")


def test_nothing_in_a_message_runs_in_the_page(page: Any, sim: SimulatorThread) -> None:
    sim.client.put_contact(phone="5491100000666", name=EVIL, role=EVIL)
    sim.client.send(ANA, "document", filename=EVIL + ".pdf")
    write(page, "evil")
    expect(newest(page).locator(".said")).to_contain_text("<script>")
    expect(newest(page).get_by_role("button")).to_have_text("<b>x</b>")
    links = newest(page).locator(".said a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.com/a?b=1")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x'], #messages script, .people script").count() == 0


def test_a_picture_and_a_document_can_be_attached(page: Any, tmp_path: Path) -> None:
    (tmp_path / "shoe.png").write_bytes(picture(64, 64))
    (tmp_path / "list.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    for item, file, kind in (("Picture", "shoe.png", "image"), ("Document", "list.pdf", "document")):
        page.get_by_role("button", name="Attach a picture or document").click()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("menuitem", name=item).click()
        chooser.value.set_files(tmp_path / file)
        expect(newest(page)).to_contain_text(f"Thanks for the {kind}")
    expect(page.locator(".mine .file")).to_contain_text("list.pdf")


def test_phones_can_be_switched_found_and_added(page: Any) -> None:
    write(page, "from Ana")
    expect(newest(page)).to_contain_text("echo: from Ana")
    page.get_by_role("searchbox").fill("customer")
    expect(page.locator(".person")).to_have_count(1)
    page.get_by_role("button", name=re.compile("रोज़ा")).click()
    expect(page.locator("#messages .turn")).to_have_count(0)
    write(page, "नमस्ते")
    expect(newest(page).locator(".said strong")).to_have_text(["3 चीज़ें", "42 ऑर्डर"])
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Phone number of a new contact").fill("12")
    page.get_by_role("button", name="Add a phone").click()
    expect(page.locator("#add-wrong")).to_contain_text("digits")
    page.get_by_label("Phone number of a new contact").fill("+54 9 11 7777-8888")
    page.get_by_label("Name of the new contact").fill("Luz")
    page.keyboard.press("Enter")
    expect(page.locator("#under")).to_contain_text("Luz")
    write(page, "hola")
    expect(newest(page)).to_contain_text("echo: hola")
    page.get_by_role("button", name=re.compile("Ana Quispe")).click()
    expect(newest(page)).to_contain_text("echo: from Ana")


def test_each_business_number_is_a_chat_of_its_own(page: Any, sim: SimulatorThread) -> None:
    write(page, "first number")
    expect(newest(page)).to_contain_text("echo: first number")
    page.get_by_label("Business number to write to").select_option(OTHER_NUMBER)
    expect(page.locator("#messages .turn")).to_have_count(0)
    write(page, "second number")
    expect(newest(page)).to_contain_text("echo: second number")
    assert {e["business"] for e in sim.client.log(ANA, events=["in"])} == {NUMBER, OTHER_NUMBER}


def test_messages_for_another_phone_are_counted(page: Any, sim: SimulatorThread, business: Business) -> None:
    business.send({"to": ROSA, "type": "text", "text": {"body": "psst"}})
    expect(page.locator(".new")).to_have_text("1")
    page.get_by_role("button", name=re.compile("रोज़ा")).click()
    expect(newest(page)).to_contain_text("psst")
    expect(page.locator(".new")).to_have_count(0)
    expect(newest(page).locator(".tick")).to_have_attribute("data-tick", "read")


def test_the_page_comes_back_after_the_simulator_was_away(browser: Any, business: Business, tmp_path: Path) -> None:
    settings: Dict[str, Any] = {
        "app_secret": SECRET,
        "access_token": TOKEN,
        "phone_number_ids": (NUMBER,),
        "callback_url": business.url,
        "log_dir": tmp_path,
    }
    with SimulatorThread(**settings) as first:
        business.graph = first.url
        port = first.port
        first.client.put_contact(phone=ANA, name="Ana Quispe")
        context = browser.new_context()
        page = context.new_page()
        page.goto(first.url)
        write(page, "before")
        expect(newest(page)).to_contain_text("echo: before")
    expect(page.locator("#offline")).to_be_visible()
    with SimulatorThread(port=port, **settings):
        expect(page.locator("#offline")).to_be_hidden(timeout=10_000)
        write(page, "after")
        expect(newest(page)).to_contain_text("echo: after")
        expect(page.locator(".mine")).to_have_count(2)
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_small_screen(browser: Any, sim: SimulatorThread, business: Business, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, device_scale_factor=2, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"{sim.url}/#contact={ROSA}")
    write(page, "नमस्ते")
    expect(newest(page)).to_contain_text("42 ऑर्डर")
    write(page, "document")
    expect(newest(page)).to_contain_text("prefactura")
    picture_of(page, f"small-{scheme}-hindi")
    write(page, "card")
    expect(newest(page).locator("img")).to_be_visible()
    picture_of(page, f"small-{scheme}-card")
    write(page, "list")
    newest(page).get_by_role("button", name="See variations").tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    picture_of(page, f"small-{scheme}-list")
    page.get_by_role("button", name="Close the list", exact=True).tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.get_by_role("searchbox")).to_be_hidden()
    page.get_by_role("button", name="Choose another phone").tap()
    expect(page.get_by_role("searchbox")).to_be_visible()
    picture_of(page, f"small-{scheme}-phones")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_be_hidden()
    context.close()


def test_a_template_shows_its_words_and_buttons(page: Any, sim: SimulatorThread, business: Any) -> None:
    sim.client.put_template(name="restock", language="en", body="Hi {{1}}, *{{2}}* items are out.", buttons=["Show"])
    parameters = [{"type": "text", "text": "Ana"}, {"type": "text", "text": "3"}]
    business.send(
        {
            "to": ANA,
            "type": "template",
            "template": {
                "name": "restock",
                "language": {"code": "en"},
                "components": [{"type": "body", "parameters": parameters}],
            },
        }
    )
    expect(newest(page).locator(".said")).to_have_text("Hi Ana, 3 items are out.")
    expect(newest(page).get_by_role("button", name="Show")).to_be_visible()
