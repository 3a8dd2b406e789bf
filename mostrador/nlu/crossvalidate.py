"""How well the intents are told apart, measured on the training data itself: ``python -m mostrador.nlu.crossvalidate``.

Every example judged is judged by a model that has not seen it nor its paraphrases. Printed per language: right without
a threshold; then what training finds; with ``--errors`` every sentence that is taken for something else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.loading import load_data

from mostrador.nlu.intent_learning import Options, learn_and_show
from mostrador.nlu.text import LANGUAGES
from mostrador.settings import ROOT, settings


def main(folder: Path) -> None:
    known = [
        (language, example.get(TEXT), example.get(INTENT))
        for language in LANGUAGES
        for example in load_data(str(folder / language)).intent_examples
    ]
    texts, labels = [text for _, text, _ in known], [intent for _, _, intent in known]
    model, seen = learn_and_show(texts, labels, Options(), settings().var_dir / "vectors")
    view = seen.both or seen.words
    right = seen.right(view.top)
    for language in LANGUAGES:
        own = ~seen.nothing & np.array([known[at][0] == language for at in seen.at])
        print(f"{language}: {right[own].mean():.1%} of {own.sum()} right")  # noqa: T201
    print(json.dumps(model.report, indent=1))  # noqa: T201
    if "--errors" in sys.argv:
        for row in np.flatnonzero(~right & ~seen.nothing):
            language, text, intent = known[seen.at[row]]
            print(f"{language} {text!r}: {intent}, not {view.top[row]}")  # noqa: T201


if __name__ == "__main__":
    main(ROOT / "data" / "nlu")
