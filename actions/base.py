"""The frame of every action: it never ends in silence, and never leaves a person in an unknown place."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any, Awaitable, Callable, Dict, List, Sequence, Text
from uuid import uuid4

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from actions.turn import Turn, turn_id
from mostrador.bootstrap import services
from mostrador.shop.errors import ImplausibleQuantity, ShopError
from mostrador.shop.unit_of_work import effect_key
from mostrador.storage.engine import is_unavailable

log = structlog.get_logger(__name__)

REFUSALS = {
    "Gone": "utter_gone",
    "NotYours": "utter_not_yours",
    "NotASeller": "utter_not_a_seller",
    "NothingToUndo": "utter_nothing_to_undo",
    "UndoTooLate": "utter_undo_too_late",
    "UnusableName": "utter_not_a_name",
    "ImplausibleQuantity": "utter_implausible_quantity",
    "InventoryUnavailable": "utter_inventory_unavailable",
    "UnknownConversation": "utter_unknown_contact",
}
"""What is said when a use case ends because of a fact of the business, by the name of the fact."""

STOCK_SLOTS = ("item", "quantity", "settled", "plan", "tries", "left_open")
FORM_SLOTS = (
    *STOCK_SLOTS,
    *("rejected_item", "rejection_reason", "mute_for"),
    *("preference", "preference_value"),
)


def emptied(names: Sequence[str] = STOCK_SLOTS) -> List[EventType]:
    """Forget what a form had gathered."""
    return [SlotSet(name, None) for name in names]


def form_left() -> List[EventType]:
    """The known place: no form is open and nothing half-said remains."""
    return [ActiveLoop(None), SlotSet("requested_slot", None), *emptied(FORM_SLOTS)]


class UseCaseAction(Action, ABC):
    """An action that calls one use case. Subclasses give ``name`` and ``use_case``.

    A fact of the business (ShopError) is told with the response of REFUSALS; any other error with an apology, a
    reference found in the log and a task for our people. While the database is away the error goes on to the action
    server, whose 500 makes the engine try the whole turn again.
    """

    leaves_form_when_refused = False

    @abstractmethod
    async def use_case(self, turn: Turn) -> Sequence[EventType]:
        """Do it, say it, and return the events."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[EventType]:
        async def work() -> Sequence[EventType]:
            return await self.use_case(await Turn.of(dispatcher, tracker))

        after = form_left() if self.leaves_form_when_refused else []
        return await guarded(self.name(), work, after, dispatcher, tracker)


async def guarded(
    action: str,
    work: Callable[[], Awaitable[Sequence[EventType]]],
    after_refusal: Sequence[EventType],
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
) -> List[EventType]:
    """Run ``work`` and turn its errors into words and a known place, as UseCaseAction promises."""
    with structlog.contextvars.bound_contextvars(action=action, conversation=tracker.sender_id, turn=turn_id(tracker)):
        try:
            return list(await work())
        except ActionExecutionRejection:
            raise
        except ShopError as fact:
            log.info("refused", fact=type(fact).__name__)
            dispatcher.utter_message(response=REFUSALS[type(fact).__name__], **_details(fact))
            return list(after_refusal)
        except Exception as error:
            if is_unavailable(error):
                raise
            reference = uuid4().hex[:8]
            log.exception("action_failed", reference=reference)
            dispatcher.messages.clear()  # half an answer would contradict the apology
            dispatcher.utter_message(response="utter_technical_problem", ref=reference)
            await asyncio.to_thread(_report, action, reference, type(error).__name__, tracker)
            return form_left()


def _details(fact: ShopError) -> Dict[str, str]:
    return {"after": str(fact)} if isinstance(fact, ImplausibleQuantity) else {}


def _report(action: str, reference: str, error: str, tracker: Tracker) -> None:
    wired = services()
    uow = wired.uow()
    with uow:
        known = uow.conversations.get(tracker.sender_id)
        details = {"action": action, "reference": reference, "error": error}
        key = effect_key(turn_id(tracker), "failed", action)
        uow.tasks.open("failed_turn", known.id if known else None, details, key, wired.clock.now())
        uow.commit()
