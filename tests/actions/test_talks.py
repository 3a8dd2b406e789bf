"""Whole talks in process: the trained model, the real actions, a shop in memory. No server, no channel."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple

import pytest
import structlog
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.model_testing import test_core as replay
from rasa.model_training import train
from rasa.shared.core.events import BotUttered
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor
from shop_in_memory import CONVERSATION, LOW, OUT, Shop

from mostrador.settings import ROOT
from mostrador.shop.rejections import LONGEST_WORDS

pytestmark = pytest.mark.slow
SEND_NOTHING = EndpointConfig("http://127.0.0.1:9/")  # the actions are called in process


class InProcess(EndpointConfig):
    """An action endpoint that calls the executor instead of a server."""

    def __init__(self, executor: ActionExecutor) -> None:
        super().__init__(SEND_NOTHING.url)
        self._executor = executor

    async def request(self, *_: Any, json: Dict[str, Any], **__: Any) -> Any:
        return await self._executor.run(json)


class Reply(NamedTuple):
    responses: List[str]
    texts: List[str]
    payloads: List[str]


class Talk:
    """One contact's talk with the bot."""

    def __init__(self, agent: Agent, loop: asyncio.AbstractEventLoop, sender: str) -> None:
        self._agent, self._loop, self._sender = agent, loop, sender

    def say(self, text: str) -> Reply:
        return self._loop.run_until_complete(self._say(text))

    async def _say(self, text: str) -> Reply:
        before = len((await self._agent.tracker_store.get_or_create_tracker(self._sender)).events)
        await self._agent.handle_message(UserMessage(text, CollectingOutputChannel(), self._sender))
        tracker = await self._agent.tracker_store.get_or_create_tracker(self._sender)
        said = [event for event in list(tracker.events)[before:] if isinstance(event, BotUttered)]
        assert len(said) <= 4, "at most four messages a turn"
        buttons = [button for event in said for button in event.data.get("buttons") or []]
        return Reply(
            [str(event.metadata.get("utter_action")) for event in said],
            [str(event.text) for event in said],
            [button["payload"] for button in buttons],
        )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    logging.getLogger("rasa").setLevel(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = tmp_path_factory.mktemp("models")
    trained = train(str(ROOT / "domain.yml"), str(ROOT / "config.yml"), [str(ROOT / "data")], str(folder))
    assert trained.model is not None
    return trained.model


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture(scope="module")
def agent(model: str, executor: ActionExecutor, loop: asyncio.AbstractEventLoop) -> Agent:
    async def load() -> Agent:
        return Agent.load(model, action_endpoint=InProcess(executor))

    return loop.run_until_complete(load())


@pytest.fixture()
def talk(agent: Agent, loop: asyncio.AbstractEventLoop, shop: Shop) -> Talk:
    agent.tracker_store = InMemoryTrackerStore(agent.domain)
    assert agent.processor is not None
    agent.processor.tracker_store = agent.tracker_store
    for number in range(5):
        for variation in shop.product(f"Kurta {number}", "Blue / M", "Red / L"):
            shop.recommend(OUT, variation, estimated_order_loss=1200 - number)
    shop.recommend(LOW, shop.product("Lamp", stock=4)[0], current_stock=5, days_on_hand=3)
    return Talk(agent, loop, CONVERSATION)


RESTOCK = {
    "en": ("hello", "what is sold out", "more", "update stock", "undo my last change", "Done."),
    "es": ("hola", "¿qué se agotó?", "ver más", "actualizar stock", "deshaz el último cambio", "Listo."),
    "hi": ("नमस्ते", "क्या खत्म हो गया है", "और दिखाओ", "स्टॉक बदलना है", "पिछला बदलाव वापस लो", "हो गया।"),
}


@pytest.mark.parametrize("language", sorted(RESTOCK))
def test_a_seller_restocks_in_his_language(talk: Talk, shop: Shop, language: str) -> None:
    hello, sold_out, more, update, undo, done = RESTOCK[language]
    assert talk.say(hello).responses == ["utter_greet_by_name"]
    first = talk.say(sold_out)
    assert first.responses == ["utter_card_out_of_stock_siblings"] * 3 + ["utter_more_to_see"]
    assert talk.say(more).payloads[0] == '/update_stock{"item": "103"}'
    assert talk.say(update).responses == ["utter_choose_item"]
    assert talk.say("2").responses == ["utter_ask_quantity"]
    told = talk.say("५०" if language == "hi" else "50")
    assert told.responses == ["utter_stock_updated"]
    assert told.texts == [f"{done} Kurta 0 – Red / L: 0 → 50"]
    assert shop.state.levels[101] == 50
    assert talk.say(undo).responses == ["utter_undone"]
    assert shop.state.levels[101] == 0


def test_taps_alone_are_enough(talk: Talk, shop: Shop) -> None:
    card = talk.say("/show_out_of_stock").payloads
    assert card[:2] == ['/update_stock{"item": "100"}', '/show_variations{"item": "100"}']
    assert talk.say(card[1]).payloads == ['/update_stock{"item": "101"}']
    talk.say('/update_stock{"item": "101"}')
    undo, more, menu = talk.say("7").payloads
    assert talk.say(more).responses[0].startswith("utter_card_out_of_stock")
    assert talk.say(menu).responses == ["utter_menu"]
    assert talk.say(undo).responses == ["utter_undone"]
    assert shop.state.levels[101] == 0


@pytest.mark.parametrize(
    ("interruption", "response"),
    [
        ("help", "utter_help"),
        ("are you a bot?", "utter_bot_challenge"),
        ("thanks", "utter_thank"),
        ("what is running low", "utter_card_low_stock"),
        ("what is sold out", "utter_card_out_of_stock_siblings"),
        ("/EXTERNAL_restock_recommendations", "utter_card_out_of_stock_siblings"),
        ('/send_media{"media_kind": "image"}', "utter_media_picture"),
        ("/send_location", "utter_location_received"),
        ("/choose_option", "utter_option_closed"),
        ("/switch_language", "utter_ask_language"),
        ('/show_variations{"item": "102"}', "utter_variations"),
    ],
)
def test_an_interruption_is_answered_and_the_form_asks_again(talk: Talk, interruption: str, response: str) -> None:
    talk.say('/update_stock{"item": "100"}')
    reply = talk.say(interruption)
    assert (reply.responses[0], reply.responses[-1]) == (response, "utter_ask_quantity")
    assert talk.say("12").responses == ["utter_stock_updated"]


@pytest.mark.parametrize(
    ("way_out", "response"),
    [
        ("cancel", "utter_cancelled"),
        ("no thanks", "utter_cancelled"),
        ("menu", "utter_menu"),
        ("bye", "utter_goodbye"),
        ("I want to talk to a person", "utter_human_coming"),
        ("stop sending me messages", "utter_opted_out"),
    ],
)
def test_a_way_out_leaves_the_form_with_nothing_changed(talk: Talk, shop: Shop, way_out: str, response: str) -> None:
    talk.say('/update_stock{"item": "100"}')
    assert talk.say(way_out).responses == [response]
    assert talk.say("50").responses == ["utter_inform_nowhere"]
    assert shop.state.log == []


def test_another_product_tapped_in_the_form_takes_the_place_of_the_first(talk: Talk, shop: Shop) -> None:
    talk.say('/update_stock{"item": "100"}')
    assert "Kurta 0 – Red / L" in talk.say('/update_stock{"item": "101"}').texts[0]
    assert talk.say("update stock").responses == ["utter_choose_item"]
    talk.say('/select_item{"item": "102"}')
    talk.say("+5")
    assert [(change.variation_id, change.after) for change in shop.state.log] == [(102, 5)]


def test_a_sentence_with_the_number_answers_the_form(talk: Talk, shop: Shop) -> None:
    talk.say('/update_stock{"item": "100"}')
    assert talk.say("set the stock to 35").responses == ["utter_stock_updated"]
    assert shop.state.levels[100] == 35


def test_four_thousand_characters_are_a_reason_and_no_name(talk: Talk, shop: Shop) -> None:
    talk.say('/reject_recommendation{"item": "100"}')
    assert talk.say(("the loom broke and " * 216)[:4096]).responses == ["utter_rejected"]
    assert len(shop.state.rejected[100].words) == LONGEST_WORDS
    talk.say('/change_preference{"preference": "name"}')
    assert talk.say(("Asha " * 820)[:4096]).responses == ["utter_not_a_name", "utter_ask_name"]
    assert talk.say("cancel").responses == ["utter_cancelled"]


@pytest.mark.parametrize("form", ['/reject_recommendation{"item": "100"}', '/change_preference{"preference": "name"}'])
@pytest.mark.parametrize(
    ("way_out", "response"),
    [
        ("cancel", "utter_cancelled"),
        ("menu", "utter_menu"),
        ("bye", "utter_goodbye"),
        ("I want to talk to a person", "utter_human_coming"),
        ("stop sending me messages", "utter_opted_out"),
        ("update stock", "utter_choose_item"),
        ('/update_stock{"item": "102"}', "utter_ask_quantity"),
    ],
)
def test_a_way_out_leaves_every_other_form_too(talk: Talk, shop: Shop, form: str, way_out: str, response: str) -> None:
    talk.say(form)
    assert talk.say(way_out).responses == [response]
    assert (shop.state.rejected, shop.state.contacts[CONVERSATION].name) == ({}, "Asha Rao")


def test_after_three_useless_answers_a_person_is_offered_and_the_form_is_left(talk: Talk, shop: Shop) -> None:
    talk.say('/update_stock{"item": "100"}')
    for _ in range(2):
        assert talk.say("zzz qqq").responses == ["utter_not_a_quantity", "utter_ask_quantity"]
    assert talk.say("12.5").responses == ["utter_offer_human"]
    assert talk.say("50").responses == ["utter_inform_nowhere"]
    assert shop.state.log == []


def test_an_update_lost_to_an_outage_is_tried_again_with_one_tap(talk: Talk, shop: Shop) -> None:
    talk.say('/update_stock{"item": "100"}')
    shop.inventory_answers = False
    reply = talk.say("+5")
    assert reply.responses == ["utter_update_not_saved"]
    shop.inventory_answers = True
    assert talk.say(reply.payloads[0]).responses == ["utter_stock_updated"]
    assert shop.state.levels[100] == 5


def test_a_button_of_yesterday_finds_the_product_gone(talk: Talk, shop: Shop) -> None:
    button = talk.say("/show_out_of_stock").payloads[0]
    shop.withdraw(shop.state.variations[100])
    assert talk.say(button).responses == ["utter_gone"]
    assert talk.say("50").responses == ["utter_inform_nowhere"]


def test_a_failure_in_the_form_leaves_a_talk_that_goes_on(talk: Talk, shop: Shop) -> None:
    talk.say('/update_stock{"item": "100"}')
    working, shop.services.inventory = shop.services.inventory, None
    assert talk.say("50").responses == ["utter_technical_problem"]
    shop.services.inventory = working
    assert talk.say("hello").responses == ["utter_greet_by_name"]
    assert talk.say("update stock").responses == ["utter_choose_item"]


def test_the_language_follows_the_person_but_not_a_number_or_a_tap(talk: Talk, shop: Shop) -> None:
    talk.say("hola")
    assert shop.state.contacts[CONVERSATION].language == "es"
    assert talk.say('/update_stock{"item": "100"}').texts[0].startswith("¿Cuántas")
    assert talk.say("50").texts[0].startswith("Listo.")
    assert talk.say("let us speak in english please").texts == ["All right, let's carry on in English."]
    assert talk.say('/switch_language{"language": "hi"}').texts == ["ठीक है, अब हिन्दी में बात करते हैं।"]


def test_a_guest_and_a_stranger_are_answered_kindly(agent: Agent, loop: Any, talk: Talk) -> None:
    guest, stranger = Talk(agent, loop, "c-guest"), Talk(agent, loop, "somebody")
    assert guest.say("update stock").responses == ["utter_not_a_seller"]
    assert guest.say('/update_stock{"item": "100"}').responses == ["utter_not_yours"]
    assert stranger.say("what is sold out").responses == ["utter_unknown_contact"]


def test_the_stories_replay_without_a_wrong_prediction(
    model: str, loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    stories, wanted = str(ROOT / "tests" / "test_stories.yml"), {"fail_on_prediction_errors": True, "errors": True}
    loop.run_until_complete(replay(model, stories, str(tmp_path), wanted))
    assert "all good" in (tmp_path / "failed_test_stories.yml").read_text(encoding="utf-8")
