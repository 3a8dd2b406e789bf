"""The shop's ports filled with dictionaries, for tests of actions and talks. A transaction rolls back what it did."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Tuple

from mostrador.nlu.counts import words_of
from mostrador.settings import Settings
from mostrador.shop.clock import SetClock
from mostrador.shop.contacts import Contact
from mostrador.shop.conversations import BOT, Conversation
from mostrador.shop.errors import InventoryUnavailable
from mostrador.shop.inventory import Change, Quantity, Sku, Variation
from mostrador.shop.preferences import Hours
from mostrador.shop.recommendations import Cursor, Found, Recommendation, RecommendationKind
from mostrador.shop.rejections import Hidden, Reason

OUT, LOW = RecommendationKind.OUT_OF_STOCK, RecommendationKind.LOW_STOCK
CONVERSATION = "c-asha"
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


@dataclass
class State:
    contacts: Dict[str, Contact] = field(default_factory=dict)
    consents: List[Tuple[int, str, bool]] = field(default_factory=list)
    owners: Dict[str, str] = field(default_factory=dict)
    tasks: Dict[str, Tuple[str, Optional[str], Dict[str, Any]]] = field(default_factory=dict)
    variations: Dict[int, Variation] = field(default_factory=dict)
    levels: Dict[int, int] = field(default_factory=dict)
    log: List[Change] = field(default_factory=list)
    rows: Dict[RecommendationKind, List[Recommendation]] = field(default_factory=lambda: {OUT: [], LOW: []})
    effects: Dict[str, Any] = field(default_factory=dict)
    rejected: Dict[int, Reason] = field(default_factory=dict)
    muted: Dict[Tuple[str, int], Optional[datetime]] = field(default_factory=dict)  # by ("item" | "catalogue", id)
    hours: Dict[int, Hours] = field(default_factory=dict)


class Shop:
    """A shop with one seller; ``services`` is what mostrador.bootstrap gives, ``state`` is what was committed."""

    def __init__(self, language: str = "") -> None:
        seller = Contact(1, "Asha Rao", language, roles=("seller",), supplier_ids=(7,))
        self.state = State(contacts={CONVERSATION: seller, "c-guest": Contact(2)})
        self.clock = SetClock(NOW)
        self.inventory_answers = True
        self.database_error: Optional[Exception] = None
        config = Settings(_env_file=None, public_url="https://pictures.example")
        self.services = SimpleNamespace(
            settings=config, clock=self.clock, uow=lambda: MemoryUnitOfWork(self), inventory=MemoryInventory(self)
        )

    def product(self, name: str, *variations: str, supplier: int = 7, stock: int = 0) -> List[Variation]:
        """Put up a product with its variations, each with ``stock`` pieces."""
        made = []
        product_id = len({v.sku.product_id for v in self.state.variations.values()}) + 1
        for variation in variations or ("",):
            number = 100 + len(self.state.variations)
            sku = Sku(supplier, product_id, f"S{product_id}", variation)
            self.state.variations[number] = Variation(number, sku, product_id, name, f"pictures/{number}.png")
            self.state.levels[number] = stock
            made.append(self.state.variations[number])
        return made

    def recommend(self, kind: RecommendationKind, variation: Variation, **numbers: int) -> None:
        rows = self.state.rows[kind]
        rows.append(Recommendation(variation, Cursor(1, 1000 - len(rows), len(rows)), **numbers))

    def withdraw(self, variation: Variation) -> None:
        self.state.variations[variation.id] = replace(variation, withdrawn=True)


class MemoryUnitOfWork:
    """Works on a copy of the state, which becomes the state at commit."""

    knows_stock = False

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        # one object fills all small ports
        self.effects = self.contacts = self.conversations = self.tasks = self.rejections = self
        self.variations, self.stock, self.recommendations = _Variations(self), self, self

    def __enter__(self) -> "MemoryUnitOfWork":
        if self._shop.database_error:
            raise self._shop.database_error
        self.state = copy.deepcopy(self._shop.state)
        return self

    def __exit__(self, *error: Any) -> None:
        self.state = self._shop.state

    def commit(self) -> None:
        self._shop.state = copy.deepcopy(self.state)

    def once(self, key: str, at: datetime, do: Any) -> Dict[str, Any]:
        if key not in self.state.effects:
            self.state.effects[key] = dict(do())
        return self.state.effects[key]

    def of_conversation(self, conversation_id: str) -> Optional[Contact]:
        return self.state.contacts.get(conversation_id)

    def set_language(self, contact_id: int, language: str) -> None:
        for conversation, contact in self.state.contacts.items():
            if contact.id == contact_id:
                self.state.contacts[conversation] = replace(contact, language=language)

    def set_name(self, contact_id: int, name: str) -> None:
        for conversation, contact in self.state.contacts.items():
            if contact.id == contact_id:
                self.state.contacts[conversation] = replace(contact, name=name)

    def hours(self, contact_id: int) -> Optional[Hours]:
        return self.state.hours.get(contact_id)

    def set_hours(self, contact_id: int, hours: Hours, at: datetime) -> None:
        self.state.hours[contact_id] = hours

    def time_zone(self, contact_id: int) -> str:
        return "Asia/Kolkata"

    def has_consent(self, contact_id: int, topic: str) -> bool:
        words = [granted for who, what, granted in self.state.consents if who == contact_id and what in (topic, "all")]
        return bool(words) and words[-1]

    def record_consent(self, contact_id: int, topic: str, granted: bool, *rest: Any) -> None:
        self.state.consents.append((contact_id, topic, granted))

    def get(self, conversation_id: str, lock: bool = False) -> Optional[Conversation]:
        contact = self.state.contacts.get(conversation_id)
        owner = self.state.owners.get(conversation_id, BOT)
        return Conversation(conversation_id, contact.id, "n", owner, "", None, None) if contact else None

    def set_owner(self, conversation_id: str, owner: str, name: str, at: datetime) -> None:
        self.state.owners[conversation_id] = owner

    def open(self, kind: str, conversation_id: Optional[str], details: Any, key: str, at: datetime) -> None:
        self.state.tasks.setdefault(key, (kind, conversation_id, dict(details)))

    def levels(self, variation_ids: Any, lock: bool = False) -> Dict[int, int]:
        return {number: self.state.levels[number] for number in variation_ids if number in self.state.levels}

    def change_under(self, key: str) -> Optional[Change]:
        return next((change for change in self.state.log if change.key == key), None)

    def greatest_levels(self, variation_ids: Any, among: int) -> Dict[int, int]:
        found = {number: [c.after for c in self.state.log if c.variation_id == number] for number in variation_ids}
        return {number: max(levels) for number, levels in found.items() if levels and max(levels)}

    def changes_with(self, ids: Any) -> List[Change]:
        return [change for change in self.state.log[::-1] if change.id in ids]

    def changes_by(self, contact_id: int, source: str, limit: int) -> List[Change]:
        undone = {change.undoes for change in self.state.log}
        mine = [c for c in self.state.log if c.contact_id == contact_id and c.undoes is None and c.id not in undone]
        return mine[::-1][:limit]

    def found(
        self, kind: RecommendationKind, supplier_ids: Any, after: Optional[Cursor], limit: int, at: datetime
    ) -> Found:
        own = [row for row in self.state.rows[kind] if row.variation.sku.supplier_id in supplier_ids]
        left = [row for row in own if after is None or row.cursor.row_no > after.row_no]
        shown = [row for row in left if not self._hides(row.variation, at)]
        with_siblings = [replace(row, has_siblings=bool(self.variations.siblings(row.variation))) for row in shown]
        return Found(tuple(with_siblings[:limit]), len(with_siblings))

    def record_shown(self, *args: Any) -> None:
        """Adoption is storage's matter; here nothing is kept of it."""

    def _hides(self, variation: Variation, at: datetime) -> bool:
        keys = {("item", variation.id), ("catalogue", variation.catalog_id)} & set(self.state.muted)
        ends = [self.state.muted[key] for key in keys]
        return variation.id in self.state.rejected or any(end is None or end > at for end in ends)

    def reject(self, variation: Variation, reason: Reason, *rest: Any) -> None:
        self.state.rejected.setdefault(variation.id, reason)

    def mute(self, variation: Variation, whole_catalogue: bool, until: Optional[datetime], *rest: Any) -> None:
        key = ("catalogue", variation.catalog_id) if whole_catalogue else ("item", variation.id)
        self.state.muted[key] = until

    def lift(self, variation: Variation, at: datetime) -> None:
        self.state.rejected.pop(variation.id, None)
        self.state.muted.pop(("item", variation.id), None)

    def lift_catalogue(self, supplier_ids: Any, catalog_id: int, at: datetime) -> Optional[str]:
        own = [v for v in self.state.variations.values() if v.sku.supplier_id in supplier_ids]
        self.state.muted.pop(("catalogue", catalog_id), None)
        return next((v.catalog_name for v in own if v.catalog_id == catalog_id), None)

    def hidden(self, supplier_ids: Any, at: datetime, limit: int) -> List[Hidden]:
        own = self.state.variations
        found = [Hidden(own[number].title, True, number) for number in self.state.rejected]
        for (what, number), until in self.state.muted.items():
            if until is None or until > at:
                catalogue = what == "catalogue"
                title = next(v.catalog_name for v in own.values() if v.catalog_id == number) if catalogue else ""
                one = Hidden(title, False, catalog_id=number) if catalogue else Hidden(own[number].title, False, number)
                found.append(replace(one, until=until))
        return found[::-1][:limit]

    def record(self, *args: Any, **kwargs: Any) -> None:
        """Adoption is storage's matter; here nothing is kept of it."""


