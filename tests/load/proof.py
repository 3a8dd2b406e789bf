"""The long proofs, whole: ``python -m tests.load.proof [--json]`` (``make proof``).

Exit status 0 only when all hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any, Dict, Optional, Sequence

from mostrador.settings import ROOT

PROOFS = {
    "crash proof": "tests.load.crash",
    "random walk": "tests.load.walk",
    "bursts": "tests.load.bursts",
    "spelt numbers": "tests.nlu.spelt_numbers",
    "model swap": "tests.load.swap",
}


def run(module: str, *arguments: str) -> Dict[str, Any]:
    """Run one proof in a process of its own, showing what it prints; its result, ``ok`` false when it broke down."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--json", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    assert process.stdout is not None
    last = ""
    for line in process.stdout:
        if last:
            print(last, end="", flush=True)
        last = line
    process.wait()
    try:
        result: Dict[str, Any] = json.loads(last)
    except ValueError:
        print(last, end="", flush=True)
        result = {"problem": f"it broke down with exit status {process.returncode}"}
    result["ok"] = bool(result.get("ok")) and process.returncode == 0
    return result


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.proof", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    began, results = time.monotonic(), {}
    for name, module in PROOFS.items():
        print(f"== {name}", flush=True)
        results[name] = run(module)
    print("== summary")
    for name, result in results.items():
        problem = str(result.get("problem") or "").split("\n", 1)[0]
        print(f"{'held' if result['ok'] else 'FAILED'}: {name} in {result.get('seconds', 0):.0f} s {problem}".rstrip())
    ok = all(result["ok"] for result in results.values())
    print(f"{'All proofs hold' if ok else 'Not proven'} ({time.monotonic() - began:.0f} s).")
    if options.json:
        print(json.dumps({"ok": ok, "proofs": results}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
