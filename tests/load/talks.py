"""The conversations of ``tests/conversations`` as load: ``python -m tests.load.talks [--rounds N] [--at-once N]``.

All those in which no hours pass are played ``rounds`` times, ``at-once`` people writing at the same time, each a
made-up person with a shelf of their own. What the files expect must come under load, too. ``--json`` prints one JSON
object on the last line. Exit status 0 only when everything held.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Dict, Optional, Sequence

from mostrador.operations.conversation_file import find_files, read
from mostrador.operations.conversation_people import needs_demo_data
from mostrador.operations.converse import moves_the_clock, play_all
from mostrador.operations.stack import TemporaryStack
from mostrador.settings import ROOT


def play(rounds: int, at_once: int) -> Dict[str, Any]:
    """The figures of the run: conversations, those that failed by title and line, messages written and answers sent."""
    found = [one for file in find_files([ROOT / "tests" / "conversations"]) for one in read(file)]
    talks = [one for one in found if not moves_the_clock(one) and not needs_demo_data([one])]
    with TemporaryStack(pair_burst=100_000, number_per_second=2000) as stack:
        began = time.monotonic()
        played = play_all(stack, talks * rounds, at_once)
        seconds = time.monotonic() - began
        stack.wait_until_quiet(60)
        written = stack.sql("select count(*) as n from inbox where status = 'done'")[0]["n"]
        answers = stack.sql("select count(*) as n from outbox")[0]["n"]
    failed = [f"{one.problem.place}: {one.conversation.title}" for one in played if one.problem is not None]
    return {
        "ok": not failed,
        "conversations": len(played),
        "failed": failed,
        "messages": written,
        "answers": answers,
        "seconds": seconds,
        "messages_per_s": written / seconds,
    }


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.talks", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=24)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    figures = play(options.rounds, options.at_once)
    for line in figures["failed"]:
        print(f"FAIL {line}")
    held = figures["conversations"] - len(figures["failed"])
    print(
        f"{'HELD' if figures['ok'] else 'FAILED'}: {held} of {figures['conversations']} conversations hold, "
        f"{options.at_once} people at once; {figures['messages']} messages, {figures['answers']} answers in "
        f"{figures['seconds']:.0f} s ({figures['messages_per_s']:.1f} messages/s)."
    )
    if options.json:
        print(json.dumps(figures, ensure_ascii=False))
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
