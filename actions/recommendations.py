"""What is sold out and what is running low, as cards, page by page."""

from __future__ import annotations

from typing import List, Optional, Text, Union

from rasa_sdk.events import EventType, SlotSet

from actions.base import UseCaseAction
from actions.goods import picture_url
from actions.turn import Turn
from mostrador.shop.recommendations import Card, Cursor, Page, RecommendationKind, page_of

OUT, LOW = RecommendationKind.OUT_OF_STOCK, RecommendationKind.LOW_STOCK
CARD = {OUT: "utter_card_out_of_stock", LOW: "utter_card_low_stock"}
NOTHING = {OUT: "utter_nothing_out_of_stock", LOW: "utter_nothing_low"}


class ActionShowOutOfStock(UseCaseAction):
    def name(self) -> Text:
        return "action_show_out_of_stock"

    async def use_case(self, turn: Turn) -> List[EventType]:
        return await show_page(turn, OUT, None)


class ActionShowLowStock(UseCaseAction):
    def name(self) -> Text:
        return "action_show_low_stock"

    async def use_case(self, turn: Turn) -> List[EventType]:
        return await show_page(turn, LOW, None)


class ActionMoreRecommendations(UseCaseAction):
    """A button says where to go on; typed, the list shown last goes on."""

    def name(self) -> Text:
        return "action_more_recommendations"

    async def use_case(self, turn: Turn) -> List[EventType]:
        tapped = turn.entity("kind")
        kind = kind_of(tapped or turn.tracker.get_slot("list_kind"))
        cursor = turn.entity("cursor") if tapped else turn.tracker.get_slot("list_cursor")
        return await show_page(turn, kind, Cursor.decode(cursor or ""))


def kind_of(text: Optional[str]) -> RecommendationKind:
    return LOW if text == LOW.value else OUT


async def show_page(turn: Turn, kind: RecommendationKind, after: Optional[Cursor]) -> List[EventType]:
    """Say one page and where it ended; with a form open one card less, because the form asks again."""
    config = turn.services.settings
    limit = min(config.cards_per_page, config.messages_per_turn - (2 if turn.form_open else 1))
    now = turn.services.clock.now()
    page = await turn.do(page_of, turn.services.inventory, turn.contact, kind, after, limit, turn.id, now)
    for card in page.cards:
        _say_card(turn, kind, card)
    _say_place(turn, kind, page)
    cursor = page.cursor.encode() if page.cursor else None
    seen = [SlotSet("left_open", None)] if "list" in (turn.slot("left_open") or {}) else []  # no need to offer it
    return [SlotSet("list_kind", kind.value), SlotSet("list_cursor", cursor), *seen]


def _say_place(turn: Turn, kind: RecommendationKind, page: Page) -> None:
    """Where in the list these cards stand, and how to go on."""
    last = page.before + len(page.cards)
    if page.cursor is not None:
        first = page.before + 1
        span = turn.number(last) if first == last else f"{turn.number(first)}–{turn.number(last)}"
        go_on = {"kind": kind.value, "cursor": page.cursor.encode(), "span": span}
        if page.total is None:
            turn.say("utter_more_to_see_uncounted", **go_on)
        else:
            turn.say("utter_more_to_see", total=page.total, **go_on)
    elif page.before:
        turn.say("utter_that_was_all", total=last)
    elif not page.cards:
        turn.say(NOTHING[kind])


def _say_card(turn: Turn, kind: RecommendationKind, card: Card) -> None:
    row = card.recommendation
    numbers = (
        {"loss": _or_dash(row.estimated_order_loss)}
        if kind is OUT
        else {"stock": card.live_stock, "days": _or_dash(row.days_on_hand)}
    )
    turn.say(
        CARD[kind] + ("_siblings" if row.has_siblings else ""),
        image=picture_url(turn.services.settings, row.variation),
        title=row.variation.title,
        item=str(row.variation.id),
        **numbers,
    )


def _or_dash(number: Optional[int]) -> Union[int, str]:
    """A figure of the feed; where the feed has none nothing is claimed, a 0 least of all."""
    return "–" if number is None else number
