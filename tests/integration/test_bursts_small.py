"""Bursts at a twentieth and at a lower rate; ``make proof`` runs them whole."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mostrador.settings import ROOT


@pytest.mark.slow
def test_three_short_lines_get_one_answer_and_no_tap_waits_for_more() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.load.bursts", "--bursts", "40", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )
    print(done.stdout)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and figures["ok"], figures
