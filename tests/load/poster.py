"""Posts signed webhooks at a steady rate and times each answer, from a process of its own that does nothing else.

``python -m tests.load.poster`` reads one JSON object from standard input: url, secret, number, phones, rate, seconds;
it prints the milliseconds of every answer of 200 as a JSON list and ends with status 1 if there was another answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Dict, List
from uuid import uuid4

import aiohttp
import uvloop

from mostrador.simulator.webhooks import envelope, sign


async def post_all(order: Dict[str, Any]) -> List[float]:
    """Milliseconds from sending each webhook until its answer has come."""
    times: List[float] = []
    begin = time.monotonic()
    async with aiohttp.ClientSession(trust_env=False) as session:

        async def post(number: int) -> None:
            phone = order["phones"][number % len(order["phones"])]
            body = json.dumps(envelope("1", [("messages", _value(order["number"], phone))])).encode()
            headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(order["secret"], body)}
            began = time.perf_counter()
            async with session.post(order["url"], data=body, headers=headers) as answer:
                await answer.read()
                if answer.status != 200:
                    raise SystemExit(f"a webhook was answered with {answer.status}")
                times.append(1000 * (time.perf_counter() - began))

        posts = []
        for number in range(int(order["rate"] * order["seconds"])):
            await asyncio.sleep(max(0.0, begin + number / order["rate"] - time.monotonic()))
            posts.append(asyncio.ensure_future(post(number)))
        await asyncio.gather(*posts)
    return times


def _value(number: str, phone: str) -> Dict[str, Any]:
    message = {
        "from": phone,
        "id": f"wamid.{uuid4().hex}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": "thanks"},
    }
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number, "phone_number_id": number},
        "contacts": [{"profile": {"name": "Asha"}, "wa_id": phone}],
        "messages": [message],
    }


if __name__ == "__main__":
    uvloop.install()
    print(json.dumps(asyncio.run(post_all(json.load(sys.stdin)))))
