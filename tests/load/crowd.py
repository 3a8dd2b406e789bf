"""People who write to a whole stack through the stand-in, at a given rate or as fast as they are answered."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence

import aiohttp

from tests.load.people import Person

TAPS = 0.7  # share of taps and answers inside the form; the rest is free text
READING = 0.25
FREE = {
    "en": ("hi", "what is sold out", "what is running low", "thanks", "help", "menu", "undo the last change"),
    "es": ("hola", "¿qué se agotó?", "¿qué está por agotarse?", "gracias", "ayuda", "menú", "deshacer el cambio"),
    "hi": ("नमस्ते", "क्या खत्म हो गया है?", "क्या कम बचा है?", "धन्यवाद", "मदद", "मेन्यू", "kya khatam hai"),
}
LEFT_ALONE = ("request_human", "opt_out", "opt_in", "switch_language")  # they would change who answers, or how


@dataclass
class Writer:
    person: Person
    buttons: List[Dict[str, Any]] = field(default_factory=list)
    number_next: bool = False
    sent: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)


class Crowd:
    """Writers on one stack; use inside one event loop: ``async with Crowd(url, people) as crowd``."""

    def __init__(self, url: str, people: Sequence[Person], seed: int = 7) -> None:
        self.url = url
        self.random = random.Random(seed)
        self.writers = [Writer(person) for person in people]
        self._by_phone = {writer.person.phone: writer for writer in self.writers}
        self.sent = 0

    async def __aenter__(self) -> "Crowd":
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=90), trust_env=False)
        self._listening = asyncio.ensure_future(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await self._session.close()

    async def at_rate(self, rate: float, seconds: float) -> None:
        """``rate`` messages a second, whether or not they are answered; a person's are as far apart as can be."""
        begin = time.monotonic()
        posts = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            posts.append(asyncio.ensure_future(self._write(self.writers[number % len(self.writers)])))
        await asyncio.gather(*posts)

    async def as_answered(self, seconds: float) -> None:
        """Everybody writes the next message once the last one is answered, and reads the answer for READING seconds."""
        end = time.monotonic() + seconds

        async def talk(writer: Writer) -> None:
            while time.monotonic() < end:
                writer.came.clear()
                await self._write(writer)
                try:
                    await asyncio.wait_for(writer.came.wait(), 10)
                except asyncio.TimeoutError:
                    continue
                await asyncio.sleep(READING)  # the rest of the answer comes meanwhile

        await asyncio.gather(*(talk(writer) for writer in self.writers))

    async def _write(self, writer: Writer) -> None:
        spec: Dict[str, Any] = {"type": "text"}
        if writer.number_next:
            spec["text"], writer.number_next = str(self.random.randrange(1, 90)), False
        elif writer.buttons and self.random.random() < TAPS:
            button = self.random.choice(writer.buttons)
            spec = {"type": "tap", "id": button["id"], "message_id": button["message_id"]}
            writer.number_next = _plain(button).startswith("update_stock{")
        else:
            spec["text"] = self.random.choice(FREE[writer.person.language])
        writer.sent += 1
        self.sent += 1
        spec.update(wamid=f"wamid.{writer.person.phone}.{writer.sent:05d}", timestamp=int(time.time()))
        async with self._session.post(f"{self.url}/_sim/contacts/{writer.person.phone}/send", json=spec) as answer:
            if answer.status != 200:
                raise AssertionError(f"the stand-in refused a message: {await answer.text()}")

    async def _listen(self) -> None:
        since = 0
        while True:
            params = {"since": since, "wait": 20, "events": "out", "limit": 1000}
            async with self._session.get(f"{self.url}/_sim/log", params=params) as answer:
                entries = (await answer.json())["entries"]
            for entry in entries:
                since = entry["n"]
                writer = self._by_phone.get(entry["contact"])
                if writer is None:
                    continue
                offered = [
                    {**button, "message_id": entry["id"]}
                    for button in entry["view"]["buttons"]
                    if _plain(button) and not _plain(button).startswith(LEFT_ALONE)
                ]
                writer.buttons = offered or writer.buttons
                writer.came.set()


def _plain(button: Dict[str, Any]) -> str:
    """What a sealed id says."""
    return str(button.get("id", "")).partition(".")[2]
