"""What people wrote becomes examples without their data, without markup, and without a change to anything else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import List

import pytest
from ruamel.yaml import YAML

from mostrador.gateways.meaning import alike
from mostrador.gateways.training_files import CannotWrite, YamlTrainingFiles
from mostrador.settings import ROOT
from mostrador.shop.review import (
    Added,
    Conflict,
    UnfitSentence,
    UnknownLabel,
    Unsure,
    clusters,
    example_of,
    label_turns,
)

TALK = """version: "3.1"   # as Rasa wants it

nlu:

# what people say first
- intent: greet
  metadata: {language: es}
  examples: |
    - hola
    - ¡buenas!{trailing}

- intent: goodbye  # and last
  metadata:
    language: es
  examples: |
        - chau
        - 'hasta luego'

- lookup: city
  examples: |
    - Rosario
"""
TALK = TALK.replace("{trailing}", "   ")
RESTOCK = 'version: "3.1"\nnlu:\n- intent: show_low_stock\n  examples: |\n    - qué queda poco'
NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


@pytest.fixture()
def nlu(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "nlu"
    for language in ("en", "es"):
        (folder / language).mkdir(parents=True)
    (folder / "es" / "talk.yml").write_text(TALK, encoding="utf-8")
    (folder / "es" / "restock.yml").write_text(RESTOCK, encoding="utf-8")
    (folder / "en" / "talk.yml").write_text("nlu:\n- intent: greet\n  examples: |\n    - hello\n", encoding="utf-8")
    return folder


def test_one_line_is_added_and_every_other_byte_stays(nlu: Path) -> None:
    assert YamlTrainingFiles(nlu).add("qué hacés, che", "greet", "es") == Added("data/nlu/es/talk.yml", True)
    lines = TALK.splitlines(keepends=True)
    at = lines.index("    - ¡buenas!   \n") + 1
    assert (nlu / "es/talk.yml").read_text(encoding="utf-8") == "".join(
        [*lines[:at], "    - qué hacés, che\n", *lines[at:]]
    )


def test_a_line_takes_the_indentation_of_its_neighbours_and_their_line_ends(nlu: Path) -> None:
    files = YamlTrainingFiles(nlu)
    files.add("nos vemos", "goodbye", "es")
    assert "        - 'hasta luego'\n        - nos vemos\n\n- lookup" in (nlu / "es/talk.yml").read_text(
        encoding="utf-8"
    )
    files.add("qué se acaba", "show_low_stock", "es")
    assert (nlu / "es/restock.yml").read_text(encoding="utf-8") == RESTOCK + "\n    - qué se acaba\n"
    (nlu / "es/talk.yml").write_bytes(TALK.replace("\n", "\r\n").encode())
    files.add("buen día", "greet", "es")
    assert (nlu / "es/talk.yml").read_bytes() == TALK.replace("\n", "\r\n").replace(
        "¡buenas!   \r\n", "¡buenas!   \r\n    - buen día\r\n"
    ).encode()


def test_every_file_of_the_project_takes_an_example_for_each_of_its_intents(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(ROOT / "data" / "nlu", tmp_path / "data" / "nlu")
    files = YamlTrainingFiles(tmp_path / "data" / "nlu")
    for language in files.languages():
        for number, intent in enumerate(files.intents()):
            added = files.add(f"zanahoria {language} {number}", intent, language)
            old = ROOT / added.file
            before = old.read_text(encoding="utf-8").splitlines() if old.exists() else []
            after = (tmp_path / added.file).read_text(encoding="utf-8").splitlines()
            assert [line for line in after if "zanahoria" not in line][: len(before)] == before


def test_the_same_words_are_not_added_twice_and_not_under_two_intents(nlu: Path) -> None:
    files = YamlTrainingFiles(nlu)
    before = (nlu / "es/talk.yml").read_bytes()
    assert files.add("HOLA", "greet", "es") == Added("data/nlu/es/talk.yml", False)
    with pytest.raises(Conflict, match="greet in data/nlu/es/talk.yml"):
        files.add("Hola", "goodbye", "es")
    assert (nlu / "es/talk.yml").read_bytes() == before


def test_an_intent_without_examples_in_a_language_gets_a_block_in_the_file_of_its_topic(nlu: Path) -> None:
    files = YamlTrainingFiles(nlu)
    assert files.add("see you", "goodbye", "en").file == "data/nlu/en/talk.yml"
    assert files.add("what is running low", "show_low_stock", "en").file == "data/nlu/en/restock.yml"
    said = YAML(typ="safe").load((nlu / "en/talk.yml").read_text(encoding="utf-8"))["nlu"]
    assert said == [
        {"intent": "greet", "examples": "- hello\n"},
        {"intent": "goodbye", "metadata": {"language": "en"}, "examples": "- see you\n"},
    ]
    assert YAML(typ="safe").load((nlu / "en/restock.yml").read_text(encoding="utf-8"))["version"] == "3.1"


def test_what_is_unknown_or_unreadable_is_refused_and_the_files_stay(nlu: Path) -> None:
    files = YamlTrainingFiles(nlu)
    for intent, language in (("nonsense", "es"), ("greet", "fr"), ("greet", ".."), ("greet", "../es")):
        with pytest.raises(UnknownLabel):
            files.add("hola hola", intent, language)
    (nlu / "es/talk.yml").write_text(TALK + "\nresponses:\n- utter: [x\n", encoding="utf-8")
    with pytest.raises(CannotWrite, match=r"talk\.yml"):
        files.add("hola hola", "greet", "es")
    odd = TALK + "\nregex_features: []\n"  # nothing can be put after the last block
    (nlu / "es/talk.yml").write_text(odd, encoding="utf-8")
    (nlu / "en/talk.yml").write_text("nlu:\n- intent: thank\n  examples: |\n    - thanks\n", encoding="utf-8")
    with pytest.raises(CannotWrite, match="by hand"):
        files.add("gracias", "thank", "es")
    assert (nlu / "es/talk.yml").read_text(encoding="utf-8") == odd


def test_many_writers_lose_nothing(nlu: Path) -> None:
    sentences = [f"saludo número {word}" for word in "uno dos tres cuatro cinco seis siete ocho nueve diez".split()]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda s: YamlTrainingFiles(nlu).add(s, "greet", "es"), sentences * 2))
    text = (nlu / "es/talk.yml").read_text(encoding="utf-8")
    assert all(text.count(f"- {sentence}\n") == 1 for sentence in sentences)


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("  tenes\n la camara?? ", "tenes la camara??"),
        ("call me +91 98765-43210 please", "call me please"),
        ("mi mail es ana.b+x@tienda.com.ar gracias", "mi mail es gracias"),
        ("DNI 12.345.678", "DNI"),
        ("मेरा नंबर ९८७६५४३२१० है", "मेरा नंबर है"),
        ("look https://x.example/?q=1 here", "look here"),
        ("set 12 pcs of 4mp at 1,500", "set 12 pcs of 4mp at 1,500"),
        ("[kurta](product) and {a} | (b) `c` \\d", "kurta product and a b c d"),
        ("/update_stock", "update_stock"),
        ("+20", "+20"),
        ("👍", "👍"),
        ("स्टॉक\u200dमें \u202eabc\u202c\u200b\x07", "स्टॉक\u200dमें abc"),
        ("9876543210", ""),
        ("...", ""),
        ("", ""),
        ("x" * 4096, ""),
        ("a: b # c - d 'e' \"f\" & * ! %", "a: b # c - d 'e' \"f\" & * ! %"),
    ],
)
def test_an_example_holds_no_number_address_markup_or_invisible_character(text: str, example: str) -> None:
    assert example_of(text) == example
    assert example_of(example) == example


@pytest.mark.parametrize("text", ["[a](greet)", "hola\n    - chau", "x" * 201, "", "write to a@b.example", "a {b}"])
def test_what_is_no_clean_example_is_not_written(nlu: Path, text: str) -> None:
    with pytest.raises(UnfitSentence):
        YamlTrainingFiles(nlu).add(text, "greet", "es")
    assert (nlu / "es/talk.yml").read_text(encoding="utf-8") == TALK


@pytest.mark.parametrize(
    "words",
    ["a: b # c", "- hola", "? x", "'quoted", "%TAG", "null", "*a &b !c", "hola #fin", ">- x", "--- a ...", "😀"],
)
def test_yamls_own_signs_are_words_like_others(nlu: Path, words: str) -> None:
    YamlTrainingFiles(nlu).add(words, "greet", "es")
    said = YAML(typ="safe").load((nlu / "es/talk.yml").read_text(encoding="utf-8"))["nlu"][0]["examples"]
    assert said.splitlines()[-1] == f"- {words}" and len(said.splitlines()) == 3


def unsure(turn_id: str, text: str, **other: object) -> Unsure:
    readings = (("show_low_stock", 0.4), ("show_out_of_stock", 0.3))
    made = Unsure(turn_id, NOON, "en", text, "nlu_fallback", 0.4, readings, "nothing")
    return replace(made, **other)  # type: ignore[arg-type]


def test_the_suggestion_is_what_the_person_picked_or_the_next_reading_after_a_correction() -> None:
    assert unsure("1", "x").suggestion == "show_low_stock"
    assert unsure("1", "x", followed="corrected", corrected_to="help").suggestion == "help"
    assert unsure("1", "x", followed="corrected", intent="show_low_stock").suggestion == "show_out_of_stock"
    assert unsure("1", "x", readings=()).suggestion == ""


def test_like_sentences_meant_alike_are_one_group_and_opposites_never_are() -> None:
    turns = [
        unsure("1", "what runs low"),
        unsure("2", "what runs low??"),
        unsure("3", "opt in"),
        unsure("4", "opt out"),
        unsure("5", "what runs low", language="es"),
        unsure("6", "what runs low", corrected_to="help", followed="corrected"),
    ]
    found = [[turn.turn_id for turn in cluster.turns] for cluster in clusters(turns, alike)]
    assert found == [["6"], ["1", "2"], ["3"], ["4"], ["5"]]
    assert clusters([], alike) == []


class Remembered:
    """Reviews in memory."""

    def __init__(self, **texts: str) -> None:
        self.open = dict(texts)
        self.written: List[str] = []

    def claim(self, turn_ids: object, *_: object) -> "dict[str, str]":
        return {turn_id: self.open.pop(turn_id) for turn_id in list(turn_ids) if turn_id in self.open}  # type: ignore

    def wrote(self, turn_id: str, sentence: str, file: str) -> None:
        self.written.append(f"{turn_id}: {sentence}")


def test_a_group_becomes_examples_and_what_somebody_else_decided_does_not(nlu: Path) -> None:
    reviews = Remembered(a="Buen día!", b="buen  día! 11 5555-4444")
    outcome = label_turns(reviews, YamlTrainingFiles(nlu), ["a", "b", "c"], "greet", "es", "ana", NOON)
    assert [added.new for added in outcome.added] == [True, False] and outcome.taken == 1
    assert reviews.written == ["a: Buen día!", "b: buen día!"]
    with pytest.raises(UnfitSentence):
        label_turns(Remembered(d="+54 11 5555-4444"), YamlTrainingFiles(nlu), ["d"], "greet", "es", "ana", NOON)
    with pytest.raises(UnknownLabel):
        label_turns(Remembered(e="hola"), YamlTrainingFiles(nlu), ["e"], "nlu_fallback", "es", "ana", NOON)
