"""What the tables know of one turn, gathered for ``shop.explanation``. Reads only."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from mostrador.shop.explanation import (
    LEFT,
    OPEN,
    UNASKED,
    EffectDone,
    Explanation,
    Heard,
    SaidRow,
    StockLogged,
)

_FIND = text(  # by the turn, one of the person's messages, or a message of ours
    """
    select turn_id, conversation_id, null as outbox_id from (
        select id as turn_id, conversation_id, 1 as rank from turn where id = :id
        union all
        select coalesce(turn_id, provider_id), conversation_id, 2 from inbox where provider_id = :id
    ) of_the_person
    union all
    select coalesce(turn_id, case when dedup_key like '%|outage#%' then split_part(dedup_key, '|outage#', 1) end),
           conversation_id, id
    from outbox where provider_id = :id
    limit 1
    """
)
_TURN = text("select * from turn where id = :turn")
_CONTACT = text("select p.name from conversation c join contact p on p.id = c.contact_id where c.id = :id")
_HEARD = text(
    """
    select provider_id, kind, coalesce(message ->> 'text', '') as words, sent_at, received_at, status, tries, waits,
           coalesce(error, '') as error
    from inbox where provider_id = any(:ids) order by sent_at, id
    """
)
_MEMBERS_OF_OPEN = text(
    "select provider_id from inbox where conversation_id = :id and status = 'new' and turn_id = :turn"
)
_SAID = text(
    """
    select id, say, slice, speaker, status, topic, created_at, sent_at, attempts, resends, provider_id,
           coalesce(error, '') as error, error_code
    from outbox
    where turn_id = :turn or dedup_key like :outage or id = :id
    order by id
    """
)
_REPORTS = text("select provider_id, status, at from delivery_report where provider_id = any(:ids)")
_EFFECTS = text(
    """
    select key, at, outcome from effect where key like :prefix
    union all
    select effect_key, at, jsonb_build_object('consent', topic, 'granted', granted) from consent
    where effect_key like :prefix
    union all
    select effect_key, min(at), jsonb_build_object(event, count(*)) from recommendation_event
    where effect_key like :prefix and not exists (select from effect where key = effect_key)
    group by effect_key, event
    order by 2, 1
    """
)
_STOCK = text(
    """
    select l.id, v.catalog_name, l.variation_name, l.quantity_before, l.delta, l.quantity_after, l.source, l.at,
           l.undoes
    from inventory_product_inventory_log_v2 l join variation v on v.id = l.variation_id
    where l.effect_key like :prefix order by l.id
    """
)
_TASKS = text("select kind, status from manual_task where dedup_key like :prefix or dedup_key = :failed order by id")
_SLOTS = text(  # all that was set from the session's start to the end of the turn, in order
    """
    with spoke as (
        select seq from tracker_event
        where conversation_id = :id and type = 'user' and event -> 'metadata' ->> 'turn_id' = :turn
        order by seq desc limit 1
    ), began as (
        select coalesce(max(seq), 0) as seq from tracker_event
        where conversation_id = :id and type = 'session_started' and seq <= (select seq from spoke)
    ), next_spoke as (
        select min(seq) as seq from tracker_event
        where conversation_id = :id and type in ('user', 'session_started') and seq > (select seq from spoke)
    )
    select e.event ->> 'name' as name, e.event -> 'value' as value
    from tracker_event e, spoke, began, next_spoke
    where e.conversation_id = :id and e.type = 'slot' and e.seq >= began.seq
      and (next_spoke.seq is null or e.seq < next_spoke.seq)
    order by e.seq
    """
)
_TALK_OF_PHONE = text(
    """
    select c.id from contact_alias a join conversation c on c.contact_id = a.contact_id
    where a.kind in ('wa_id', 'e164') and a.value = any(:phones) order by c.last_human_at desc nulls last limit 1
    """
)
_TALK = text("select id from conversation where id like :start order by id limit 2")
_LAST = text(
    """
    select coalesce(
        (select coalesce(turn_id, provider_id) from inbox
         where conversation_id = :id and status = 'new' order by sent_at, id limit 1),
        (select id from turn where conversation_id = :id order by ended_at desc limit 1))
    """
)


class Explanations:
    """Looks turns up; every method is a few short queries."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, any_id: str) -> Optional[Explanation]:
        """The turn with this id, or of the message with this provider id, the person's or ours; None if unknown.

        A message without a turn (not answered yet, left to people, said by ourselves) is explained as far as it goes.
        """
        with self._engine.connect() as connection:
            found = connection.execute(_FIND, {"id": any_id}).first()
            if found is None:
                return None
            return _explanation(connection, found.turn_id or "", found.conversation_id, found.outbox_id)

    def last(self, conversation_id: str) -> Optional[str]:
        """The id of the conversation's newest turn, one that is not answered yet first; None without any."""
        with self._engine.connect() as connection:
            found = connection.execute(_LAST, {"id": conversation_id}).scalar()
        return str(found) if found is not None else None

    def conversation(self, phone_or_id: str) -> Optional[str]:
        """The conversation of a telephone number, or the only one whose id begins so; None when there is none."""
        digits = "".join(c for c in phone_or_id if c.isdigit())
        with self._engine.connect() as connection:
            if phone_or_id.strip("+ -().0123456789") == "" and digits:
                found = connection.execute(_TALK_OF_PHONE, {"phones": [digits, f"+{digits}"]}).scalar()
                if found is not None:
                    return str(found)
            start = phone_or_id.strip()
            rows = list(connection.execute(_TALK, {"start": _like(start) + "%"}).scalars()) if start else []
        return str(rows[0]) if len(rows) == 1 else None


