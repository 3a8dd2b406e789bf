"""What a text can be where an answer is awaited: guards against a confident reading that makes no sense there."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Mapping

from ruamel.yaml import YAML

from mostrador.nlu.reasons import named_reason
from mostrador.nlu.text import normalise
from mostrador.nlu.times import read_pause

FILE = Path(__file__).with_name("expected.yml")
CONTENT = "inform"
OPT_OUT, PERHAPS_OPT_OUT = "opt_out", "perhaps_opt_out"


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    return YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))


def as_expected(parse: Dict[str, Any], text: str, open_form: str) -> Dict[str, Any]:
    """Rasa's parse data as it stands while ``open_form`` waits for an answer; unchanged where no form is open.

    A single word of ``words`` has the intent given there. A wish to hear no more that was uncertain gives way to
    what is likelier. What was read with less confidence than ``interrupted_from``, and in the form about rejections
    whatever names a reason or a time, is content. ``intent_ranking`` keeps what the model said.
    """
    if not open_form:
        return parse
    table = _table()
    meant = table["words"].get(normalise(text).strip(" .!"))
    if meant:
        return {**parse, "intent": {"name": meant, "confidence": 1.0}}
    read = _certain(parse)
    name, confidence = read.get("name"), float(read.get("confidence") or 0.0)
    doubtful = confidence < table["interrupted_from"] and name not in table["answers"]
    answered = open_form == "rejection_form" and name in table["give_way"] and _names_reason_or_time(text)
    if doubtful or answered:
        read = {"name": CONTENT, "confidence": confidence}
    return parse if read is parse.get("intent") else {**parse, "intent": read}


def _certain(parse: Dict[str, Any]) -> Dict[str, Any]:
    """The intent; for one that is only perhaps an opt-out the next reading, unless that is an opt-out, too."""
    read: Dict[str, Any] = parse.get("intent") or {}
    ranking = parse.get("intent_ranking") or []
    if read.get("name") == PERHAPS_OPT_OUT and len(ranking) > 1 and ranking[1].get("name") != OPT_OUT:
        following: Dict[str, Any] = ranking[1]
        return following
    return read


def _names_reason_or_time(text: str) -> bool:
    return named_reason(text) is not None or read_pause(text, ()) is not None
