"""The arrows of docs/architecture.md: who may import whom, who reads the environment, how long an action may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, NamedTuple, Set, Tuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

OUTSIDE_OF_THE_SHOP = {
    "rasa",
    "rasa_sdk",
    "sqlalchemy",
    "alembic",
    "psycopg2",
    "sanic",
    "aiohttp",
    "httpx",
    "requests",
    "urllib3",
    "boto3",
    "apscheduler",
}
MAY_IMPORT = {
    "mostrador.shop": {"mostrador.shop"},
    "mostrador.storage": {"mostrador.storage", "mostrador.shop"},
    "mostrador.gateways": {"mostrador.gateways", "mostrador.shop"},
    "mostrador.nlu": {"mostrador.nlu", "mostrador.shop"},
    "mostrador.channels": {
        "mostrador.channels",
        "mostrador.shop",
        "mostrador.storage",
        "mostrador.gateways",
        "mostrador.nlu",
        "mostrador.operations.models",  # which model serves
    },
    "mostrador.web": {"mostrador.web", "mostrador.shop", "mostrador.storage", "mostrador.gateways"},
    "mostrador.simulator": {"mostrador.simulator"},  # it speaks the wire and knows nothing of us
    "actions": {"actions", "mostrador.shop", "mostrador.storage", "mostrador.gateways", "mostrador.nlu"},
    "scheduler": {"scheduler", "mostrador.shop", "mostrador.storage", "mostrador.gateways"},
}
"""Layer → what of the project it may import, beside the settings and the composition root."""
EVERYWHERE = {"mostrador.settings", "mostrador.bootstrap"}
NOT_IN = {
    "mostrador.shop": EVERYWHERE,
    "mostrador.storage": {"mostrador.bootstrap"},
    "mostrador.gateways": {"mostrador.bootstrap"},
}
OURS = ("mostrador", "actions", "scheduler", "tests")
LONGEST_METHOD = 25  # lines


class Import(NamedTuple):
    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def _sources(package: str) -> List[Path]:
    return sorted((ROOT / package.replace(".", "/")).rglob("*.py"))


def _imports(file: Path) -> Iterator[Import]:
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield Import(file, node.lineno, whole if _is_module(whole) else module)


def _is_module(dotted: str) -> bool:
    path = ROOT / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def _within(module: str, packages: Set[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("layer", sorted(MAY_IMPORT))
def test_a_layer_imports_only_what_its_arrows_allow(layer: str) -> None:
    allowed = MAY_IMPORT[layer] | (EVERYWHERE - NOT_IN.get(layer, set()))
    wrong = [
        str(found)
        for file in _sources(layer)
        for found in _imports(file)
        if found.module.split(".")[0] in OURS and not _within(found.module, allowed)
    ]
    assert wrong == []


def test_the_shop_is_plain_python() -> None:
    wrong = [
        str(found)
        for file in _sources("mostrador.shop")
        for found in _imports(file)
        if found.module.split(".")[0] in OUTSIDE_OF_THE_SHOP
    ]
    assert wrong == []


def test_only_the_settings_read_the_environment() -> None:
    def reads(file: Path) -> List[int]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        return [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr in {"environ", "environb", "getenv"}
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        ]

    allowed = {ROOT / "mostrador/settings.py", *_sources("mostrador.operations")}
    files = [file for package in ("mostrador", "actions", "scheduler") for file in _sources(package)]
    assert [f"{file.relative_to(ROOT)}:{line}" for file in files if file not in allowed for line in reads(file)] == []


@pytest.mark.parametrize(
    "module",
    ["actions", "scheduler", "mostrador.channels.ingress", "mostrador.channels.sender", "mostrador.web"],
)
def test_only_the_rasa_process_pays_for_rasa(module: str) -> None:
    """Seconds of start and half a gigabyte each; importing the folder imports each of its modules, as rasa_sdk does."""
    folder = ROOT / module.replace(".", "/")
    modules = [f"{module}.{file.stem}" for file in folder.glob("*.py") if file.stem != "__main__"] or [module]
    code = f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
    code += "heavy = {'rasa', 'tensorflow', 'matplotlib'} & set(sys.modules)\nsys.exit(f'{heavy}' if heavy else 0)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-300:]


def _methods(file: Path) -> Iterator[Tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    lines = (method.end_lineno or 0) - method.lineno + 1
                    yield f"{file.relative_to(ROOT)}: {node.name}.{method.name}", lines


def test_an_action_is_a_thin_adapter() -> None:
    lengths = dict(entry for file in _sources("actions") for entry in _methods(file))
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_METHOD} == {}
