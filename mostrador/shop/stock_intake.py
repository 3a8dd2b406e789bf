"""Stock that was changed somewhere else comes in: a till, a web shop, a warehouse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping, Optional

from mostrador.shop.errors import Gone, ShopError
from mostrador.shop.inventory import CHAT_SOURCE, GREATEST_STOCK, Change, InventoryService, Quantity, Sense, Sku
from mostrador.shop.unit_of_work import UnitOfWork

_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}")
_GREATEST_ID = 2**31 - 1


class UnreadableChange(ShopError):
    """A change that says nothing usable; the message is a sentence about its first fault."""


@dataclass(frozen=True)
class ForeignChange:
    """One change another system made. ``change_id`` is that system's own, unique within its ``source``."""

    change_id: str
    sku: Sku
    quantity: Quantity
    source: str

    @classmethod
    def read(cls, raw: Any) -> "ForeignChange":
        """From JSON: change_id, supplier_id, product_id, style_id, variation_name, source and quantity or delta.

        Raises UnreadableChange.
        """
        if not isinstance(raw, Mapping):
            raise UnreadableChange("A change is an object.")
        change_id, source = _text(raw, "change_id", 100), _text(raw, "source", 40)
        if not change_id:
            raise UnreadableChange("change_id is empty.")
        if not _SOURCE.fullmatch(source) or source.lower() == CHAT_SOURCE.lower():
            raise UnreadableChange(f"source names the system that made the change; it cannot be {source!r}.")
        sku = Sku(
            _whole(raw, "supplier_id", 1, _GREATEST_ID),
            _whole(raw, "product_id", 1, _GREATEST_ID),
            _text(raw, "style_id", 300),
            _text(raw, "variation_name", 300),
        )
        if ("quantity" in raw) == ("delta" in raw):
            raise UnreadableChange("A change has either quantity or delta.")
        if "quantity" in raw:
            return cls(change_id, sku, Quantity(_whole(raw, "quantity", 0, GREATEST_STOCK)), source)
        delta = _whole(raw, "delta", -GREATEST_STOCK, GREATEST_STOCK)
        return cls(change_id, sku, Quantity(abs(delta), Sense.ADD if delta >= 0 else Sense.TAKE), source)


def take_in(uow: UnitOfWork, inventory: InventoryService, change: ForeignChange, at: datetime) -> Change:
    """Apply a foreign change once, attributed to its source; the same change again returns the first outcome.

    Raises Gone (neither we nor a current feed know the variation, or it was withdrawn), ImplausibleQuantity and
    InventoryUnavailable; then nothing has changed.
    """
    with uow:
        variation = uow.variations.find([change.sku]).get(change.sku) or uow.recommendations.variation_of(change.sku)
        if variation is None or variation.withdrawn:
            raise Gone(change.change_id)
        key = f"stock|{change.source}|{change.change_id}"
        made = inventory.change(uow, variation, change.quantity, change.source, None, key, at)
        uow.commit()
    return made


def _whole(raw: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value: Optional[Any] = raw.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UnreadableChange(f"{name} is a whole number from {least} to {most}.")
    return value


def _text(raw: Mapping[str, Any], name: str, longest: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise UnreadableChange(f"{name} is a text of at most {longest} characters.")
    return value
