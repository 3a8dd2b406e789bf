"""Which of a seller's goods a few words name: "kurta blue m", "lámparas", "लाल", "कुर्ता". Needs no Rasa."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import FrozenSet, List, Sequence, Set, Tuple

from mostrador.nlu.attributes import ALIKE, meaning
from mostrador.nlu.counts import words_of
from mostrador.shop.inventory import Variation

_FULL = 0.85  # of the words named, for goods to be meant
_PERHAPS = 0.5  # of the words named, for goods to be asked about
_MARGIN = 0.1  # by which the best must be better than the next, else "A or B?" is asked
_TYPO = 0.8  # likeness of two longer words that differ by a slip
_PREFIX = 3  # letters that the beginning of a word must have to stand for it
_WORDS = 12

_VOWELS_AND_BREATH = frozenset("aeiouhyw")
_DEVANAGARI = {
    "ं": "n",
    **dict(zip("कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह", "kkggnccjjnttddnttddnppbbmyrlvsssh")),
}
_LATIN = str.maketrans({"f": "p", "z": "j", "q": "k", "w": "v", "x": "k"})
_ONE_SOUND = str.maketrans({"r": "d", "m": "n"})  # साड़ी and saree, लैंप and lamp


@dataclass(frozen=True)
class Named:
    """The goods that may be meant, best first. ``sure`` when it is one and nothing speaks against it."""

    goods: Tuple[Variation, ...] = ()
    sure: bool = False
    full: bool = False  # every word was found in them


def find_named(words: Sequence[str], tiers: Sequence[Sequence[Variation]]) -> Named:
    """What ``words`` (plain, as ``counts`` gives them) name, in the first tier where something has all of them.

    Where no tier has, the goods that have at least half of the words, for the person to choose from.
    """
    wanted = list(words)[:_WORDS]
    if not wanted:
        return Named()
    best = Named()
    seen: Set[int] = set()
    for tier in tiers:
        scored = [(score(wanted, v.title), v) for v in tier if v.id not in seen]
        seen.update(v.id for v in tier)
        found = _best_of(scored)
        if found.full:
            return found
        best = best if best.goods else found
    return best


def find_all_named(words: Sequence[str], tiers: Sequence[Sequence[Variation]]) -> Tuple[Variation, ...]:
    """All the goods that have every one of ``words``, of the first tier with any; without words the first tier."""
    wanted = list(words)[:_WORDS]
    for tier in tiers:
        found = tuple(v for v in tier if not wanted or score(wanted, v.title)[0] >= _FULL)
        if found:
            return found
    return ()


def score(wanted: Sequence[str], title: str) -> Tuple[float, float]:
    """How much of ``wanted`` is in the title, and how much of the title was named, both from 0 to 1."""
    has = words_of(title)
    if not has:
        return 0.0, 0.0
    likenesses = [max(((alike(word, other), other) for other in has), key=lambda pair: pair[0]) for word in wanted]
    named = {other for likeness, other in likenesses if likeness > 0}
    return sum(likeness for likeness, _ in likenesses) / len(wanted), len(named) / len(set(has))


@lru_cache(maxsize=20_000)
def alike(word: str, other: str) -> float:
    """1 for the same word, colour or size; less for a beginning, a slip or another script; 0 for different words."""
    if word == other or meaning(word) == meaning(other) or _stem(word) == _stem(other):
        return 1.0
    if any(map(str.isdigit, word)) or meaning(word) != word:  # codes and sizes are right or wrong
        return 0.0
    if len(word) >= _PREFIX and other.startswith(word):
        return 0.95
    if len(other) > _PREFIX and word.startswith(other):
        return 0.9
    if _is_devanagari(word) != _is_devanagari(other):
        return 0.9 if len(_sounds(word)) > 1 and _sounds(word) == _sounds(other) else 0.0
    if min(len(word), len(other)) >= 5 and word[0] == other[0] and len(word) < 30:
        likeness = SequenceMatcher(None, word, other, autojunk=False).ratio()
        return 0.9 if likeness >= _TYPO else 0.0
    return 0.0


def beginnings(word: str) -> FrozenSet[str]:
    """Beginnings of words, one of which every title has that ``alike`` would find for ``word``, which is not empty."""
    found = set(ALIKE.get(meaning(word), ())) | {word if len(word) <= _PREFIX else word[:_PREFIX]}
    return frozenset(found | _first_letters(word))


def numbers_in_names(goods: Sequence[Variation]) -> FrozenSet[Tuple[str, str]]:
    """Pairs (word, number) that stand together in a title; ("", number) for every number that is a word of one."""
    pairs = set()
    for variation in goods:
        words = words_of(variation.title)
        for before, word in zip(["", *words], words):
            if word.isdigit():
                pairs |= {(before, word), ("", word)}
    return frozenset(pairs)


def _best_of(scored: Sequence[Tuple[Tuple[float, float], Variation]]) -> Named:
    possible = sorted(
        (entry for entry in scored if entry[0][0] >= _PERHAPS), key=lambda entry: (-_rank(entry[0]), entry[1].title)
    )
    if not possible:
        return Named()
    top = _rank(possible[0][0])
    full = possible[0][0][0] >= _FULL
    near = [entry for entry in possible if top - _rank(entry[0]) < _MARGIN]
    near = [entry for entry in near if entry[0][0] == 1.0] or near  # the very words before beginnings and slips
    exact = [entry for entry in near if entry[0] == (1.0, 1.0)]
    near = exact if len(exact) == 1 else near
    return Named(tuple(variation for _, variation in near), full and len(near) == 1, full)


def _rank(found: Tuple[float, float]) -> float:
    return 0.75 * found[0] + 0.25 * found[1]


def _stem(word: str) -> str:
    """Without the endings of plural and gender that Spanish and English put on nouns and adjectives."""
    if len(word) > 4 and word.endswith("es"):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] in "aoe" else word


def _is_devanagari(word: str) -> bool:
    return any("\u0900" <= character <= "\u097f" for character in word)


def _sounds(word: str) -> str:
    """The consonants of a word, the same for कुर्ता and kurta: vowels, breath and doubling are spelt too freely."""
    if _is_devanagari(word):
        letters = [_DEVANAGARI.get(character, "") for character in word]
    else:
        letters = list(word.replace("sh", "s").replace("ch", "c").translate(_LATIN))
    kept: List[str] = []
    for letter in letters:
        if letter and letter not in _VOWELS_AND_BREATH and kept[-1:] != [letter]:
            kept.append(letter)
    return "".join(kept).translate(_ONE_SOUND)


def _first_letters(word: str) -> FrozenSet[str]:
    """How a word may begin in the other script; nothing for one that begins with a vowel."""
    if _is_devanagari(word):
        first = _DEVANAGARI.get(word[0], "")
        return frozenset({"k": "kqx", "j": "jz", "p": "pf", "v": "vw"}.get(first, first))
    first = word[0].translate(_LATIN)
    return frozenset(letter for letter, sound in _DEVANAGARI.items() if sound == first)
