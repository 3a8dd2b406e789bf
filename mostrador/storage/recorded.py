"""Reads a recorded talk for ``shop.recording``, with the shelf as it was when the talk began."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from mostrador.shop.inventory import CHAT_SOURCE
from mostrador.shop.messages import Say
from mostrador.shop.recording import Answered, Good, LogLine, Recording, Spoken, Written
from mostrador.storage.outbox import REPLY

_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)
MOST_GOODS = 100
_MOST_OF_A_LIST = 60

_WHO = text(
    """
    select c.contact_id, c.owner, c.owner_name, c.open_form <> '' as form_open, p.name,
           coalesce(p.language, '') as language,
           array(select value from contact_alias a where a.contact_id = p.id) as ids,
           array(select supplier_id from contact_role r
                 where r.contact_id = p.id and r.role = 'seller' and r.supplier_id <> 0) as suppliers
    from conversation c join contact p on p.id = c.contact_id where c.id = :id
    """
)
_NEWEST_SESSION = text(
    """
    select min(i.received_at) from inbox i
    where i.provider_id = (select id from turn where conversation_id = :id and explain ->> 'session' = 'new'
                           order by ended_at desc limit 1)
    """
)
_WRITTEN = text(
    """
    select provider_id, kind, message, sent_at, received_at, status, coalesce(turn_id, '') as turn_id
    from inbox where conversation_id = :id and received_at >= :since order by sent_at, id
    """
)
_SPOKEN = text(
    """
    select coalesce(provider_id, '') as provider_id, say, slice, speaker, status, coalesce(turn_id, '') as turn_id,
           urgency, topic, dedup_key, created_at
    from outbox where conversation_id = :id and created_at >= :since order by id
    """
)
_TURNS = text(
    """
    select t.id, t.members, t.outcome, t.begun_at, coalesce(t.explain, '{}') as explain,
           exists (select from manual_task m where m.dedup_key = t.id || '|ask_for_human|') as asked
    from turn t where t.conversation_id = :id and t.ended_at >= :since order by t.ended_at
    """
)
_SNAPSHOT = text(  # the one that was shown at that moment, or where it is gone the one of now
    """
    select id from recommendation_snapshot
    where kind = :kind and state in ('current', 'old')
    order by (published_at <= :since and (retired_at is null or retired_at > :since)) desc,
             (state = 'current') desc, id desc limit 1
    """
)
_LIST = text(
    """
    select v.id, coalesce(r.estimated_order_loss, 0) as lost, coalesce(r.days_on_hand, 0) as days,
           coalesce(r.current_stock, 0) as known_stock
    from recommendation r
    join variation v on v.supplier_id = r.supplier_id and v.product_id = r.product_id
        and v.style_id = r.style_id and v.variation_name = r.variation_name
    where r.snapshot_id = :snapshot and r.supplier_id = any(:suppliers)
      and not exists (select from rejection j where j.variation_id = v.id and j.at < :since)
    order by r.sorting_score desc, r.row_no limit :most
    """
)
_GOODS = text(
    """
    select v.id, v.product_id, v.catalog_name, v.variation_name,
           coalesce(i.quantity, 0) - coalesce(l.delta, 0) as stock,
           coalesce(l.mine, 0) > 0 as touched, coalesce(l.others, 0) > 0 as foreign_too
    from variation v
    left join inventory_product_inventory i on i.variation_id = v.id
    left join lateral (
        select sum(delta) as delta, count(*) filter (where source = :chat and contact_id = :contact) as mine,
               count(*) filter (where source <> :chat or contact_id is distinct from :contact) as others
        from inventory_product_inventory_log_v2 where variation_id = v.id and at >= :since
    ) l on true
    where v.supplier_id = any(:suppliers) and not v.withdrawn
    order by coalesce(l.mine, 0) = 0, array_position(cast(:listed as bigint[]), v.id) nulls last, v.id limit :most
    """
)
_LOG = text(
    """
    select variation_id, quantity_before, delta, quantity_after, source from inventory_product_inventory_log_v2
    where contact_id = :contact and source = :chat and at >= :since order by id
    """
)
_CONSENT = text(
    """
    select topic, granted from consent where contact_id = :contact and source = 'chat' and at >= :since order by at, id
    """
)


def recording(engine: Engine, conversation_id: str, since: Optional[datetime] = None) -> Recording:
    """The conversation since that instant (when messages reached us), or its newest session.

    Which goods were on the lists is known as long as the feed of then is kept; later the feed of now stands in.
    """
    with engine.connect() as connection:
        who = connection.execute(_WHO, {"id": conversation_id}).one()
        start = since or connection.execute(_NEWEST_SESSION, {"id": conversation_id}).scalar() or _EVER
        about = {"id": conversation_id, "since": start, "contact": who.contact_id, "chat": CHAT_SOURCE}
        written = tuple(_written(row) for row in connection.execute(_WRITTEN, about))
        about["since"] = min((message.received_at for message in written), default=start)  # the shelf as it was then
        return Recording(
            since=about["since"],
            seller=bool(who.suppliers),
            name=who.name,
            private=tuple(filter(None, (who.name, who.owner_name, *who.ids))),
            owner=who.owner,
            owner_name=who.owner_name,
            form_open=who.form_open,
            language=who.language,
            written=written,
            spoken=tuple(_spoken(row) for row in connection.execute(_SPOKEN, about)),
            turns=tuple(
                Answered(r.id, tuple(r.members), r.outcome, r.begun_at, r.explain, r.asked)
                for r in connection.execute(_TURNS, about)
            ),
            goods=_goods(connection, about, who.suppliers) if who.suppliers else (),
            log=tuple(LogLine(*row) for row in connection.execute(_LOG, about)),
            consent={row.topic: row.granted for row in connection.execute(_CONSENT, about)},
        )


def _written(row: Any) -> Written:
    message: Mapping[str, Any] = row.message
    return Written(
        row.provider_id,
        row.kind,
        str(message.get("text") or ""),
        row.sent_at,
        row.received_at,
        row.status,
        row.turn_id,
        str(message.get("reply_to") or ""),
        message.get("payload") or {},
    )


def _spoken(row: Any) -> Spoken:
    return Spoken(
        row.provider_id,
        Say.from_json(row.say),
        row.slice,
        row.speaker,
        row.status,
        row.turn_id,
        "reply" if row.urgency == REPLY else "notification",
        row.topic,
        row.dedup_key,
        row.created_at,
    )


def _goods(connection: Connection, about: Mapping[str, Any], suppliers: Sequence[int]) -> Tuple[Good, ...]:
    """The shelf in the order of the lists, sold out before running low, and then the rest."""
    lists: Dict[str, List[Any]] = {}
    for kind in ("out_of_stock", "low_stock"):
        snapshot = connection.execute(_SNAPSHOT, {**about, "kind": kind}).scalar()
        values = {**about, "snapshot": snapshot, "suppliers": list(suppliers), "most": _MOST_OF_A_LIST}
        lists[kind] = connection.execute(_LIST, values).all() if snapshot is not None else []
    listed = list(dict.fromkeys(row.id for kind in lists for row in lists[kind]))
    values = {**about, "suppliers": list(suppliers), "listed": listed, "most": MOST_GOODS}
    found = {
        row.id: Good(
            row.id,
            row.product_id,
            row.catalog_name,
            row.variation_name,
            max(0, row.stock),
            touched=row.touched,
            foreign=row.foreign_too,
        )
        for row in connection.execute(_GOODS, values)
    }
    for row in lists["out_of_stock"]:
        if row.id in found:
            found[row.id] = replace(found[row.id], lost=row.lost)
    for row in lists["low_stock"]:  # refilled since the feed was made, it was passed over
        if row.id in found and found[row.id].stock <= row.known_stock:
            found[row.id] = replace(found[row.id], days=row.days)
    order = {good: rank for rank, good in enumerate(listed)}
    return tuple(sorted(found.values(), key=lambda good: (order.get(good.id, len(order)), good.id)))
