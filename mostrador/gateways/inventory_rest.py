"""Stock kept by a company's own inventory service, behind a small signed REST interface.

POST {url}/levels   {"variations": [{supplier_id, product_id, style_id, variation_name}, …]}
                    → {"levels": [{supplier_id, product_id, style_id, variation_name, quantity}, …]}; unknown: left out
POST {url}/changes  {supplier_id, product_id, style_id, variation_name, quantity | delta, source}, Idempotency-Key
                    → {"before": n, "after": n}; 404 unknown variation, 409 the result would not be a stock

Every request is signed (see request_signature). A change may be sent again with the same Idempotency-Key and must then
be answered like the first time.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime
from typing import Any, Dict, Mapping, Optional, Sequence

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from mostrador.gateways.request_signature import HEADER, sign
from mostrador.shop.errors import Gone, ImplausibleQuantity, InventoryUnavailable
from mostrador.shop.inventory import GREATEST_STOCK, Change, Quantity, Sense, Sku, Variation
from mostrador.shop.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

ATTEMPTS = 3  # a person waits for the answer, and a transaction is open


class _Again(Exception):
    """No answer, or one that says nothing about the request: it may be sent again."""


class RestInventory:
    """Fills the port ``InventoryService``; our log gets a row for every change made through it, our levels do not."""

    def __init__(self, url: str, secret: str, timeout: float = 3.0, pause: float = 0.2) -> None:
        """``timeout`` seconds for each attempt; ``pause`` seconds before the second one, more before the third."""
        self._url = url.rstrip("/")
        self._secret = secret.encode()
        self._client = httpx.Client(timeout=timeout)
        self._retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(initial=pause, max=2.0, jitter=pause),
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )

    def levels(self, uow: UnitOfWork, variations: Sequence[Variation]) -> Dict[int, int]:
        if not variations:
            return {}
        by_sku = {variation.sku: variation.id for variation in variations}
        answer = self._post("/levels", {"variations": [_natural_key(sku) for sku in by_sku]})
        found: Dict[int, int] = {}
        try:
            for row in answer["levels"]:
                sku = Sku(row["supplier_id"], row["product_id"], row["style_id"], row["variation_name"])
                if sku in by_sku:
                    found[by_sku[sku]] = _stock(row["quantity"])
        except (KeyError, TypeError):
            raise InventoryUnavailable("levels: answer of another shape") from None
        return found

    def change(
        self,
        uow: UnitOfWork,
        variation: Variation,
        quantity: Quantity,
        source: str,
        contact_id: Optional[int],
        key: str,
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        what = (
            {"quantity": quantity.number}
            if quantity.sense is Sense.SET
            else {"delta": quantity.number if quantity.sense is Sense.ADD else -quantity.number}
        )
        answer = self._post("/changes", {**_natural_key(variation.sku), **what, "source": source}, key)
        try:
            before, after = _stock(answer["before"]), _stock(answer["after"])
        except (KeyError, TypeError):
            raise InventoryUnavailable("changes: answer of another shape") from None
        return uow.stock.log(variation, before, after, source, contact_id, key, at, undoes)

    def _post(self, path: str, content: Mapping[str, Any], key: str = "") -> Mapping[str, Any]:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            return self._retrying(self._post_once, path, body, key)
        except _Again as failed:
            log.warning("The inventory service failed %s times at %s: %s", ATTEMPTS, path, failed)
            raise InventoryUnavailable(str(failed)) from None

    def _post_once(self, path: str, body: bytes, key: str) -> Mapping[str, Any]:
        # The wall clock, not the shop's: the signature is about the wire.
        headers = {"Content-Type": "application/json", HEADER: sign(self._secret, body, time.time())}
        if key:
            headers["Idempotency-Key"] = key
        try:
            answer = self._client.post(self._url + path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise _Again(type(error).__name__) from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise _Again(f"HTTP {answer.status_code}")
        if answer.status_code == 404:
            raise Gone(path)
        if answer.status_code == 409:
            raise ImplausibleQuantity(path)
        if answer.status_code != 200:
            log.error("The inventory service refuses our requests to %s: HTTP %s", path, answer.status_code)
            raise InventoryUnavailable(f"HTTP {answer.status_code}")
        try:
            content = answer.json()
        except ValueError:
            raise _Again("an answer that is no JSON") from None
        if not isinstance(content, dict):
            raise InventoryUnavailable("answer of another shape")
        return content


def _natural_key(sku: Sku) -> Dict[str, Any]:
    return {
        "supplier_id": sku.supplier_id,
        "product_id": sku.product_id,
        "style_id": sku.style_id,
        "variation_name": sku.variation_name,
    }


def _stock(value: Any) -> int:
    """``value`` when it can be a stock; raises TypeError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= GREATEST_STOCK:
        raise TypeError(value)
    return value
