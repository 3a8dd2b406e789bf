"""Which model serves: chosen in one step, never half, and there is always a way back."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Dict, Iterator

import pytest
from click.testing import CliRunner

from mostrador.operations import doctor, model_command, training
from mostrador.operations.models import KEPT, ModelStore, UnknownModel, UntrustedModel, Version, model_file, sha256
from mostrador.settings import ROOT

FILES = {"code": "c", "data": "d"}


def a_model(path: Path, model_id: str) -> Path:
    """A file that looks like Rasa's: an archive with the model's id in metadata.json."""
    raw = json.dumps({"model_id": model_id}).encode()
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("./metadata.json")
        member.size = len(raw)
        archive.addfile(member, io.BytesIO(raw))
    return path


@pytest.fixture()
def store(tmp_path: Path) -> ModelStore:
    (tmp_path / "models").mkdir()
    return ModelStore(tmp_path / "models")


def trained(store: ModelStore, name: str, files: Dict[str, str] = FILES) -> Version:
    return store.add(a_model(store.folder / "fresh.tar.gz", name), files)


def test_a_new_model_is_kept_and_serves_only_once_it_is_chosen(store: ModelStore) -> None:
    first = trained(store, "first")
    with pytest.raises(UntrustedModel, match="mostrador train"):
        store.serving()
    store.serve(first, FILES)
    second = trained(store, "second")
    assert store.serving() == first and store.candidate() == second and store.before() is None
    store.serve(second, FILES)
    assert store.serving() == second and store.candidate() is None and store.before() == first
    assert (first.id, second.id) == ("first", "second")
    assert sha256(model_file(store.folder)) == second.model


def test_after_going_back_the_rejected_model_can_be_chosen_again(store: ModelStore) -> None:
    first, second = trained(store, "first"), None
    store.serve(first, FILES)
    second = trained(store, "second")
    store.serve(second, FILES)
    before = store.before()
    assert before is not None
    store.serve(before, FILES)
    assert store.serving() == first and store.before() == second and store.candidate() == second


def test_a_model_that_was_changed_or_taken_away_does_not_serve(store: ModelStore) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    second = trained(store, "second")
    store.path(second).write_bytes(b"somebody else's")
    with pytest.raises(UntrustedModel, match="not the model that was trained here"):
        store.serve(second, FILES)
    (store.folder / "versions" / f"{second.name}.tar.gz").unlink()
    with pytest.raises(UntrustedModel):
        store.serve(second, FILES)
    assert store.serving() == first and store.path(first).exists()


def test_the_serving_file_may_be_gone_from_one_of_its_two_places(store: ModelStore) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    (store.folder / "versions" / f"{first.name}.tar.gz").unlink()
    assert store.path(store.serving()) == model_file(store.folder)


def test_a_model_from_before_there_were_versions_serves_on_and_can_be_gone_back_to(store: ModelStore) -> None:
    old = a_model(model_file(store.folder), "old")
    (store.folder / "mostrador.digest").write_text(json.dumps({**FILES, "model": sha256(old)}))
    assert store.path(store.serving()) == old
    second = trained(store, "second")
    assert store.candidate() == second
    store.serve(second, FILES)
    before = store.before()
    assert before is not None and before.id == "old"
    store.serve(before, FILES)
    assert store.path(store.serving()).exists() and store.serving().id == "old"


def test_an_abbreviation_names_a_model_when_it_fits_only_one(store: ModelStore) -> None:
    versions = [trained(store, name) for name in ("first", "second")]
    assert store.named(versions[0].name) == versions[0]
    assert store.named(versions[0].name[:-1]) == versions[0]
    with pytest.raises(UnknownModel, match="Several"):
        store.named("2")
    with pytest.raises(UnknownModel, match="No model is called “nonsense”"):
        store.named("nonsense")


def test_only_the_newest_idle_models_are_kept_and_never_one_that_is_needed(store: ModelStore) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    second = trained(store, "second")
    store.serve(second, FILES)
    idle = [trained(store, f"idle {n}") for n in range(KEPT + 2)]
    store.serve(second, FILES)
    assert {v.name for v in store.versions()} == {first.name, second.name, *(v.name for v in idle[2:])}
    assert len(list((store.folder / "versions").glob("*.tar.gz"))) == KEPT + 2


def test_a_note_that_is_not_whole_is_no_model(store: ModelStore) -> None:
    first = trained(store, "first")
    store.serve(first, FILES)
    (store.folder / "versions" / "20990101-000000-abcdef.digest").write_text('{"model": "ab')
    assert store.versions() == [first] and store.candidate() is None


def test_at_no_moment_of_a_promotion_is_there_no_model_or_half_of_one(store: ModelStore) -> None:
    versions = [trained(store, name) for name in ("first", "second")]
    store.serve(versions[0], FILES)
    seen, stop = set(), threading.Event()

    def look() -> None:
        while not stop.is_set():
            serving = store.serving()
            assert sha256(store.path(serving)) == serving.model
            seen.add(serving.id)

    watcher = threading.Thread(target=look)
    failures = []
    previous = threading.excepthook
    threading.excepthook = lambda args: failures.append(args.exc_value)
    try:
        watcher.start()
        for number in range(60):
            store.serve(versions[number % 2], FILES)
        stop.set()
        watcher.join()
    finally:
        threading.excepthook = previous
    assert failures == [] and seen == {"first", "second"}


def test_a_promotion_that_is_killed_leaves_the_old_model_or_the_new_one(store: ModelStore) -> None:
    versions = [trained(store, name) for name in ("first", "second")]
    store.serve(versions[0], FILES)
    script = (
        "import sys; from pathlib import Path; from mostrador.operations.models import ModelStore\n"
        "store = ModelStore(Path(sys.argv[1])); a, b = (store.named(n) for n in sys.argv[2:])\n"
        "print('on', flush=True)\n"
        "while True:\n    store.serve(b, {}); store.serve(a, {})\n"
    )
    for wait in (0.0, 0.003, 0.011, 0.02, 0.031, 0.05):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(store.folder), *(v.name for v in versions)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None and child.stdout.readline() == b"on\n"
        threading.Event().wait(wait)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        serving = store.serving()
        assert serving in versions and sha256(store.path(serving)) == serving.model
    store.serve(versions[1], FILES)  # and the next one finds nothing in its way
    assert store.serving() == versions[1] and sha256(model_file(store.folder)) == versions[1].model


# --- the command


@pytest.fixture()
def shop(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelStore]:
    class Config:
        models_dir = store.folder
        rasa_port = 1  # nobody answers there

    for module in (model_command, training):
        monkeypatch.setattr(module, "settings", Config)
        monkeypatch.setattr(module, "digests", lambda root=ROOT: FILES)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    yield store


def run(*arguments: str) -> "tuple[int, str]":
    done = CliRunner().invoke(model_command.model, list(arguments))
    return done.exit_code, done.output


def test_promote_takes_the_newest_and_rollback_the_one_before(shop: ModelStore) -> None:
    first = trained(shop, "first")
    shop.serve(first, FILES)
    second = trained(shop, "second")
    code, said = run("promote")
    assert code == 0 and second.name in said and "when it does" in said
    assert shop.serving() == second
    code, said = run("rollback")
    assert code == 0 and shop.serving() == first
    code, said = run("list", "--json")
    listed = json.loads(said)["models"]
    assert [(m["id"], m["role"]) for m in listed] == [("second", "served before, promoted next"), ("first", "serves")]


def test_what_cannot_be_promoted_is_said_in_a_sentence_and_changes_nothing(shop: ModelStore) -> None:
    assert run("promote")[0] == 1
    first = trained(shop, "first")
    shop.serve(first, FILES)
    for arguments, words in (
        (("promote",), "No model is newer"),
        (("promote", "nonsense"), "No model is called “nonsense”"),
        (("promote", "../mostrador"), "No model is called"),
        (("rollback",), "No model served before"),
    ):
        code, said = run(*arguments)
        assert code == 1 and words in said and "Traceback" not in said
    code, said = run("promote", first.name)
    assert code == 0 and "serves already" in said
    assert shop.serving() == first


def test_a_model_of_other_components_is_loaded_once_before_it_may_serve(shop: ModelStore) -> None:
    first = trained(shop, "first")
    shop.serve(first, FILES)
    trained(shop, "of another pipeline", {"code": "another", "data": "d"})
    code, said = run("promote")
    assert code == 1 and "does not load with these" in said
    assert shop.serving() == first


def test_after_going_back_nobody_trains_the_rejected_files_again_unless_asked(
    shop: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(shop, "first", {"code": "c", "data": "of last week"})
    shop.serve(first, first.files)
    trained(shop, "second")
    assert run("promote")[0] == 0
    assert run("rollback")[0] == 0
    assert training.up_to_date(shop.folder) and not training.ensure_model()
    assert shop.serving() == first
    monkeypatch.setattr(training, "digests", lambda root=ROOT: {"code": "c", "data": "of tomorrow"})
    assert not training.up_to_date(shop.folder)


def test_a_model_that_was_trained_for_a_comparison_is_not_trained_again(shop: ModelStore) -> None:
    first = trained(shop, "first", {"code": "c", "data": "of last week"})
    shop.serve(first, first.files)
    second = trained(shop, "second")
    assert training.train_candidate() == second and shop.serving() == first
    assert training.ensure_model() and shop.serving() == second


@pytest.mark.parametrize(
    ("told", "state", "words"),
    [
        (None, None, ""),
        ({"ready": True}, None, ""),
        ({"model": "the chosen one", "problem": ""}, "ok", "the chosen one"),
        ({"model": "another", "problem": ""}, "note", "another still"),
        ({"model": "another", "problem": "it cannot be loaded"}, "missing", "it cannot be loaded"),
    ],
)
def test_the_doctor_says_which_model_is_really_served(
    monkeypatch: pytest.MonkeyPatch, told: object, state: object, words: str
) -> None:
    monkeypatch.setattr(doctor, "served_now", lambda: told)
    findings = list(doctor._model_served(Version("the chosen one", "sha")))
    assert [finding.state for finding in findings] == ([state] if state else [])
    assert all(words in finding.said for finding in findings)
