"""A stock Rasa project – ``rasa init``, its default pipeline, 68 examples – trained, served and measured here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List

import requests

from mostrador.operations.installation import QUIET
from mostrador.operations.stack import free_ports
from tests.load.figures import median, pss_mb, share

SAYINGS = ("hello", "I am very happy", "I am sad", "yes", "no", "are you a bot?", "goodbye", "so good")
_MAKE = "import sys; from rasa.cli.scaffold import create_initial_project as make; make(sys.argv[1])"


def measure(seconds: float = 15.0) -> Dict[str, Any]:
    """Seconds to train and to be ready; milliseconds of a turn over REST; messages a second; memory in MB."""
    folder = Path(tempfile.mkdtemp(prefix="stock-rasa-"))
    env = {**os.environ, **QUIET, "PYTHONPATH": ""}
    python, port = sys.executable, free_ports(1)[0]
    try:
        subprocess.run([python, "-c", _MAKE, str(folder)], env=env, check=True, capture_output=True)
        began = time.monotonic()
        subprocess.run([python, "-m", "rasa", "train"], cwd=folder, env=env, check=True, capture_output=True)
        training = time.monotonic() - began
        began = time.monotonic()
        server = subprocess.Popen(
            [python, "-m", "rasa", "run", "-i", "127.0.0.1", "-p", str(port)],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _until_ready(server, f"http://127.0.0.1:{port}/")
            ready = time.monotonic() - began
            return {"training_s": training, "ready_s": ready, **_talk(f"http://127.0.0.1:{port}", seconds, server.pid)}
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until_ready(server: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 240
    while True:
        try:
            if requests.get(url, timeout=2).status_code == 200:
                return
        except OSError:
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the stock Rasa server did not start")
        time.sleep(0.1)


def _talk(base: str, seconds: float, pid: int) -> Dict[str, Any]:
    session = requests.Session()
    session.trust_env = False

    def say(sender: str, words: str, via: requests.Session = session) -> float:
        began = time.perf_counter()
        answer = via.post(f"{base}/webhooks/rest/webhook", json={"sender": sender, "message": words}, timeout=60)
        answer.raise_for_status()
        return time.perf_counter() - began

    for number in range(10):
        say(f"warm{number}", "hello")
    turns = [say(f"a{number // 8}", SAYINGS[number % 8]) for number in range(64)]
    second, hundredth = [], []
    for number in range(3):
        times = [say(f"long{number}", "hello") for _ in range(101)]
        second.append(times[1])
        hundredth.append(median(times[97:101]))
    done: List[int] = []
    end = time.monotonic() + seconds

    def chat(number: int) -> None:
        mine = requests.Session()
        mine.trust_env = False
        count = 0
        while time.monotonic() < end:
            say(f"c{number}.{count // 8}", SAYINGS[count % 8], mine)
            count += 1
        done.append(count)

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "turn_p50_ms": 1000 * median(turns),
        "turn_p95_ms": 1000 * share(turns, 0.95),
        "messages_per_s": sum(done) / seconds,
        "turn_100_to_2": median(hundredth) / median(second),
        "pss_mb": pss_mb([pid]),
    }
