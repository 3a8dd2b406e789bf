"""Reads why somebody does not want to restock out of what they wrote, in English, Spanish and Hindi."""

from __future__ import annotations

import re
from typing import Mapping, Optional, Pattern

from mostrador.nlu.text import normalise, tokens
from mostrador.shop.rejections import LONGEST_WORDS, REASONS, Reason

LATER = "later"
"""What stands in place of a reason when the person only wants to wait."""

# In the order in which they are looked for: "can't get the cloth any more" is about the cloth.
_WORDS: Mapping[str, str] = {
    LATER: r"""
        not now|for now|some other time|another time|(next|this) (week|month|year)|snooze|remind|pause|later
        |\bmute\b|\bhid(e|ing)\b|on hold|\baside\b|until|keep quiet
        |(for|in) (a|an|one|two|three|some|\d+) (week|month|day|while|time)
        |ahora no|por ahora|mas adelante|despues|luego|otro dia|pausa|recuerd|semana que viene|mes que viene
        |silenci|ocult|en espera|hasta (que|el|la)|este mes|esta semana
        |(un|una|dos|tres|\d+) (semana|mes\b|meses|tiempo|dia)
        |बाद में|अभी नहीं|अगले (हफ्ते|महीने|साल)|याद दिला|फिर कभी|baad me|abhi nah|agle (hafte|mahine|saal)|yaad dila
        |रोक|छुपा|छिपा|अलग रख|कुछ दिन|(हफ्ते|महीने|दिन|जब) (तक|बाद)|इस (हफ्ते|महीने)
        |\brok\b|chh?upa|alag rakh|kuch din|(hafte|mahine|din|jab) (tak|baad)|is (hafte|mahine)
    """,
    "no_material": r"""
        material|fabric|cloth|yarn|thread|leather|wood\b|ingredient|raw |(can'?t|can ?not|could not) (get|find|buy)
        |\btelas?\b|insumo|hilo|cuero|madera|materia prima|no (la |lo |las |los )?consig|proveedor
        |कपड|कच्चा|सामग्री|मटेरियल|धाग|लकड़|चमड़|माल नहीं मिल|kapd|kach?cha|dhag|lakdi|chamd|maal nah?i? ?mil
    """,
    "season_over": r"""
        season|winter|summer|monsoon|festival|christmas|diwali
        |temporada|invierno|verano|navidad|fiestas
        |सीजन|मौसम|सर्दी|गर्मी|त्योहार|दिवाली|mausam|sardi|garmi|tyo?har
    """,
    "not_worth_it": r"""
        price|profit|margin|worth|expensive|costly|too cheap|doesn'?t (sell|pay)|not? sell|nobody buys|no demand
        |precio|convien|no vale|caro\b|cara\b|margen|gananci|no deja|no se vend|no rinde|costo
        |दाम|कीमत|फायद|मुनाफ|नुकसान|महंग|सस्त|नहीं बिक|मांग नहीं
        |daam|keemat|kimat|fa[iy]da|munafa|nuksan|meh?ang|mah?ang|nahi bik
    """,
    "wrong_suggestion": r"""
        wrong|mistake|not mine|isn'?t mine|not my (product|item)|never (sold|had|made)|don'?t sell (this|that|it)
        |equivoc|no es mi[oa]|no son mi[oa]s|un error|nunca (lo|la|los|las)? ?(vend|tuv|hic)
        |गलत|मेरा नहीं|मेरी नहीं|मेरे नहीं|galat|mer[aei] nahi
    """,
    "not_made": r"""
        no longer|any ?more|stopped|discontinued?|(not|don'?t|never|won'?t|quit) (ma[dk]e|making|produc|sew|do it)
        |out of production
        |ya no|dej(e|amos|o) de|de[sj]?[ck]?ontinu|no (lo|la|los|las) (hago|hacemos|fabric|trabaj)|no (hago|fabric)
        |नहीं बना|नहीं बन|बनाना (बंद|छोड़)|बनाते नहीं|बंद कर
        |nah?i[n]? ?ban|banana (band|chhod)|banate nah|band (kar|ho|hai)
    """,
}
_PATTERNS: Mapping[str, Pattern[str]] = {
    code: re.compile(normalise("".join(line.strip() for line in words.splitlines()))) for code, words in _WORDS.items()
}
_LEAST_LETTERS = 3  # "ok" and "no" say nothing of why


def named_reason(text: str) -> Optional[str]:
    """The code of REASONS, or LATER, that these words speak of; None when they speak of none."""
    plain = normalise(text).replace("’", "'")
    return next((code for code, pattern in _PATTERNS.items() if pattern.search(plain)), None)


def read_reason(text: str) -> Optional[Reason]:
    """The reason in an answer: its number in the list, words of a listed one, else the person's own words.

    ``words`` keep what was written, in one line, cut to LONGEST_WORDS characters. LATER is a possible code. None for
    what says nothing, such as a number beyond the list, an emoji or a bare sign.
    """
    written = " ".join(text.split())
    if re.fullmatch(r"\d{1,3}[.)]?", written):
        number = int(re.sub(r"\D", "", written))
        offered = (*REASONS, LATER)
        return Reason(offered[number - 1]) if 1 <= number <= len(offered) else None
    letters = sum(character.isalpha() for word in tokens(normalise(written)) for character in word)
    if letters < _LEAST_LETTERS:
        return None
    return Reason(named_reason(written) or "other", written[:LONGEST_WORDS])