class _Variations:
    def __init__(self, uow: MemoryUnitOfWork) -> None:
        self._uow = uow

    def get(self, variation_id: int) -> Optional[Variation]:
        return self._uow.state.variations.get(variation_id)

    def siblings(self, variation: Variation) -> List[Variation]:
        every = self._uow.state.variations.values()
        same = [v for v in every if v.sku.product_id == variation.sku.product_id and v.id != variation.id]
        return sorted((v for v in same if not v.withdrawn), key=lambda v: v.sku.variation_name)

    def named(self, supplier_ids: Any, beginnings: Any, limit: int) -> List[Variation]:
        def hits(variation: Variation) -> int:
            words = words_of(variation.title)
            return sum(any(word.startswith(way) for word in words for way in ways) for ways in beginnings)

        every = self._uow.state.variations.values()
        own = [v for v in every if v.sku.supplier_id in supplier_ids and not v.withdrawn and hits(v)]
        return sorted(own, key=lambda v: (-hits(v), v.title))[:limit]


class MemoryInventory:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def levels(self, uow: MemoryUnitOfWork, variations: Any) -> Dict[int, int]:
        if not self._shop.inventory_answers:
            raise InventoryUnavailable()
        return {v.id: uow.state.levels[v.id] for v in variations if v.id in uow.state.levels}

    def change(
        self,
        uow: MemoryUnitOfWork,
        variation: Variation,
        quantity: Quantity,
        source: str,
        contact_id: Optional[int],
        key: str,
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        before = self.levels(uow, [variation])[variation.id]
        after = quantity.applied_to(before)
        uow.state.levels[variation.id] = after
        made = Change(len(uow.state.log) + 1, variation.id, before, after, source, contact_id, at, undoes, key)
        uow.state.log.append(made)
        return made
