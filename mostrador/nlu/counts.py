"""Reads counts of pieces out of what people write: "50", "+20", "sold 3", "५०", "2 docenas", "red 20, blue 30".

Needs no Rasa. Time grows with the length of the text alone: texts above LONGEST characters hold no counts, every piece
of text is looked at a fixed number of times, and no pattern can match the same place in two ways.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Callable, Iterable, List, Optional, Sequence, Set, Tuple

from mostrador.nlu import count_words as about
from mostrador.nlu import number_words as spelt
from mostrador.nlu.attributes import is_attribute
from mostrador.nlu.text import plain
from mostrador.shop.inventory import Quantity, Sense

LONGEST = 600  # characters; longer is talk
_LONGEST_ANSWER = 12  # words around a single count
_ABSURD = 10**15  # greater numbers are all the same to a shop

# One whole number, grouped (1,000  1.000  1,00,000) or not, with a sign perhaps and noughts after the point.
_WHOLE = re.compile(r"([+-]?)(\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}|\d{1,12})(?:[.,]0{1,2})?")
_DECIMAL = re.compile(r"([+-]?)(\d{1,9})[.,](\d{1,3})")
_WITH_TAIL = re.compile(r"([+-]?[\d.,]{0,20}\d)([^\W\d_][^\d]{0,19})")
_COMMA = re.compile(r"(?<!\d),|,(?!\d)")
_EQUALS = re.compile(r"[:=](?!\d)|(?<!\d)[:=]")
_TIMES = re.compile(r"(?<![^\s;])[x×*]\s?(?=\d)")
_SIGN_APART = re.compile(r"([+-])\s(?=\d)")
_NAME_AND_NUMBER = re.compile(r"([^\W\d_]{1,12})-(\d{1,6})")
_EDGES = "¿¡!?.…()[]{}\"'“”«»‘’`*_।|~"
_SPACED_GROUPS = re.compile(r"(?:[+-] ?)?\d{1,3}(?: \d{3})+")


@dataclass(frozen=True)
class Token:
    """A word, a count (``number``, with ``sign`` "+", "-" or ""), a break between two things, or a number of no use."""

    kind: str  # word | count | break | bad
    text: str = ""
    number: int = 0
    sign: str = ""
    weak: bool = False  # a word that is something else more often than a number


@dataclass(frozen=True)
class Order:
    """One thing that a message asks for: the words that name goods, and what is to become of their stock."""

    names: Tuple[str, ...]
    quantity: Optional[Quantity]
    every: bool = False


def words_of(title: str) -> List[str]:
    """The words of a title as ``Order.names`` has them: lower case, plain, codes and numbers whole."""
    return [word for chunk in _prepared(title[:LONGEST]).split() for word in _words(chunk) if word != ";"]


def read_quantity(text: str) -> Optional[Quantity]:
    """The one count in ``text`` with its sense (set, add, take); None when there is none, or more than one."""
    tokens = _tokens(text)
    words = [token.text for token in tokens if token.kind == "word"]
    counts = [token for token in tokens if token.kind == "count"]
    if len(words) + len(counts) > _LONGEST_ANSWER or any(token.kind == "bad" for token in tokens):
        return None
    if not counts and len(words) <= 2 and about.NONE & set(words) and not (about.ADD | about.TAKE) & set(words):
        return Quantity(0)
    if len(counts) != 1 or _perhaps_cut_short(tokens):
        return None
    return Quantity(counts[0].number, _sense(counts[0].sign, set(words)))


def _perhaps_cut_short(tokens: Sequence[Token]) -> bool:
    """Whether an unknown word follows a number in words: it may be the rest of it in a spelling nobody taught us."""
    return any(
        token.kind == "count"
        and not any(map(str.isdigit, token.text))
        and after.kind == "word"
        and not _says_nothing(after.text)
        for token, after in zip(tokens, tokens[1:])
    )


def is_only_a_count(text: str) -> bool:
    """Whether ``text`` says how many and nothing else: no name, no question, no other wish."""
    words = [token.text for token in _tokens(text) if token.kind == "word"]
    return read_quantity(text) is not None and all(map(_says_nothing, words)) and "?" not in text


def holds_counts(text: str) -> bool:
    """Whether there is any number in ``text`` that may be a count."""
    return any(token.kind == "count" for token in _tokens(text))


def written(quantity: Quantity) -> str:
    """``50``, ``+20`` or ``-3``: what ``read_quantity`` reads back as the same."""
    sign = {Sense.SET: "", Sense.ADD: "+", Sense.TAKE: "-"}[quantity.sense]
    return f"{sign}{quantity.number}"


def naming_words(text: str) -> List[str]:
    """Every word and every plain number in ``text`` that may belong to the name of a product."""
    found = []
    for token in _tokens(text):
        if token.kind == "count" and token.text.isdigit():
            found.append(token.text)
        elif token.kind == "word" and not _says_nothing(token.text):
            found.append(token.text)
    return found


def read_orders(text: str, in_a_name: Callable[[str, str], bool] = lambda before, number: False) -> List[Order]:
    """What ``text`` asks for, in its order; empty when there is a number in it that cannot be understood.

    ``in_a_name(word, number)`` says that a number after a word belongs to a product's name ("iPhone 13"); the word is
    empty for a number on its own that another number follows. An order without names is a bare count, one without
    quantity only names goods.
    """
    tokens = _with_numbers_in_names(_tokens(text), in_a_name)
    if any(token.kind == "bad" for token in tokens):
        return []
    clauses = _clauses(tokens)
    everywhere = _sense_of_all(clauses)
    orders: List[Order] = []
    waiting: List[Order] = []  # names whose count comes in a later clause: "red and blue 20"
    for clause in clauses:
        found = _orders_of(clause, everywhere)
        if found is None:
            return []
        for order in found:
            if order.quantity is None and orders and orders[-1].names and not waiting and _counts_first(clauses):
                orders.append(replace(order, quantity=orders[-1].quantity))
            elif order.quantity is None:
                waiting.append(order)
            else:
                orders += [replace(named, quantity=order.quantity) for named in waiting if order.names]
                orders.append(order if order.names or not waiting else replace(waiting[-1], quantity=order.quantity))
                waiting = []
    return orders + waiting


# --- from characters to tokens ----------------------------------------------------------------------------------------


def _tokens(text: str) -> List[Token]:
    """The tokens of ``text``, none when it is too long; weak numbers count only where nothing else does."""
    if len(text) > LONGEST:
        return []
    chunks = [part for chunk in _prepared(text).split() for word in _words(chunk) for part in spelt.parted(word)]
    tokens = _numbers_joined([_token(chunk) for chunk in chunks])
    strong = any(token.kind == "count" and not token.weak for token in tokens)
    named = any(token.kind == "word" and not _says_nothing(token.text) for token in tokens)
    if strong or named:
        return [Token("word", token.text) if token.weak else token for token in tokens]
    return tokens


def _prepared(text: str) -> str:
    text = "".join(map(_one, unicodedata.normalize("NFKC", text)))
    text = plain(text).replace(";", " ; ").replace("।", " ; ").replace("•", " ; ")
    text = re.sub(r"[\n\r]+", " ; ", text)
    text = _EQUALS.sub(" ", _COMMA.sub(" ; ", text))
    text = _TIMES.sub("", text)
    text = re.sub(r"\s{1,100}", " ", text).strip()
    if _SPACED_GROUPS.fullmatch(text.rstrip(" .")):
        return text.replace(" ", "").rstrip(".")
    return _SIGN_APART.sub(_sign_joined, text)


def _sign_joined(match: "re.Match[str]") -> str:
    """``+ 20`` is +20 everywhere, ``- 3`` only where nothing stands before it: "red - 20" is a list."""
    before = match.string[: match.start()].rstrip()
    if match.group(1) == "+" or not before or before.endswith(";"):
        return match.group(1)
    return " "


def _one(character: str) -> str:
    if character in "−–—﹣－‐‑":
        return "-"
    if character == "⁄":
        return "/"
    return str(unicodedata.digit(character)) if character.isdigit() else character


def _words(chunk: str) -> List[str]:
    """A chunk without spaces as the words it consists of."""
    chunk = chunk.strip(_EDGES)
    if not chunk or chunk == ";" or not any(map(str.isalnum, chunk)):
        return [";"] if chunk in {";", "+"} else (["&"] if chunk == "&" else [])
    if not any(map(str.isdigit, chunk)):
        return [part.strip(_EDGES) for part in re.split(r"[-/]", chunk) if part.strip(_EDGES)]
    listed = _NAME_AND_NUMBER.fullmatch(chunk)
    if listed and is_attribute(listed.group(1)):
        return [listed.group(1), listed.group(2)]
    return [chunk]


def _token(chunk: str) -> Token:
    if chunk == ";":
        return Token("break")
    if not any(map(str.isdigit, chunk)):
        return Token("word", chunk)
    if len(chunk) > 40:
        return Token("bad", chunk)
    whole = _WHOLE.fullmatch(chunk)
    if whole:
        sign, digits = whole.groups()
        return Token("count", digits, int(re.sub(r"\D", "", digits)), sign)
    tailed = _WITH_TAIL.fullmatch(chunk)
    if tailed:
        return _tailed(*tailed.groups(), chunk)
    decimal = _DECIMAL.fullmatch(chunk)
    if decimal:
        return Token("bad", chunk, sign=decimal.group(1))
    return Token("word" if any(map(str.isalpha, chunk)) and chunk[0] not in "#$€₹" else "bad", chunk)


def _tailed(number: str, tail: str, chunk: str) -> Token:
    """``50pcs`` and ``2k`` are counts, ``5kg`` is none, and ``4mp`` is a word."""
    whole = _WHOLE.fullmatch(number)
    if tail in about.PIECES and whole:
        return _token(number)
    if tail in {"k", "m"} | set(spelt.MULTIPLIERS) | spelt.DOZEN:
        times = {"k": 1000, "m": 0}.get(tail) or spelt.MULTIPLIERS.get(tail) or 12
        value = _fraction(number) * times
        if tail != "m" and value and value.denominator == 1:
            return Token("count", chunk, min(int(value), _ABSURD), number[0] if number[0] in "+-" else "")
    return Token("bad" if tail in about.PACKS else "word", chunk)


def _fraction(text: str) -> Fraction:
    whole, decimal = _WHOLE.fullmatch(text), _DECIMAL.fullmatch(text)
    if whole:
        return Fraction(int(re.sub(r"\D", "", whole.group(2))))
    return Fraction(f"{decimal.group(2)}.{decimal.group(3)}") if decimal else Fraction(0)


# --- from words to numbers --------------------------------------------------------------------------------------------


class NumberInWords:
    """A number being read word by word; ``take`` says whether the next word still belongs to it."""

    def __init__(self) -> None:
        self.texts: List[str] = []
        self.sign = ""
        self._total = Fraction(0)
        self._group: Optional[Fraction] = None
        self._open = 0  # below this may be added to the group
        self._smallest: Optional[int] = None  # the last multiplier from a thousand up
        self._extra = Fraction(0)  # of साढ़े, सवा and पौने, waiting for its number
        self._closed = False
        self._linked = False

    def take(self, token: Token) -> bool:
        taken = not self._closed and self._add(token)
        if taken:
            self.texts.append(token.text)
        return taken

    def _add(self, token: Token) -> bool:
        if token.kind == "count" or token.kind == "bad":
            return self._literal(token)
        word = spelt.as_listed(token.text)
        if word in spelt.MORE_OR_LESS and not self.texts:
            self._extra = spelt.MORE_OR_LESS[word]
            return True
        if word in spelt.FRACTIONS and not self.texts:
            self._group = spelt.FRACTIONS[word]
            return True
        if self.texts and self.texts[-1] in spelt.FRACTIONS and word in spelt.ARTICLES:
            return True
        if word in spelt.DOZEN:
            return self._dozen()
        if word in spelt.MULTIPLIERS and (self.texts or word not in spelt.AFTER_A_NUMBER):
            return self._times(spelt.MULTIPLIERS[word])
        for table, below in ((spelt.HUNDREDS, 100), (spelt.TENS, 10), (spelt.UNITS, 0), (spelt.WHOLE, 0)):
            if word in table:
                return self._plus(table[word], below, word in spelt.WHOLE)
        return False

    def _literal(self, token: Token) -> bool:
        if token.kind == "bad" and not _DECIMAL.fullmatch(token.text):
            return False
        value = Fraction(token.number) if token.kind == "count" else _fraction(token.text)
        if self.texts and (token.sign or self._group is not None or not self._smallest or value >= self._smallest):
            return False
        self._group, self._open, self.sign = value, 0, self.sign or token.sign
        return True

    def _plus(self, value: int, below: int, alone: bool) -> bool:
        if self._group is None:
            if self.texts and self._smallest is None and not self._extra:
                return False
            self._group = value + self._extra
            self._extra, self._open = Fraction(0), below
            return True
        if value == 0 or value >= self._open or (alone and self._open < 100):
            return False
        self._group, self._open = self._group + value, below if value >= 10 else 0
        return True

    def _times(self, multiplier: int) -> bool:
        if self._group is None and self._extra:  # सवा सौ: a hundred and a quarter of it
            self._group, self._extra = Fraction(1) + self._extra, Fraction(0)
        if multiplier == 100:
            if self._group is not None and not 0 < self._group < 100:
                return False
            self._group, self._open = (self._group or 1) * 100, 100
            return True
        group = self._group if self._group is not None else Fraction(0 if self._total else 1)
        if self._smallest is None or multiplier < self._smallest:
            self._total += group * multiplier
        else:
            self._total = (self._total + group) * multiplier
        self._total = min(self._total, Fraction(_ABSURD))
        self._group, self._smallest = None, multiplier
        return True

    def _dozen(self) -> bool:
        self._total = (self._total + (self._group if self._group is not None else 0 if self._total else 1)) * 12
        self._group, self._closed = None, True
        return True

    def links(self, word: str, after: Optional[str]) -> bool:
        """Whether "y" or "and" stands inside this number, before ``after``."""
        if after is None or self._closed:
            return False
        if word in spelt.TEN_AND_UNIT:
            return self._open == 10 and after in spelt.UNITS
        spoken = after in spelt.UNITS or after in spelt.TENS or after in spelt.WHOLE
        return word in spelt.AND and self.texts[-1] in spelt.MULTIPLIERS and spoken

    def goes_on_after_comma(self, after: Sequence[Token]) -> bool:
        """Whether it is written like "one thousand, two hundred"."""
        words = [token.text for token in after]
        large = spelt.MULTIPLIERS.get(self.texts[-1], 0) > 100
        return large and len(words) == 2 and words[0] in spelt.UNITS and spelt.MULTIPLIERS.get(words[1]) == 100

    @property
    def ends_in_dozen(self) -> bool:
        return self._closed

    def add_half_a_dozen(self) -> None:
        self._total += 6

    def add_half(self) -> bool:
        """Take in "and a half": of one before "two and a half lakh", of the large unit after "a million and a half"."""
        if self._closed or not self.texts:
            return False
        if self._group is not None and self._group < 100:
            self._group += Fraction(1, 2)
            return True
        large = spelt.MULTIPLIERS.get(self.texts[-1], 0)
        self._total += Fraction(large, 2)
        return large >= 1_000

    @property
    def value(self) -> Fraction:
        return self._total + (self._group or 0)

    @property
    def whole(self) -> bool:
        return not self._extra

    def token(self) -> Token:
        """The number as one token: bad when it is no whole one."""
        value = self.value
        text = " ".join(self.texts)
        if value.denominator != 1 or self._extra:
            return Token("bad", text)
        weak = len(self.texts) == 1 and self.texts[0] in spelt.WEAK
        return Token("count", text, min(int(value), _ABSURD), self.sign, weak)


def _numbers_joined(tokens: Sequence[Token]) -> List[Token]:
    """Number words and what multiplies them made into one token each; what counts packs or weights is of no use."""
    found: List[Token] = []
    place = 0
    while place < len(tokens):
        number = NumberInWords()
        end = place
        while end < len(tokens) and tokens[end].kind != "break" and number.take(tokens[end]):
            end += 1
            after = tokens[end + 1].text if end + 1 < len(tokens) else None
            if end < len(tokens) and number.links(tokens[end].text, after):
                end += 1
            elif tokens[end : end + 1] == [Token("break")] and number.goes_on_after_comma(tokens[end + 1 : end + 3]):
                end += 1
            elif number.ends_in_dozen and _and_a_half(tokens[end : end + 2]):
                number.add_half_a_dozen()
                end += 2
        if end == place:
            found.append(tokens[place])
            place += 1
            continue
        made = number.token()
        packed = end < len(tokens) and tokens[end].kind == "word" and tokens[end].text in about.PACKS
        found.append(Token("bad", made.text) if packed and made.kind == "count" and not made.weak else made)
        place = end
    return found


def _and_a_half(tokens: Sequence[Token]) -> bool:
    words = [token.text for token in tokens]
    return len(words) == 2 and words[0] in spelt.TEN_AND_UNIT and words[1] in spelt.HALF_AFTER


# --- from tokens to orders --------------------------------------------------------------------------------------------


def _says_nothing(word: str) -> bool:
    return (
        word in about.FILLER
        or word in about.ADD
        or word in about.TAKE
        or word in about.PIECES
        or word in about.NONE
        or word in about.AND_OR_MORE
        or word in about.BETWEEN
    )


def _sense(sign: str, words: Set[str]) -> Sense:
    if sign:
        return Sense.ADD if sign == "+" else Sense.TAKE
    adds, takes = bool(words & (about.ADD | about.AND_OR_MORE)), bool(words & about.TAKE)
    if adds == takes:  # neither, or both: the person names what is there
        return Sense.SET
    return Sense.ADD if adds else Sense.TAKE


def _with_numbers_in_names(tokens: Sequence[Token], in_a_name: Callable[[str, str], bool]) -> List[Token]:
    made: List[Token] = []
    for place, token in enumerate(tokens):
        if token.kind == "count" and not token.sign and token.text.isdigit():
            before = made[-1].text if made and made[-1].kind == "word" else ""
            followed = place + 1 < len(tokens) and tokens[place + 1].kind == "count"
            if before and in_a_name(before, token.text) or followed and in_a_name("", token.text):
                token = Token("word", token.text)
        made.append(token)
    return made


def _clauses(tokens: Iterable[Token]) -> List[List[Token]]:
    """Split at breaks and at words like "and"; "और" parts two clauses only when a count follows it."""
    tokens = list(tokens)
    clauses: List[List[Token]] = [[]]
    for place, token in enumerate(tokens):
        word = token.text if token.kind == "word" else ""
        more_to_come = (
            any(later.kind == "count" for later in tokens[place + 1 :]) if word in about.AND_OR_MORE else False
        )
        if token.kind == "break" or word in about.BETWEEN or more_to_come:
            clauses.append([])
        else:
            clauses[-1].append(token)
    return [clause for clause in clauses if clause]


def _sense_of_all(clauses: Sequence[Sequence[Token]]) -> Sense:
    """The sense that a verb at the very start or the very end gives to everything: "sold 3 red, 2 blue"."""
    words = [[token.text for token in clause if token.kind == "word"] for clause in clauses]
    first = set(words[0][:2]) if clauses and clauses[0][0].kind == "word" else set()
    last = set(words[-1][-2:]) if clauses and clauses[-1][-1].kind == "word" else set()
    leading = _sense("", first - about.AND_OR_MORE)
    return leading if leading is not Sense.SET else _sense("", last & (about.TAKE | about.ADD) - {"mas", "more"})


def _counts_first(clauses: Sequence[Sequence[Token]]) -> bool:
    meaning = [
        token for clause in clauses for token in clause if token.kind == "count" or not _says_nothing(token.text)
    ]
    return bool(meaning) and meaning[0].kind == "count"


def _orders_of(clause: Sequence[Token], everywhere: Sense) -> Optional[List[Order]]:
    """The orders of one clause; None when two of its numbers have nothing between them."""
    counts = sum(token.kind == "count" for token in clause)
    if counts <= 1:
        return _order(clause, everywhere)
    groups: List[List[Token]] = [[]]
    counts_first = _counts_first([clause])
    for token in clause:
        if token.kind == "count" and counts_first and any(t.kind == "count" for t in groups[-1]):
            groups.append([])
        groups[-1].append(token)
        if token.kind == "count" and not counts_first:
            groups.append([])
    if len(groups) > 1 and not any(token.kind == "count" for token in groups[-1]):
        last = groups.pop()
        groups[-1] += last
    orders = [order for group in groups for order in _order(group, everywhere)]
    return orders if all(order.names or order.every for order in orders) else None


def _order(group: Sequence[Token], everywhere: Sense) -> List[Order]:
    words = [token.text for token in group if token.kind == "word"]
    names = tuple(word for word in words if not _says_nothing(word) and word not in about.EVERY)
    every = bool(about.EVERY & set(words))
    count = next((token for token in group if token.kind == "count"), None)
    if count is None:
        return [Order(names, None, every)] if names or every else []
    sense = _sense(count.sign, set(words))
    if sense is Sense.SET and not count.sign and everywhere is not Sense.SET:
        sense = everywhere
    return [Order(names, Quantity(count.number, sense), every)]
