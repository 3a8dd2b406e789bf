"""The random walk at a twentieth; ``make proof`` runs it whole."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mostrador.settings import ROOT


@pytest.mark.slow
def test_whatever_people_do_they_are_answered_and_stock_is_the_sum_of_its_log() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.load.walk", "--steps", "500", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=400,
    )
    print(done.stdout)
    result = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and result["ok"], result["problem"]
    assert result["steps"] >= 500
