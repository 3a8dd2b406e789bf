"""The models that were trained here: which one serves, which one did before, and which may be promoted.

``models/versions/<name>.tar.gz`` lies beside ``<name>.digest``, its note. ``models/mostrador.digest`` is the note of
the one that serves; replacing that file is what a promotion is, so there is never a moment without a model or with
half of one. ``models/mostrador.tar.gz`` is the serving model once more, for Rasa's own commands; nothing of ours trusts
it unless its SHA-256 is the one noted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tarfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

NAME = "mostrador"
KEPT = 5  # versions that neither serve nor served before


class UntrustedModel(Exception):
    """The model is missing or is not the one that was trained here; the message says which."""


class UnknownModel(Exception):
    """No model, or none to go back to, answers to that name; the message is for the person who typed it."""


@dataclass(frozen=True)
class Version:
    """One trained model. ``model`` is the SHA-256 of its file, ``id`` Rasa's own; ``code`` and ``data`` are the digests
    of the files it was trained from, ``trained_at`` an ISO instant (empty: not noted)."""

    name: str
    model: str
    code: str = ""
    data: str = ""
    id: str = ""
    trained_at: str = ""

    @property
    def files(self) -> Dict[str, str]:
        return {"code": self.code, "data": self.data}


def model_file(models: Path) -> Path:
    """Where Rasa's own commands find the model that serves."""
    return models / f"{NAME}.tar.gz"


def trusted_model(models: Path) -> Path:
    """The model file to serve, once its SHA-256 is found to be the one noted after training; raises UntrustedModel.

    Rasa unpacks and unpickles a model, so whoever can write one can run code in the engine.
    """
    return ModelStore(models).path(ModelStore(models).serving())


