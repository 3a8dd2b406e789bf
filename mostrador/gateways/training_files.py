"""``shop.review.TrainingFiles`` on data/nlu/<language>/<topic>.yml, where people write too.

An example is inserted as one line, so that all else of a file stays byte for byte; ruamel.yaml finds the place and
holds the outcome against what the file said before.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from mostrador.shop.errors import ShopError
from mostrador.shop.review import Added, Conflict, UnfitSentence, UnknownLabel, example_of, same_words

_NEW = """- intent: {intent}
  metadata: {{language: {language}}}
  examples: |
    - {sentence}
"""


class CannotWrite(ShopError):
    """The training files were left as they are; the message says which one is at fault."""


@dataclass(frozen=True)
class _Block:
    """The examples of one intent in one file. ``last`` is the index of the line of the last example."""

    path: Path
    intent: str
    language: str
    examples: Tuple[str, ...]
    last: int
    indent: str


class YamlTrainingFiles:
    """The examples below ``folder``, which holds a folder per language."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def intents(self) -> List[str]:
        return sorted({block.intent for block in self._blocks()})

    def languages(self) -> List[str]:
        return sorted(path.name for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith("."))

    def add(self, sentence: str, intent: str, language: str) -> Added:
        if not sentence or example_of(sentence) != sentence:
            raise UnfitSentence(sentence)
        if language not in self.languages():
            raise UnknownLabel(language)
        with self._locked():
            blocks = self._blocks()
            for block in blocks:
                if same_words(sentence) in map(same_words, block.examples):
                    name = self._name(block.path)
                    if block.intent != intent:
                        raise Conflict(f"“{sentence}” is an example of {block.intent} in {name} already.")
                    return Added(name, new=False)
            own = [block for block in blocks if (block.intent, block.language) == (intent, language)]
            if own:
                path = self._insert(max(own, key=lambda block: len(block.examples)), sentence)
            else:
                path = self._begin(blocks, sentence, intent, language)
            return Added(self._name(path), new=True)

    def _insert(self, block: _Block, sentence: str) -> Path:
        text = _read(block.path)
        lines = text.splitlines(keepends=True)
        ending = "\r\n" if lines[block.last].endswith("\r\n") else "\n"
        if not lines[block.last].endswith("\n"):
            lines[block.last] += ending
        lines.insert(block.last + 1, f"{block.indent}- {sentence}{ending}")
        before = [(b.intent, b.language, list(b.examples)) for b in _blocks_of(block.path, text, block.language)]
        place = [b.last for b in _blocks_of(block.path, text, block.language)].index(block.last)
        before[place][2].append(sentence)
        self._replace(block.path, "".join(lines), block.language, before)
        return block.path

    def _begin(self, blocks: List[_Block], sentence: str, intent: str, language: str) -> Path:
        """A block for an intent that has no examples in this language yet, in the file of the same topic."""
        elsewhere = [block for block in blocks if block.intent == intent]
        if not elsewhere:
            raise UnknownLabel(intent)
        path = self._folder / language / elsewhere[0].path.name
        text = _read(path) if path.exists() else 'version: "3.1"\n\nnlu:\n'
        before = [(b.intent, b.language, list(b.examples)) for b in _blocks_of(path, text, language)]
        new = f"{text.rstrip()}\n\n{_NEW.format(intent=intent, language=language, sentence=sentence)}"
        self._replace(path, new, language, [*before, (intent, language, [sentence])])
        return path

    def _replace(self, path: Path, text: str, language: str, expected: List[Tuple[str, str, List[str]]]) -> None:
        try:
            found = [(b.intent, b.language, list(b.examples)) for b in _blocks_of(path, text, language)]
        except CannotWrite:
            found = []
        if found != expected:
            raise CannotWrite(f"{self._name(path)} would say something else than meant; add the example by hand.")
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with open(draft, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)

    def _blocks(self) -> List[_Block]:
        return [
            block
            for language in self.languages()
            for path in sorted((self._folder / language).rglob("*.yml"))
            for block in _blocks_of(path, _read(path), language)
        ]

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder.parent.parent).as_posix()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, in all processes; an editor knows nothing of it."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _read(path: Path) -> str:
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


@lru_cache(maxsize=128)  # reading YAML with its places takes a tenth of a second a file
def _blocks_of(path: Path, text: str, language: str) -> Tuple[_Block, ...]:
    """The blocks of a file whose examples are a literal of lines; others are left to people."""
    try:
        document: Any = YAML(typ="rt").compose(io.StringIO(text))
    except YAMLError as wrong:
        raise CannotWrite(f"{path.name} is not YAML: {getattr(wrong, 'problem', '')}") from wrong
    lines = text.splitlines()
    found = []
    nlu = _entries(document).get("nlu")
    for node in nlu.value if isinstance(nlu, SequenceNode) else ():
        entry = _entries(node)
        intent, examples = entry.get("intent"), entry.get("examples")
        if isinstance(intent, ScalarNode) and isinstance(examples, ScalarNode) and examples.style == "|":
            said = _entries(entry.get("metadata")).get("language")
            block = _block(path, str(intent.value), str(said.value) if said is not None else language, examples, lines)
            if block is not None:
                found.append(block)
    return tuple(found)


def _block(path: Path, intent: str, language: str, node: ScalarNode, lines: List[str]) -> Optional[_Block]:
    examples: List[str] = []
    last, indent = -1, ""
    for number in range(node.start_mark.line + 1, min(node.end_mark.line + 1, len(lines))):
        line = lines[number]
        margin = line[: len(line) - len(line.lstrip())]
        if line.strip() and (not margin or (indent and len(margin) < len(indent))):
            break
        if line.lstrip().startswith("-"):
            last, indent = number, indent or margin
            examples.append(line.strip()[1:].strip())
    return _Block(path, intent, language, tuple(examples), last, indent) if examples else None


def _entries(node: Any) -> Dict[str, Any]:
    return {str(key.value): value for key, value in node.value} if isinstance(node, MappingNode) else {}
