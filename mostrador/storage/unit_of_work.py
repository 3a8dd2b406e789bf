"""The transaction of a use case on PostgreSQL."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Type

from sqlalchemy.engine import Connection, Engine

from mostrador.storage.contacts import SqlContacts
from mostrador.storage.conversations import SqlConversations, SqlManualTasks
from mostrador.storage.effects import SqlEffects
from mostrador.storage.recommendations import SqlRecommendations
from mostrador.storage.rejections import SqlRejections
from mostrador.storage.stock import SqlStockBook
from mostrador.storage.variations import SqlVariations


class SqlUnitOfWork:
    """``shop.unit_of_work.UnitOfWork``: one connection and one transaction per ``with`` block.

    ``own_stock`` says whether our own inventory table is the truth about stock.
    """

    connection: Connection

    def __init__(self, engine: Engine, own_stock: bool = True) -> None:
        self._engine = engine
        self._own_stock = own_stock

    def __enter__(self) -> "SqlUnitOfWork":
        self.connection = self._engine.connect()
        self.effects = SqlEffects(self.connection)
        self.contacts = SqlContacts(self.connection)
        self.conversations = SqlConversations(self.connection)
        self.tasks = SqlManualTasks(self.connection)
        self.variations = SqlVariations(self.connection)
        self.stock = SqlStockBook(self.connection)
        self.recommendations = SqlRecommendations(self.connection, self._own_stock)
        self.rejections = SqlRejections(self.connection)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.connection.close()  # rolls back whatever was not committed

    def commit(self) -> None:
        self.connection.commit()
