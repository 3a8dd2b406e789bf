"""The shop's ports filled with dictionaries, for tests of use cases."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type

from mostrador.shop.contacts import EVERYTHING, Contact
from mostrador.shop.conversations import BOT, HUMAN, QUEUED, Conversation, ManualTask
from mostrador.shop.errors import InventoryUnavailable
from mostrador.shop.inventory import Change, Quantity, Sku, Variation
from mostrador.shop.messages import Say, Sender
from mostrador.shop.preferences import Hours
from mostrador.shop.recommendations import Cursor, Found, Recommendation, RecommendationKind
from mostrador.shop.rejections import Hidden, Reason

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


class FakeEffects:
    def __init__(self) -> None:
        self.outcomes: Dict[str, Dict[str, Any]] = {}

    def once(self, key: str, at: datetime, do: Callable[[], Mapping[str, Any]]) -> Dict[str, Any]:
        if key not in self.outcomes:
            self.outcomes[key] = dict(do())
        return dict(self.outcomes[key])


class FakeContacts:
    def __init__(self) -> None:
        self.contacts: Dict[int, Contact] = {}
        self.aliases: Dict[str, int] = {}
        self.of: Dict[str, int] = {}  # conversation → contact
        self.consents: List[Tuple[int, str, bool, Optional[str]]] = []
        self.hours_of: Dict[int, Hours] = {}

    def identify(self, sender: Sender, at: datetime) -> int:
        ids = [i for i in (sender.wa_id, sender.bsuid) if i]
        found = next((self.aliases[i] for i in ids if i in self.aliases), None)
        if found is None:
            found = len(self.contacts) + 1
            self.contacts[found] = Contact(found, sender.profile_name)
        self.aliases.update(dict.fromkeys(ids, found))
        return found

    def rename(self, old: Sender, new: Sender, at: datetime) -> None:
        found = self.aliases.get(old.wa_id) or self.aliases.get(old.bsuid)
        if found is not None:
            self.aliases.update({i: found for i in (new.wa_id, new.bsuid) if i})

    def of_conversation(self, conversation_id: str) -> Optional[Contact]:
        return self.contacts.get(self.of.get(conversation_id, 0))

    def set_language(self, contact_id: int, language: str) -> None:
        self.contacts[contact_id] = replace(self.contacts[contact_id], language=language)

    def set_name(self, contact_id: int, name: str) -> None:
        self.contacts[contact_id] = replace(self.contacts[contact_id], name=name)

    def hours(self, contact_id: int) -> Optional[Hours]:
        return self.hours_of.get(contact_id)

    def set_hours(self, contact_id: int, hours: Hours, at: datetime) -> None:
        self.hours_of[contact_id] = hours

    def time_zone(self, contact_id: int) -> str:
        return self.contacts[contact_id].time_zone

    def record_consent(
        self, contact_id: int, topic: str, granted: bool, source: str, key: Optional[str], at: datetime
    ) -> None:
        if key is None or key not in [known for *_, known in self.consents]:
            self.consents.append((contact_id, topic, granted, key))

    def has_consent(self, contact_id: int, topic: str) -> bool:
        words = [
            granted for who, what, granted, _ in self.consents if who == contact_id and what in (topic, EVERYTHING)
        ]
        return bool(words) and words[-1]


class FakeConversations:
    def __init__(self) -> None:
        self.talks: Dict[str, Conversation] = {}
        self.said: Dict[str, Tuple[str, Say, str]] = {}  # key → conversation, what, speaker

    def get(self, conversation_id: str, lock: bool = False) -> Optional[Conversation]:
        return self.talks.get(conversation_id)

    def set_owner(self, conversation_id: str, owner: str, name: str, at: datetime) -> None:
        self.talks[conversation_id] = replace(self.talks[conversation_id], owner=owner, owner_name=name, owner_since=at)
        if owner == HUMAN:
            self.said = {k: v for k, v in self.said.items() if v[0] != conversation_id or v[2] != BOT}

    def waiting(self) -> List[Conversation]:
        return [talk for talk in self.talks.values() if talk.owner in (QUEUED, HUMAN)]

    def say(self, conversation_id: str, say: Say, speaker: str, key: str, at: datetime) -> None:
        self.said.setdefault(key, (conversation_id, say, speaker))


class FakeTasks:
    def __init__(self) -> None:
        self.tasks: Dict[str, ManualTask] = {}

    def open(
        self, kind: str, conversation_id: Optional[str], details: Mapping[str, Any], key: Optional[str], at: datetime
    ) -> None:
        number = len(self.tasks) + 1
        self.tasks.setdefault(key or f"#{number}", ManualTask(number, conversation_id, kind, dict(details), "open", at))

    def close_of(self, conversation_id: str, kind: str, at: datetime) -> None:
        for key, task in self.tasks.items():
            if task.conversation_id == conversation_id and task.kind == kind:
                self.tasks[key] = replace(task, status="done")

    def open_tasks(self) -> List[ManualTask]:
        return [task for task in self.tasks.values() if task.status == "open"]


class FakeVariations:
    def __init__(self) -> None:
        self.by_id: Dict[int, Variation] = {}

    def get(self, variation_id: int) -> Optional[Variation]:
        return self.by_id.get(variation_id)

    def siblings(self, variation: Variation) -> List[Variation]:
        def product(v: Variation) -> Tuple[int, int]:
            return v.sku.supplier_id, v.sku.product_id

        others = [v for v in self.by_id.values() if product(v) == product(variation) and v.id != variation.id]
        return sorted((v for v in others if not v.withdrawn), key=lambda v: v.sku.variation_name)

    def find(self, skus: Sequence[Sku]) -> Dict[Sku, Variation]:
        return {v.sku: v for v in self.by_id.values() if v.sku in skus}

    def ensure(self, sku: Sku, catalog_id: int, catalog_name: str) -> Variation:
        known = self.find([sku]).get(sku)
        if known is None:
            known = Variation(len(self.by_id) + 1, sku, catalog_id, catalog_name)
            self.by_id[known.id] = known
        return known

    def withdraw(self, variation: Variation) -> None:
        self.by_id[variation.id] = replace(variation, withdrawn=True)


class FakeStockBook:
    def __init__(self) -> None:
        self.stock: Dict[int, int] = {}
        self.changes: List[Change] = []
        self.keys: Dict[str, Change] = {}

    def levels(self, variation_ids: Iterable[int], lock: bool = False) -> Dict[int, int]:
        return {i: self.stock[i] for i in variation_ids if i in self.stock}

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
        self.stock[variation.id] = after
        return self.log(variation, before, after, source, contact_id, key, at, undoes)

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
        if key in self.keys:
            return self.keys[key]
        change = Change(len(self.changes) + 1, variation.id, before, after, source, contact_id, at, undoes, key)
        self.changes.append(change)
        if key is not None:
            self.keys[key] = change
        return change

    def change_under(self, key: str) -> Optional[Change]:
        return self.keys.get(key)

    def greatest_levels(self, variation_ids: Iterable[int], among: int) -> Dict[int, int]:
        found = {i: [c.after for c in self.changes if c.variation_id == i][-among:] for i in variation_ids}
        return {i: max(levels) for i, levels in found.items() if levels and max(levels)}

    def changes_with(self, ids: Sequence[int]) -> List[Change]:
        return [change for change in reversed(self.changes) if change.id in ids]

    def changes_by(self, contact_id: int, source: str, limit: int) -> List[Change]:
        undone = {change.undoes for change in self.changes}
        mine = [c for c in self.changes if c.contact_id == contact_id and c.source == source]
        return [c for c in reversed(mine) if c.undoes is None and c.id not in undone][:limit]


class FakeRejections:
    """``rejected`` by variation id; ``muted`` by variation id, or by ("catalogue", its id), with the end."""

    def __init__(self, variations: FakeVariations) -> None:
        self.rejected: Dict[int, Tuple[Reason, Mapping[str, Any]]] = {}
        self.said: Dict[Any, Tuple[int, datetime]] = {}  # who hid it, when
        self.muted: Dict[Any, Optional[datetime]] = {}
        self._variations = variations

    def hide(self, variation: Variation, at: datetime) -> bool:
        keys = [key for key in (variation.id, ("catalogue", variation.catalog_id)) if key in self.muted]
        return variation.id in self.rejected or any(self._lasts(self.muted[key], at) for key in keys)

    def reject(
        self, variation: Variation, reason: Reason, details: Mapping[str, Any], contact_id: int, key: str, at: datetime
    ) -> None:
        if variation.id not in self.rejected:
            self.rejected[variation.id] = (reason, details)
            self.said[variation.id] = (contact_id, at)

    def mute(
        self,
        variation: Variation,
        whole_catalogue: bool,
        until: Optional[datetime],
        contact_id: int,
        key: str,
        at: datetime,
    ) -> None:
        hidden = ("catalogue", variation.catalog_id) if whole_catalogue else variation.id
        self.muted[hidden] = until
        self.said[hidden] = (contact_id, at)

    def lift(self, variation: Variation, at: datetime) -> None:
        self.rejected.pop(variation.id, None)
        self.muted.pop(variation.id, None)

    def lift_catalogue(self, supplier_ids: Sequence[int], catalog_id: int, at: datetime) -> Optional[str]:
        every = self._variations.by_id.values()
        names = [
            v.catalog_name for v in every if (v.catalog_id, v.sku.supplier_id in supplier_ids) == (catalog_id, True)
        ]
        self.muted.pop(("catalogue", catalog_id), None)
        return names[-1] if names else None

    def hidden(self, supplier_ids: Sequence[int], at: datetime, limit: int) -> List[Hidden]:
        by_id = self._variations.by_id
        found = [self._hidden(number, by_id[number].title, True, variation_id=number) for number in self.rejected]
        for key, until in self.muted.items():
            if self._lasts(until, at):
                catalogue = isinstance(key, tuple)
                name = next(
                    v.catalog_name if catalogue else v.title for v in by_id.values() if catalogue or v.id == key
                )
                which = {"catalog_id": key[1]} if catalogue else {"variation_id": key}
                found.append(self._hidden(key, name, False, until=until, **which))
        found.reverse()  # of the same moment, the later one first
        return sorted(found, key=lambda hidden: hidden.since, reverse=True)[:limit]

    def _hidden(self, key: Any, title: str, rejected: bool, **more: Any) -> Hidden:
        by, since = self.said[key]
        return Hidden(title, rejected, by=by, since=since, **more)

    def _lasts(self, until: Optional[datetime], at: datetime) -> bool:
        return until is None or until > at


class FakeRecommendations:
    """``feeds`` holds the snapshots by id: kind and rows in any order; ``current`` is the newest of each kind."""

    knows_stock = False

    def __init__(self, variations: FakeVariations, rejections: FakeRejections) -> None:
        self.feeds: Dict[int, Tuple[RecommendationKind, List[Recommendation]]] = {}
        self.events: Dict[Tuple[str, int, str], Optional[int]] = {}
        self._variations = variations
        self._rejections = rejections

    def publish(self, kind: RecommendationKind, rows: Sequence[Tuple[Variation, int, Mapping[str, int]]]) -> int:
        """A new snapshot of (variation, score, other columns); its id."""
        number = len(self.feeds) + 1
        made = [
            Recommendation(variation, Cursor(number, score, row_no), **more)
            for row_no, (variation, score, more) in enumerate(rows, start=1)
        ]
        self.feeds[number] = (kind, made)
        return number

    def found(
        self, kind: RecommendationKind, supplier_ids: Sequence[int], after: Optional[Cursor], limit: int, at: datetime
    ) -> Found:
        newest = max((number for number, (of, _) in self.feeds.items() if of is kind), default=None)
        pinned = after is not None and self.feeds.get(after.snapshot_id, (None,))[0] is kind
        number = after.snapshot_id if after is not None and pinned else newest
        if number is None:
            return Found((), 0)

        def place(row: Recommendation) -> Tuple[int, int]:
            return -row.cursor.score, row.cursor.row_no

        start = (-after.score, after.row_no) if after is not None and pinned else None
        wanted = [
            row
            for row in sorted(self.feeds[number][1], key=place)
            if row.variation.sku.supplier_id in supplier_ids
            and not self._rejections.hide(row.variation, at)
            and not self._variations.by_id[row.variation.id].withdrawn
            and (start is None or place(row) > start)
        ]
        return Found(tuple(wanted[:limit]), len(wanted))

    def variation_of(self, sku: Sku) -> Optional[Variation]:
        rows = [row for _, feed in self.feeds.values() for row in feed]
        return next((row.variation for row in rows if row.variation.sku == sku), None)

    def record(
        self,
        variation: Variation,
        event: str,
        key: str,
        at: datetime,
        kind: str = "",
        snapshot_id: Optional[int] = None,
    ) -> None:
        self.events.setdefault((key, variation.id, event), snapshot_id)

    def record_shown(self, kind: RecommendationKind, rows: Sequence[Recommendation], key: str, at: datetime) -> None:
        for row in rows:
            self.record(row.variation, "shown", key, at, kind.value, row.cursor.snapshot_id)


class FakeUnitOfWork:
    """``shop.unit_of_work.UnitOfWork`` in memory: leaving the block without commit restores what was before."""

    PORTS = ("effects", "contacts", "conversations", "tasks", "variations", "stock", "recommendations", "rejections")

    def __init__(self) -> None:
        self.effects = FakeEffects()
        self.contacts = FakeContacts()
        self.conversations = FakeConversations()
        self.tasks = FakeTasks()
        self.variations = FakeVariations()
        self.stock = FakeStockBook()
        self.rejections = FakeRejections(self.variations)
        self.recommendations = FakeRecommendations(self.variations, self.rejections)
        self._before: Dict[str, Any] = {}

    def __enter__(self) -> "FakeUnitOfWork":
        self._before = deepcopy({name: vars(getattr(self, name)) for name in self.PORTS})
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        for name, state in self._before.items():
            state.pop("_variations", None)
            state.pop("_rejections", None)
            vars(getattr(self, name)).update(state)

    def commit(self) -> None:
        self._before = {}

    # --- for tests to begin with

    def with_variation(self, sku: Sku, stock: Optional[int] = None, catalog: str = "Kurta") -> Variation:
        variation = self.variations.ensure(sku, 1, catalog)
        if stock is not None:
            self.stock.write(variation, 0, stock, "test", None, None, NOON)
        return variation


class FakeInventory:
    """``InventoryService`` on the fake stock book; ``away = True`` makes it fail."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    def levels(self, uow: Any, variations: Sequence[Variation]) -> Dict[int, int]:
        self._answer()
        return uow.stock.levels([variation.id for variation in variations])

    def change(
        self,
        uow: Any,
        variation: Variation,
        quantity: Quantity,
        source: str,
        contact_id: Optional[int],
        key: str,
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        self._answer()
        if key in uow.stock.keys:
            return uow.stock.keys[key]
        before = uow.stock.stock.get(variation.id, 0)
        return uow.stock.write(variation, before, quantity.applied_to(before), source, contact_id, key, at, undoes)

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise InventoryUnavailable("away")
