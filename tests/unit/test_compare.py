"""A candidate held against the serving model: what is counted, and what makes it worse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List, Sequence, Tuple

import pytest

from mostrador.operations import compare as module
from mostrador.operations.compare import Comparison, Judged, Sentence, held_out
from mostrador.operations.models import ModelStore, sha256
from tests.unit.test_models import FILES, a_model


def comparison(
    rows: Sequence[Tuple[str, str, str, str]], failed_before: Sequence[str] = (), failed: Sequence[str] = ()
) -> Comparison:
    """Of (language, label, what the serving model says, what the candidate says)."""
    sentences = tuple(Sentence(language, f"sentence {n}", label) for n, (language, label, _, _) in enumerate(rows))
    old = Judged(tuple(row[2] for row in rows), 3, tuple(failed_before))
    return Comparison(sentences, old, Judged(tuple(row[3] for row in rows), 3, tuple(failed)))


def same(language: str, label: str, count: int) -> List[Tuple[str, str, str, str]]:
    return [(language, label, label, label)] * count


def test_what_is_fixed_broken_and_right_is_counted_by_language_and_intent() -> None:
    found = comparison(
        [
            ("en", "help", "nlu_fallback", "help"),
            ("en", "help", "help", "help"),
            ("es", "greet", "greet", "thank"),
            ("es", "out_of_scope", "nlu_fallback", "out_of_scope"),
            ("es", "NO_NODES_DETECTED", "out_of_scope", "greet"),
        ]
    )
    assert found.counts("language") == {("en",): (2, 1, 2), ("es",): (3, 3, 1)}
    assert found.counts("label", "language")["help", "en"] == (2, 1, 2)
    assert [(s.text, old, new) for s, old, new in found.fixed] == [("sentence 0", "nlu_fallback", "help")]
    assert [s.text for s, _, _ in found.broken] == ["sentence 2", "sentence 4"]


def test_a_candidate_that_breaks_as_much_as_it_fixes_is_no_worse() -> None:
    fixed, broken = ("en", "help", "greet", "help"), ("en", "help", "help", "greet")
    assert comparison([*same("en", "help", 20), fixed, broken]).worse_because == []
    assert comparison(same("es", "greet", 3)).worse_because == []
    assert comparison([]).worse_because == []


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (comparison([*same("en", "help", 50), ("en", "help", "help", "greet")]), "en: 50 of 51 right, 51 before"),
        (
            comparison(
                [
                    *same("es", "help", 8),
                    *[("es", "help", "help", "greet")] * 2,
                    *[("es", "greet", "help", "greet")] * 2,
                ]
            ),
            "help (es): 8 of 10 right, 10 before",
        ),
        (
            comparison([("hi", "opt_out", "opt_out", "nlu_fallback"), ("hi", "help", "greet", "help")]),
            "hi: 1 who want no messages are not heard, 0 before",
        ),
        (
            comparison([("hi", "cancel", "deny", "opt_out")]),
            "hi: 1 would lose all messages by mistake, 0 before",
        ),
        (comparison([], ["a"], ["a", "b"]), "the test story “b” fails"),
    ],
    ids=["language", "intent", "opt-out missed", "false stop", "story"],
)
def test_each_way_of_being_worse_is_said(found: Comparison, reason: str) -> None:
    assert found.worse_because == [reason]


def test_sentences_that_are_anything_but_an_opt_out_count_as_that_alone() -> None:
    found = comparison([("en", "other", "opt_out", "help"), ("en", "other", "help", "greet"), *same("en", "help", 1)])
    assert found.counts("language") == {("en",): (1, 1, 1)}
    assert found.counts("label", "language")["other", "en"] == (2, 1, 2)
    assert found.worse_because == [] and len(found.fixed) == 1
    assert comparison([("en", "other", "help", "opt_out")]).worse_because == [
        "en: 1 would lose all messages by mistake, 0 before"
    ]


def test_a_story_that_failed_before_is_not_held_against_the_candidate() -> None:
    assert comparison([], ["a"], ["a"]).worse_because == []


def test_held_out_sentences_are_read_from_both_kinds_of_file(tmp_path: Path) -> None:
    (tmp_path / "es").mkdir()
    (tmp_path / "es" / "intents.csv").write_text('\ufeffsentence,label\n"hola, qué tal",greet\n', encoding="utf-8")
    (tmp_path / "es" / "opt_out.csv").write_text("sentence,label\nno va más,other\n", encoding="utf-8")
    rows = 'language,text,intent\nen,hi,greet\nes,"hola, qué tal",thank\n'
    (tmp_path / "held_out.csv").write_text(rows, encoding="utf-8")
    greets, other = Sentence("es", "hola, qué tal", "greet"), Sentence("es", "no va más", "other")
    assert held_out(tmp_path) == (greets, other, Sentence("en", "hi", "greet"))
    assert held_out(tmp_path / "nothing") == ()


def test_the_project_has_held_out_sentences_in_each_language() -> None:
    assert {sentence.language for sentence in held_out()} == {"en", "es", "hi"}


def test_what_came_of_a_comparison_is_told_and_its_verdict_is_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ModelStore(tmp_path)
    first = store.add(a_model(tmp_path / "fresh.tar.gz", "first"), FILES)
    store.serve(first, FILES)
    second = store.add(a_model(tmp_path / "fresh.tar.gz", "second"), FILES)

    class Config:
        models_dir = tmp_path

    verdicts = {first.model: ["greet", "nlu_fallback"], second.model: ["greet", "help"]}
    monkeypatch.setattr(module, "settings", Config)
    monkeypatch.setattr(module, "held_out", lambda: (Sentence("en", "hi", "greet"), Sentence("en", "help!", "help")))

    def judge(path: Path, sentences: Sequence[Sentence]) -> Judged:
        return Judged(tuple(verdicts[sha256(path)]), 4, ())

    monkeypatch.setattr(module, "judge", judge)
    assert module.compare_and_tell(second, everything=False, as_json=True)
    said = capsys.readouterr().out
    assert "help (en)" in said and "greet (en)" not in said and "Fixed: 1" in said and "4 of 4" in said
    told = json.loads(said.splitlines()[-1])
    assert (told["no_worse"], told["fixed"][0]["sentence"]) == (True, "help!")
    verdicts[second.model] = ["thank", "nlu_fallback"]
    assert not module.compare_and_tell(second, everything=True, as_json=False)
    said = capsys.readouterr().out
    assert "worse" in said and "“hi” is greet; was greet, now thank" in said
    assert module.compare_and_tell(first, everything=False, as_json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["candidate"] is None
