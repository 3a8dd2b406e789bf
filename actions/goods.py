"""How products are named and pictured in chat; used by lists, variations and the stock form."""

from __future__ import annotations

import json
from typing import Any, Dict, Sequence

from mostrador.settings import Settings
from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone
from mostrador.shop.inventory import InventoryService, Variation, owned_variation
from mostrador.shop.unit_of_work import UnitOfWork

ROWS = 9  # a WhatsApp list holds ten
ROW_TITLE = 24


def item_id(text: str) -> int:
    """The variation id in a payload. Raises Gone for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Gone(text)
    return int(text)


def owned(uow: UnitOfWork, contact: Contact, variation_id: int) -> Variation:
    """The variation, if this contact may touch it. Raises Gone and NotYours."""
    with uow:
        return owned_variation(uow, contact, variation_id)


def live_stock(uow: UnitOfWork, inventory: InventoryService, variation: Variation) -> int:
    """The live stock, 0 where none is kept yet. Raises InventoryUnavailable."""
    with uow:
        return inventory.levels(uow, [variation]).get(variation.id, 0)


def picture_url(config: Settings, variation: Variation) -> str:
    """Where the provider can fetch the picture; empty when there is none."""
    if not variation.picture or "://" in variation.picture:
        return variation.picture
    base = config.public_url or f"http://{config.bind_host}:{config.web_port}"
    return f"{base.rstrip('/')}/{variation.picture.lstrip('/')}"


def update_button(variation: Variation, title: str, description: str = "") -> Dict[str, Any]:
    """A choice that begins the stock form for one variation."""
    payload = "/update_stock" + json.dumps({"item": str(variation.id)})
    return {"title": shortened(title), "payload": payload, "description": description}


def reject_button(variation: Variation, title: str, description: str = "") -> Dict[str, Any]:
    """A choice that begins the rejection form for one variation."""
    payload = "/reject_recommendation" + json.dumps({"item": str(variation.id)})
    return {"title": shortened(title), "payload": payload, "description": description}


def select_button(variation: Variation) -> Dict[str, Any]:
    """A choice that answers which product is meant."""
    payload = "/select_item" + json.dumps({"item": str(variation.id)})
    return {"title": shortened(variation.title), "payload": payload, "description": variation.title}


def shortened(title: str, longest: int = ROW_TITLE) -> str:
    return title if len(title) <= longest else title[: longest - 1].rstrip() + "…"


def numbered(lines: Sequence[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
