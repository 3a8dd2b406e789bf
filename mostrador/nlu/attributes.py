"""Colours and sizes in the shop's languages: a catalogue says "Red", its seller says "rojo", "laal" or "लाल"."""

from __future__ import annotations

from typing import Dict, FrozenSet, Tuple

from mostrador.nlu.text import plain

_SAME: Tuple[str, ...] = (
    "red rojo roja rojos rojas laal lal लाल",
    "blue azul azules neela nila neele neeli nile nili नीला नीले नीली",
    "green verde verdes hara hare hari हरा हरे हरी",
    "yellow amarillo amarilla amarillos amarillas peela pila peele peeli पीला पीले पीली",
    "black negro negra negros negras kaala kala kaale kale kaali kali काला काले काली",
    "white blanco blanca blancos blancas safed safaid सफेद सफ़ेद",
    "pink rosa rosado rosada rosados rosadas gulabi गुलाबी",
    "orange naranja naranjas anaranjado narangi नारंगी",
    "brown marron marrones cafe bhura bhure bhuri भूरा भूरे भूरी",
    "grey gray gris grises saleti slate स्लेटी",
    "purple violet morado morada morados moradas violeta baingani jamuni बैंगनी जामुनी",
    "maroon granate bordo maroon मैरून",
    "gold golden dorado dorada dorados doradas sunehra sunahra sunehri सुनहरा सुनहरे सुनहरी",
    "silver plateado plateada plateados plateadas chandi चांदी",
    "beige cream crema क्रीम",
    "s small chico chica pequeno pequena chhota chota chhoti छोटा छोटे छोटी",
    "m medium mediano mediana madhyam मीडियम मध्यम",
    "l large grande grandes bada bade badi बड़ा बड़े बड़ी",
    "xl extralarge",
    "xs",
    "xxl 2xl",
    "3xl xxxl",
)
_MEANING: Dict[str, str] = {}
ALIKE: Dict[str, FrozenSet[str]] = {}
"""The first word of each line → every word that means the same."""
for _line in _SAME:
    _words = [plain(word) for word in _line.split()]
    ALIKE[_words[0]] = frozenset(_words)
    for _word in _words:
        _MEANING.setdefault(_word, _words[0])


def meaning(word: str) -> str:
    """One word for all that mean the same colour or size; any other word as it is. Takes plain words."""
    return _MEANING.get(word, word)


def is_attribute(word: str) -> bool:
    return word in _MEANING
