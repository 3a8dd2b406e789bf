"""The people who play in conversations: made up with a shelf of their own, so that none is in another's way."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Dict, List, Optional, Sequence

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection, Engine

from mostrador.operations.conversation_file import Conversation, Ware, WrongConversation
from mostrador.operations.demo import DEMO_CONTACTS
from mostrador.operations.demo_pictures import draw
from mostrador.settings import Settings
from mostrador.shop.contacts import EVERYTHING
from mostrador.shop.inventory import Sku
from mostrador.shop.messages import Sender
from mostrador.shop.recommendations import RecommendationKind
from mostrador.storage import tables
from mostrador.storage.unit_of_work import SqlUnitOfWork

SOURCE = "conversation"  # of the stock log, for what is on a made-up shelf to begin with
_PICTURE = "conversation.jpg"
_LOCK = 7_202_614  # two runs at once make people one after the other
_ROLES = {"seller": "supplier", "supplier": "supplier", "customer": "customer"}


@dataclass
class Seat:
    """Somebody ready to write: ``phone`` is the wa_id; ``items`` are variation ids by the keys of the shelf."""

    phone: str
    name: str
    supplier_id: int = 0
    items: Dict[str, int] = field(default_factory=dict)


def needs_demo_data(conversations: Sequence[Conversation]) -> bool:
    """Whether one of them is played by somebody of the demo."""
    return any(conversation.person.existing for conversation in conversations)


def make_seats(engine: Engine, settings: Settings, conversations: Sequence[Conversation], now: datetime) -> List[Seat]:
    """A seat for each conversation, in one transaction; raises WrongConversation for an unknown demo contact."""
    draw(settings.var_dir / "pictures", {_PICTURE: ("kurta", (34, 58, 112))})
    with SqlUnitOfWork(engine) as uow:
        uow.connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        seats = [_seat(uow, conversation, now) for conversation in conversations]
        uow.commit()
    return seats


def _seat(uow: SqlUnitOfWork, conversation: Conversation, now: datetime) -> Seat:
    person = conversation.person
    if person.existing:
        return _of_the_demo(conversation)
    phone = person.phone.lstrip("+") or f"9101{secrets.randbelow(10**8):08d}"  # numbers nobody has
    seat = Seat(phone, person.name)
    if not person.seller:
        return seat
    contact_id = uow.contacts.identify(Sender(wa_id=phone, profile_name=person.name), now)
    if conversation.language:
        uow.contacts.set_language(contact_id, conversation.language)
    uow.contacts.record_consent(contact_id, EVERYTHING, True, "import", f"{SOURCE}|{contact_id}", now)
    seat.supplier_id = person.supplier or _unused_supplier(uow.connection)
    role = upsert(tables.contact_role).values(contact_id=contact_id, role="seller", supplier_id=seat.supplier_id)
    uow.connection.execute(role.on_conflict_do_nothing())
    _fill_shelf(uow, seat, person.shelf, now)
    return seat


def _of_the_demo(conversation: Conversation) -> Seat:
    role, _, language = conversation.person.existing.rpartition("_")
    for contact in DEMO_CONTACTS:
        same_key = contact.role == _ROLES.get(role) and contact.language == language
        if same_key or conversation.person.existing in (contact.name, contact.phone):
            return Seat(contact.phone.lstrip("+"), contact.name, (*contact.supplier_ids, 0)[0])
    keys = sorted({f"{'seller' if c.role == 'supplier' else c.role}_{c.language}" for c in DEMO_CONTACTS})
    raise WrongConversation(f"{conversation.person.place}: the demo has {', '.join(keys)} and their names and phones")


def _unused_supplier(connection: Connection) -> int:
    taken = select(func.max(tables.variation.c.supplier_id)).where(tables.variation.c.supplier_id >= 9_000_000)
    also = select(func.max(tables.contact_role.c.supplier_id)).where(tables.contact_role.c.supplier_id >= 9_000_000)
    return 1 + max(connection.execute(taken).scalar() or 9_000_000, connection.execute(also).scalar() or 9_000_000)


def _fill_shelf(uow: SqlUnitOfWork, seat: Seat, shelf: Sequence[Ware], now: datetime) -> None:
    products: Dict[str, int] = {}
    for number, ware in enumerate(shelf, start=1):
        product = products.setdefault(ware.product or ware.key, seat.supplier_id * 100 + len(products) + 1)
        sku = Sku(seat.supplier_id, product, f"VP{product}-{number}", ware.variation)
        variation = uow.variations.ensure(sku, product, ware.name)
        seat.items[ware.key] = variation.id
        uow.connection.execute(
            tables.variation.update()
            .where(tables.variation.c.id == variation.id)
            .values(picture=f"pictures/{_PICTURE}")
        )
        if variation.id not in uow.stock.levels([variation.id]):
            uow.stock.write(variation, 0, ware.stock, SOURCE, None, None, now)
        if ware.lost is not None:
            _recommend(uow.connection, RecommendationKind.OUT_OF_STOCK, sku, ware, number, now)
        if ware.days is not None:
            _recommend(uow.connection, RecommendationKind.LOW_STOCK, sku, ware, number, now)


def _recommend(
    connection: Connection, kind: RecommendationKind, sku: Sku, ware: Ware, rank: int, now: datetime
) -> None:
    """Put the ware into the feed in use, in the order of the shelf."""
    snapshot_id = _snapshot(connection, kind, now)
    table = tables.recommendation
    row_no = select(func.coalesce(func.max(table.c.row_no), 0) + 1).where(table.c.snapshot_id == snapshot_id)
    connection.execute(
        insert(table).values(
            snapshot_id=snapshot_id,
            supplier_id=sku.supplier_id,
            product_id=sku.product_id,
            style_id=sku.style_id,
            variation_name=sku.variation_name,
            catalog_id=sku.product_id,
            catalog_name=ware.name,
            sorting_score=1000 - rank,
            current_stock=ware.stock if kind is RecommendationKind.LOW_STOCK else None,
            days_on_hand=ware.days if kind is RecommendationKind.LOW_STOCK else None,
            estimated_order_loss=ware.lost if kind is RecommendationKind.OUT_OF_STOCK else None,
            row_no=connection.execute(row_no).scalar_one(),
        )
    )


def _snapshot(connection: Connection, kind: RecommendationKind, now: datetime) -> int:
    """The snapshot in use; where no feed was ever loaded, an empty one."""
    table = tables.recommendation_snapshot
    in_use = select(table.c.id).where(table.c.kind == kind.value, table.c.state == "current")
    found: Optional[int] = connection.execute(in_use).scalar()
    if found is None:
        row = insert(table).values(
            kind=kind.value, source_key=SOURCE, state="current", created_at=now, published_at=now
        )
        found = int(connection.execute(row.returning(table.c.id)).scalar_one())
        connection.execute(
            text(f"create table recommendation_{found} partition of recommendation for values in ({found})")
        )
    return found