class ModelStore:
    """The folder of the models. Changes are made by one process at a time (``locked``), reads need no lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = folder / "versions"
        self._choice = folder / f"{NAME}.digest"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until nobody else trains, promotes or rolls back, and keep others waiting meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def serving(self) -> Version:
        """The model that was chosen to serve; raises UntrustedModel when none was."""
        try:
            return _version(self._chosen(), NAME)
        except (OSError, ValueError, KeyError):
            raise UntrustedModel(f"There is no note of a training in {self.folder}: run `mostrador train`.") from None

    def before(self) -> Optional[Version]:
        """The model that served before the present one, if it is still kept."""
        try:
            name = self._chosen().get("before")
        except (OSError, ValueError):
            return None
        return next((version for version in self.versions() if version.name == name), None)

    def chosen_for(self) -> List[Mapping[str, str]]:
        """The states of the training files that need no training: the serving model's own, and the one that was there
        when another model was chosen in spite of it."""
        try:
            note = self._chosen()
        except (OSError, ValueError):
            return []
        return [{key: str(note.get(key, "")) for key in ("code", "data")}, note.get("chosen_for") or {}]

    def versions(self) -> List[Version]:
        """All that are kept, the newest first."""
        found = []
        for path in self._versions.glob("*.digest"):
            try:
                found.append(_version(json.loads(path.read_text(encoding="utf-8")), path.stem))
            except (OSError, ValueError, KeyError):
                continue  # a note that is not whole is no promise of a model
        return sorted(found, key=lambda version: (version.trained_at, version.name), reverse=True)

    def candidate(self) -> Optional[Version]:
        """The newest model that was trained after the serving one."""
        serving = self.serving()
        newest = next(iter(self.versions()), None)
        if newest is None or newest.model == serving.model or newest.trained_at <= serving.trained_at:
            return None
        return newest

    def named(self, name: str) -> Version:
        """The version of this name, or the only one whose name begins so; raises UnknownModel."""
        known = self.versions()
        exact = [version for version in known if version.name == name]
        fitting = exact or [version for version in known if name and version.name.startswith(name)]
        if len(fitting) != 1:
            several = f"Several models begin with “{name}”" if fitting else f"No model is called “{name}”"
            raise UnknownModel(f"{several}; there are: {', '.join(v.name for v in known) or 'none'}.")
        return fitting[0]

    def path(self, version: Version) -> Path:
        """Its file, once the SHA-256 is right; raises UntrustedModel."""
        places = [path for path in (self._file(version.name), model_file(self.folder)) if path.exists()]
        if not places:
            raise UntrustedModel(f"There is no model {self._file(version.name)}: run `mostrador train`.")
        for path in places:
            if sha256(path) == version.model:
                return path
        raise UntrustedModel(f"{places[0]} is not the model that was trained here: run `mostrador train`.")

    def add(self, fresh: Path, files: Mapping[str, str]) -> Version:
        """Keep a model that was just trained from ``files`` (moved from ``fresh``); it does not serve yet."""
        now, digest = datetime.now(timezone.utc), sha256(fresh)
        name = f"{now:%Y%m%d-%H%M%S}-{digest[:6]}"
        version = Version(name, digest, files["code"], files["data"], model_id(fresh), now.isoformat())
        self._versions.mkdir(parents=True, exist_ok=True)
        fresh.replace(self._file(name))
        _write(self._note(name), asdict(version))  # last: what has a note is whole
        return version

    def serve(self, version: Version, files: Mapping[str, str]) -> None:
        """Let ``version`` serve from now on, in spite of the training files being as ``files`` says.

        Raises UntrustedModel when it is not whole; then, and when this process is killed, either the old model serves
        or the new one does.
        """
        self.path(version)
        try:
            serving: Optional[Version] = self._keep(self.serving())
            before = self._chosen().get("before")
        except UntrustedModel:
            serving, before = None, None
        if serving is not None and serving.name != version.name:
            before = serving.name
        note: Dict[str, Any] = {**asdict(version), "before": before}
        if dict(files) != version.files:
            note["chosen_for"] = dict(files)
        _write(self._choice, note)
        self._show_rasa(version)
        self._prune({version.name, before})

    def _keep(self, serving: Version) -> Optional[Version]:
        """The serving model among the versions, where a model from before there were any is put now."""
        if self._note(serving.name).exists():
            return serving
        try:
            path = self.path(serving)
        except UntrustedModel:
            return None
        trained_at = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        name = f"{trained_at:%Y%m%d-%H%M%S}-{serving.model[:6]}"
        kept = Version(name, serving.model, serving.code, serving.data, model_id(path), trained_at.isoformat())
        self._versions.mkdir(parents=True, exist_ok=True)
        _link(path, self._file(name))
        _write(self._note(name), asdict(kept))
        return kept

    def _show_rasa(self, version: Version) -> None:
        _link(self._file(version.name), model_file(self.folder))

    def _prune(self, needed: "set[Optional[str]]") -> None:
        idle = [version for version in self.versions() if version.name not in needed]
        for version in idle[KEPT:]:
            self._note(version.name).unlink(missing_ok=True)
            self._file(version.name).unlink(missing_ok=True)

    def _chosen(self) -> Dict[str, Any]:
        note = json.loads(self._choice.read_text(encoding="utf-8"))
        if not isinstance(note, dict):
            raise ValueError("no note")
        return note

    def _file(self, name: str) -> Path:
        return self._versions / f"{name}.tar.gz"

    def _note(self, name: str) -> Path:
        return self._versions / f"{name}.digest"


def model_id(path: Path) -> str:
    """Rasa's id of a model, from its metadata.json; empty when it says none."""
    try:
        with tarfile.open(path) as archive:
            member = next((m for m in archive if m.name.rpartition("/")[2] == "metadata.json"), None)
            file = archive.extractfile(member) if member is not None else None
            return str(json.load(file).get("model_id") or "") if file is not None else ""
    except (OSError, ValueError, tarfile.TarError):
        return ""


def sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _version(note: Mapping[str, Any], name: str) -> Version:
    known = {key: str(note.get(key) or "") for key in ("code", "data", "id", "trained_at")}
    return Version(str(note.get("name") or name), str(note["model"]), **known)


def _write(path: Path, note: Mapping[str, Any]) -> None:
    """Replace a note in one step that survives a power cut."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "w", encoding="utf-8") as file:
        file.write(json.dumps(note) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _link(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError:  # not every file system has links
        shutil.copyfile(source, draft)
    draft.replace(target)
