"""In which of the shop's languages a person writes, and which one they ask for."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Text, Tuple

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.learnt import LearntComponent
from mostrador.nlu.linear import LinearModel
from mostrador.nlu.text import normalise, tokens

_NAMES = {
    "en": "english ingles inglesa angrezi angreji inglish अंग्रेजी अंग्रेज़ी इंग्लिश इंगलिश".split(),
    "es": "spanish espanol castellano espaniol spenish स्पेनिश स्पैनिश".split(),
    "hi": "hindi hindhi hindustani हिंदी हिन्दी".split(),
}
_LANGUAGE_CALLED = {normalise(name): language for language, names in _NAMES.items() for name in names}
_AROUND_A_NAME = """
    in to into please pls speak talk write use switch change language only want i can we you let us lets reply now chat
    en a por favor habla hablame hablar hablemos escribime cambia cambiar idioma quiero solo puedes podes responde porfa
    mein me mai main baat karo bolo likho bhasha bhaasha karna kar do kijiye sirf please ki ko badlo mujhe ab zara
    में मे बात करो करें कीजिए बोलो लिखो भाषा चाहिए कर दो सिर्फ मुझे अब कृपया प्लीज बदलो की
"""
_CALLED_FOR = frozenset(map(normalise, _AROUND_A_NAME.split()))

# Words that tell a language by themselves in a sentence. Left out is what two of the languages write alike: no, si, me,
# de, do, to, la in names, the goods and the shop's own words (stock, total, menu), names and brands.
_TELLING = {
    "en": """
        the is are was were am what whats which who how when where why my your our their this that these those
        it its i im ive ill dont doesnt didnt cant couldnt wont not and but with for from of you we they want
        need have has had get got can could would should will thank thanks show tell give send add remove
        anything something any some more another much many there here about yes good morning evening afternoon
        night sorry hello today tomorrow yesterday still yet already does did understand available cheaper an at
        on if out
    """,
    "es": """
        el los las un una unos unas que quien quienes cuando donde como cual cuales cuanto cuanta cuantos
        cuantas por para con sin del al este esta estos estas ese esa esos esas eso esto mi mis su sus yo vos
        usted ustedes nos lo les es son soy sos era fue esta estan hay tengo tenes tienes tiene tienen tenemos
        quiero quiere queremos quisiera necesito necesita ocupo puedo puede podes puedes dame deme pasame
        mandame mostrame muestrame agrega saca gracias hola buenas favor muchas mucho algo nada tambien pero mas
        menos todavia ahora ahorita hoy ayer manana claro bueno perdon disculpa entiendo entendi vendi llego
        llegaron mandas sacalo cambiame poner quita hacen hace envios precio cuesta sale cuotas la
    """,
    "hi": """
        hai hain hoon hun tha thi ho hoga hogi honge kya kyu kyun kaun kab kahan kaha kaise kaisa kitna kitne
        kitni ka ke ki ko mein mujhe mera mere meri mujhko hum humko hame hamara aap aapka aapke tum tumhara ye
        yeh wo woh isko iska iske iski uska usko nahi nahin nhi mat haan haa kar karo karna karni karke kardo
        diya diye dena dedo lena lunga lungi chahiye chaiye batao bata dikhao dikha bhej bhejo milega milegi
        milta hua gaya gaye gayi raha rahi wala wali wale aur bhi abhi baad phir theek thik accha acha achha
        bhai bhaiya namaste namaskar dhanyavaad dhanyawad shukriya samajh aaya kal aaj daal hata jod badal
        badalna khatam bik becha kam zyada sasta sasti mahine kaun kisi liye tak hogaya krdo krna rha
    """,
}
_LANGUAGES_OF = Counter(word for words in _TELLING.values() for word in set(map(normalise, words.split())))
TELLING = {
    language: frozenset(word for word in map(normalise, words.split()) if _LANGUAGES_OF[word] == 1)
    for language, words in _TELLING.items()
}
_TELLING_ALONE = {
    normalise(word): language
    for language, words in {
        "es": "hola holis buenas gracias adios chau perdon",
        "hi": "namaste namaskar namaskaar dhanyavaad dhanyavad dhanyawad dhanyawaad shukriya pranam",
    }.items()
    for word in words.split()
}
_ADDRESS = re.compile(r"\S{0,64}(?:@\S{1,64}\.|://|www\.)\S*")  # bounded: 4,096 letters in a row take no longer


def requested_language(text: str) -> Optional[str]:
    """The one language named in ``text``; None when none or several are."""
    named = {_LANGUAGE_CALLED[word] for word in tokens(normalise(text)) if word in _LANGUAGE_CALLED}
    return named.pop() if len(named) == 1 else None


def called_for(text: str) -> Optional[str]:
    """The language that ``text`` asks to go on in, where it says nothing else: "in English please", "hindi mein"."""
    words = tokens(normalise(text))
    around = [word for word in words if word not in _LANGUAGE_CALLED and any(map(str.isalpha, word))]
    return requested_language(text) if len(words) <= 8 and _CALLED_FOR.issuperset(around) else None


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class LanguageIdentifier(LearntComponent[LinearModel], EntityExtractorMixin):
    """Adds the entity ``language`` when it is clear, and nothing when it is not, so that a talk keeps its language.

    Devanagari is Hindi. In Latin letters a sentence must hold words that tell a language (TELLING), and what was learnt
    from examples whose intent block says ``metadata: {language: …}`` decides where they tell several. A language
    without such words is judged by what was learnt alone. Numbers, codes, names, brands, words that several languages
    share and single words other than a few greetings leave the language as it is.
    Where another language is asked for (intent switch_language), the language named counts, not the one written in.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"confidence": 0.8, "known_words": 0.34}

    @staticmethod
    def read(folder: Path) -> LinearModel:
        return LinearModel.load(folder)

    def train(self, training_data: TrainingData) -> Resource:
        spoken = [(e.get(TEXT), _language_of(e)) for e in training_data.intent_examples]
        known = [(text, language) for text, language in spoken if text and language]
        return self.keep(LinearModel.fit([text for text, _ in known], [language for _, language in known]))

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT) or ""
            asked = (message.get(INTENT) or {}).get(INTENT_NAME_KEY) == "switch_language"
            language = requested_language(text) if asked else called_for(text) or self.identify(text)
            if language:
                entity = {"entity": "language", "value": language, "start": 0, "end": len(text)}
                found = message.get(ENTITIES, []) + self.add_extractor_name([entity])
                message.set(ENTITIES, found, add_to_output=True)
        return messages

    def identify(self, text: str) -> Optional[str]:
        """The language ``text`` is written in; None when too little in it tells."""
        if text.startswith("/"):
            return None
        words = [w for w in tokens(normalise(_plain_words(text))) if w.isalpha() or _devanagari(w)]
        if not words:
            return None
        native = sum(_devanagari(word) for word in words)
        if native * 2 >= len(words):
            return "hi" if max(map(len, words)) > 1 else None
        if len(words) == 1:
            return _TELLING_ALONE.get(words[0])
        return self._of_sentence(words)

    def _of_sentence(self, words: Sequence[str]) -> Optional[str]:
        told = {language: len(telling.intersection(words)) for language, telling in TELLING.items()}
        best, second = sorted(told.values(), reverse=True)[:2]
        learnt, confidence = self._learnt(words)
        if learnt and learnt not in TELLING and confidence >= self._config["confidence"]:
            return learnt
        if best == 0:
            return None
        most = max(told, key=lambda language: (told[language], language == learnt))
        if best - second >= 2 or (second == 0 and best * 3 >= len(words)):
            return most
        sure = learnt and confidence >= self._config["confidence"] and told.get(learnt)
        return learnt if sure else None

    def _learnt(self, words: Sequence[str]) -> Tuple[Optional[str], float]:
        """The likeliest language by the examples, None where too few of the words were seen in them."""
        known = sum(self._model.knows(word) for word in words) if self._model else 0
        if self._model is None or known < self._config["known_words"] * len(words):
            return None, 0.0
        return self._model.ranking(" ".join(words))[0]


def _plain_words(text: str) -> str:
    """``text`` without addresses, and without the marks inside "what's" and "don't"."""
    return re.sub("['’]", "", _ADDRESS.sub(" ", text))


def _language_of(example: Message) -> Optional[str]:
    of_intent = (example.get("metadata") or {}).get("intent") or {}
    return of_intent.get("language") if isinstance(of_intent, dict) else None


def _devanagari(word: str) -> bool:
    return any("\u0900" <= character <= "\u097f" for character in word)
