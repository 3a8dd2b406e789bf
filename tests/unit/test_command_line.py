"""The ``mostrador`` command answers at once, and what it cannot do it says in a sentence."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Mapping, Optional

import click
import pytest

from mostrador.cli import COMMANDS
from mostrador.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTED = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`|–) \|", re.MULTILINE)


def _python(code: str, env: Optional[Mapping[str, str]] = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_waits_for_nothing_heavy() -> None:
    done = _python(
        "import sys\n"
        "from mostrador.cli import mostrador\n"
        "mostrador.main(['--help'], standalone_mode=False)\n"
        "heavy = {'rasa', 'sqlalchemy', 'pydantic', 'pyarrow', 'psycopg2'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    assert done.returncode == 0, done.stderr
    assert all(f"\n  {name}" in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_that_help_lists_exists(name: str) -> None:
    module, attribute = COMMANDS[name][0].split(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help


def test_whether_training_is_needed_is_known_without_rasa() -> None:
    done = _python(
        "import sys, mostrador.operations.training as t\n"
        "t.digests()\n"
        "sys.exit('imported' if {'rasa', 'tensorflow', 'numpy'} & set(sys.modules) else 0)"
    )
    assert done.returncode == 0, done.stderr


def test_a_wrong_setting_is_one_sentence_that_names_it() -> None:
    done = _python("from mostrador.cli import main; main(['status'])", {"MOSTRADOR_WEB_PORT": "many"})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "MOSTRADOR_WEB_PORT" in done.stderr


def test_another_python_is_refused_in_one_sentence() -> None:
    done = _python("import sys; sys.version_info = (3, 12, 1); import mostrador")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.10" in done.stderr and "this is 3.12" in done.stderr


def test_the_guard_itself_can_be_read_by_old_pythons() -> None:
    source = (ROOT / "mostrador/__init__.py").read_text(encoding="utf-8")
    assert "__future__" not in source and not re.search(r"\bf['\"]", source)


def _shown(default: object) -> str:
    if hasattr(default, "get_secret_value"):
        return ""
    if isinstance(default, (tuple, dict)):
        return ",".join(map(str, default))
    if isinstance(default, Path):
        return default.relative_to(ROOT).as_posix()
    return str(default)


def test_the_operating_manual_lists_every_setting_with_its_default() -> None:
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    documented = dict(DOCUMENTED.findall(text[text.index("## Settings") :]))
    fields: List[str] = [name for name, field in Settings.__fields__.items() if "env" in field.field_info.extra]
    real = {Settings.variable(name): _shown(Settings.__fields__[name].default) for name in fields}
    assert documented == real
