"""The phone page in a real browser, against the simulator and a small bot that answers with every kind of message."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator
from urllib.parse import unquote

import pytest
from simulator_business import NUMBER, OTHER_NUMBER, SECRET, TOKEN, VERIFY, Business, buttons, listing

from mostrador.simulator.media import WEBP, picture
from mostrador.simulator.server import SimulatorThread

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = playwright_api.expect
expect.set_options(timeout=20_000)  # a machine under load is slow, not wrong

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # fmt: skip
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
        elif word == "like":
            payload = {"to": to, "type": "reaction", "reaction": {"message_id": message["id"], "emoji": "🙏"}}
        elif word == "quote":
            payload = {
                "to": to,
                "context": {"message_id": message["id"]},
                "type": "text",
                "text": {"body": "As you said"},
            }
        elif kind in ("reaction", "audio"):
            continue
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
        explain_url="http://127.0.0.1:8081/explain/{id}",
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
    expect(opened.locator(".under")).to_contain_text("Ana Quispe")
    yield opened
    context.close()
    assert complaints == []


def write(page: Any, text: str) -> None:
    page.get_by_role("textbox", name="Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def attach(page: Any, item: str, file: Path) -> None:
    page.get_by_role("button", name="Attach something").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name=item).click()
    chooser.value.set_files(file)


def picture_of(page: Any, name: str) -> None:
    """Keep a screenshot when a folder for them is named; people look at it."""
    folder = os.environ.get("PHONE_PAGE_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def person(page: Any, name: str) -> Any:
    return page.locator(".person", has_text=name)


def newest(page: Any) -> Any:
    return page.locator(".messages .turn:not(.mine)").last


def test_a_text_goes_out_and_the_answer_comes_without_reloading(page: Any) -> None:
    write(page, "hello *you*")
    expect(page.locator(".mine .said strong")).to_have_text("you")
    expect(newest(page).locator(".said")).to_have_text("echo: hello you")
    expect(page.locator(".mine .tick").last).to_have_attribute("data-tick", "read")
    expect(newest(page).locator(".tick")).to_have_attribute("data-tick", "read")
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")


def test_typing_is_shown_until_the_answer(page: Any) -> None:
    write(page, "think")
    expect(page.locator(".under")).to_have_text("typing…")
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
    expect(newest(page).locator(".failure")).to_contain_text("131053")


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
    expect(newest(page).locator(".buttons button")).to_have_text("<b>x</b>")
    links = newest(page).locator(".said a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.com/a?b=1")
    newest(page).locator(".options").click()
    page.get_by_role("menuitem", name="Raw JSON").click()
    expect(page.locator("#panel-wire")).to_contain_text("<script>")
    page.get_by_role("tab", name="Faults").click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x'], .messages script, .people script").count() == 0


def test_a_picture_and_a_document_can_be_attached(page: Any, tmp_path: Path) -> None:
    (tmp_path / "shoe.png").write_bytes(picture(64, 64))
    (tmp_path / "list.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    for item, file, kind in (("Picture", "shoe.png", "image"), ("Document", "list.pdf", "document")):
        attach(page, item, tmp_path / file)
        expect(page.locator(".attached")).to_contain_text(file)
        write(page, f"my {kind}")
        expect(newest(page)).to_contain_text(f"Thanks for the {kind}")
        expect(page.locator(".mine").last).to_contain_text(f"my {kind}")
        expect(page.locator(".attached")).to_be_hidden()
    expect(page.locator(".mine .file")).to_contain_text("list.pdf")


def test_phones_can_be_switched_found_and_added(page: Any) -> None:
    write(page, "from Ana")
    expect(newest(page)).to_contain_text("echo: from Ana")
    page.get_by_role("searchbox").fill("customer")
    expect(page.locator(".person")).to_have_count(1)
    person(page, "रोज़ा").click()
    expect(page.locator(".messages .turn")).to_have_count(0)
    write(page, "नमस्ते")
    expect(newest(page).locator(".said strong")).to_have_text(["3 चीज़ें", "42 ऑर्डर"])
    page.get_by_role("searchbox").fill("")
    page.get_by_text("Add a phone").click()
    page.get_by_label("Phone number of a new contact").fill("12")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#add-wrong")).to_contain_text("digits")
    page.get_by_label("Phone number of a new contact").fill("+54 9 11 7777-8888")
    page.get_by_label("Name of the new contact").fill("Luz")
    page.keyboard.press("Enter")
    expect(page.locator(".under")).to_contain_text("Luz")
    write(page, "hola")
    expect(newest(page)).to_contain_text("echo: hola")
    person(page, "Ana Quispe").click()
    expect(newest(page)).to_contain_text("echo: from Ana")


def test_each_business_number_is_a_chat_of_its_own(page: Any, sim: SimulatorThread) -> None:
    write(page, "first number")
    expect(newest(page)).to_contain_text("echo: first number")
    page.get_by_label("Business number to write to").select_option(OTHER_NUMBER)
    expect(page.locator(".messages .turn")).to_have_count(0)
    write(page, "second number")
    expect(newest(page)).to_contain_text("echo: second number")
    assert {e["business"] for e in sim.client.log(ANA, events=["in"])} == {NUMBER, OTHER_NUMBER}


def test_messages_for_another_phone_are_counted(page: Any, sim: SimulatorThread, business: Business) -> None:
    business.send({"to": ROSA, "type": "text", "text": {"body": "psst"}})
    expect(page.locator(".new")).to_have_text("1")
    person(page, "रोज़ा").click()
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


# --- answering to a message


def options(turn: Any) -> Any:
    return turn.locator(".options")


def test_a_reply_quotes_its_message_both_ways(page: Any, business: Business) -> None:
    write(page, "hello")
    expect(newest(page)).to_contain_text("echo: hello")
    options(newest(page)).click()
    page.get_by_role("menuitem", name="Reply").click()
    expect(page.locator(".quoting")).to_contain_text("echo: hello")
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_focused()
    write(page, "quote")
    expect(page.locator(".quoting")).to_be_hidden()
    expect(page.locator(".mine .quote")).to_contain_text("echo: hello")
    expect(newest(page).locator(".quote")).to_contain_text("quote")
    answered = business.messages()[-1]["context"]
    assert answered == {"from": "15552242922", "id": page.locator("#columns .turn").nth(1).get_attribute("data-id")}
    options(page.locator(".mine").last).click()
    page.get_by_role("menuitem", name="Reply").click()
    write(page, "to myself")
    business.until(lambda: [m for m in business.messages() if m.get("context", {}).get("from") == ANA])
    options(newest(page)).click()
    page.get_by_role("menuitem", name="Reply").click()
    page.keyboard.press("Escape")
    expect(page.locator(".quoting")).to_be_hidden()


def test_reactions_are_sent_taken_back_and_shown(page: Any, business: Business) -> None:
    write(page, "like")
    expect(page.locator(".mine .stuck")).to_contain_text("🙏")
    write(page, "hello")
    expect(newest(page)).to_contain_text("echo: hello")
    options(newest(page)).click()
    page.get_by_role("menuitemcheckbox", name="React: heart").click()
    expect(newest(page).locator(".stuck")).to_contain_text("❤️")
    reaction = business.until(lambda: [m for m in business.messages() if m["type"] == "reaction"])[0]["reaction"]
    assert reaction == {"message_id": newest(page).get_attribute("data-id"), "emoji": "❤️"}
    options(newest(page)).click()
    page.get_by_role("menuitemcheckbox", name="Take back heart").click()
    expect(newest(page).locator(".stuck")).to_have_count(0)


def test_an_answered_message_can_be_asked_why(page: Any) -> None:
    write(page, "hello")
    link = page.locator(".mine").get_by_role("link", name="Why was it answered so?")
    asked = page.locator(".mine").get_attribute("data-id")
    expect(link).to_have_attribute("href", re.compile(r"^http://127\.0\.0\.1:8081/explain/wamid\.[^/]+$"))
    assert unquote(str(link.get_attribute("href"))).endswith(asked)


# --- voice and pictures


def record_voice(page: Any) -> None:
    page.get_by_role("button", name="Record a voice note").click()
    expect(page.locator(".recording")).to_be_visible()  # hidden, it still tells the time of the last one
    expect(page.locator(".recording")).to_contain_text(re.compile("0:0[1-9]"))


def test_a_voice_note_is_recorded_heard_and_sent(page: Any, business: Business) -> None:
    record_voice(page)
    picture_of(page, "voice-recording")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator(".recording")).to_be_hidden()
    record_voice(page)
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".attached audio")).to_be_visible()
    page.keyboard.press("Enter")
    audio = business.until(lambda: [m["audio"] for m in business.messages() if m["type"] == "audio"])[0]
    assert audio["voice"] is True
    assert audio["mime_type"].split(";")[0] in ("audio/ogg", "audio/mp4")
    expect(page.locator(".mine audio")).to_be_visible()


def test_a_voice_note_too_short_to_hear_is_not_kept(page: Any) -> None:
    page.clock.set_fixed_time(0)  # however slow the machine, no second goes by
    page.get_by_role("button", name="Record a voice note").click()
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".phone .wrong")).to_contain_text("too short")
    expect(page.locator(".attached")).to_be_hidden()
    expect(page.get_by_role("button", name="Record a voice note")).to_be_visible()


def test_an_audio_file_is_no_voice_note(page: Any, business: Business, tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(b"ID3" + bytes(100))
    attach(page, "Audio file", tmp_path / "song.mp3")
    page.get_by_role("button", name="Send").click()
    audio = business.until(lambda: [m["audio"] for m in business.messages() if m["type"] == "audio"])[0]
    assert (audio["voice"], audio["mime_type"]) == (False, "audio/mpeg")


def test_a_picture_that_whatsapp_does_not_take_becomes_a_jpeg(page: Any, business: Business, tmp_path: Path) -> None:
    (tmp_path / "shelf.webp").write_bytes(WEBP)
    attach(page, "Picture", tmp_path / "shelf.webp")
    expect(page.locator(".attached")).to_contain_text("shelf.jpg")
    page.keyboard.press("Enter")
    image = business.until(lambda: [m["image"] for m in business.messages() if m["type"] == "image"])[0]
    assert image["mime_type"] == "image/jpeg"
    (tmp_path / "broken.gif").write_bytes(b"no picture")
    attach(page, "Picture", tmp_path / "broken.gif")
    expect(page.locator(".phone .wrong")).to_contain_text("cannot read")
    expect(page.locator(".attached")).to_be_hidden()


# --- several phones


def phone(page: Any, name: str) -> Any:
    return page.get_by_role("region", name=f"Phone of {name}")


def open_beside(page: Any, name: str) -> None:
    person(page, name).hover()
    page.get_by_role("button", name=re.compile(f"Open side by side: {name}")).click()


def test_phones_stand_side_by_side(page: Any, sim: SimulatorThread, business: Business) -> None:
    sim.client.put_contact(phone="5491155550000", name="Luz", role="supplier")
    open_beside(page, "रोज़ा")
    ana, rosa = phone(page, "Ana Quispe"), phone(page, "रोज़ा शर्मा")
    ana.get_by_role("textbox", name="Message").fill("from Ana")
    page.keyboard.press("Enter")
    rosa.get_by_role("textbox", name="Message").fill("from Rosa")
    page.keyboard.press("Enter")
    expect(ana.locator(".turn").last).to_contain_text("echo: from Ana")
    expect(rosa.locator(".turn").last).to_contain_text("echo: from Rosa")
    expect(ana.locator(".turn")).to_have_count(2)
    boxes = [one.bounding_box() for one in (ana, rosa)]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] and boxes[0]["y"] == boxes[1]["y"]
    open_beside(page, "Luz")
    expect(page.locator(".phone")).to_have_count(3)
    page.reload()
    expect(page.locator(".phone")).to_have_count(3)
    expect(phone(page, "Ana Quispe").locator(".turn")).to_have_count(2)
    expect(phone(page, "Luz").locator(".turn")).to_have_count(0)
    for name in ("Luz", "Ana Quispe"):
        phone(page, name).get_by_role("button", name="Close this phone").click()
    expect(page.locator(".phone")).to_have_count(1)
    expect(page.get_by_role("button", name="Close this phone")).to_have_count(0)
    business.send({"to": ANA, "type": "text", "text": {"body": "psst"}})
    expect(person(page, "Ana Quispe").locator(".new")).to_have_text("1")


# --- raw JSON


def test_a_bubble_shows_its_json_both_ways(page: Any, business: Business) -> None:
    write(page, "hello")
    expect(newest(page)).to_contain_text("echo: hello")
    business.until(lambda: [s for s in business.statuses() if s["status"] == "read"])
    options(page.locator(".mine")).click()
    page.get_by_role("menuitem", name="Raw JSON").click()
    panel = page.get_by_role("tabpanel", name="Raw JSON")
    posted = panel.locator(".webhook .json").nth(1)
    expect(posted).to_contain_text('"object": "whatsapp_business_account"')
    expect(posted).to_contain_text('"body": "hello"')
    expect(panel.locator(".webhook .json").first).to_contain_text("X-Hub-Signature-256: sha256=")
    expect(panel.locator(".call")).to_contain_text("read mark and typing")
    options(newest(page)).click()
    page.get_by_role("menuitem", name="Raw JSON").click()
    expect(panel.locator(".call .json").nth(1)).to_contain_text('"body": "echo: hello"')
    expect(panel.locator(".call .json").nth(2)).to_contain_text('"message_status": "accepted"')
    expect(panel.locator(".webhook")).to_have_count(3)  # sent, delivered, read
    assert TOKEN not in panel.inner_text() and SECRET not in panel.inner_text()


def test_the_exchanges_are_listed_as_they_happen(page: Any, business: Business) -> None:
    business.answers = [503]
    page.get_by_role("button", name="Raw JSON").click()
    panel = page.get_by_role("tabpanel", name="Raw JSON")
    expect(panel).to_contain_text("Nothing has passed yet")
    write(page, "hello")
    expect(panel.locator("summary", has_text="message text").filter(has_text="503")).to_have_count(1)
    expect(panel.locator("summary", has_text="message text").filter(has_text="try 2")).to_contain_text("200")
    expect(panel.locator("summary", has_text="send text")).to_contain_text("Ana Quispe")
    expect(panel.locator("summary", has_text="status delivered")).to_have_count(1)
    picture_of(page, "raw-json-live")
    panel.get_by_label("Statuses and read marks").uncheck()
    expect(panel.locator("summary", has_text="status")).to_have_count(0)
    panel.get_by_label("Pause").check()
    panel.locator("summary", has_text="send text").press("Enter")
    expect(panel.locator(".call .json").nth(1)).to_contain_text('"messaging_product": "whatsapp"')
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Raw JSON")).to_be_focused()


# --- faults


def test_faults_are_ordered_seen_and_taken_back(page: Any, sim: SimulatorThread, business: Business) -> None:
    page.get_by_role("button", name="Faults").click()
    panel = page.get_by_role("tabpanel", name="Faults")
    panel.get_by_label("The network shall").select_option("400")
    panel.get_by_label("Code", exact=True).select_option("131056")
    panel.get_by_label("To", exact=True).select_option(label="Ana Quispe")
    panel.get_by_role("button", name="Order it").click()
    expect(panel.locator(".orders")).to_contain_text("HTTP 400 with code 131056 · the next call to Ana Quispe")
    panel.get_by_label("Delivered twice").select_option("1")
    expect(page.locator("#fault-count")).to_have_text("2")
    assert sim.client.call("GET", "faults")["duplicate"] == 1.0
    picture_of(page, "faults")
    assert business.send({"to": ANA, "type": "text", "text": {"body": "x"}}).json()["error"]["code"] == 131056
    expect(panel.locator(".orders li")).to_have_count(0)
    panel.get_by_label("The network shall").select_option("html502")
    panel.get_by_label("How often").select_option("all")
    panel.get_by_role("button", name="Order it").click()
    assert business.send({"to": ANA, "type": "text", "text": {"body": "x"}}).status_code == 502
    panel.get_by_role("button", name="Take back: HTTP 502").click()
    expect(panel.locator(".orders li")).to_have_count(0)
    assert business.send({"to": ANA, "type": "text", "text": {"body": "x"}}).status_code == 200
    panel.get_by_label("When the shop fetches one").select_option("expired")
    expect(page.locator("#fault-count")).to_have_text("2")
    panel.get_by_role("button", name="Switch all faults off").click()
    expect(page.locator("#fault-count")).to_be_hidden()
    expect(panel.get_by_label("Delivered twice")).to_have_value("0")


def test_a_phone_is_switched_off_and_on(page: Any, business: Business) -> None:
    page.get_by_role("button", name="Faults").click()
    page.get_by_label("Ana Quispe’s phone is switched off").check()
    expect(page.locator(".phone.off")).to_have_count(1)
    business.send({"to": ANA, "type": "text", "text": {"body": "waiting"}})
    expect(newest(page).locator(".tick")).to_have_attribute("data-tick", "sent")
    page.get_by_label("Ana Quispe’s phone is switched off").uncheck()
    expect(newest(page).locator(".tick")).to_have_attribute("data-tick", "read")


# --- for everybody


def test_everything_is_reached_by_keyboard(page: Any) -> None:
    write(page, "list")
    page.get_by_role("button", name="See variations").press("Enter")
    rows = page.get_by_role("dialog").locator(".row")
    expect(rows.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="See variations")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(options(newest(page))).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(outline[:-2]) >= 2 and page.evaluate("getComputedStyle(document.activeElement).opacity") == "1"
    page.keyboard.press("ArrowUp")
    expect(options(page.locator(".mine").last)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemcheckbox", name="thumbs up")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    expect(options(page.locator(".mine").last)).to_be_focused()
    page.get_by_role("searchbox", name="Find a phone").press("ArrowDown")
    expect(page.locator(".person").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(person(page, "रोज़ा")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".phone")).to_have_count(2)
    page.get_by_role("button", name="Faults").press("Enter")
    expect(page.get_by_role("tab", name="Faults")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Replay")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Faults")).to_be_focused()


CONTRASTS = (Path(__file__).parent / "page_contrasts.js").read_text(encoding="utf-8")
NAMELESS = (Path(__file__).parent / "page_names.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough_and_everything_has_a_name(browser: Any, sim: SimulatorThread, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 1500, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{sim.url}/#contact={ANA},{ROSA}")
    ana = phone(page, "Ana Quispe")
    for word in ("card", "list", "fail", "document", "quote", "like"):
        ana.get_by_role("textbox", name="Message").fill(word)
        page.keyboard.press("Enter")
    expect(ana.locator(".quote")).to_have_count(1)
    expect(ana.locator(".failure", has_text="131053")).to_be_visible()
    expect(ana.locator(".stuck")).to_have_count(1)
    ana.locator(".options").last.click()
    assert page.evaluate(CONTRASTS) == []
    page.get_by_role("menuitem", name="Reply").click()
    sim.client.fault(kind="500", next=3)
    for tool in ("Raw JSON", "Faults", "Replay"):
        page.get_by_role("navigation", name="Tools").get_by_role("button", name=tool).click()
        page.wait_for_timeout(100)
        for summary in page.locator("#exchanges summary:visible").all()[:4]:
            summary.click()
        assert page.evaluate(CONTRASTS) == []
        assert page.evaluate(NAMELESS) == []
        picture_of(page, f"tools-{scheme}-{tool.split()[0].lower()}")
    page.get_by_role("navigation", name="Tools").get_by_role("button", name="Replay").click()
    ana.get_by_role("button", name="See variations").click()
    assert page.evaluate(CONTRASTS) == []
    context.close()


def test_phones_and_tools_fit_a_small_screen(browser: Any, sim: SimulatorThread) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True, device_scale_factor=2)
    page = context.new_page()
    page.goto(f"{sim.url}/#contact={ANA},{ROSA}")
    expect(page.get_by_role("tab", name="Ana Quispe")).to_have_attribute("aria-selected", "true")
    assert page.locator("textarea:visible").bounding_box()["height"] >= 40
    write(page, "card")
    expect(newest(page).locator("img")).to_be_visible()
    expect(page.locator(".phone:visible")).to_have_count(1)
    options(newest(page)).tap()
    picture_of(page, "small-menu")
    page.get_by_role("menuitem", name="Reply").tap()
    picture_of(page, "small-reply")
    page.get_by_role("tab", name="रोज़ा शर्मा").tap()
    expect(phone(page, "रोज़ा शर्मा")).to_be_visible()
    expect(phone(page, "Ana Quispe")).to_be_hidden()
    page.get_by_role("button", name="Choose another phone").tap()
    page.get_by_role("navigation", name="Tools").get_by_role("button", name="Faults").tap()
    panel = page.get_by_role("tabpanel", name="Faults")
    expect(panel).to_be_visible()
    picture_of(page, "small-faults")
    assert panel.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    page.get_by_role("tab", name="Raw JSON").tap()
    expect(page.locator("#exchanges li").first).to_be_visible()
    picture_of(page, "small-json")
    page.get_by_role("button", name="Close the tools").tap()
    expect(phone(page, "रोज़ा शर्मा")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    context.close()


# --- replay


WRONG_TALK = """
conversation: Somebody expects too much
contact: {role: stranger, name: Luz}
steps:
  - user: "hi"
  - bot: {response: utter_greet_by_name, text: "a word that is not there"}
  - user: "bye"
