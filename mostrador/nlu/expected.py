"""What a text can be where an answer is awaited: guards against a confident reading that makes no sense there."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Mapping

from ruamel.yaml import YAML

from mostrador.nlu.text import normalise

FILE = Path(__file__).with_name("expected.yml")
CONTENT = "inform"


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    return YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))


def as_expected(parse: Dict[str, Any], text: str, open_form: str) -> Dict[str, Any]:
    """Rasa's parse data as it stands while ``open_form`` waits for an answer; unchanged where no form is open.

    A single word of ``words`` has the intent given there. Where the form asks for people's own words, a wish that was
    read with less confidence than ``interrupted_from`` is content. ``intent_ranking`` keeps what the model said.
    """
    if not open_form:
        return parse
    table = _table()
    read = parse.get("intent") or {}
    meant = table["words"].get(normalise(text).strip(" .!"))
    if meant:
        return {**parse, "intent": {"name": meant, "confidence": 1.0}}
    sure = table["interrupted_from"].get(open_form, 0.0)
    doubtful = float(read.get("confidence") or 0.0) < sure
    if doubtful and read.get("name") not in table["answers"]:
        return {**parse, "intent": {"name": CONTENT, "confidence": read.get("confidence")}}
    return parse
