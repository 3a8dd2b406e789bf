"""The once-only register in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Callable, Dict, Mapping

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from mostrador.shop.errors import ShopError
from mostrador.storage.tables import effect


class SqlEffects:
    """``shop.unit_of_work.Effects`` on the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def once(self, key: str, at: datetime, do: Callable[[], Mapping[str, Any]]) -> Dict[str, Any]:
        taken = self._connection.execute(
            insert(effect).values(key=key, at=at).on_conflict_do_nothing().returning(effect.c.key)
        ).first()
        if taken is None:
            kept = self._connection.execute(select(effect.c.outcome).where(effect.c.key == key)).scalar_one()
            return dict(kept)
        try:
            outcome = dict(do())
        except ShopError:  # other effects of the transaction may go on and be committed
            self._connection.execute(delete(effect).where(effect.c.key == key))
            raise
        self._connection.execute(update(effect).where(effect.c.key == key).values(outcome=outcome))
        return outcome