"""


def test_conversations_are_listed_for_who_looks_before_the_page_knows_its_shop(browser: Any, stack: Any) -> None:
    page, held = browser.new_context().new_page(), []
    page.route("**/config", lambda route: held.append(route))
    page.goto(f"{stack.simulator_url}/")
    page.get_by_role("navigation", name="Tools").get_by_role("button", name="Replay").click()
    panel = page.get_by_role("tabpanel", name="Replay")
    panel.get_by_role("searchbox").fill("refills a sold-out")
    expect(panel.locator("#replay-wrong")).to_be_empty()
    held[0].continue_()
    expect(panel.locator("#replay-list option")).not_to_have_count(0)
    page.context.close()


def test_a_conversation_is_replayed_step_by_step(browser: Any, stack: Any, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{stack.simulator_url}/")
    page.get_by_role("navigation", name="Tools").get_by_role("button", name="Replay").click()
    panel = page.get_by_role("tabpanel", name="Replay")
    panel.get_by_role("searchbox").fill("refills a sold-out")
    panel.locator("#replay-list").select_option(index=0)
    panel.get_by_role("button", name="Open it").click()
    steps = panel.locator(".step")
    expect(steps.first).to_have_attribute("aria-current", "step")
    panel.get_by_role("button", name="Next step").click()
    expect(steps.first).to_have_class(re.compile("good"))
    panel.get_by_role("button", name="Next step").click()
    expect(steps.nth(1).locator(".happened")).to_contain_text("utter_greet_by_name")
    expect(phone(page, "Asha Rao").locator(".turn")).to_have_count(2)
    panel.get_by_role("button", name="Play", exact=True).click()
    expect(panel.locator("#replay-verdict")).to_contain_text("It holds", timeout=60_000)
    picture_of(page, "replay-holds")
    panel.get_by_role("button", name="Another one").click()
    (tmp_path / "wrong.yml").write_text(WRONG_TALK)
    page.locator("#replay-file").set_input_files(tmp_path / "wrong.yml")
    panel.get_by_role("button", name="Play", exact=True).click()
    expect(panel.locator("#replay-verdict")).to_contain_text("does not hold: step 2 of 4", timeout=30_000)
    expect(panel.locator(".difference")).to_contain_text("expectedutter_greet_by_name")
    expect(panel.locator(".difference")).to_contain_text("utter_greet_guest")
    picture_of(page, "replay-fails")
    (tmp_path / "sql.yml").write_text(
        "conversation: SQL\nsteps:\n  - user: hi\n  - database: {query: 'drop table contact', equals: 1}\n"
    )
    panel.get_by_role("button", name="Another one").click()
    page.locator("#replay-file").set_input_files(tmp_path / "sql.yml")
    expect(panel.locator("#replay-wrong")).to_contain_text("uploaded.yml:4: queries are only run from files")
    context.close()
