"""Models are changed while people write: ``python -m tests.load.swap [--messages 200] [--people 20] [--json]``.

A whole stack of its own with two Rasa processes. While messages come, ten a second, another model is promoted with
``mostrador model promote``, and rolled back. Held against it: every message has one turn, answered at the first try and
said; each turn names one of the two models; both processes serve the promoted model and then the old one again; what is
written after both have changed over is answered by that model alone. Exit status 0 only when everything holds.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from mostrador.operations.models import ModelStore, Version
from mostrador.operations.stack import TemporaryStack
from mostrador.operations.training import ensure_model
from mostrador.settings import ROOT, settings
from tests.load.figures import share

PACE = 10.0  # messages a second
WORDS = ("hi", "what is sold out", "hola", "gracias", "नमस्ते", "help", "bye", "what is running low")
_RASA = (
    "import sys; from mostrador.operations.installation import Installation; Installation()\n"
    "from mostrador.channels.rasa_server import main; sys.exit(main())"
)
CHANGED_WITHIN = 60.0


def twin_of(model: Path, target: Path, model_id: str) -> Path:
    """The same model once more, under another id of Rasa's."""
    with tarfile.open(model) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            file = old.extractfile(member) if member.isfile() else None
            content = file.read() if file is not None else b""
            if member.name.rpartition("/")[2] == "metadata.json":
                content = json.dumps({**json.loads(content), "model_id": model_id}).encode()
                member.size = len(content)
            new.addfile(member, io.BytesIO(content) if file is not None else None)
    return target


def two_models(folder: Path) -> "tuple[Version, Version]":
    """A folder of models of which the project's serves and a twin of it waits to be promoted."""
    ensure_model()
    known, store = ModelStore(settings().models_dir), ModelStore(folder)
    serving = known.serving()
    fresh = folder / "fresh.tar.gz"
    shutil.copyfile(known.path(serving), fresh)
    first = store.add(fresh, serving.files)
    store.serve(first, serving.files)
    return first, store.add(twin_of(store.path(first), fresh, "0" * 31 + "1"), serving.files)


