"""The crash proof at a twentieth, with each process killed once; ``make proof`` runs it whole."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mostrador.settings import ROOT


@pytest.mark.slow
def test_every_message_is_answered_once_whatever_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.load.crash", "--messages", "100", "--contacts", "10", "--kills", "5", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=400,
    )
    print(done.stdout)
    result = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and result["ok"], result["problem"]
    assert set(result["kills"].values()) == {1} and len(result["kills"]) == 5
    assert all(check["held"] for check in result["checks"].values())
