"""What the measuring scripts draw from the training data is what they say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from ruamel.yaml import YAML

from tests.nlu.beside_stock import LANGUAGES, draw, stock_config
from tests.nlu.few_shots import examples


def test_both_pipelines_learn_the_same_few_examples_of_each_intent(tmp_path: Path) -> None:
    total = draw(tmp_path / "once", 3)
    assert draw(tmp_path / "again", 3) == total
    for language in LANGUAGES:
        text = (tmp_path / "once" / f"{language}.yml").read_text(encoding="utf-8")
        assert text == (tmp_path / "again" / f"{language}.yml").read_text(encoding="utf-8")
        drawn = {block["intent"]: block["examples"].splitlines() for block in YAML(typ="safe").load(text)["nlu"]}
        known = {(f"- {one.text}", one.label) for one in examples(language)}
        assert len(drawn) > 30 and all(len(lines) == 3 for lines in drawn.values())
        assert all((line, intent) in known for intent, lines in drawn.items() for line in lines)


def test_all_examples_are_drawn_where_none_is_to_be_left_out(tmp_path: Path) -> None:
    each = Counter(one.label for language in LANGUAGES for one in examples(language))
    assert draw(tmp_path / "all", 0) == sum(each.values()) > 10_000


def test_stock_rasa_is_its_default_pipeline_but_for_the_epochs() -> None:
    asked, stock = json.loads(stock_config(7)), json.loads(stock_config(100))
    assert [one["name"] for one in stock["pipeline"]] == [one["name"] for one in asked["pipeline"]]
    assert {"DIETClassifier", "FallbackClassifier"} <= {one["name"] for one in stock["pipeline"]}
    assert {one["epochs"] for one in asked["pipeline"] if "epochs" in one} == {7}
    assert all(DefaultV1Recipe._from_registry(one["name"]) for one in stock["pipeline"])
