"""What is sold out and what is running low, as cards, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import List, NamedTuple, Optional, Text, Union

from rasa_sdk.events import EventType, SlotSet

from actions.base import UseCaseAction
from actions.goods import picture_url
from actions.turn import Turn
from mostrador.shop.contacts import Contact
from mostrador.shop.inventory import InventoryService
from mostrador.shop.recommendations import Card, Cursor, RecommendationKind, page_of
from mostrador.shop.unit_of_work import UnitOfWork

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
    shown = await turn.do(_page, turn.services.inventory, turn.contact, kind, after, limit, turn.id, now)
    for card, has_siblings in zip(shown.cards, shown.siblings):
        _say_card(turn, kind, card, has_siblings)
    cursor = shown.cursor.encode() if shown.cursor else None
    if cursor:
        turn.say("utter_more_to_see", kind=kind.value, cursor=cursor)
    elif after:
        turn.say("utter_that_was_all")
    elif not shown.cards:
        turn.say(NOTHING[kind])
    return [SlotSet("list_kind", kind.value), SlotSet("list_cursor", cursor)]


class Shown(NamedTuple):
    cards: List[Card]
    siblings: List[bool]
    cursor: Optional[Cursor]


def _page(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    kind: RecommendationKind,
    after: Optional[Cursor],
    limit: int,
    turn: str,
    now: datetime,
) -> Shown:
    page = page_of(uow, inventory, contact, kind, after, limit, turn, now)
    with uow:
        siblings = [bool(uow.variations.siblings(card.recommendation.variation)) for card in page.cards]
    return Shown(list(page.cards), siblings, page.cursor)


def _say_card(turn: Turn, kind: RecommendationKind, card: Card, has_siblings: bool) -> None:
    row = card.recommendation
    numbers = (
        {"loss": _or_dash(row.estimated_order_loss)}
        if kind is OUT
        else {"stock": card.live_stock, "days": _or_dash(row.days_on_hand)}
    )
    turn.say(
        CARD[kind] + ("_siblings" if has_siblings else ""),
        image=picture_url(turn.services.settings, row.variation),
        title=row.variation.title,
        item=str(row.variation.id),
        **numbers,
    )


def _or_dash(number: Optional[int]) -> Union[int, str]:
    """A figure of the feed; where the feed has none nothing is claimed, a 0 least of all."""
    return "–" if number is None else number
