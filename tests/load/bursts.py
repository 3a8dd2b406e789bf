"""People who write one thing in three lines: ``python -m tests.load.bursts [--bursts N] [--seed S] [--json]``.

Twelve people write bursts of three short texts, up to 0.8 seconds apart, with the settings a shop starts with; between
bursts they tap, and answer the stock form. Held against it: at least 99 % of the bursts become one turn with one answer
(a burst whose own lines came further apart than the quiet window is not counted as one), a burst is answered no later
than the cap after its first line, and no tap and no answer to a form waits. Exit status 0 only when that holds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

from mostrador.settings import Settings
from mostrador.shop.messages import Kind
from tests.load.counter import Counter
from tests.load.people import Person, furnish, load_feeds

LINES = {
    "en": (("hello", "what is", "sold out?"), ("hi", "good morning", "help please"), ("thanks", "very much", ":)")),
    "es": (("hola", "qué se me", "agotó?"), ("buenas", "cómo va", "ayuda por favor"), ("gracias", "mil", "gracias")),
    "hi": (("नमस्ते", "क्या खत्म", "हो गया?"), ("हैलो", "जी", "मदद चाहिए"), ("धन्यवाद", "बहुत", "धन्यवाद")),
}
PEOPLE = 12
GAP = 0.8


@dataclass
class Burst:
    """Three messages of one person. ``widest`` is the longest pause between two of them, as it really was."""

    ids: List[str]
    widest: float
    first: float


def play(counter: Counter, bursts: int, seed: int) -> Dict[str, Any]:
    """Let everybody write their share of ``bursts``; the figures, with ``ok``."""
    people = furnish(counter.engine, counter.clock.now(), PEOPLE, tuple(LINES))
    load_feeds(counter.engine, people, counter.clock)
    done: List[Burst] = []
    alone: List[str] = []
    threads = [
        threading.Thread(target=_write, args=(counter, person, bursts // PEOPLE, seed + n, done, alone))
        for n, person in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    quiet, cap = counter.settings.quiet_window, counter.settings.quiet_window_cap
    whole = [burst for burst in done if burst.widest < quiet]
    turns = {row["id"]: row["turn_id"] for row in counter.rows("select provider_id as id, turn_id from inbox")}
    merged = [burst for burst in whole if len({turns[one] for one in burst.ids}) == 1]
    said = {
        row["turn_id"]: row["n"]
        for row in counter.rows(
            "select turn_id, count(*) as n from turn t join outbox o on o.turn_id = t.id group by 1"
        )
    }
    begun = {
        row["id"]: row["waited"]
        for row in counter.rows(
            """select t.id, extract(epoch from t.begun_at - min(i.received_at)) as waited
               from turn t join inbox i on i.turn_id = t.id group by t.id"""
        )
    }
    waits = sorted(float(begun[turns[burst.ids[0]]]) for burst in merged)
    alone_waits = sorted(float(begun[turns[one]]) for one in alone)
    figures = {
        "bursts": len(whole),
        "too_wide": len(done) - len(whole),
        "merged": len(merged),
        "share": len(merged) / max(1, len(whole)),
        "longest_wait": waits[-1] if waits else 0.0,
        "taps_and_answers": len(alone),
        "taps_p50_wait": alone_waits[len(alone_waits) // 2] if alone_waits else 0.0,
    }
    figures["ok"] = (
        len(whole) >= 0.9 * len(done)
        and figures["share"] >= 0.99
        and figures["longest_wait"] <= cap + 2.0  # its place among the others
        and figures["taps_p50_wait"] < quiet / 2  # a tap that waited for more would wait as long as a text
        and all(said.get(turns[burst.ids[0]]) for burst in merged)
    )
    return figures


def _write(counter: Counter, person: Person, bursts: int, seed: int, done: List[Burst], alone: List[str]) -> None:
    chance = random.Random(seed)
    time.sleep(2 * chance.random())
    counter.closed([counter.write(person.phone, Kind.TEXT, LINES[person.language][1][0])], 60)
    talk = counter.conversation_of(person.phone)
    for _ in range(bursts):
        ids, at = [], []
        for line in chance.choice(LINES[person.language]):
            ids.append(counter.write(person.phone, Kind.TEXT, line))
            at.append(time.monotonic())
            time.sleep(GAP * chance.random())
        done.append(Burst(ids, max(b - a for a, b in zip(at, at[1:])), at[0]))
        counter.closed(ids, 60)
        tap = counter.write(person.phone, Kind.TAP, "x", counter.seal("/update_stock", talk))
        counter.closed([tap], 60)
        answer = counter.write(person.phone, Kind.TEXT, "1")
        counter.closed([answer], 60)
        leave = counter.write(person.phone, Kind.TAP, "x", counter.seal("/cancel", talk))
        counter.closed([leave], 60)
        alone += [tap, answer, leave]


def summary(figures: Dict[str, Any]) -> str:
    return (
        f"{figures['merged']} of {figures['bursts']} bursts of three became one turn ({100 * figures['share']:.1f} %), "
        f"{figures['too_wide']} were written too slowly to count; the longest waited {figures['longest_wait']:.1f} s; "
        f"half of {figures['taps_and_answers']} taps and answers to a form began within "
        f"{1000 * figures['taps_p50_wait']:.0f} ms."
    )


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.bursts", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--bursts", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    began = time.monotonic()
    with Counter(quiet_window=Settings.__fields__["quiet_window"].default) as counter:
        figures = play(counter, options.bursts, options.seed)
    figures["seconds"] = time.monotonic() - began
    print(f"{'HELD' if figures['ok'] else 'FAILED'}: {summary(figures)}")
    if options.json:
        print(json.dumps(figures))
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