class Swap:
    """The stack, the second Rasa, and the people who write."""

    def __init__(self, stack: TemporaryStack, messages: int, people: int) -> None:
        self.stack = stack
        self.messages = messages
        self.phones = [f"9103{n:08d}" for n in range(people)]
        self.written: Dict[str, float] = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._log = open(stack.var / "log" / "rasa-2.log", "wb")
        self._second = subprocess.Popen(
            ["nice", "-n", "10", sys.executable, "-W", "ignore", "-c", _RASA],
            cwd=ROOT,
            env={**stack.env, "MOSTRADOR_RASA_PORT": str(self.port)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def close(self) -> None:
        self._second.terminate()
        try:
            self._second.wait(15)
        except subprocess.TimeoutExpired:
            self._second.kill()
            self._second.wait()
        self._log.close()

    def served(self) -> List[str]:
        """The models that both processes say they serve; empty for one that does not answer."""
        found = []
        for port in (self.stack.settings.rasa_port, self.port):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    found.append(str(json.load(answer).get("model", "")))
            except (OSError, ValueError):
                found.append("")
        return found

    def until_both_serve(self, version: Version) -> float:
        """Wait until both do; the seconds it took. Raises TimeoutError."""
        began = time.monotonic()
        while self.served() != [version.name] * 2:
            if time.monotonic() - began > CHANGED_WITHIN:
                raise TimeoutError(f"{self.served()} are served, not {version.name}: {self.stack.log('rasa')}")
            time.sleep(0.05)
        return time.monotonic() - began

    def command(self, *arguments: str) -> None:
        """``mostrador model …``; raises CalledProcessError."""
        command = [sys.executable, "-W", "ignore", "-m", "mostrador.cli", "model", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.stack.env, stdin=subprocess.DEVNULL, check=True)

    def write(self, number: int) -> None:
        wamid = f"wamid.swap.{number}"
        self.written[wamid] = time.time()
        self.stack.simulator.say(self.phones[number % len(self.phones)], WORDS[number % len(WORDS)], wamid=wamid)

    def play(self, first: Version, second: Version) -> Dict[str, Any]:
        """Write everything, promote at a quarter, roll back at five eighths; the figures, with ``ok``."""
        times: Dict[str, float] = {}
        problems: List[str] = []

        def change(command: str, version: Version) -> None:
            began = time.monotonic()
            try:
                self.command(command)
                self.until_both_serve(version)
                times[command] = time.monotonic() - began
            except (TimeoutError, subprocess.CalledProcessError) as why:
                problems.append(str(why))

        promoted = threading.Thread(target=change, args=("promote", second))
        rolled_back = threading.Thread(target=change, args=("rollback", first))
        began, number, after = time.monotonic(), 0, 0
        marks: Dict[str, int] = {}
        while number < self.messages or rolled_back.is_alive() or "back" not in marks:
            if number == self.messages // 4:
                promoted.start()
            if number >= self.messages * 5 // 8 and not promoted.is_alive() and "promoted" not in marks:
                marks["promoted"] = number  # both serve the second model; the next messages are its own
            if "promoted" in marks and number >= marks["promoted"] + self.messages // 10 and "asked" not in marks:
                marks["asked"] = number
                rolled_back.start()
            if "asked" in marks and not rolled_back.is_alive() and "back" not in marks:
                marks["back"] = number
            self.write(number)
            number += 1
            after += "back" in marks
            time.sleep(max(0.0, began + number / PACE - time.monotonic()))
            if time.monotonic() - began > 3 * CHANGED_WITHIN + self.messages / PACE:
                problems.append("the changes do not come to an end")
                break
        while after < self.messages // 10:
            self.write(number)
            number, after = number + 1, after + 1
            time.sleep(1 / PACE)
        self.stack.wait_until_quiet(90)
        return self._judged(first, second, marks, times, problems)

    def _judged(
        self, first: Version, second: Version, marks: Dict[str, int], times: Dict[str, float], problems: List[str]
    ) -> Dict[str, Any]:
        rows = self.stack.sql(
            """
            select i.provider_id as id, i.status, i.tries, t.outcome, t.explain ->> 'model' as model,
                   extract(epoch from t.ended_at - i.received_at) as seconds,
                   (select count(*) from turn x where x.members ? i.provider_id) as turns,
                   (select count(*) from outbox o where o.turn_id = i.provider_id and o.status <> 'failed') as said
            from inbox i left join turn t on t.id = i.turn_id
            """
        )
        by_id = {row["id"]: row for row in rows}
        place = {wamid: n for n, wamid in enumerate(self.written)}
        lost = [w for w in self.written if w not in by_id or by_id[w]["turns"] != 1 or not by_id[w]["said"]]
        retried = [row["id"] for row in rows if row["tries"] != 1 or row["outcome"] != "answered"]
        strange = [row["id"] for row in rows if row["model"] not in (first.id, second.id)]
        wrong = [
            row["id"]
            for row in rows
            if (place[row["id"]] < self.messages // 4 and row["model"] != first.id)
            or (marks.get("promoted", 10**9) <= place[row["id"]] < marks.get("asked", 0) and row["model"] != second.id)
            or (place[row["id"]] >= marks.get("back", 10**9) and row["model"] != first.id)
        ]
        seconds = [float(row["seconds"]) for row in rows if row["seconds"] is not None]
        checks = {
            "every message has one turn and an answer": not lost and len(rows) == len(self.written),
            "each was answered at the first try": not retried,
            "each turn names one of the two models": not strange,
            "both models answered": {row["model"] for row in rows} == {first.id, second.id},
            "once both had changed over, that model alone answered": not wrong,
            "both processes changed over, and back": set(times) == {"promote", "rollback"},
        }
        return {
            "ok": all(checks.values()) and not problems,
            "messages": len(self.written),
            "checks": checks,
            "problems": problems,
            "changed": {name: round(value, 1) for name, value in times.items()},
            "by_model": {
                name: sum(row["model"] == version.id for row in rows)
                for name, version in (("first", first), ("second", second))
            },
            "seconds_p50": round(share(seconds, 0.5), 3) if seconds else None,
            "seconds_p95": round(share(seconds, 0.95), 3) if seconds else None,
            "seconds_max": round(max(seconds), 3) if seconds else None,
        }


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.swap", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="mostrador-models-"))
    try:
        first, second = two_models(folder)
        with TemporaryStack(models_dir=folder) as stack:
            swap = Swap(stack, options.messages, options.people)
            try:
                swap.until_both_serve(first)
                result = swap.play(first, second)
            finally:
                swap.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result["seconds"] = round(time.monotonic() - began, 1)
    for name, held in result["checks"].items():
        print(f"{'held' if held else 'FAILED'}: {name}")
    for problem in result["problems"]:
        print(f"problem: {problem}")
    print(
        f"{result['messages']} messages, {result['by_model']} by model; changed over in {result['changed']} s; "
        f"answered after {result['seconds_p50']} s (median), {result['seconds_p95']} s (p95), {result['seconds_max']} s"
    )
    if options.json:
        print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    sys.exit(main())
