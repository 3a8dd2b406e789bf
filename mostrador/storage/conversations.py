"""Conversations, their owners and the people's task list in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Mapping, Optional

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Row

from mostrador.shop.conversations import BOT, HUMAN, QUEUED, Conversation, ManualTask
from mostrador.shop.messages import Say
from mostrador.storage.engine import INBOX, OUTBOX, notify
from mostrador.storage.outbox import REPLY, add
from mostrador.storage.tables import conversation, inbox, manual_task, outbox


class SqlConversations:
    """``shop.conversations.Conversations`` on the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, conversation_id: str, lock: bool = False) -> Optional[Conversation]:
        if lock:  # outbox rows before conversations: the order in which senders and reports take them, too
            self._connection.execute(
                select(outbox.c.id)
                .where(outbox.c.conversation_id == conversation_id, outbox.c.status == "queued")
                .order_by(outbox.c.id)
                .with_for_update()
            )
        query = select(conversation).where(conversation.c.id == conversation_id)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        return _conversation(row) if row else None

    def set_owner(self, conversation_id: str, owner: str, name: str, at: datetime) -> None:
        self._connection.execute(
            update(conversation)
            .where(conversation.c.id == conversation_id)
            .values(owner=owner, owner_name=name, owner_since=at)
        )
        if owner == HUMAN:
            self._connection.execute(
                update(outbox)
                .where(
                    outbox.c.conversation_id == conversation_id,
                    outbox.c.status == "queued",
                    outbox.c.speaker == BOT,
                    outbox.c.created_at <= at,
                )
                .values(status="dropped", error="a human took over")
            )
            # What the person wrote is for the human to read now.
            self._connection.execute(
                update(inbox)
                .where(inbox.c.conversation_id == conversation_id, inbox.c.status == "new")
                .values(status="kept", closed_at=at)
            )
        notify(self._connection, INBOX, conversation_id)

    def waiting(self) -> List[Conversation]:
        rows = self._connection.execute(
            select(conversation)
            .where(conversation.c.owner.in_((QUEUED, HUMAN)))
            .order_by(conversation.c.owner_since, conversation.c.id)
        )
        return [_conversation(row) for row in rows]

    def say(self, conversation_id: str, say: Say, speaker: str, key: str, at: datetime) -> None:
        add(self._connection, conversation_id, [(say, 1)], speaker, REPLY, key, at)
        notify(self._connection, OUTBOX, conversation_id)


class SqlManualTasks:
    """``shop.conversations.ManualTasks`` on the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
        self, kind: str, conversation_id: Optional[str], details: Mapping[str, Any], key: Optional[str], at: datetime
    ) -> None:
        self._connection.execute(
            insert(manual_task)
            .values(kind=kind, conversation_id=conversation_id, details=dict(details), dedup_key=key, created_at=at)
            .on_conflict_do_nothing(index_elements=["dedup_key"])
        )

    def close_of(self, conversation_id: str, kind: str, at: datetime) -> None:
        self._connection.execute(
            update(manual_task)
            .where(
                manual_task.c.conversation_id == conversation_id,
                manual_task.c.kind == kind,
                manual_task.c.status != "done",
            )
            .values(status="done", closed_at=at)
        )

    def close(self, task_id: int, at: datetime) -> bool:
        done = self._connection.execute(
            update(manual_task)
            .where(manual_task.c.id == task_id, manual_task.c.status != "done")
            .values(status="done", closed_at=at)
        )
        return bool(done.rowcount)

    def open_tasks(self) -> List[ManualTask]:
        rows = self._connection.execute(
            select(manual_task).where(manual_task.c.status != "done").order_by(manual_task.c.id)
        )
        return [ManualTask(r.id, r.conversation_id, r.kind, r.details, r.status, r.created_at) for r in rows]


def _conversation(row: Row) -> Conversation:
    return Conversation(
        row.id,
        row.contact_id,
        row.business_number,
        row.owner,
        row.owner_name,
        row.owner_since,
        row.last_human_at,
    )
