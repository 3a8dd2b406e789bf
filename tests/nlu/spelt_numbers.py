"""How CLDR spells numbers out in the shop's languages, and the whole round trip through what reads them.

``python -m tests.nlu.spelt_numbers [--json]`` reads every number of 0 to 99,999 back, in each language and each of
CLDR's cardinal rule sets; exit status 0 only when none is wrong.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from unicode_rbnf import RbnfEngine

from mostrador.nlu.counts import read_quantity
from mostrador.nlu.figures import FigureReader
from mostrador.shop.inventory import Quantity
from tests.nlu.understanding import learnt_reader

NUMBERS = range(100_000)
SENTENCES: Dict[str, Tuple[str, str, str]] = {
    "en": ("I need {} pieces", "{} rupees", "INR"),
    "es": ("necesito {} unidades", "{} pesos mexicanos", "MXN"),
    "hi": ("{} पीस चाहिए", "{} रुपये", "INR"),
}
"""A sentence with a quantity and one with a sum, around the spelt number."""


def spellings(language: str, numbers: Iterable[int]) -> Iterator[Tuple[int, str]]:
    """Each number with each way in which CLDR's cardinal rules spell it."""
    engine = RbnfEngine.for_language(language)
    for number in numbers:
        for text in sorted(set(engine.format_number(number).text_by_ruleset.values())):
            yield number, text


def misread(reader: FigureReader, language: str, numbers: Iterable[int]) -> List[str]:
    """The spelt numbers that are not read back: every spelling alone, one also as pieces and as a sum in a sentence."""
    wrong, last = [], -1
    pieces, sum_of, currency = SENTENCES[language]
    for number, text in spellings(language, numbers):
        if read_quantity(text) != Quantity(number):
            wrong.append(f"{number} {text}: {read_quantity(text)}")
        if number != last:
            figures = reader.read(pieces.format(text)), reader.read(sum_of.format(text))
            if (str(figures[0].quantity).lstrip("="), str(figures[1].amount)) != (
                str(number),
                f"{number}.00 {currency}",
            ):
                wrong.append(f"{number} {text}: {figures}")
        last = number
    return wrong


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    began = time.monotonic()
    reader = learnt_reader()
    wrong = {language: misread(reader, language, NUMBERS) for language in SENTENCES}
    for language, texts in wrong.items():
        print(f"{language}: {len(texts)} of {len(NUMBERS)} numbers misread {'; '.join(texts[:5])}".rstrip())
    problem = "" if not any(wrong.values()) else next(text for texts in wrong.values() for text in texts)
    if options.json:
        print(json.dumps({"ok": not problem, "problem": problem, "seconds": time.monotonic() - began}))
    return 1 if problem else 0


if __name__ == "__main__":
    raise SystemExit(main())
