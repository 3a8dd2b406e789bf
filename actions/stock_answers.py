"""How the stock form takes an answer: every function returns slots to set, and says why when an answer is of no use."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Optional, Sequence

from actions.goods import ROWS, item_id, owned
from actions.recommendations import LOW, OUT
from actions.stock_words import Part, Wish, part, wish_of
from actions.turn import Turn
from mostrador.nlu.choices import place_named
from mostrador.nlu.counts import is_only_a_count, naming_words, read_quantity, written
from mostrador.nlu.names import find_named
from mostrador.shop.inventory import Quantity, Sense, Variation
from mostrador.shop.recommendations import page_of
from mostrador.shop.several import MOST_AT_ONCE, Doubt, Preview, Wanted, look_ahead

TRIES = 3  # answers in a row that cannot be used, before a person is offered
Slots = Dict[str, Any]
FORM_ENDS: Slots = dict.fromkeys(("item", "quantity", "settled", "plan", "tries", "requested_slot"))
OFFER = {
    "item": "utter_offer_human_for_choice",
    "quantity": "utter_offer_human",
    "settled": "utter_offer_human_for_choice",
}


async def choices(turn: Turn) -> List[Variation]:
    """The products offered for a change of stock: what is sold out, else what runs low. Raises NotASeller."""
    now, stock = turn.services.clock.now(), turn.services.inventory
    for kind in (OUT, LOW):
        page = await turn.do(page_of, stock, turn.contact, kind, None, ROWS, turn.id, now)
        if page.cards:
            return [card.recommendation.variation for card in page.cards]
    return []


def chosen_from(answer: str, offered: Sequence[Variation]) -> Optional[Variation]:
    """The one product that ``answer`` names by its place in the list ("2", "the last one") or by words of its title."""
    place = place_named(answer, len(offered))
    if place is not None:
        return offered[place]
    number = read_quantity(answer) if is_only_a_count(answer) else None
    if number is not None and number.sense is Sense.SET and 1 <= number.number <= len(offered):
        return offered[number.number - 1]
    named = find_named(naming_words(answer), [offered])
    return named.goods[0] if named.sure else None


# --- what is asked for, and whether it is settled ---------------------------------------------------------------------


def plan_of(turn: Turn) -> List[Part]:
    return list(turn.slot("plan") or [])


def open_part(plan: Sequence[Part]) -> Optional[Part]:
    """The first change of which it is not known yet what it is about."""
    return next((one for one in plan if one["of"] and not one["sure"]), None)


def wanted_in(plan: Sequence[Part]) -> List[Wanted]:
    """The changes that can be made, as the shop takes them."""
    read = [(one["of"][0], read_quantity(one["count"] or "")) for one in plan if one["of"] and one["sure"]]
    return [(number, quantity) for number, quantity in read if quantity is not None]


def question_of(plan: Sequence[Part]) -> str:
    """A name of the question whether this plan is meant, so that a late "yes" answers no other one."""
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:12]


async def previews(turn: Turn, plan: Sequence[Part]) -> List[Preview]:
    config = turn.services.settings
    doubt = Doubt(config.sudden_above, config.sudden_times)
    return await turn.do(look_ahead, turn.services.inventory, turn.contact, wanted_in(plan), doubt, turn.id)


async def settle(turn: Turn, plan: Sequence[Part], asked: str = "quantity") -> Slots:
    """The slots for these changes: settled, or open for "which one?" or "really?". Raises Gone and NotYours."""
    plan = list(plan)
    first = next((one for one in plan if one["of"]), None)
    numbers = [one["of"][0] for one in plan if one["of"] and one["sure"]]
    if first is None:
        return again(turn, asked, "utter_not_a_choice" if asked == "item" else "utter_not_a_quantity")
    if len(plan) > MOST_AT_ONCE:
        return again(turn, asked, "utter_too_many_at_once", count=len(plan), most=MOST_AT_ONCE)
    if len(set(numbers)) < len(numbers):
        return again(turn, asked, "utter_named_twice")
    slots = {"item": str(first["of"][0]), "quantity": first["count"], "plan": plan, "settled": None, "tries": None}
    if open_part(plan) or first["count"] is None:
        return slots
    seen = await previews(turn, plan)
    if len(plan) == 1 and not seen[0].possible:
        return {**_refused(turn, seen[0], plan[0]), "plan": None, "settled": None}
    doubted = any(one.sudden for one in seen) or any(one["wide"] for one in plan)
    return {**slots, "settled": None if doubted else "yes"}


def _refused(turn: Turn, seen: Preview, asked_for: Part) -> Slots:
    quantity = read_quantity(asked_for["count"])
    if seen.after < 0 and quantity is not None:
        slots = again(
            turn,
            "quantity",
            "utter_more_than_there_is",
            title=seen.variation.title,
            stock=seen.before,
            number=quantity.number,
        )
    else:
        slots = again(turn, "quantity", "utter_implausible_quantity", after=seen.after)
    return slots if "requested_slot" in slots else {**slots, "item": str(seen.variation.id)}


def again(turn: Turn, slot: str, response: str, **values: Any) -> Slots:
    """Say why an answer cannot be used and have it asked again; after TRIES of them end the form and offer a person."""
    tries = int(turn.slot("tries") or 0) + 1
    if tries < TRIES:
        turn.say(response, **values)
        return {slot: None, "tries": tries}
    item = str(turn.slot("item") or "")
    turn.say(OFFER[slot] if item.isdigit() else OFFER["item"], item=item)
    return dict(FORM_ENDS)


# --- answers ----------------------------------------------------------------------------------------------------------


async def tapped_item(turn: Turn, value: str) -> Slots:
    """A product chosen by a tap: an answer to "which one?", or another product whose stock is to be changed."""
    variation = await turn.do(owned, turn.contact, item_id(value))
    plan = plan_of(turn)
    asked = open_part(plan)
    if asked and variation.id in asked["of"]:
        return await choose(turn, plan, asked, variation)
    count = turn.entity("quantity") or (turn.slot("quantity") if turn.slot("requested_slot") == "item" else None)
    quantity = read_quantity(count or "")
    if quantity is not None:
        return await settle(turn, [part([variation], written(quantity))])
    return {"item": str(variation.id), "quantity": None, "plan": None, "settled": None, "tries": None}


async def choose(turn: Turn, plan: Sequence[Part], asked: Part, variation: Variation) -> Slots:
    """The plan with one part known now; a part without a number leaves only the product."""
    chosen = {**asked, "of": [variation.id], "sure": True}
    if chosen["count"] is None:
        return {"item": str(variation.id), "quantity": None, "plan": None, "settled": None, "tries": None}
    return await settle(turn, [chosen if one is asked else one for one in plan], "settled")


async def item_written(turn: Turn, text: str) -> Slots:
    """The answer to "which product?": a number or name of the list, any own goods, or goods with their counts."""
    if turn.intent == "deny":
        return left(turn)
    waiting, quantity = open_part(plan_of(turn)), turn.slot("quantity")
    offered = await goods_of(turn, waiting) if waiting else await choices(turn)
    chosen = chosen_from(text, offered)
    fewer = narrowed(waiting, text, offered) if waiting and not chosen else None
    if fewer:
        return {"item": None, "quantity": quantity, "plan": [fewer], "settled": None, "tries": None}
    wish = Wish() if chosen else await wish_of(turn, text, None)
    if wish.found:
        return await settle(turn, wish.parts, "item")
    if chosen or wish.named.sure:
        found = [chosen or wish.named.goods[0]]
        return await settle(turn, [part(found, quantity)], "item") if quantity else named_only(found, True)
    if wish.named.goods:
        return {**named_only(wish.named.goods, False, quantity, text), "item": None}
    return again(turn, "item", "utter_not_a_choice")


def named_only(goods: Sequence[Variation], sure: bool, count: Optional[str] = None, name: str = "") -> Slots:
    """Goods without a number: one is the product, several are asked about."""
    plan = None if sure else [part(goods, count, name.strip()[:60], sure=False)]
    return {"item": str(goods[0].id), "quantity": count, "plan": plan, "settled": None, "tries": None}


async def quantity_written(turn: Turn, text: str) -> Slots:
    """The answer to "how many?": a number for the product in hand, or goods with their counts."""
    wish = await wish_of(turn, text, item_id(turn.slot("item") or ""))
    if wish.parts:
        return await settle(turn, wish.parts)
    if wish.bare is not None:
        return await settle(turn, [in_hand(turn, wish.bare)])
    if turn.intent == "deny":
        return left(turn)
    if wish.named.sure:
        return {**named_only(wish.named.goods, True), "quantity": None}
    return again(turn, "quantity", "utter_not_a_quantity")


async def settled_written(turn: Turn, text: str) -> Slots:
    """The answer to "which one?" or "really?": also a number or goods that put it right."""
    plan = plan_of(turn)
    asked = open_part(plan)
    if asked:
        return await _which_written(turn, text, plan, asked)
    if turn.intent == "affirm":
        return {"settled": "yes", "tries": None}
    wish = await wish_of(turn, text, item_id(turn.slot("item") or ""))
    if wish.found:
        return await settle(turn, wish.parts, "settled")
    if wish.bare is not None and len(plan) == 1:
        return await settle(turn, [in_hand(turn, wish.bare)], "settled")
    if turn.intent == "deny":
        return refuse(turn, plan)
    return again(turn, "settled", "utter_yes_or_no")


async def _which_written(turn: Turn, text: str, plan: Sequence[Part], asked: Part) -> Slots:
    """The answer to "which one?": a number of the list, more of the name, or something else altogether."""
    offered = await goods_of(turn, asked)
    chosen = chosen_from(text, offered)
    if chosen:
        return await choose(turn, plan, asked, chosen)
    fewer = narrowed(asked, text, offered)
    if fewer:
        return await settle(turn, [fewer if one is asked else one for one in plan], "settled")
    wish = Wish() if turn.intent == "deny" else await wish_of(turn, text, None)
    if wish.found:
        return await settle(turn, wish.parts, "settled")
    return refuse(turn, plan) if turn.intent == "deny" else again(turn, "settled", "utter_not_a_choice")


def refuse(turn: Turn, plan: Sequence[Part]) -> Slots:
    """No: a single number is asked anew, several changes are dropped."""
    if len(plan) == 1 and plan[0]["sure"]:
        return {"quantity": None, "plan": None, "settled": None, "tries": None}
    return left(turn)


def left(turn: Turn) -> Slots:
    turn.say("utter_cancelled")
    return dict(FORM_ENDS)


def in_hand(turn: Turn, quantity: Quantity) -> Part:
    """A number for the product in hand."""
    return {**part([], written(quantity)), "of": [item_id(turn.slot("item") or "")]}


async def goods_of(turn: Turn, asked: Part) -> List[Variation]:
    """The goods offered for a part, as many as one list holds. Raises Gone and NotYours."""
    return [await turn.do(owned, turn.contact, number) for number in asked["of"][:ROWS]]


def narrowed(asked: Part, text: str, offered: Sequence[Variation]) -> Optional[Part]:
    """The part with fewer goods, when ``text`` says more of the name without telling which one."""
    named = find_named(naming_words(text), [offered])
    fewer = named.full and len(named.goods) < len(asked["of"]) and read_quantity(text) is None
    return {**asked, "of": [variation.id for variation in named.goods]} if fewer else None
