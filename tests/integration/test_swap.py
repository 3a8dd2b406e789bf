"""Another model takes over while messages come; one that cannot serve changes nothing and is told of."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, List

import pytest

from mostrador.channels.engine import Engine
from mostrador.channels.loading import ModelWatch, NotServable, first_model, load_beside
from mostrador.operations.compare import CannotCompare, Sentence, judge
from mostrador.operations.models import ModelStore, UntrustedModel, Version
from mostrador.operations.training import ensure_model
from mostrador.settings import ROOT
from tests.integration import test_dispatcher
from tests.integration.test_dispatcher import SCRIPT, Counter
from tests.load.swap import twin_of
from tests.unit.test_models import FILES, a_model

agent = test_dispatcher.agent  # the fixture


class Loader:
    """Loads nothing, or fails as told; remembers what it was asked and handed over."""

    def __init__(self, store: ModelStore, serving: Version) -> None:
        self.fails: Dict[str, str] = {}
        self.asked: List[str] = []
        self.given: List[str] = []
        self.watch = ModelWatch(store, serving, self.load, self.take)

    def load(self, version: Version) -> str:
        assert threading.current_thread() is not threading.main_thread()  # the event loop goes on meanwhile
        self.asked.append(version.id)
        if version.id in self.fails:
            raise NotServable(self.fails[version.id])
        return version.id

    async def take(self, loaded: str) -> None:
        self.given.append(loaded)

    def look(self) -> None:
        asyncio.run(self.watch.look())


@pytest.fixture()
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


def trained(store: ModelStore, model_id: str) -> Version:
    return store.add(a_model(store.folder / "fresh.tar.gz", model_id), FILES)


def test_what_was_chosen_is_loaded_once_and_handed_over(store: ModelStore) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    loader = Loader(store, first)
    loader.look()
    store.serve(trained(store, "second"), FILES)
    loader.look()
    loader.look()
    assert (loader.asked, loader.given, loader.watch.serving.id) == (["second"], ["second"], "second")


def test_what_cannot_be_served_is_told_and_tried_again_only_later(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    loader = Loader(store, first)
    second = trained(store, "second")
    loader.fails["second"] = "it cannot be loaded (ValueError)"
    store.serve(second, FILES)
    for _ in range(3):
        loader.look()
    assert loader.asked == ["second"] and loader.given == [] and loader.watch.serving == first
    assert second.name in loader.watch.problem and "goes on serving" in loader.watch.problem
    loader.watch._again_at = 0.0
    loader.fails.clear()
    loader.look()
    assert loader.given == ["second"] and loader.watch.problem == ""
    loader.fails["third"] = "no"
    store.serve(trained(store, "third"), FILES)
    loader.look()
    store.serve(second, FILES)  # rolled back: what serves is what was chosen
    loader.look()
    assert loader.watch.problem == "" and loader.given == ["second"]


def test_a_model_whose_file_is_gone_or_changed_is_not_loaded(store: ModelStore) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    second = trained(store, "second")
    store.serve(second, FILES)
    for path in (store.folder / "versions" / f"{second.name}.tar.gz", store.folder / "mostrador.tar.gz"):
        path.write_bytes(b"somebody else's")
    with pytest.raises(NotServable, match="not the model that was trained here"):
        load_beside(store, second, None)
    assert first_model(store)[0] == first  # a Rasa that starts now takes the one before
    (store.folder / "versions" / f"{first.name}.tar.gz").unlink()
    with pytest.raises(UntrustedModel):
        first_model(store)


def test_without_any_choice_the_watch_says_so_and_serves_on(store: ModelStore) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    loader = Loader(store, first)
    (store.folder / "mostrador.digest").unlink()
    loader.look()
    assert "mostrador train" in loader.watch.problem and loader.watch.serving == first


@pytest.mark.slow
def test_a_turn_under_way_ends_with_its_model_and_the_next_begins_with_the_new_one(
    database_url: str,
    agent: Any,
    tmp_path: Path,
) -> None:
    store = ModelStore(tmp_path)
    known = ModelStore(ROOT / "models")
    second = store.add(twin_of(known.path(known.serving()), tmp_path / "fresh.tar.gz", "f" * 32), FILES)
    SCRIPT.update(status=200, answer={"events": [], "responses": [{"text": "done"}]}, calls=[])
    counter = Counter(database_url, agent)
    try:
        counter.answer_to(counter.write("hi"))
        beside = load_beside(store, second, agent.action_endpoint)
        beside.tracker_store._given_engine = beside.lock_store._given_engine = counter.engine
        SCRIPT["calls"].clear()
        SCRIPT["hold"] = threading.Event()
        under_way = counter.write("hi")
        counter.until(lambda: bool(SCRIPT["calls"]))
        counter.loop.call_soon_threadsafe(counter.dispatcher.use, Engine(beside))
        SCRIPT.pop("hold").set()
        assert counter.answer_to(under_way) == ["done"]
        assert counter.answer_to(counter.write("thanks")) == ["utter_thank"]
        models = [
            row["model"] for row in counter.rows("select explain ->> 'model' as model from turn order by ended_at")
        ]
        assert models == [agent.model_id, agent.model_id, "f" * 32]
    finally:
        SCRIPT.pop("hold", threading.Event()).set()
        counter.close()


@pytest.mark.slow
def test_two_processes_change_over_and_back_under_way_and_no_message_is_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.load.swap", "--messages", "40", "--people", "8", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=400,
    )
    print(done.stdout)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and figures["ok"] and all(figures["checks"].values()), figures


@pytest.mark.slow
def test_a_model_is_judged_in_a_process_of_its_own_and_what_is_no_model_is_said_so(tmp_path: Path) -> None:
    ensure_model()
    known = ModelStore(ROOT / "models")
    asked = [Sentence("en", "what is sold out", "show_out_of_stock"), Sentence("es", "gracias", "thank")]
    judged = judge(known.path(known.serving()), asked)
    assert judged.intents == ("show_out_of_stock", "thank")
    assert judged.stories > 10 and judged.failed == ()
    with pytest.raises(CannotCompare, match="could not be judged"):
        judge(a_model(tmp_path / "no.tar.gz", "no"), asked)
