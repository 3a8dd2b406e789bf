"""What one model makes of sentences and test stories: ``python -m mostrador.operations.judgement MODEL``.

Reads ``{"sentences": […], "stories": path}`` from standard input, writes ``{"understood": [[intent, confidence], …],
"stories": {"total": n, "failed": [name, …]}}`` as the last line. A process of its own, because Rasa fills the terminal
and because two models may need different parts of Rasa.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import yaml

from mostrador.channels.lean_rasa import checked_domain, leave_out_tensorflow, needs_tensorflow

_ORIGIN = re.compile(r" \([^()]*\)$")  # Rasa adds the file's path to the name of a failed story


def _understood(agent: Any, sentences: List[str]) -> List[Any]:
    from mostrador.channels.engine import Engine, prepare

    engine = Engine(prepare(agent, "http://127.0.0.1:9/webhook"))
    found = []
    for sentence in sentences:
        intent = engine.understand(sentence).get("intent") or {}
        found.append([intent.get("name") or "", float(intent.get("confidence") or 0)])
    return found


def _stories(agent: Any, stories: str) -> Dict[str, Any]:
    from rasa.core.test import test

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(test(stories, agent, out_directory=folder, disable_plotting=True))
        report = json.loads((Path(folder) / "story_report.json").read_text(encoding="utf-8"))
        failed_file = Path(folder) / "failed_test_stories.yml"
        failed = yaml.safe_load(failed_file.read_text(encoding="utf-8")) if failed_file.exists() else None
    names = [_ORIGIN.sub("", str(story["story"])) for story in (failed or {}).get("stories") or ()]
    return {"total": int(report["conversation_accuracy"]["total"]), "failed": sorted(names)}


def main(model: Path) -> None:
    if not needs_tensorflow(model):
        leave_out_tensorflow()
    logging.disable(logging.ERROR)
    from rasa.core.agent import Agent

    asked = json.load(sys.stdin)
    with checked_domain():
        agent = Agent.load(str(model))
    result: Dict[str, Any] = {"understood": _understood(agent, asked["sentences"])}
    if asked.get("stories"):
        result["stories"] = _stories(agent, asked["stories"])
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
