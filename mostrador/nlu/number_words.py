"""Numbers as words in English, Spanish and Hindi (Devanagari and Latin letters): the tables of ``counts``.

Hand-made, because no kept library reads Hindi in either script; tests read every spelling of 0 to 99,999 back.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Dict, FrozenSet, Iterable, List, Set

from mostrador.nlu.text import plain


def known(words: str) -> FrozenSet[str]:
    return frozenset(map(plain, words.split()))


_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ES_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()

_EN_SMALL = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_ES_SMALL = (
    "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
).split()
# Where people spell a number in several ways they stand together with a slash.
_HI_DEVANAGARI = """
एक दो तीन चार पाँच/पांच/पाच छह/छः/छे/छ: सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह/पन्द्रह सोलह सत्रह
अठारह/अट्ठारह उन्नीस बीस इक्कीस बाईस/बाइस तेईस/तेइस चौबीस पच्चीस छब्बीस सत्ताईस/सत्ताइस
अट्ठाईस/अट्ठाइस/अठाईस उनतीस/उन्तीस तीस इकतीस/इकत्तीस बत्तीस तैंतीस/तेंतीस चौंतीस/चौतीस पैंतीस छत्तीस
सैंतीस अड़तीस उनतालीस/उन्तालीस चालीस इकतालीस बयालीस तैंतालीस/तेंतालीस/तिरतालीस
चौवालीस/चवालीस/चौंतालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास/उन्चास पचास इक्यावन/इक्यावान बावन
तिरपन/तिरेपन चौवन पचपन छप्पन सत्तावन अट्ठावन/अठावन उनसठ साठ इकसठ बासठ तिरसठ/तिरेसठ चौंसठ/चौसठ पैंसठ
छियासठ/छयासठ/छाछठ सड़सठ/सरसठ/सडसठ अड़सठ उनहत्तर/उनहतर सत्तर इकहत्तर/इकहतर बहत्तर/बहतर तिहत्तर/तिहतर
चौहत्तर/चौहतर पचहत्तर/पचहतर छिहत्तर/छिहतर सतहत्तर/सतहतर अठहत्तर/अठहतर उनासी/उन्यासी अस्सी इक्यासी
बयासी तिरासी चौरासी पचासी छियासी सत्तासी/सतासी अट्ठासी/अठासी नवासी नब्बे इक्यानवे/इक्यानबे
बानवे/बानबे तिरानवे/तिरानबे चौरानवे/चौरानबे पचानवे/पंचानवे/पंचानबे छियानवे/छियानबे
सत्तानवे/सत्तानबे/सतानवे अट्ठानवे/अट्ठानबे/अठानवे निन्यानवे/निन्यानबे
""".split()
_HI_LATIN = """
ek do teen/tin chaar/char paanch/panch/paach chhah/chhe/chah/che saat/sat aath/ath nau das/dus
gyarah/gyara barah/baarah/bara terah/tera chaudah/chauda pandrah/pandra solah/sola satrah/satra
atharah/athara unnis/unnees bees/bis ikkis/ikkees bais/baees teis/teees chaubis/chaubees
pachchis/pachis/pachees/pacchis chhabbis/chabbis sattais attais/atthais unatis/untis tees/tis
ikatis/iktees/ikattis battis/battees taintis/tentis chauntis paintis/paintees chhattis/chattis
saintis adtis/artis untalis/unchalis chalis/chaalis/chalees iktalis bayalis taintalis
chauvalis/chavalis paintalis/paintalees chhiyalis/chiyalis saintalis adtalis/artalis unchas/unanchas
pachas/pachaas ikyavan/ikyawan bavan/bawan tirpan/tirepan chauvan/chauwan pachpan chhappan/chappan
sattavan/sattawan atthavan/attawan/athawan unsath saath/sath iksath basath/baasath tirsath
chaunsath/chausath painsath chhiyasath/chiyasath sadsath/sarsath adsath/arsath unhattar sattar
ikhattar/ikahattar bahattar tihattar chauhattar pachhattar/pachattar chhihattar/chihattar
satahattar/sathattar athahattar/athhattar unasi/unnasi assi ikyasi bayasi tirasi chaurasi pachasi
chhiyasi/chiyasi sattasi atthasi/athasi navasi/nawasi nabbe ikyanve/ikyanave banve/banave
tiranve/tiranave chauranve/chauranave pachanve/panchanve/pachanave chhiyanve/chiyanve
sattanve/satanve atthanve/athanve ninyanve/ninyanave
""".split()

UNITS: Dict[str, int] = {}  # may follow a ten: twenty five, treinta y cinco
TENS: Dict[str, int] = {}
WHOLE: Dict[str, int] = {}  # stand alone or after a hundred; Hindi has a word of its own for each number to 99
HUNDREDS: Dict[str, int] = {}


def _learn(table: Dict[str, int], words: Iterable[str], first: int, step: int = 1) -> None:
    for number, spellings in enumerate(words):
        for word in spellings.split("/"):
            table.setdefault(plain(word), first + number * step)


_learn(UNITS, _EN_SMALL[:9], 1)
_learn(UNITS, _ES_SMALL[:9], 1)
_learn(UNITS, ["un/una"], 1)
_learn(WHOLE, _EN_SMALL[9:], 10)
_learn(WHOLE, _ES_SMALL[9:], 10)
_learn(WHOLE, ["veintiún/veintiuna"], 21)
# As they are often mistyped or written by ear.
_learn(UNITS, ["kuatro/quatro", "sinco/sinko"], 4)
_learn(WHOLE, ["twelv/tweleve/twelwe", "trese", "catorse/forteen", "kinse/quinse/fiveteen/fiften"], 12)
_learn(WHOLE, ["dies"], 10)
_learn(WHOLE, ["foorteen/chowdah/chowda"], 14)
_learn(WHOLE, ["beinte"], 20)
_learn(WHOLE, ["venticinco/beinticinco"], 25)
_learn(WHOLE, ["cheh"], 6)
_learn(WHOLE, ["pentalis/pentaalis"], 45)
_learn(WHOLE, ["pichhattar/pichattar/pichahattar/पिचहत्तर/पिछत्तर"], 75)
_learn(TENS, ["tweny/twenti/tweenty"], 20)
_learn(TENS, ["quarenta/cuarnta/kuarenta", "sincuenta/cincuanta", "sesnta/secenta"], 40, 10)
_learn(TENS, ["nobenta"], 90)
_learn(TENS, ["therty/thirthy", "fourty/fourtey", "fivty/fity"], 30, 10)
_learn(TENS, ["ninty/nienty/nintey"], 90)
_learn(TENS, _EN_TENS, 20, 10)
_learn(TENS, _ES_TENS, 30, 10)
_learn(WHOLE, _HI_DEVANAGARI, 1)
_learn(WHOLE, _HI_LATIN, 1)
_learn(WHOLE, ["zero/cero/shunya/shoonya/शून्य/ज़ीरो/जीरो"], 0)
_learn(HUNDREDS, ["cien"], 100)
_ES_HUNDREDS = "dosc tresc cuatroc quin seisc setec ochoc novec".split()
_learn(HUNDREDS, [f"{stem}ientos/{stem}ientas" for stem in _ES_HUNDREDS], 200, 100)

_learn(HUNDREDS, ["docientos/docientas", "trecientos/trecientas"], 200, 100)

MULTIPLIERS: Dict[str, int] = {}
_learn(MULTIPLIERS, ["hundred/hundreds/sau/सौ/ciento/cientos/centenar/centenares/sainkda/saikda/सैकड़ा/सैंकड़ा"], 100)
_learn(MULTIPLIERS, ["thousand/thousands/mil/miles/hazar/hazaar/hajar/hajaar/हज़ार/हजार"], 1_000)
_learn(MULTIPLIERS, ["lakh/lakhs/lac/lacs/laakh/लाख"], 100_000)
_learn(MULTIPLIERS, ["million/millions/millón/millones"], 1_000_000)
_learn(MULTIPLIERS, ["crore/crores/cr/karod/karor/करोड़"], 10_000_000)
_learn(MULTIPLIERS, ["gross"], 144)
_learn(MULTIPLIERS, ["kodi/कोड़ी"], 20)
ENGLISH_TO_NINETEEN = known(" ".join(_EN_SMALL))
ENGLISH_TENS = known(" ".join(_EN_TENS))
HINDI_TO_NINETY_NINE = known(" ".join(_HI_DEVANAGARI + _HI_LATIN).replace("/", " "))
AFTER_A_NUMBER = known("gross kodi कोड़ी")  # other words by themselves

DOZEN = known("dozen dozens doz dz docena docenas docenita docenitas darjan darzan darjon दर्जन दर्ज़न")
FRACTIONS: Dict[str, Fraction] = {
    word: value
    for words, value in (
        ("half media medio aadha adha aadhi आधा आधी आधे", Fraction(1, 2)),
        ("dedh dedhh derh डेढ़", Fraction(3, 2)),
        ("dhai dhaai adhai ढाई अढ़ाई", Fraction(5, 2)),
    )
    for word in known(words)
}
MORE_OR_LESS: Dict[str, Fraction] = {  # साढ़े तीन: three and a half; पौने दो: a quarter less than two
    word: value
    for words, value in (
        ("saadhe sadhe saadhey saade sade साढ़े साडे", Fraction(1, 2)),
        ("sava sawa savaa savva सवा", Fraction(1, 4)),
        ("paune paun pauney pauna पौने पौन पौना", Fraction(-1, 4)),
    )
    for word in known(words)
}
BEGINS_A_NUMBER = frozenset().union(UNITS, TENS, WHOLE, HUNDREDS, MULTIPLIERS, DOZEN, FRACTIONS, MORE_OR_LESS)
HALF_AFTER = known("media medio half aadha आधा")  # docena y media
TEN_AND_UNIT = known("y")
AND = known("and")
ARTICLES = known("a an una")  # half a dozen

# Words that are something else far more often: they count only where nothing else could be the number.
WEAK = known(
    "a an un una uno one ek एक do दो teen tin once bees bis tis sat ath das sath che char tera bara sola zero dies"
)


def as_listed(word: str) -> str:
    """The listed spelling of a number word with a slip ("hunderd") or by ear ("baawan", "सतरह"); else the word."""
    if word in BEGINS_A_NUMBER or len(word) < _SHORTEST_BY_EAR:
        return word
    return _BY_EAR.get(_sound(word)) or _SLIPS.get(word, word)


def parted(word: str) -> List[str]:
    """``thirtyfive`` and ``treintaicinco`` as the words that they are made of; any other word alone."""
    return _JOINED.get(word) or [word]


def _sound(word: str) -> str:
    """A word with short vowels for long ones, single letters for doubled ones, and without anusvara and virama."""
    for letters, sound in (("ee", "i"), ("oo", "u"), ("w", "v"), ("ी", "ि"), ("ई", "इ"), ("ू", "ु"), ("ऊ", "उ")):
        word = word.replace(letters, sound)
    return re.sub(r"(.)\1+", r"\1", re.sub("[\u0902\u094d]", "", word))


_SHORTEST_BY_EAR = 4
_BY_EAR: Dict[str, str] = {}
for _spelling in map(plain, (spelling for word in _HI_DEVANAGARI + _HI_LATIN for spelling in word.split("/"))):
    if WHOLE.get(_BY_EAR.setdefault(_sound(_spelling), _spelling)) != WHOLE[_spelling]:
        _BY_EAR[_sound(_spelling)] = _sound(_spelling)  # two numbers sound like this: neither is meant for certain


def _slips(word: str) -> Set[str]:
    """``word`` with one letter left out or doubled, or two swapped; the first stays."""
    inner = range(1, len(word))
    out = {word[:i] + word[i + 1 :] for i in inner}
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in inner[:-1]}
    return out | swapped | {word[:i] + word[i - 1] + word[i:] for i in (*inner, len(word))}


_SHORTEST_WITH_SLIPS = 5
_WORDS_THEMSELVES = known("tree there thee seen fort doze sven site cuarto cinto vente novena")
_SLIPS: Dict[str, str] = {}
_CERTAIN = {**UNITS, **WHOLE, **TENS, **HUNDREDS, **MULTIPLIERS, "dozen": 12}
for _word in map(plain, [*_EN_TENS, *_ES_TENS, *_EN_SMALL, *_ES_SMALL, *HUNDREDS, "hundred", "thousand", "dozen"]):
    for _slip in _slips(_word) - _WORDS_THEMSELVES if len(_word) >= _SHORTEST_WITH_SLIPS else ():
        if _CERTAIN[_SLIPS.setdefault(_slip, _word)] != _CERTAIN[_word]:
            _SLIPS[_slip] = _slip  # "seenta" may be sixty or seventy: neither is meant for certain
_JOINED = {f"{ten}{unit}": [ten, unit] for ten in _EN_TENS for unit in _EN_SMALL[:9]}
_JOINED.update({f"{ten}{y}{unit}": [ten, "y", unit] for ten in _ES_TENS for y in "yi" for unit in _ES_SMALL[:9]})
