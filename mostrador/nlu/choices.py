"""Which place of a numbered list an answer names: "2", "the second one", "el último", "dusra wala", "option 3", "2️⃣"."""

from __future__ import annotations

import re
from typing import Dict, Optional, Set

from mostrador.nlu.counts import LONGEST
from mostrador.nlu.number_words import TENS, UNITS, WHOLE, known
from mostrador.nlu.text import plain, tokens

_LAST, _BUT_LAST = -1, -2
_ORDINALS: Dict[str, int] = {
    word: place
    for place, words in {
        1: "first 1st primero primera primer pehla pehli pehle pahla pahli pahle पहला पहली पहले",
        2: "second 2nd segundo segunda dusra dusri dusre doosra doosri doosre दूसरा दूसरी दूसरे",
        3: "third 3rd tercero tercera tercer teesra teesri teesre tisra tisri tisre तीसरा तीसरी तीसरे",
        4: "fourth forth 4th cuarto cuarta chautha chauthi chauthe चौथा चौथी चौथे",
        5: "fifth quinto quinta paanchva paanchvi panchva panchvi paanchwa paanchwi पांचवा पाँचवाँ पांचवां पांचवीं पाँचवीं",
        6: "sixth sexto sexta chhatha chhathi chhatva छठा छठी छठवां",
        7: "seventh septimo septima saatva saatvi satva सातवां सातवीं सातवा",
        8: "eighth octavo octava aathva aathvi आठवां आठवीं आठवा",
        9: "ninth noveno novena nauva nauvi नौवां नौवीं नौवा",
        10: "tenth decimo decima dasva dasvi दसवां दसवीं दसवा",
        _LAST: "last final ultimo ultima aakhri akhri aakhiri akhiri aakri antim आखिरी आख़िरी अंतिम",
        _BUT_LAST: "penultimate penultimo penultima anteultimo anteultima",
    }.items()
    for word in known(words)
}
_NUMBERS = {**UNITS, **TENS, **WHOLE}
_ORDINAL_DIGITS = re.compile(
    r"(\d{1,3})(?:st|nd|rd|th|o|a|ro|ra|do|da|er|to|ta|va|vi|wa|wi|ri|la|li|रा|री|था|थी|वां|वीं|ला|ली)"
)
_NAMED_BY = known("number no num option opcion numero nro choice item position नंबर विकल्प ऑप्शन नम्बर")
_SAID_WITH = known(
    """
    the one ones please pls plz i want take will give me that this is it yes ok okay from list of in go with choose pick
    select select number no num option choice item position mine my ill id like would on to thanks
    el la los las lo de quiero dame elijo llevo me esa ese eso si por favor porfa opcion numero nro lista prefiero seria
    con ok va dale gracias para mi mejor que
    wala wali wale vala vali number nambar option chahiye de do dena dijiye kar karo ji haan han bhai wahi yahi ye yeh
    wo woh hai mujhe lena lunga lungi le lo list me mein se ka ki ke ko
    वाला वाली वाले नंबर नम्बर विकल्प ऑप्शन चाहिए दे दो दीजिए कर करो जी हां हाँ वही यही ये यह वो वह है मुझे लेना लूंगा ले लो
    में से का की के को
    """
)
_ONE_OF_THEM = known("one uno una un ek एक do दो")
"""Numbers that are fillers, too ("the one", "de do"): they name a place alone, or after "option" and the like."""
_MARKS = re.compile("[\u20e3#().:,!¡।]")
_APOSTROPHES = re.compile("['’]")


def place_named(text: str, count: int) -> Optional[int]:
    """The place from 0 in a list of ``count`` that ``text`` names and says nothing else; None for none, or for two."""
    if len(text) > LONGEST:
        return None
    words = tokens(_MARKS.sub(" ", _APOSTROPHES.sub("", plain(_plain_digits(text)))))
    places: Set[int] = set()
    for before, word in zip(["", *words], words):
        place = _place(word, before, alone=len(words) == 1)
        if place is not None:
            places.add(count + place if place < 0 else place - 1)
        elif word not in _SAID_WITH:
            return None
    found = places.pop() if len(places) == 1 else None
    return found if found is not None and 0 <= found < count else None


def _place(word: str, before: str, alone: bool) -> Optional[int]:
    """The place from 1 that a word names, negative when counted from the end."""
    digits = _ORDINAL_DIGITS.fullmatch(word)
    if digits or word.isdecimal() and len(word) <= 3:
        return int(digits.group(1) if digits else word)
    if word in _NUMBERS and (word not in _ONE_OF_THEM or alone or before in _NAMED_BY):
        return _NUMBERS[word]
    return _ORDINALS.get(word)


def _plain_digits(text: str) -> str:
    return "".join(str(int(character)) if character.isdecimal() else character for character in text)
