"""Cuts a text into words, numbers and what is neither, for ``figures``: number words, dozens and pairs joined."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Iterator, List, Optional, Sequence, Tuple

from mostrador.nlu import figure_words as about
from mostrador.nlu import number_words as spelt
from mostrador.nlu.counts import NumberInWords, Token
from mostrador.nlu.number_words import known
from mostrador.nlu.text import plain

_LARGEST = 10**12

_MARKS = re.compile(r"(?<!\d)[.,](?!\S)|(?<=\d)[.,](?!\d)|(?<!\d),|,(?!\d)|[;।•|!?()\[\]{}<>\"“”«»…¡¿*_~\n\r\t]")
_SHORT_FORMS = re.compile(r"(?<!\S)(rs|re|inr|no|nos|nro|qty|cant|approx|aprox|usd|रु|रू)\.")
_APOSTROPHES = re.compile("['’‘`´]")
_SLASH_DASH = re.compile(r"(?<=\d)\s?/[-=](?!\d)")
_AT = re.compile(r"(?<!\S)@\s?(?=\d)")  # each: "100 bags @ 12"
_SIGN = re.compile(r"(?<!\S)([+=])\s?(?=\d)|(?:(?<=; )|^)(-)\s?(?=\d)")
_CURRENCY = "|".join(sorted(map(re.escape, about.CURRENCY_SIGNS), key=len, reverse=True))
_NUMBER = re.compile(rf"([+\-=]?)({_CURRENCY})?([+\-]?)(\d[\d.,]*)([^\d\s]{{0,24}})")
_TIMES = re.compile(r"[x×](\d{1,6})")
_GLUED_SIGN = re.compile(r"[^\W\d_]+([+=])(\d{1,6})")
_HALF = re.compile(r"(?<!\S)(?:1[/\u2044]2|½)(?=\s?(?:do[cz]|dar[jz]|दर))")
_DIGITS = re.compile(r"\d")


@dataclass
class Item:
    """A word, a number, an opaque piece such as a code, or a break between clauses."""

    kind: str  # word | number | code | break
    text: str = ""
    value: Fraction = Fraction(0)
    sign: str = ""
    tail: str = ""  # the unit glued to a number: pcs, emi
    currency: Optional[str] = None  # of a sum; empty for one without an ISO code
    spoken: bool = False  # in words
    multiplied: bool = False  # by a thousand or the like
    weak: bool = False  # one, un, ek
    pieces: bool = False  # dozens and pairs, which count goods
    money: bool = False  # lucas and palos, which count pesos
    nothing: bool = False  # "sold out", "agotado": the number nought in other words


def items_of(text: str) -> List[Item]:
    """The items of ``text`` in its order, each number with its multipliers, dozens and pairs made into one."""
    items = [item for chunk in _prepared(text).split() for item in _chunk(chunk)]
    return _ends_marked(_sums_marked(_hundreds_heard(_numbers_joined(_slang_spelt_out(items)))))


def number_value(digits: str) -> Optional[Fraction]:
    """The number written with these digits, points and commas ("1.234,50", "1,234.50", "1,00,000"); None for no number.

    The last of two different marks parts the decimals. One mark alone groups when three digits follow it, and parts
    decimals when one or two do.
    """
    marks = re.findall("[.,]", digits)
    parts = re.split("[.,]", digits)
    if not all(parts) or sum(map(len, parts)) > 15:
        return None
    decimals = ""
    if len(set(marks)) == 2 and marks.count(marks[-1]) == 1 or len(marks) == 1 and len(parts[-1]) != 3:
        decimals = parts.pop()
    elif len(marks) == 1 and (parts[0].startswith("0") or len(parts[0]) > 3):
        return None
    groups = parts[1:]
    if len(decimals) > 3 or len(set(marks[: len(groups)])) > 1:
        return None
    if groups and (len(groups[-1]) != 3 or len(parts[0]) > 3 or {len(group) for group in groups[:-1]} - {2, 3}):
        return None
    return Fraction("".join(parts)) + (Fraction(int(decimals), 10 ** len(decimals)) if decimals else 0)


# --- from characters to items -----------------------------------------------------------------------------------------


def _prepared(text: str) -> str:
    text = "".join(map(_one, unicodedata.normalize("NFKC", text)))
    text = _APOSTROPHES.sub("", plain(text))
    text = _HALF.sub("half ", text)
    text = _AT.sub(" at ", text)
    text = _SLASH_DASH.sub(" /- ", _SHORT_FORMS.sub(r"\1 ", text))
    text = _MARKS.sub(" ; ", text).replace("&", " and ")
    return _SIGN.sub(lambda match: match.group(1) or match.group(2), text.strip())


def _one(character: str) -> str:
    if character in "−–—﹣－‐‑":
        return "-"
    return str(unicodedata.digit(character)) if character.isdigit() else character


def _chunk(chunk: str) -> Iterator[Item]:
    if chunk == ";":
        yield Item("break")
        return
    if not _DIGITS.search(chunk):
        yield from _words(chunk)
        return
    chunk = chunk.strip(":.,'\"")
    match = _NUMBER.fullmatch(chunk.rstrip("-/=+").lstrip(":"))
    times, glued = _TIMES.fullmatch(chunk), _GLUED_SIGN.fullmatch(chunk)
    if match:
        yield from _number(match, chunk)
    elif times:
        yield Item("word", "x")
        yield Item("number", times.group(1), Fraction(int(times.group(1))))
    elif glued:
        yield Item("number", glued.group(2), Fraction(int(glued.group(2))), glued.group(1))
    else:
        yield from _named(chunk)


def _words(chunk: str) -> Iterator[Item]:
    bare = chunk.strip(":.,")
    if bare in about.CURRENCY_WORDS or bare in {"+", "=", "x", "×", "-"}:
        yield Item("break" if bare == "-" else "word", bare)
        return
    for part in re.split(r"[-/:.,=+]", chunk):
        if any(map(str.isalnum, part)):
            yield from (Item("word", spelt.as_listed(word)) for word in spelt.parted(part))
    if chunk.endswith(":"):
        yield Item("word", ":")


def _named(chunk: str) -> Iterator[Item]:
    """``qty:5`` and ``rs:500`` are a word and a number; anything else with digits in it is a code."""
    before, colon, after = chunk.partition(":")
    if colon and before and after and not _DIGITS.search(before) and ":" not in after:
        yield from _words(before)
        yield from _chunk(after)
    else:
        yield Item("code", chunk)


def _number(match: "re.Match[str]", chunk: str) -> Iterator[Item]:
    sign, currency, inner, digits, tail = match.groups()
    digits, tail = digits.rstrip(".,"), tail.strip(".,-:/")
    value = number_value(digits)
    too_long = not currency and digits.isdigit() and len(digits) > 9
    padded = digits[:1] == "0" and digits.isdigit() and len(digits) > 3
    if value is None or too_long or padded:
        yield Item("code", chunk)
        return
    item = Item(
        "number", digits if digits.isdigit() or value.denominator > 1 else str(value.numerator), value, sign or inner
    )
    if currency is not None:
        item.currency = about.CURRENCY_SIGNS[currency]
    if not tail:
        yield item
    elif tail in {"k", "mil", "cr", "lac", "lakh", "l"} or tail in spelt.MULTIPLIERS or tail in spelt.DOZEN:
        yield item
        yield Item("word", {"k": "thousand", "l": "lakh" if value < 100 and currency else "l"}.get(tail, tail))
    elif tail in about.CURRENCY_WORDS or tail in about.CURRENCY_SIGNS:
        item.currency = item.currency or about.CURRENCY_WORDS.get(tail) or about.CURRENCY_SIGNS.get(tail) or ""
        yield item
    elif tail in about.PIECES | about.INSTALMENTS | about.MONTHS | about.PAIRS or tail == "x":
        yield item
        yield Item("word", "pcs" if tail == "x" else tail)
    elif tail in about.ORDINAL_TAILS or tail == "%" or item.sign or item.currency is not None:
        yield Item("code", chunk)
    elif "-" in tail and set(tail.split("-")) & (about.INSTALMENTS | about.MONTHS):
        yield item
        yield from (Item("word", part) for part in tail.split("-") if part)
    else:
        yield Item("code", chunk)


# --- from words to numbers --------------------------------------------------------------------------------------------


def _numbers_joined(items: Sequence[Item]) -> List[Item]:
    """The items with each number, its multipliers, dozens and pairs made into one."""
    hindi, spanish = _whose_words(items)
    usable = [_may_be_number(items, place, hindi, spanish) for place in range(len(items))]
    found: List[Item] = []
    place = 0
    while place < len(items):
        begins = items[place].kind == "number" or items[place].text in spelt.BEGINS_A_NUMBER
        number, end = _number_at(items, place, usable) if begins else (None, place)
        if number is None or end == place:
            found.append(items[place])
            place += 1
            continue
        made = _made(items[place:end], number)
        if end < len(items) and items[end].kind == "word" and items[end].text in about.PAIRS:
            if items[end].text != "par" or spanish or not hindi:
                made.pieces, made.value = True, made.value * 2
                made.weak = False
                end += 1
        found.append(made)
        place = end
    return _pairs_and_singles(_phones_hidden(_groups_joined(found)), spanish or not hindi)


def _whose_words(items: Sequence[Item]) -> Tuple[bool, bool]:
    words = {item.text for item in items if item.kind == "word"}
    hindi = bool(words & about.HINDI) or any("\u0900" <= text[:1] <= "\u097f" for text in words)
    spanish = len(words & about.SPANISH) > (1 if hindi else 0)
    return hindi and not (spanish and not words & about.HINDI - {"de", "y"}), spanish


def _may_be_number(items: Sequence[Item], place: int, hindi: bool, spanish: bool) -> bool:
    """Whether the item may stand in a number at all; some number words are other words more often."""
    item = items[place]
    if item.kind != "word":
        return item.kind == "number"
    after = items[place + 1].text if place + 1 < len(items) else ""
    before = items[place - 1].text if place else ""
    word = item.text
    if word in _DO:
        return _is_two(items, place, before, after, hindi)
    if word in spelt.FRACTIONS or word in spelt.MORE_OR_LESS:
        return _multiplied_soon(items, place)
    if word in about.SPANISH_DOUBTFUL and word in {"mil", "miles", "once", "dies"}:
        numeric = items[place - 1].kind == "number" if place else False
        lonely = not hindi and (word == "mil" or word == "once" and _not_english(items))
        return (spanish or numeric or lonely) and not (hindi and after in _MILNA)
    if word in about.HINDI_DOUBTFUL:
        if word in {"saath", "sath"} and before in {"ke", "k", "mere", "hamare"}:
            return False
        counted = after in spelt.MULTIPLIERS or after in spelt.DOZEN or has_unit(after) or after in about.PAIRS
        whose = hindi or not spanish and (counted or word != "che" and _not_english(items))
        return whose and (word != "ek" or after not in about.ONES)
    return True


_DO = {"do", "दो"}
_MILNA = known("jaye jayega jayenge jaenge jayengi jaega jayegi jaegi jae sakta sakti sakte raha rahi gaya gayi gaye")


def _not_english(items: Sequence[Item]) -> bool:
    return not any(item.text in about.ENGLISH for item in items if item.kind == "word")


def _is_two(items: Sequence[Item], place: int, before: str, after: str, hindi: bool) -> bool:
    if before in about.VERB_STEMS:
        return False
    if not after or items[place + 1].kind != "word":  # "कुकर 5 लीटर दो"; but "20 pcs do" is "give"
        return hindi and bool(before) and items[place - 1].kind == "word" and not has_unit(before)
    if after in spelt.MULTIPLIERS or after in spelt.DOZEN or has_unit(after) or after in about.PACKED | about.PAIRS:
        return True
    return hindi and after not in _NOT_AFTER_TWO


_NOT_AFTER_TWO = known("na please plz pls bhai yaar ji you u i we they have not hai mujhe mere ना भाई जी प्लीज है मुझे")


def _multiplied_soon(items: Sequence[Item], place: int) -> bool:
    """Whether a hundred, a dozen or the like follows within two words."""
    near = [item.text for item in items[place + 1 : place + 4] if item.kind == "word"]
    return any(word in spelt.MULTIPLIERS or word in spelt.DOZEN for word in near)


def _number_at(items: Sequence[Item], place: int, usable: Sequence[bool]) -> Tuple[NumberInWords, int]:
    """The longest number that begins at ``place``; but "five thousand three instalments" are three."""
    number, end = _longest_number(items, place, usable)
    last, after = items[end - 1].text, items[end].text if end < len(items) else ""
    if end - place > 1 and after in _PAID_IN and (last in spelt.UNITS or last in spelt.WHOLE):
        if number.value > _MANY_INSTALMENTS and items[end - 2].text in spelt.MULTIPLIERS.keys() | spelt.HUNDREDS.keys():
            return _longest_number(items[: end - 1], place, usable)
    return number, end


_PAID_IN = about.INSTALMENTS | about.MONTHS | about.PARTS | {"baar", "बार"}
_MANY_INSTALMENTS = 120


def _longest_number(items: Sequence[Item], place: int, usable: Sequence[bool]) -> Tuple[NumberInWords, int]:
    number = NumberInWords()
    end = place
    while end < len(items) and usable[end]:
        if end > place and items[place].kind == "number" and items[end].text in spelt.UNITS:
            break  # "the 35k one"
        if not number.take(_token(items[end])):
            break
        end += 1
        after = items[end + 1].text if end + 1 < len(items) and usable[end + 1] else None
        word = items[end].text if end < len(items) and items[end].kind == "word" else ""
        halves = [item.text for item in items[end + 1 : end + 3]]
        if word in {"and", "y"} and (halves[:1] and halves[0] in spelt.HALF_AFTER or halves == ["a", "half"]):
            if number.ends_in_dozen:
                number.add_half_a_dozen()
            elif not number.add_half():
                break
            end += 3 if halves[0] == "a" else 2
        elif word and number.links(word, after):
            end += 1
    return number, end


def _token(item: Item) -> Token:
    if item.kind == "word":
        return Token("word", item.text)
    if item.value.denominator == 1:
        return Token("count", item.text, int(item.value))
    return Token("bad", f"{float(item.value):.2f}".rstrip("0"))


def _made(parts: Sequence[Item], number: NumberInWords) -> Item:
    first = parts[0]
    texts = [part.text for part in parts]
    currency = next((part.currency for part in parts if part.currency is not None), None)
    value = number.value if number.whole and len(parts) > 1 or first.kind == "word" else first.value
    if not number.whole:
        return Item("code", " ".join(texts))
    return Item(
        "number",
        " ".join(texts),
        min(value, Fraction(_LARGEST)),
        first.sign,
        currency=currency,
        spoken=first.kind == "word",
        multiplied=texts[-1] in spelt.MULTIPLIERS,
        weak=len(texts) == 1 and texts[0] in _ONE,
        pieces=any(text in spelt.DOZEN for text in texts),
        money=any(part.money for part in parts),
    )


_ONE = {"one", "un", "una", "uno", "ek", "एक"}


def _pairs_and_singles(items: Sequence[Item], pairs_said: bool) -> List[Item]:
    """``a pair of speakers`` is two, ``a single instalment`` one."""
    found: List[Item] = []
    for place, item in enumerate(items):
        word = item.text if item.kind == "word" else ""
        if word in about.PAIRS | about.COUPLE and pairs_said and _of_goods(items, place):
            item = Item("number", word, Fraction(2), spoken=True, pieces=True)
        elif word in about.ALL_AT_ONCE and _is_one_payment(items, place):
            item = Item("number", word, Fraction(1), spoken=True)
        found.append(item)
    return found


def _is_one_payment(items: Sequence[Item], place: int) -> bool:
    """Whether "single" or the like counts the payments: "in a single instalment", "cuota única"."""
    before, _, after = [Item("break"), *items, Item("break")][place : place + 3]
    if before.kind == "number":
        return False
    return after.text in about.INSTALMENTS or before.text in about.INSTALMENTS and after.kind != "number"


def _of_goods(items: Sequence[Item], place: int) -> bool:
    after = [item.text for item in items[place + 1 : place + 2]]
    said = place > 0 and items[place - 1].text == "a"
    return said or after in (["of"], ["de"]) or not after or items[place + 1].kind == "break"


def _slang_spelt_out(items: Sequence[Item]) -> List[Item]:
    """``20 lucas`` as twenty thousand, ``medio palo`` as half a million, ``pachees so`` as 2,500."""
    found = list(items)
    for place, item in enumerate(items):
        large = about.SLANG.get(item.text) if item.kind == "word" else None
        if large is None and place and item.kind == "word" and _multiplies(items, place):
            found[place] = Item("word", {"so": "sau", "k": "thousand"}[item.text])
        before = items[place - 1] if place else Item("break")
        after = [other.text for other in items[place + 1 : place + 3]]
        counted = before.kind == "number" or before.text in about.BEFORE_SLANG
        if large and (counted or after in (["y", "media"], ["y", "medio"])):
            found[place] = Item("word", large, money=True)
    return found


def _multiplies(items: Sequence[Item], place: int) -> bool:
    """Whether a word that is mostly another is sau or thousand here: "pachees so", "2 k ke andar"."""
    before, after = items[place - 1], items[place + 1].text if place + 1 < len(items) else ""
    if items[place].text == "so":
        return before.text in spelt.HINDI_TO_NINETY_NINE
    numeric = before.kind == "number" or before.text in spelt.TENS or before.text in spelt.WHOLE
    return items[place].text == "k" and numeric and after in _AFTER_K


_AFTER_K = about.SUM_LIKE | about.PRICE_AFTER | about.CURRENCY_WORDS.keys() | {""}


def _hundreds_heard(items: Sequence[Item]) -> List[Item]:
    """``four fifty`` is 450 and ``seventeen fifty`` 1750, as prices and counts are said in India."""
    found: List[Item] = []
    for item in items:
        last = found[-1] if found else None
        tens = item.text.split(" ")[0] in spelt.ENGLISH_TENS and item.value < 100
        if last is not None and last.text in _SAID_FOR_HUNDREDS and tens:
            last.value, last.text, last.weak = last.value * 100 + item.value, f"{last.text} {item.text}", False
        else:
            found.append(item)
    return found


_SAID_FOR_HUNDREDS = frozenset(spelt.ENGLISH_TO_NINETEEN) - {"ten"}


def _sums_marked(items: Sequence[Item]) -> List[Item]:
    """The items with the currency of each number that a word for money stands beside: "500 rupees", "Rs 500"."""
    before = Item("break")
    for place, item in enumerate(items):
        after = [other.text if other.kind == "word" else "" for other in items[place + 1 : place + 5]]
        if item.kind == "number" and not item.nothing:
            found = _currency_after(after, _is_sum_of_its_own(items, place + 2))
            taken = place > 1 and items[place - 2].kind == "number" and items[place - 2].currency is not None
            if not found and before.kind == "word" and before.text in about.BEFORE_A_SUM and not taken:
                found = about.CURRENCY_WORDS[before.text]
            if found is None and (item.money or item.currency is not None):
                found = ""
            if found is not None:
                country = next(
                    (about.COUNTRY_OF_PESOS[word] for word in after[:3] if word in about.COUNTRY_OF_PESOS), ""
                )
                item.currency = item.currency or found or country
        before = item
    return list(items)


def _is_sum_of_its_own(items: Sequence[Item], place: int) -> bool:
    """Whether a currency before the number at ``place`` is its own: "20 pcs Rs 500"; not "62000 rs 20 kist"."""
    after = items[place + 1].text if place + 1 < len(items) else ""
    return place < len(items) and items[place].kind == "number" and after not in about.INSTALMENTS


def _currency_after(after: Sequence[str], then_a_number: bool) -> Optional[str]:
    """The currency that the words after a number name, empty for one without an ISO code; None where they name none."""
    words = [word for word in after if word not in {"us", "american", "अमेरिकी", "अमरीकी", "only"}] if after else []
    if words[:1] == ["de"]:
        words = words[1:] if words[1:2] and words[1] in {"pesos", "dolares", "euros", "guaranies"} else []
    elif words and words[0] in about.COUNTRY_OF_PESOS:
        words = words[1:]
    if words[:1] == ["/-"] and words[1:2] and words[1] in about.CURRENCY_WORDS:
        words = words[1:]
    if not words or words[0] not in about.CURRENCY_WORDS:
        return None
    if words[0] in about.BEFORE_A_SUM and words[0] not in _AFTER_THEIR_SUM and then_a_number:
        return None  # "20 pcs Rs 500"
    return about.CURRENCY_WORDS[words[0]]


_AFTER_THEIR_SUM = known("pesos rupees रुपये रुपए")  # nearly always


def _ends_marked(items: Sequence[Item]) -> List[Item]:
    """The items with a nought where words say that there is nothing left: "agotado", "ek bhi nahi", "ni uno"."""
    found: List[Item] = []
    for item, after in zip(items, [*items[1:], Item("break")]):
        found.append(item)
        if item.weak and (after.text in {"bhi", "भी"} or len(found) > 1 and found[-2].text in {"ni", "not"}):
            item.value, item.nothing = Fraction(0), True
        elif item.kind == "word" and (item.text in about.NOTHING or (item.text, after.text) in about.NO_MORE):
            found.append(Item("number", item.text, Fraction(0), spoken=True, nothing=True))
    return found


def _groups_joined(items: Sequence[Item]) -> List[Item]:
    """``15 000 pesos`` and ``$ 1 200``: groups parted by a space, where money is spoken of."""
    found: List[Item] = []
    for item, after in zip(items, [*items[1:], Item("break")]):
        last = found[-1] if found else None
        before = found[-2].text if len(found) > 1 else ""
        if (
            last is not None
            and _plain_digits(last)
            and _plain_digits(item)
            and len(item.text) == 3
            and 0 < last.value < 1000
            and (
                last.currency is not None
                or item.currency is not None
                or before in about.BEFORE_A_SUM
                or after.text in about.CURRENCY_WORDS
                or item.text == "000"
            )
        ):
            last.value, last.text = last.value * 1000 + item.value, last.text + item.text
        else:
            found.append(item)
    return found


def _plain_digits(item: Item) -> bool:
    return item.kind == "number" and item.text.isdigit() and item.value.denominator == 1


def _phones_hidden(items: Sequence[Item]) -> List[Item]:
    """The items with neighbouring runs of digits that make a telephone number as codes."""
    found = list(items)
    place = 0
    while place < len(found):
        end = place
        while end < len(found) and found[end].kind in {"number", "code"} and not found[end].spoken:
            end += 1
        run = found[place:end]
        digits = sum(len(_DIGITS.findall(item.text)) for item in run)
        dialled = bool(run) and (run[0].sign == "+" or run[0].text.startswith("+"))
        bare = all(item.currency is None and (dialled or len(_DIGITS.findall(item.text)) > 1) for item in run)
        bare = bare and not any(map(str.isalpha, "".join(item.text for item in run)))  # "600x600 90 boxes"
        if len(run) > 1 and digits >= 8 and bare and not (end < len(found) and has_unit(found[end].text)):
            found[place:end] = [Item("code", item.text) for item in run]
        place = end + 1
    return found


def has_unit(word: str) -> bool:
    return word in about.PIECES | about.INSTALMENTS | about.MONTHS or word in about.CURRENCY_WORDS
