"""Bursts at a tenth, where a single one would decide about the 99 % that ``make proof`` asks of the whole."""

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
    assert figures["bursts"] >= 20 and figures["merged"] >= 0.9 * figures["bursts"], figures
    assert figures["taps_p50_wait"] < 1.2, figures  # a tap that waited for more would wait as long as a text
