"""Sentences as thumbs mistype them, so that what is learnt from tidy examples understands them, too."""

from __future__ import annotations

from random import Random
from typing import Dict

_LEAST = 4  # characters of a word that may be mistyped; a slip in a shorter one makes another word
_ONE_IN = 5  # words
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEXT_TO: Dict[str, str] = {
    key: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in _KEYBOARD
    for place, key in enumerate(row)
}


def mistyped(text: str) -> str:
    """``text`` with a slip in one word of five, in one word at least; words with digits and short words stay.

    A slip is one of the four that four in five misspellings are made of (Damerau 1964): a letter left out, one too
    many, two swapped, the wrong one. The same text always gets the same slips.
    """
    draw = Random(text.encode("utf-8", "surrogatepass"))
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= _LEAST and not any(c.isdigit() for c in word)]
    for i in draw.sample(long, min(len(long), max(1, len(words) // _ONE_IN))):
        words[i] = _slip(words[i], draw)
    return " ".join(words)


def _slip(word: str, draw: Random) -> str:
    """The first letter, which people seldom miss, stays."""
    at = draw.randrange(1, len(word))
    before, letter, after = word[:at], word[at], word[at + 1 :]
    kind = draw.choice(("out", "twice", "swapped", "wrong"))
    if kind == "out":
        return before + after
    if kind == "swapped" and after:
        return before + after[0] + letter + after[1:]
    if kind == "wrong" and letter in _NEXT_TO:
        return before + draw.choice(_NEXT_TO[letter]) + after
    return before + letter * 2 + after