def _explanation(connection: Connection, turn_id: str, conversation_id: str, outbox_id: Optional[int]) -> Explanation:
    turn = connection.execute(_TURN, {"turn": turn_id}).first()
    members = list(turn.members) if turn else [turn_id] if turn_id else []
    if turn is None and turn_id:
        members += list(connection.execute(_MEMBERS_OF_OPEN, {"id": conversation_id, "turn": turn_id}).scalars())
    heard = tuple(_heard(row) for row in connection.execute(_HEARD, {"ids": members}))
    prefix = {"prefix": _like(turn_id) + "|%"}
    failed = {"failed": f"failed_turn|{turn_id}"}
    return Explanation(
        turn_id=turn_id,
        conversation_id=conversation_id,
        contact=str(connection.execute(_CONTACT, {"id": conversation_id}).scalar() or ""),
        outcome=turn.outcome if turn else _without_turn(heard),
        heard=heard,
        said=_said(connection, turn_id, outbox_id),
        begun_at=turn.begun_at if turn else None,
        ended_at=turn.ended_at if turn else None,
        intent=(turn.intent or "") if turn else "",
        confidence=turn.confidence if turn else None,
        noted=(turn.explain or {}) if turn else {},
        slots=_slots(connection, turn_id, conversation_id),
        effects=tuple(_effect(row) for row in connection.execute(_EFFECTS, prefix)) if turn_id else (),
        stock=tuple(_stock(row) for row in connection.execute(_STOCK, prefix)) if turn_id else (),
        tasks=tuple((r.kind, r.status) for r in connection.execute(_TASKS, {**prefix, **failed})) if turn_id else (),
    )


def _without_turn(heard: Sequence[Heard]) -> str:
    if not heard:
        return UNASKED
    return OPEN if any(message.status == "new" for message in heard) else LEFT


def _heard(row: Any) -> Heard:
    return Heard(
        row.provider_id,
        row.kind,
        row.words,
        row.sent_at,
        row.received_at,
        row.status,
        row.tries,
        row.waits,
        row.error,
    )


def _said(connection: Connection, turn_id: str, outbox_id: Optional[int]) -> Tuple[SaidRow, ...]:
    values = {"turn": turn_id or None, "outage": _like(turn_id) + "|outage#%" if turn_id else "", "id": outbox_id}
    rows = connection.execute(_SAID, values).all()
    reports: Dict[str, Dict[str, Any]] = {}
    for report in connection.execute(_REPORTS, {"ids": [r.provider_id for r in rows if r.provider_id]}):
        reports.setdefault(report.provider_id, {})["read" if report.status == "played" else report.status] = report.at
    return tuple(
        SaidRow(
            id=row.id,
            response=str(row.say.get("response") or ""),
            text=str(row.say.get("text") or "") if row.slice == 0 else f"(part {row.slice + 1} of the same)",
            buttons=tuple(str(button["title"]) for button in row.say.get("buttons") or ()),
            speaker=row.speaker,
            status=row.status,
            created_at=row.created_at,
            topic=row.topic,
            sent_at=row.sent_at,
            attempts=row.attempts,
            resends=row.resends,
            error=" ".join(filter(None, (str(row.error_code or ""), row.error))),
            reports=reports.get(row.provider_id, {}),
        )
        for row in rows
    )


def _slots(connection: Connection, turn_id: str, conversation_id: str) -> Mapping[str, Any]:
    rows = connection.execute(_SLOTS, {"turn": turn_id, "id": conversation_id}) if turn_id else ()
    return {row.name: row.value for row in rows}


def _effect(row: Any) -> EffectDone:
    parts: List[str] = str(row.key).split("|", 2)
    return EffectDone(parts[1], parts[2] if len(parts) > 2 else "", row.at, row.outcome)


def _stock(row: Any) -> StockLogged:
    title = f"{row.catalog_name} – {row.variation_name}" if row.variation_name else row.catalog_name
    return StockLogged(
        row.id, title, row.quantity_before, row.delta, row.quantity_after, row.source, row.at, row.undoes
    )


def _like(start: str) -> str:
    """``start`` as it stands, for LIKE."""
    return start.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
