"""The transaction of a use case, as the shop sees it. Storage fills it; tests fill it with dictionaries."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Protocol, Type

if TYPE_CHECKING:
    from mostrador.shop.contacts import Contacts
    from mostrador.shop.conversations import Conversations, ManualTasks
    from mostrador.shop.inventory import StockBook, Variations
    from mostrador.shop.recommendations import Recommendations
    from mostrador.shop.rejections import Rejections


class Effects(Protocol):
    """Remembers what was done under a key, so that doing it again only repeats the answer."""

    def once(self, key: str, at: datetime, do: Callable[[], Mapping[str, Any]]) -> Dict[str, Any]:
        """Run ``do`` and keep its outcome (JSON values only), or return the outcome kept under ``key`` before.

        The key is taken first, in this transaction: a second caller waits for the first to end. A ShopError raised by
        ``do`` frees the key, so that the transaction may go on; of any other error no trace is left once the
        transaction is rolled back.
        """


class UnitOfWork(Protocol):
    """``with uow: … uow.commit()``; leaving the block without commit undoes everything in it."""

    effects: Effects
    contacts: "Contacts"
    conversations: "Conversations"
    tasks: "ManualTasks"
    variations: "Variations"
    stock: "StockBook"
    recommendations: "Recommendations"
    rejections: "Rejections"

    def __enter__(self) -> "UnitOfWork": ...

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None: ...

    def commit(self) -> None: ...


def effect_key(turn_id: str, use_case: str, target: object = "") -> str:
    """The key under which a use case's effect on a target in one turn happens exactly once."""
    return f"{turn_id}|{use_case}|{target}"
