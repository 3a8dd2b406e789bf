"""Reads what the numbers in a sentence are: a quantity of goods, a number of instalments, a sum of money, or neither.

"20 pcs at ₹45 each", "llevo 2 sillas en 6 cuotas", "सवा लाख रुपये 24 emi me"; model names, sizes, phones, times, dates,
addresses and codes are none of them. Needs no Rasa. Time grows with the length of the text alone; texts above
``counts.LONGEST`` characters hold no figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import List, Optional, Sequence, Set

from mostrador.nlu import figure_words as about
from mostrador.nlu.counts import LONGEST, is_only_a_count, read_quantity
from mostrador.nlu.figure_items import Item, has_unit, items_of
from mostrador.shop.inventory import Sense

_AROUND = 6  # words looked at on either side of a number
_PRICE_FROM = 20  # a bare number below this is no price by its words alone


@dataclass(frozen=True)
class Said:
    """A quantity as it was said: ``sign`` is "+", "-", "=" (is or set to) or "" for a bare count."""

    number: int
    sign: str = ""

    def __str__(self) -> str:
        return f"{self.sign}{self.number}"


@dataclass(frozen=True)
class Sum:
    """An amount of money; ``currency`` is the ISO 4217 code where it was said, else empty ("$", "pesos")."""

    value: Decimal
    currency: str = ""

    def __str__(self) -> str:
        return f"{self.value:.2f} {self.currency}".rstrip()


@dataclass(frozen=True)
class Figures:
    quantity: Optional[Said] = None
    instalments: Optional[int] = None
    amount: Optional[Sum] = None


def read_figures(text: str) -> Figures:
    """The quantity, the instalments and the amount in ``text``: of each kind one, or None.

    Where several numbers could as well be the quantity, none is.
    """
    if len(text) > LONGEST or text.startswith("/"):
        return Figures()
    items = items_of(text)
    sentence = _Sentence(items)
    found = Figures(sentence.quantity(), sentence.instalments(), sentence.amount())
    if found == Figures() and not sentence.speaks_of_something_else:
        return Figures(_alone(text, items))
    return found


def _alone(text: str, items: Sequence[Item]) -> Optional[Said]:
    """The count in a text that is nothing else, as the stock form reads it."""
    if len(items) == 1 and items[0].kind == "number" and items[0].value.denominator == 1 and not items[0].weak:
        return Said(int(items[0].value), items[0].sign)
    quantity = read_quantity(text) if is_only_a_count(text) else None
    if quantity and quantity.number and not any(item.kind == "number" for item in items):
        return None  # "mere ko de do": give it to me
    return Said(quantity.number, {Sense.ADD: "+", Sense.TAKE: "-"}.get(quantity.sense, "")) if quantity else None


# --- what each number is ----------------------------------------------------------------------------------------------


class _Sentence:
    """The numbers of one sentence, judged by the words around each and in the whole."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = list(items)
        self._words: Set[str] = {item.text for item in items if item.kind == "word"}
        self._numbers = [place for place, item in enumerate(items) if item.kind == "number"]
        self._financed = bool(self._words & about.FINANCING)
        self._stocked = bool(self._words & about.STOCK)
        self._carted = bool(self._words & about.CART)
        self._sums = [place for place in self._numbers if self._is_money(place)]
        self._parts = [place for place in self._numbers if place not in self._sums and self._is_instalments(place)]
        left = [place for place in self._numbers if place not in self._sums and place not in self._parts]
        others = [place for place in left if self._is_something_else(place)]
        self.speaks_of_something_else = bool(others)
        left = [place for place in left if place not in others]
        self._priced = [place for place in left if self._is_price(place)]
        self._counted = [place for place in left if place not in self._priced]

    def amount(self) -> Optional[Sum]:
        if self._words & about.RANGES and len(self._numbers) > 1:
            return None
        for place in self._sums or self._priced:
            item = self._items[place]
            thousands = 1000 if set(self._after(place)[:1]) & about.THOUSANDS_OF_PESOS else 1
            value = Decimal(item.value.numerator * thousands) / Decimal(item.value.denominator)
            return Sum(value.quantize(Decimal("0.01")), self._currency(place))
        return None

    def instalments(self) -> Optional[int]:
        return int(self._items[self._parts[0]].value) if self._parts else None

    def quantity(self) -> Optional[Said]:
        judged = [(self._strength(place), place) for place in self._counted]
        best = max((strength for strength, _ in judged), default=0)
        places = [place for strength, place in judged if strength == best] if best else []
        if len({self._items[place].value for place in places}) != 1:
            return None
        return Said(int(self._items[places[0]].value), self._sense(places[0]))

    # --- words around

    def _after(self, place: int) -> List[str]:
        found = []
        for item in self._items[place + 1 : place + 1 + _AROUND]:
            if item.kind == "break":
                break
            found.append("#" if item.kind == "number" else "@" if item.kind == "code" else item.text)
        return found

    def _before(self, place: int) -> List[str]:
        """The words before, the nearest first."""
        found = []
        for item in reversed(self._items[max(0, place - _AROUND) : place]):
            if item.kind == "break":
                break
            if item.text != ":":
                found.append("#" if item.kind == "number" else "@" if item.kind == "code" else item.text)
        return found

    # --- money

    def _is_money(self, place: int) -> bool:
        item, after, before = self._items[place], self._after(place), self._before(place)
        if item.currency is not None:
            return True
        if after and (after[0] in about.CURRENCY_WORDS or after[0] in about.THOUSANDS_OF_PESOS):
            between_two = after[0] in about.BEFORE_A_SUM and after[1:2] == ["#"] and not self._unit_after(place + 2)
            return not (between_two and after[0] != "pesos")
        if after[:2] == ["de", "pesos"] or after[:2] == ["de", "dolares"]:
            return True
        if after[:2] == ["mexican", "pesos"] or after[:2] == ["argentine", "pesos"]:
            return True
        return bool(before) and before[0] in about.BEFORE_A_SUM

    def _unit_after(self, place: int) -> bool:
        after = self._after(place)
        return bool(after) and has_unit(after[0])

    def _currency(self, place: int) -> str:
        item, after, before = self._items[place], self._after(place), self._before(place)
        pesos = next((about.COUNTRY_OF_PESOS[word] for word in after[:3] if word in about.COUNTRY_OF_PESOS), "")
        iso = item.currency or next(
            (about.CURRENCY_WORDS[word] for word in after[:2] if word in about.CURRENCY_WORDS), ""
        )
        if not iso and before and before[0] in about.BEFORE_A_SUM:
            iso = about.CURRENCY_WORDS.get(before[0], "")
        return iso or pesos

    def _is_price(self, place: int) -> bool:
        item, after, before = self._items[place], self._after(place), self._before(place)
        if item.sign or item.pieces or item.value < _PRICE_FROM or after and after[0] in about.PIECES:
            return False
        if self._stocked and not self._words & _PRICE_OF_STOCK:
            return False
        skipped = [word for word in before if word not in _ARTICLES]
        asked_of = bool(skipped) and (
            skipped[0] in about.PRICE_BEFORE or tuple(skipped[1::-1]) in about.PRICE_BEFORE_TWO
        )
        if len(before) > 1 and (before[1], before[0]) in about.PRICE_BEFORE_TWO or asked_of:
            return not self._counts_goods(after) or item.value >= 100
        if after and (after[0] in about.PRICE_AFTER or tuple(after[:2]) in about.PRICE_AFTER_TWO):
            return True
        if self._words & about.PRICE and not self._counts_goods(after):
            return True
        if after and after[0] in about.SENT_AFTER:
            return True
        if item.value < 100:
            return False
        if after and after[0] in _EACH:
            return True
        if item.multiplied and not self._counts_goods(after) and len(self._items) > 1:
            return True
        if after and after[0] in about.SUM_LIKE and not (self._words & about.WANT and after[0] in {"ke", "के"}):
            return not item.pieces
        if self._parts and not self._counts_goods(after):
            return True
        closing = not after or after[0] in _CLOSING
        if before and before[0] in {"for", "por", "at", "@", "under", "a", "en"} and closing:
            return True
        return item.value >= 1000 and closing and bool(set(before[:2]) & {"of", "de", "cuesta", "is", "costs"})

    def _counts_goods(self, after: Sequence[str]) -> bool:
        return (
            bool(after)
            and after[0] not in about.NO_GOODS
            and after[0] not in _CLOSING
            and after[0] not in about.SETTING
        )

    # --- instalments

    def _is_instalments(self, place: int) -> bool:
        item, after, before = self._items[place], self._after(place), self._before(place)
        if item.value.denominator != 1 or not 1 <= item.value <= about.MOST_INSTALMENTS or item.sign or item.pieces:
            return False
        if after and after[0] in about.UNITS - about.MONTHS:
            return False
        if self._instalments_follow(after):
            return True
        if after and after[0] in about.MONTHS and not self._words & about.NO_FINANCING:
            paying = self._financed or bool(self._words & about.PAYING)
            spread = bool(before) and (before[0] in {"over", "across"} or before[0] == "a" and after[0] in _MESES)
            return paying or spread or int(item.value) in _USUAL_PLANS and len(self._items) <= 5
        if tuple(after[:2]) in about.WITHOUT_INTEREST or after[:2] == ["no", "cost"]:
            return True
        if after and after[0] in about.PARTS:
            return self._financed or bool(self._words & about.PAYING)
        if before and before[0] in {"in", "into", "en"} and not self._counts_goods(after):
            if set(before[1:4]) & (about.PAYING | about.DIVIDING) or before[0] == "en" and "cuanto" in before:
                return True
        skipped = [word for word in before if word not in about.AFTER_INSTALMENTS]
        named = bool(skipped) and skipped[0] in about.INSTALMENTS and len(before) - len(skipped) <= 2
        counted = any(word == "#" for word in before[1:3])  # "12 cuotas, 5 …": they have their number
        return named and not counted and not self._counts_goods(after)

    def _instalments_follow(self, after: Sequence[str]) -> bool:
        for word in after[:5]:
            if word in about.INSTALMENTS:
                return True
            if word not in about.BETWEEN_COUNT_AND_INSTALMENTS:
                return False
        return False

    # --- neither

    def _is_something_else(self, place: int) -> bool:
        """Whether a unit, a label, a date, a time or a range says that this number counts no goods and no money."""
        item, after, before = self._items[place], self._after(place), self._before(place)
        if item.pieces:
            return False
        if after and after[0] in about.UNITS | about.MONTHS and not self._measured_out(item, after):
            return True
        if after and after[0] in about.MONTH_NAMES or after[:1] == ["de"] and set(after[1:2]) & about.MONTH_NAMES:
            return True
        if after and (after[0] in about.ONES and item.value < 100 and not item.spoken):
            return False
        if before and before[0] in _ORDERS and self._counts_goods(after):
            return bool(self._words & _FOLLOWED)
        if before and (before[0] in about.LABELS or before[0] in about.MONTH_NAMES) and not item.multiplied:
            return not (after and after[0] in about.PIECES)
        if before and before[0] in _CLOCK and item.value <= 24:
            return True
        if before and before[0] in _OF and before[1:2] and before[1] in about.PACKED:
            return True
        if before[:1] == ["no"] or len(before) > 1 and before[0] in {"is", "es"} and before[1] in about.LABELS:
            return True
        if before[:2] == ["las", "a"] or before[:1] == ["el"] and not (after and after[0] in about.PIECES):
            return not self._stocked
        if item.text.isdigit() and 1900 <= item.value <= 2100 and before and before[0] in _YEARS:
            return True
        if len(after) > 1 and after[0] in about.RANGE_WORDS and after[1] == "#" and not self._unit_after(place):
            return after[0] not in {"y", "and", "a"} or bool(set(before[:1]) & {"de", "from", "between", "entre"})
        return len(before) > 1 and before[0] in {"se", "से", "to", "-", "hasta"} and before[1] == "#"

    def _measured_out(self, item: Item, after: Sequence[str]) -> bool:
        goods = after[0] in about.MEASURED_OUT and item.value.denominator == 1
        return goods and (after[1:2] in (["de"], ["of"]) or bool(self._words & about.WANT))

    # --- quantities

    def _strength(self, place: int) -> int:
        """How surely this number counts goods: 0 not at all, 5 by its very unit or sign."""
        item, after, before = self._items[place], self._after(place), self._before(place)
        if item.value.denominator != 1 or item.value > 10**9:
            return 0
        if item.sign or item.pieces or before and before[0] in about.COUNT_LABELS:
            return 5
        if after and (after[0] in about.PIECES or after[0] in about.PACKED):
            return 5
        if self._goods_then_number(before, after) or self._stocked and self._after_colon(place):
            return 4
        if item.weak:
            return self._one(before, after) if item.text not in _ARTICLES or set(before + after) & about.ALONE else 0
        if not item.spoken and item.value >= 100_000:
            return 0
        if before and before[0] not in about.OPENERS and before[0] not in about.ADD | about.TAKE | about.WANT:
            return 0
        if before[:1] == ["#"] or before[:1] == ["@"]:
            return 0
        wished = (
            self._words & (about.WANT | about.ADD | about.PLEASE | about.TAKE | about.LEFT)
            or self._stocked
            or self._carted
        )
        if self._counts_goods(after) or after[:1] in (["of"], ["de"]):
            return 3
        return 2 if wished else 0

    def _goods_then_number(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """``kurta 7 chahiye``, ``stock 35 kar do``, ``दुपट्टे १८ बचे हैं``: the goods stand first."""
        if before and before[0] in _TO and (self._stocked or self._words & _SET) and not self._counts_goods(after):
            return True
        if not after:
            return self._stocked and bool(before) and before[0] in about.STOCK | about.SETTING
        if after[0] in about.WANT | about.LEFT | about.ADD | about.TAKE and after[0] not in _TWO_SIDED:
            return True
        return (self._stocked or bool(self._words & about.HAVING)) and after[0] in about.SETTING

    def _after_colon(self, place: int) -> bool:
        return place > 0 and self._items[place - 1].text == ":"

    def _one(self, before: Sequence[str], after: Sequence[str]) -> int:
        """``just one lamp``; "that one", "una" and the like say nothing."""
        if set(before[:2]) & about.ALONE or set(after[:3]) & about.ALONE:
            return 3
        if before and (before[0] in about.ORDERED or before[0] not in about.OPENERS):
            return 0
        if set(before) & (about.TAKE | about.ADD) and self._counts_goods(after):
            return 3
        return 3 if self._counts_goods(after) and self._words & about.WANT else 0

    def _sense(self, place: int) -> str:
        sign = self._items[place].sign
        if sign:
            return sign
        if self._carted and not self._stocked:
            return "-" if self._words & about.TAKE else ""
        taking = self._words & about.TAKE
        adding = self._words & about.ADD - (frozenset() if self._stocked else about.ADD_ONLY_TO_STOCK)
        if self._words & about.MORE and (self._stocked or self._words & about.ADD):
            adding = adding | (self._words & about.MORE)
        left = bool(self._words & about.LEFT)
        if self._asks():
            return ""
        if self._is_set(place):
            return "="
        if left and not taking - {"restan"} or self._words & about.HAVING:
            return "="
        if taking and not (adding - {"come", "aur", "mas", "more"}):
            return "-"
        if adding:
            return "+" if not taking else "-"
        if self._stocked and (self._words & about.SETTING or len(self._counted) == 1):
            return "="
        return ""

    def _is_set(self, place: int) -> bool:
        """``stock 0 karo``, ``set jute bags to 45``: the number stands where the new stock does."""
        after, before = self._after(place), self._before(place)
        if self._stocked and self._after_colon(place):
            return True
        if after and after[0] in about.SETTING and set(before) & (about.STOCK | about.SETTING):
            return not set(after[1:3]) & about.ADD
        return before[:1] != [] and before[0] in _TO and bool(self._words & _SET) and not self._words & about.RANGES

    def _asks(self) -> bool:
        """Whether it is a customer's question for goods, to which nothing is added."""
        asked = self._words & _ASKING or {"you", "have"} <= self._words or {"u", "have"} <= self._words
        return bool(asked) and not self._words & (about.TAKE | about.LEFT)


_ARTICLES = {
    "a", "an", "the", "of", "only", "just", "at", "to", "is", "un", "unos", "de", "en", "como", "es", "solo", "los",
    "las", "el", "ka", "ki", "ke", "ko", "का", "की", "को", "के", "sirf", "it", "my", "for", "por", "set", "son", "lo",
    "la", "les", "by", "was", "be", "hai",
}  # fmt: skip
_CLOSING = {
    "please", "pls", "plz", "only", "each", "max", "maximum", "ok", "okay", "or", "per", "apiece", "total", "c", "cada",
    "por", "favor", "maximo", "se", "mil", "chalega", "doge", "denge", "kar", "karo", "karna", "set", "rakho", "rakh",
    "hai", "tak", "me", "mein", "में", "है", "कर", "करो", "तक", "now", "ahora", "today", "yesterday", "ayer", "hoy",
    "limit", "budget", "by", "via", "through", "received", "in", "over", "across", "en", "a", "ko", "को", "with", "con",
    "thanks", "gracias", "is", "are", "es", "bhai", "ji", "i", "for", "to",
}  # fmt: skip
_SET = {
    "set", "change", "update", "make", "correct", "pon", "pone", "poner", "deja", "dejalo", "fija", "actualiza",
    "actualizar", "cambia", "cambiar", "corrige", "corregi", "fijar", "sets",
}  # fmt: skip
_CLOCK = {"at", "till", "until", "after", "before"}
_OF = {"of", "de"}
_FOLLOWED = {"status", "track", "tracking", "where", "estado", "llego", "kahan", "kaha", "kab", "कब", "कहाँ", "कहां"}
_ORDERS = {"order", "pedido", "ऑर्डर"}
_PRICE_OF_STOCK = about.PRICE - {"total", "value", "limit", "amount", "sent", "valor", "sale", "diye", "monto"}
_USUAL_PLANS = {6, 9, 12, 18, 24, 36, 48, 60}  # months that nothing else is said with so shortly
_EACH = {"each", "apiece", "per", "cada", "c"}
_MESES = {"meses", "mes", "mesecitos"}
_YEARS = {"in", "since", "en", "desde", "del", "year", "ano", "anio", "from", "of", "san", "mein", "around", "de"}
_TO = {"to", "a", "en", "at", "is", "es", "son", "=", ":", "are", "me", "hai"}
_TWO_SIDED = {"order", "book", "more", "mas", "aur", "kam", "come", "hold", "like", "get", "set", "gone", "put", "raha"}
_ASKING = {"tenes", "tienes", "tienen", "disponible", "disponibles", "available", "availble", "उपलब्ध"}
