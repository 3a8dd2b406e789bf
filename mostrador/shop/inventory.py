"""Stock: what is there, who changed it, and how to take a change back.

``stock = sum of log`` holds for every variation at every commit: a level is only ever written together with the log row
that explains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Protocol, Sequence, Tuple

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone, ImplausibleQuantity, NothingToUndo, NotYours, UndoTooLate
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

CHAT_SOURCE = "Whatsapp_chatbot"  # the attribution the brief asks for
GREATEST_STOCK = 1_000_000
UNDO_WITHIN = timedelta(hours=24)
_UNDO_AMONG = 50  # a change further back than this is no longer found by its id


@dataclass(frozen=True)
class Sku:
    """The natural key by which feeds and inventory services name a variation."""

    supplier_id: int
    product_id: int
    style_id: str
    variation_name: str


@dataclass(frozen=True)
class Variation:
    id: int
    sku: Sku
    catalog_id: int
    catalog_name: str
    picture: str = ""
    withdrawn: bool = False

    @property
    def title(self) -> str:
        name = self.sku.variation_name
        return f"{self.catalog_name} – {name}" if name else self.catalog_name


class Sense(str, Enum):
    SET = "set"
    ADD = "add"
    TAKE = "take"


@dataclass(frozen=True)
class Quantity:
    """A number of pieces and what is to be done with it."""

    number: int
    sense: Sense = Sense.SET

    def applied_to(self, stock: int) -> int:
        """The stock afterwards. Raises ImplausibleQuantity below 0 or above GREATEST_STOCK."""
        after = {Sense.SET: self.number, Sense.ADD: stock + self.number, Sense.TAKE: stock - self.number}[self.sense]
        if self.number < 0 or not 0 <= after <= GREATEST_STOCK:
            raise ImplausibleQuantity(str(after))
        return after


@dataclass(frozen=True)
class Change:
    """One line of the log. ``undoes`` is the id of the line it takes back."""

    id: int
    variation_id: int
    before: int
    after: int
    source: str
    contact_id: Optional[int]
    at: datetime
    undoes: Optional[int] = None
    key: Optional[str] = None  # of the effect; what one message changed begins alike

    @property
    def delta(self) -> int:
        return self.after - self.before


class Variations(Protocol):
    def get(self, variation_id: int) -> Optional[Variation]: ...

    def siblings(self, variation: Variation) -> List[Variation]:
        """The other variations of the same product that are not withdrawn, by name."""

    def named(self, supplier_ids: Sequence[int], beginnings: Sequence[Collection[str]], limit: int) -> List[Variation]:
        """The suppliers' own goods whose titles have words that begin so, for most of ``beginnings`` first.

        ``beginnings`` has for each word named the plain beginnings it may have. Withdrawn goods are left out; those
        that only a current feed knows are made.
        """

    def find(self, skus: Sequence[Sku]) -> Dict[Sku, Variation]:
        """The known ones among ``skus``."""

    def ensure(self, sku: Sku, catalog_id: int, catalog_name: str) -> Variation:
        """The variation with this natural key, made when new."""


class StockBook(Protocol):
    """Levels and log of an inventory kept in our own tables (and the log of changes made through another's service)."""

    def levels(self, variation_ids: Iterable[int], lock: bool = False) -> Dict[int, int]:
        """Stock by variation id; ids without a level are left out. ``lock`` holds the rows, in id order."""

    def write(
        self,
        variation: Variation,
        before: int,
        after: int,
        source: str,
        contact_id: Optional[int],
        key: Optional[str],
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        """Set the level to ``after`` and log the change, together."""

    def log(
        self,
        variation: Variation,
        before: int,
        after: int,
        source: str,
        contact_id: Optional[int],
        key: Optional[str],
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        """Log a change whose level another's inventory service keeps; the same ``key`` again returns the first."""

    def change_under(self, key: str) -> Optional[Change]:
        """The change that was logged under ``key``, if any."""

    def greatest_levels(self, variation_ids: Iterable[int], among: int) -> Dict[int, int]:
        """The greatest stock of each variation after one of its last ``among`` changes; 0 and unknown are left out."""

    def changes_with(self, ids: Sequence[int]) -> List[Change]:
        """The changes with these ids, newest first."""

    def changes_by(self, contact_id: int, source: str, limit: int) -> List[Change]:
        """The contact's newest changes that are neither undone nor an undo themselves, newest first."""


class InventoryService(Protocol):
    """The truth about stock: our own tables, or a company's service behind a signed REST interface."""

    def levels(self, uow: UnitOfWork, variations: Sequence[Variation]) -> Dict[int, int]:
        """Live stock by variation id; unknown ones left out. Raises InventoryUnavailable."""

    def change(
        self,
        uow: UnitOfWork,
        variation: Variation,
        quantity: Quantity,
        source: str,
        contact_id: Optional[int],
        key: str,
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        """Apply ``quantity`` to the live stock and log it, once per ``key``.

        Raises ImplausibleQuantity, InventoryUnavailable.
        """


@dataclass(frozen=True)
class StockUpdated:
    """What a person is told after a change."""

    variation: Variation
    before: int
    after: int
    change_id: int


def owned_variation(uow: UnitOfWork, contact: Contact, variation_id: int) -> Variation:
    """The variation, if this contact may touch it. Raises Gone and NotYours; call inside the unit of work."""
    variation = uow.variations.get(variation_id)
    if variation is None or variation.withdrawn:
        raise Gone(str(variation_id))
    if variation.sku.supplier_id not in contact.supplier_ids:
        raise NotYours(str(variation_id))
    return variation


def update_stock(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    variation_id: int,
    quantity: Quantity,
    turn_id: str,
    at: datetime,
) -> StockUpdated:
    """Change the stock of the contact's own variation, exactly once per turn, attributed to the chat.

    A repeat of the same turn returns the outcome of the first time. Raises Gone, NotYours, ImplausibleQuantity and
    InventoryUnavailable; then nothing has changed.
    """
    key = effect_key(turn_id, "update_stock", variation_id)
    with uow:
        variation = owned_variation(uow, contact, variation_id)

        def change() -> Mapping[str, Any]:
            made = inventory.change(uow, variation, quantity, CHAT_SOURCE, contact.id, key, at)
            uow.recommendations.record(variation, "updated", key, at)
            return {"before": made.before, "after": made.after, "id": made.id}

        outcome = uow.effects.once(key, at, change)
        uow.commit()
    return StockUpdated(variation, outcome["before"], outcome["after"], outcome["id"])


def undoable(
    uow: UnitOfWork, contact: Contact, turn_id: str, at: datetime, limit: int
) -> List[Tuple[Change, Variation]]:
    """The contact's changes that can be taken back now, newest first, with what they changed; at least one.

    What was withdrawn, or went to somebody else, is left out. A turn that is tried again finds the same ones. Raises
    NothingToUndo, UndoTooLate when every change is older than 24 hours, and Gone when all of it is gone.
    """

    def look() -> Mapping[str, Any]:
        newest = uow.stock.changes_by(contact.id, CHAT_SOURCE, limit=_UNDO_AMONG)
        if not newest:
            raise NothingToUndo()
        recent = [change for change in newest if at - change.at <= UNDO_WITHIN]
        if not recent:
            raise UndoTooLate()
        return {"changes": [change.id for change in recent]}

    with uow:
        numbers = uow.effects.once(effect_key(turn_id, "undoable", contact.id), at, look)["changes"]
        changes = uow.stock.changes_with(numbers)
        found = [(change, uow.variations.get(change.variation_id)) for change in changes]
        uow.commit()
    own = [(change, v) for change, v in found if v and not v.withdrawn and v.sku.supplier_id in contact.supplier_ids]
    if not own:
        raise Gone(str(changes[0].variation_id))
    return own[:limit]


def undo_last(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    turn_id: str,
    at: datetime,
    change_id: Optional[int] = None,
) -> StockUpdated:
    """Take the contact's newest change back by the same amount; what sold meanwhile stays sold.

    With ``change_id`` that change instead, so that a button tapped twice, or late, takes back no other one.
    Raises NothingToUndo, UndoTooLate (older than 24 hours), Gone, NotYours and InventoryUnavailable.
    """
    with uow:
        done = _undo_once(uow, inventory, contact, turn_id, at, change_id)
        uow.commit()
    return done


def undo_together(
    uow: UnitOfWork, inventory: InventoryService, contact: Contact, change_id: int, turn_id: str, at: datetime
) -> List[StockUpdated]:
    """Take back every change that came with the same message as this one and was not taken back yet, or none of them.

    Raises as ``undo_last``. A company's own inventory service may have taken back some when it fails to answer; the
    same button takes back the rest.
    """
    key = effect_key(turn_id, "undo_together", change_id)
    with uow:
        newest = uow.stock.changes_by(contact.id, CHAT_SOURCE, limit=_UNDO_AMONG)
        meant = {_message_of(c) for c in uow.stock.changes_with([change_id]) if c.contact_id == contact.id}
        found = {"changes": sorted(change.id for change in newest if _message_of(change) in meant)}
        together = uow.effects.once(key, at, lambda: found)["changes"]  # the same ones when the turn is tried again
        if not together:
            raise NothingToUndo()
        done = [_undo_once(uow, inventory, contact, turn_id, at, number) for number in together]
        uow.commit()
    return done


def _message_of(change: Change) -> str:
    return (change.key or str(change.id)).rsplit("|", 1)[0]


def _undo_once(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    turn_id: str,
    at: datetime,
    change_id: Optional[int],
) -> StockUpdated:
    key = effect_key(turn_id, "undo_last", change_id or f"newest of {contact.id}")
    among = 1 if change_id is None else _UNDO_AMONG

    def undo() -> Mapping[str, Any]:
        newest = uow.stock.changes_by(contact.id, CHAT_SOURCE, limit=among)
        last = next((change for change in newest if change_id in (None, change.id)), None)
        if last is None:
            raise NothingToUndo()
        uow.stock.levels([last.variation_id], lock=True)  # from here on nobody sells, or takes this back meanwhile
        if last not in uow.stock.changes_by(contact.id, CHAT_SOURCE, limit=among):
            raise NothingToUndo()
        if at - last.at > UNDO_WITHIN:
            raise UndoTooLate()
        variation = owned_variation(uow, contact, last.variation_id)
        back = _reverse(uow, inventory, variation, last)
        made = inventory.change(uow, variation, back, CHAT_SOURCE, contact.id, key, at, last.id)
        uow.recommendations.record(variation, "undone", key, at)
        return {"variation": variation.id, "before": made.before, "after": made.after, "id": made.id}

    outcome = uow.effects.once(key, at, undo)
    variation = owned_variation(uow, contact, outcome["variation"])
    return StockUpdated(variation, outcome["before"], outcome["after"], outcome["id"])


def _reverse(uow: UnitOfWork, inventory: InventoryService, variation: Variation, last: Change) -> Quantity:
    if last.delta <= 0:
        return Quantity(-last.delta, Sense.ADD)
    live = inventory.levels(uow, [variation]).get(variation.id, 0)
    return Quantity(min(last.delta, live), Sense.TAKE)  # never below zero: pieces already sold cannot be taken back
