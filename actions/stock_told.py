"""How changes of stock are told: one, or several in one confirmation."""

from __future__ import annotations

from typing import List, Sequence

from actions.base import REFUSALS
from actions.goods import numbered
from actions.recommendations import kind_of
from actions.stock_words import Part
from actions.turn import Turn
from mostrador.shop.errors import ImplausibleQuantity, InventoryUnavailable
from mostrador.shop.inventory import Quantity, Sense, StockUpdated
from mostrador.shop.several import Outcome


def tell_one(turn: Turn, done: Outcome, quantity: Quantity) -> None:
    """One change with its undo, or why it was not made."""
    title = done.variation.title if done.variation else ""
    if done.refused == ImplausibleQuantity.__name__ and quantity.sense is Sense.TAKE:
        turn.say("utter_more_than_there_is", title=title, stock=done.before, number=quantity.number)
    elif done.refused == ImplausibleQuantity.__name__:
        turn.say("utter_implausible_quantity", after=done.before + quantity.number)
    elif done.refused:
        turn.say(REFUSALS[done.refused])
    else:
        turn.say(
            "utter_stock_updated",
            title=title,
            before=done.before,
            after=done.after,
            change=str(done.change_id),
            kind=kind_of(turn.slot("list_kind")).value,
            cursor=turn.slot("list_cursor") or "",
        )


def tell_several(turn: Turn, done: Sequence[Outcome], plan: Sequence[Part]) -> None:
    """What was changed and what was not, in the order in which it was asked for."""
    made = [one for one in done if not one.refused]
    rows = numbered([f"{_title(one)}: {turn.number(one.before)} → {turn.number(one.after)}" for one in made])
    failed = numbered(_not_made(turn, done, plan))
    change = str(made[0].change_id) if made else ""
    if made and failed:
        turn.say("utter_several_partly", rows=rows, failed=failed, change=change)
    elif made:
        turn.say("utter_several_updated", rows=rows, change=change)
    else:
        turn.say("utter_several_failed", failed=failed)
    if any(one.refused == InventoryUnavailable.__name__ for one in done):
        turn.say("utter_inventory_unavailable")


def _not_made(turn: Turn, done: Sequence[Outcome], plan: Sequence[Part]) -> List[str]:
    """Each with the number asked for, and with the live stock where that is the reason."""
    outcomes = {one.variation_id: one for one in done}
    lines = []
    for part in plan:
        outcome = outcomes.get(part["of"][0]) if part["of"] else None
        if outcome is None:
            lines.append(f"{part['name']}: {part['count']} (?)")
        elif outcome.refused:
            stock = f" ({turn.number(outcome.before)})" if outcome.refused == ImplausibleQuantity.__name__ else ""
            lines.append(f"{_title(outcome)}: {part['count']}{stock}")
    return lines


def tell_undone(turn: Turn, done: Sequence[StockUpdated]) -> None:
    if len(done) == 1:
        turn.say("utter_undone", title=done[0].variation.title, before=done[0].before, after=done[0].after)
    else:
        rows = [f"{one.variation.title}: {turn.number(one.before)} → {turn.number(one.after)}" for one in done]
        turn.say("utter_undone_several", rows=numbered(rows))


def _title(outcome: Outcome) -> str:
    return outcome.variation.title if outcome.variation else "–"
