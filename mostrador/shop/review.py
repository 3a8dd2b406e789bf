"""What a bot trainer looks at: sentences that were not understood for certain, and what may become of one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Tuple

from mostrador.shop.errors import ShopError

FALLBACK = "nlu_fallback"
CORRECTED, HANDED_OVER, REPHRASED, NOTHING = "corrected", "handed over", "rephrased", "nothing"
LONGEST_EXAMPLE = 200  # characters; who writes more tells a story, and an example is one thing said
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_LINK = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_NUMBER = re.compile(r"\+?\d(?:[ ().\-/]{0,2}\d){6,}")
_MARKUP = str.maketrans(dict.fromkeys("[](){}|`\\", " "))
_JOINERS = "\u200c\u200d"  # Devanagari and emoji are spelt with them; other invisible characters say nothing
_LEADING = "/ "  # a leading slash makes a command of a sentence


class Conflict(ShopError):
    """The sentence is an example of another intent already; the message names it and its file."""


class UnfitSentence(ShopError):
    """Nothing of the text can be an example."""


class UnknownLabel(ShopError):
    """No intent is called so."""


def example_of(text: str) -> str:
    """The text as an example in one line: without e-mail addresses, links, numbers of seven digits or more (telephones,
    identity cards, accounts) and anything that training files would read as markup. Empty when nothing is left.
    """
    words = unicodedata.normalize("NFC", text)
    for private in (_EMAIL, _LINK, _NUMBER):
        words = private.sub(" ", words)
    words = "".join(c if c.isprintable() or c in _JOINERS else " " for c in words.translate(_MARKUP))
    words = " ".join(words.split()).lstrip(_LEADING)
    if len(words) > LONGEST_EXAMPLE or not any(c.isalnum() or unicodedata.category(c) == "So" for c in words):
        return ""
    return words


def same_words(sentence: str) -> str:
    """What two sentences have in common when they are one example: case and spaces do not tell them apart."""
    return " ".join(unicodedata.normalize("NFC", sentence).casefold().split())


@dataclass(frozen=True)
class Unsure:
    """One free text that somebody should look at. ``readings`` are the likeliest intents with their probabilities."""

    turn_id: str
    at: datetime
    language: str
    text: str
    intent: str
    confidence: Optional[float]
    readings: Tuple[Tuple[str, float], ...]
    followed: str
    corrected_to: str = ""
    model: str = ""

    @property
    def sentence(self) -> str:
        return example_of(self.text)

    @property
    def suggestion(self) -> str:
        """The intent it probably has: what the person picked; the second reading where the first was taken back."""
        if self.corrected_to:
            return self.corrected_to
        guesses = [name for name, _ in self.readings if self.followed != CORRECTED or name != self.intent]
        return guesses[0] if guesses else ""


@dataclass(frozen=True)
class Cluster:
    """Sentences of one language that say about the same; what is decided of one may be decided of all."""

    turns: Tuple[Unsure, ...]

    @property
    def language(self) -> str:
        return self.turns[0].language

    @property
    def suggestion(self) -> str:
        counted = Counter(turn.suggestion for turn in self.turns if turn.suggestion)
        return counted.most_common(1)[0][0] if counted else ""

    @property
    def readings(self) -> Tuple[Tuple[str, float], ...]:
        """The likeliest intents of all its sentences with their mean probabilities, the likeliest first."""
        sums: Counter[str] = Counter()
        for turn in self.turns:
            for name, probability in turn.readings:
                sums[name] += probability  # type: ignore[assignment]
        return tuple((name, total / len(self.turns)) for name, total in sums.most_common(3))


def clusters(turns: Sequence[Unsure], alike: Callable[[Sequence[str]], Sequence[Sequence[int]]]) -> List[Cluster]:
    """Turns put together that say about the same and were probably meant alike: those with the same suggestion, of
    which ``alike`` groups the sentences. Corrected ones come first, then what was said most often."""
    meant: Dict[Tuple[str, str, bool], List[Unsure]] = {}
    for turn in turns:
        meant.setdefault((turn.language, turn.suggestion, bool(turn.sentence)), []).append(turn)
    found = [
        Cluster(tuple(same[index] for index in group))
        for same in meant.values()
        for group in alike([turn.sentence for turn in same])
    ]
    return sorted(found, key=lambda c: (c.turns[0].followed != CORRECTED, -len(c.turns), c.turns[0].turn_id))


@dataclass(frozen=True)
class Added:
    """Where an example is now. ``new`` is false when it stood there before."""

    file: str
    new: bool


class TrainingFiles(Protocol):
    """The training data as people edit it."""

    def intents(self) -> Sequence[str]:
        """The intents that have examples, in alphabetical order."""

    def languages(self) -> Sequence[str]: ...

    def add(self, sentence: str, intent: str, language: str) -> Added:
        """Write an example where the intent's examples of that language are. Raises Conflict, UnknownLabel."""


class Reviews(Protocol):
    """What was reviewed, in one transaction that ends with ``commit``."""

    def claim(
        self, turn_ids: Sequence[str], label: Optional[str], language: str, reviewer: str, at: datetime
    ) -> "Texts":
        """Note the verdict for those turns that nobody has reviewed yet; their texts by turn id."""

    def wrote(self, turn_id: str, sentence: str, file: str) -> None: ...


Texts = Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """What one keystroke came to: examples written, those that stood there already, turns somebody else had decided."""

    added: Tuple[Added, ...] = ()
    taken: int = 0


def label_turns(
    reviews: Reviews,
    files: TrainingFiles,
    turn_ids: Sequence[str],
    label: str,
    language: str,
    reviewer: str,
    at: datetime,
) -> Outcome:
    """Make the turns' sentences examples of ``label``. Each turn is decided once, whoever comes first.

    Raises Conflict, UnfitSentence or UnknownLabel before anything is decided of any of them.
    """
    if label not in files.intents() or language not in files.languages():
        raise UnknownLabel(f"{label} ({language})")
    texts = reviews.claim(turn_ids, label, language, reviewer, at)
    sentences = {turn_id: example_of(text) for turn_id, text in texts.items()}
    if not all(sentences.values()):
        raise UnfitSentence("Nothing of this text can be an example; dismiss it.")
    added = []
    for turn_id, sentence in sentences.items():
        done = files.add(sentence, label, language)
        reviews.wrote(turn_id, sentence, done.file)
        added.append(done)
    return Outcome(tuple(added), taken=len(set(turn_ids)) - len(texts))


def dismiss_turns(reviews: Reviews, turn_ids: Sequence[str], language: str, reviewer: str, at: datetime) -> Outcome:
    """Say that nothing is to be learnt from these turns; they are not shown again."""
    texts = reviews.claim(turn_ids, None, language, reviewer, at)
    return Outcome(taken=len(set(turn_ids)) - len(texts))
