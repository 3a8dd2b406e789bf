"""How much few examples are worth: ``python -m tests.nlu.few_shots [5 10 …]``.

For each language: the share of the in-scope sentences of ``tests/nlu/<language>/intents.csv`` that get the right intent
when only so many examples of each intent, drawn from that language's training sentences, were learnt; the mean of five
draws with fixed seeds, and the least and the greatest of them. Thresholds play no part.
"""

from __future__ import annotations

import sys
from typing import List

from ruamel.yaml import YAML

from mostrador.nlu.intent_figures import Sentence, few_shots
from mostrador.operations.evaluate_command import pipeline
from mostrador.settings import ROOT, settings
from tests.nlu.understanding import NONE, rows


def examples(language: str) -> List[Sentence]:
    """The training sentences of a language with their intents."""
    found: List[Sentence] = []
    for file in sorted((ROOT / "data" / "nlu" / language).glob("*.yml")):
        for block in YAML(typ="safe").load(file.read_text(encoding="utf-8"))["nlu"]:
            lines = block.get("examples", "").splitlines() if "intent" in block else []
            found += [Sentence(line[2:], block["intent"]) for line in lines if line.startswith("- ")]
    return found


def main() -> None:
    options, _ = pipeline()
    for language in ("en", "es", "hi"):
        train = examples(language)
        test = [Sentence(row["sentence"], row["label"]) for row in rows(language, "intents")]
        test = [sentence for sentence in test if sentence.label not in NONE]
        for shots in [int(argument) for argument in sys.argv[1:]] or [5, 10]:
            found = few_shots(train, test, shots, options, settings().var_dir / "vectors")
            each = sorted(found["each"])
            print(
                f"{language}  {shots:3} examples  {found['in_scope_accuracy']:.1%}  ({each[0]:.1%} to {each[-1]:.1%})"
            )


if __name__ == "__main__":
    main()
