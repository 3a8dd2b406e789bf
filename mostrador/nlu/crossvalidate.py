"""How well the intents are told apart, measured on the training data itself: ``python -m mostrador.nlu.crossvalidate``.

Every example is judged by a model that has not seen it (five folds). Printed per language: right without a threshold;
then, for each threshold of the FallbackClassifier, how much is answered rightly, answered wrongly and asked again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List, NamedTuple, Tuple

from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.loading import load_data

from mostrador.nlu.linear import LinearModel
from mostrador.nlu.text import LANGUAGES
from mostrador.settings import ROOT

FOLDS = 5
THRESHOLDS = (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)


class Judged(NamedTuple):
    language: str
    text: str
    intent: str
    ranking: List[Tuple[str, float]]


def judged(folder: Path) -> List[Judged]:
    """Each example of ``folder``/<language> with what a model trained without it says."""
    from sklearn.model_selection import StratifiedKFold

    known = [
        (language, example.get(TEXT), example.get(INTENT))
        for language in LANGUAGES
        for example in load_data(str(folder / language)).intent_examples
    ]
    found: List[Judged] = []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=7)
    for train, test in folds.split(known, [f"{language} {intent}" for language, _, intent in known]):
        model = LinearModel.fit([known[i][1] for i in train], [known[i][2] for i in train])
        found += [Judged(*known[i], model.ranking(known[i][1])) for i in test]
    return found


def main(folder: Path) -> None:
    results = judged(folder)
    for language in LANGUAGES:
        own = [r for r in results if r.language == language]
        right = sum(r.ranking[0][0] == r.intent for r in own)
        print(f"{language}: {right / len(own):.1%} of {len(own)} right")  # noqa: T201
    print("threshold  right  wrong  asked again")  # noqa: T201
    for threshold in THRESHOLDS:
        answered = [r for r in results if r.ranking[0][1] >= threshold]
        right = sum(r.ranking[0][0] == r.intent for r in answered)
        shares = (right / len(results), (len(answered) - right) / len(results), 1 - len(answered) / len(results))
        print("{:9}  {:5.1%}  {:5.1%}  {:5.1%}".format(threshold, *shares))  # noqa: T201
    if "--errors" in sys.argv:
        for r in results:
            if r.ranking[0][0] != r.intent:
                print(f"{r.language} {r.text!r}: {r.intent}, not {r.ranking[0][0]} {r.ranking[0][1]:.2f}")  # noqa: T201


if __name__ == "__main__":
    main(ROOT / "data" / "nlu")
