"""Rasa's tracker store on our tables, which commits nothing during a dispatched turn."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Iterable, List, Optional, Text

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SerializedTrackerAsText, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from mostrador.bootstrap import services
from mostrador.channels.current_turn import CurrentTurn, current_turn
from mostrador.storage.tables import conversation, tracker_event
from mostrador.storage.turns import lock_key


class MostradorTrackerStore(TrackerStore, SerializedTrackerAsText):
    """Trackers of the latest session in PostgreSQL.

    In a dispatched turn the tracker comes from the turn's own claim and its new events go back there, to be committed
    with the turn's other work. Outside one (``rasa shell``, the HTTP interface) it reads and writes by itself.
    """

    def __init__(
        self,
        domain: Optional[Domain] = None,
        host: Optional[EndpointConfig] = None,
        event_broker: Optional[EventBroker] = None,
        engine: Optional[Engine] = None,
        **kwargs: Dict[Text, Any],
    ) -> None:
        super().__init__(domain, event_broker, **kwargs)
        self._given_engine = engine

    @property
    def _engine(self) -> Engine:
        return self._given_engine or services().engine

    async def retrieve(self, sender_id: Text) -> Optional[DialogueStateTracker]:
        turn = current_turn.get()
        if turn is not None and turn.conversation_id == sender_id:
            return self._of_turn(turn)
        events = await asyncio.to_thread(self._read, sender_id, True)
        return self._tracker(sender_id, events) if events else None

    async def retrieve_full_tracker(self, conversation_id: Text) -> Optional[DialogueStateTracker]:
        events = await asyncio.to_thread(self._read, conversation_id, False)
        return self._tracker(conversation_id, events) if events else None

    async def save(self, tracker: DialogueStateTracker) -> None:
        turn = current_turn.get()
        if turn is not None and turn.conversation_id == tracker.sender_id:
            turn.added = [event.as_dict() for event in list(tracker.events)[turn.already :]]
            turn.tracker = tracker
            return
        await self.stream_events(tracker)
        await asyncio.to_thread(self._append, tracker)

    async def keys(self) -> Iterable[Text]:
        return await asyncio.to_thread(self._keys)

    def _of_turn(self, turn: CurrentTurn) -> DialogueStateTracker:
        if turn.opening:
            tracker = self._tracker(turn.conversation_id, turn.opening)
        else:
            tracker = turn.known or self._tracker(turn.conversation_id, turn.stored)
            turn.already = len(tracker.events)
        turn.before = tracker.current_slot_values()
        return tracker

    def _tracker(self, sender_id: Text, events: List[Dict[str, Any]]) -> DialogueStateTracker:
        return DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)

    def _read(self, sender_id: Text, latest_session: bool) -> List[Dict[str, Any]]:
        query = select(tracker_event.c.event).where(tracker_event.c.conversation_id == sender_id)
        if latest_session:
            start = (
                select(func.coalesce(func.max(tracker_event.c.seq), 0) - 1)
                .where(tracker_event.c.conversation_id == sender_id, tracker_event.c.type == "session_started")
                .scalar_subquery()
            )
            query = query.where(tracker_event.c.seq >= start)
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(tracker_event.c.seq)).scalars())

    def _append(self, tracker: DialogueStateTracker) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                text("select pg_advisory_xact_lock(:k)"), {"k": lock_key("tracker|" + tracker.sender_id)}
            )
            last, known = connection.execute(
                text(
                    """
                    with session as (select coalesce(max(seq), 0) - 1 as start from tracker_event
                                     where conversation_id = :id and type = 'session_started')
                    select coalesce(max(seq), 0), count(*) filter (where seq >= session.start)
                    from tracker_event, session where conversation_id = :id
                    """
                ),
                {"id": tracker.sender_id},
            ).one()
            events = [event.as_dict() for event in tracker.events]
            rows = [
                {"conversation_id": tracker.sender_id, "seq": seq, "type": event["event"], "event": event}
                for seq, event in enumerate(events[known:], start=last + 1)
            ]
            if rows:
                connection.execute(insert(tracker_event), rows)
                connection.execute(
                    conversation.update()
                    .where(conversation.c.id == tracker.sender_id)
                    .values(tracker_seq=rows[-1]["seq"])
                )

    def _keys(self) -> List[Text]:
        with self._engine.connect() as connection:
            return list(connection.execute(select(tracker_event.c.conversation_id).distinct()).scalars())
