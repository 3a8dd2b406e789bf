"""How written language is made comparable before any model sees it."""

from __future__ import annotations

import re
import unicodedata
from typing import List

LANGUAGES = ("en", "es", "hi")

_LATIN_ACCENTS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff\U0001f3fb-\U0001f3ff]"
)  # zero width, joiners, marks of direction, forms of emoji, skin tones
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # a NUL ends a text in C, half a surrogate pair has no UTF-8
_STRETCHED = re.compile(r"([^\W\d])\1{2,}")
_LONGEST_MESSAGE = 4096
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# \w leaves out the vowel signs of Devanagari, which would shred every Hindi word.
_TOKEN = re.compile("(?:\\w|[\u0900-\u0963\u0966-\u097f])+|[?+\\-]|[\u2190-\u2bff\U0001f000-\U0001faff]")


def plain(text: str) -> str:
    """Lower case without Latin accents, nukta and invisible characters; numbers stay as they are written."""
    text = unicodedata.normalize("NFKD", text).casefold()
    text = _LATIN_ACCENTS.sub("", text)
    text = unicodedata.normalize("NFC", text).replace("\u093c", "").replace("\u0901", "\u0902")
    return _INVISIBLE.sub("", text)


def normalise(text: str) -> str:
    """``plain`` without stretched letters; every number becomes ``0``."""
    return _STRETCHED.sub(r"\1\1", _NUMBER.sub("0", plain(text)))


def reading(text: str, longest: int) -> str:
    """At most ``longest`` characters as a person would read them: no invisible marks, no stretched letters, lower case.

    Unlike ``plain`` it keeps accents and numbers, which mean something to a sentence encoder.
    """
    text = _CONTROL.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:_LONGEST_MESSAGE])))
    return _STRETCHED.sub(r"\1\1", " ".join(text.split()).casefold())[:longest]


def tokens(normalised: str) -> List[str]:
    """Words whole in any script, single symbols and ``?``, ``+``, ``-``; other punctuation is dropped."""
    return _TOKEN.findall(normalised)


def word_features(normalised: str) -> List[str]:
    """Words and pairs of neighbouring words."""
    words = tokens(normalised)
    return words + [f"{a} {b}" for a, b in zip(words, words[1:])]


def character_features(normalised: str, longest: int = 5) -> List[str]:
    """Runs of 2 to ``longest`` characters inside each word, whose borders count as a space."""
    found: List[str] = []
    for word in tokens(normalised):
        padded = f" {word} "
        for size in range(2, longest + 1):
            if len(padded) < size:
                break
            found += [padded[i : i + size] for i in range(len(padded) - size + 1)]
    return found
