"""Rasa's lock store on PostgreSQL advisory locks, the same that the dispatcher claims a turn with."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any, AsyncGenerator, Optional, Text

from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, LockError, LockStore
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mostrador.bootstrap import services
from mostrador.channels.current_turn import current_turn
from mostrador.storage.turns import lock_key


class ConversationLockStore(LockStore):
    """One holder per conversation over all processes; a killed holder frees it at once.

    A dispatched turn already holds its conversation, so locking it again costs nothing. Others wait in the server for
    at most ``lock_lifetime`` seconds, then LockError.
    """

    def __init__(self, endpoint_config: Any = None, engine: Optional[Engine] = None) -> None:
        self._given_engine = engine
        super().__init__()

    @asynccontextmanager
    async def lock(
        self, conversation_id: Text, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = 1
    ) -> AsyncGenerator[TicketLock, None]:
        turn = current_turn.get()
        if turn is not None and turn.conversation_id == conversation_id:
            yield TicketLock(conversation_id)
            return
        connection = await asyncio.to_thread(self._acquire, conversation_id, lock_lifetime)
        try:
            yield TicketLock(conversation_id)
        finally:
            await asyncio.to_thread(connection.close)  # ends the transaction and with it the lock

    def _acquire(self, conversation_id: Text, seconds: float) -> Connection:
        connection = (self._given_engine or services().engine).connect()
        try:
            connection.execute(text(f"set local lock_timeout = {int(seconds * 1000)}"))
            connection.execute(text("select pg_advisory_xact_lock(:k)"), {"k": lock_key(conversation_id)})
            return connection
        except SQLAlchemyError as error:
            connection.close()
            raise LockError(f"The conversation could not be locked within {seconds:.0f} s.") from error

    def is_someone_waiting(self, conversation_id: Text) -> bool:
        return False

    def get_lock(self, conversation_id: Text) -> Optional[TicketLock]:
        return None

    def delete_lock(self, conversation_id: Text) -> None:
        """Nothing is kept that could be deleted."""

    def save_lock(self, lock: TicketLock) -> None:
        """Nothing is kept that could be saved."""
