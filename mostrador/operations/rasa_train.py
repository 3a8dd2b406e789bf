"""``rasa …`` for training, without what many thousands of sentences make dear and no model of ours needs.

* Rasa hashes a message by a deep fingerprint of all it holds, several times for each sentence, and copies it deeply
  whenever two files are put together. Equality stays Rasa's own; the copies share what is never changed in place.
* Rasa reads the same files two to eight times; here each is read once.
* TensorFlow is left out when no component of the pipeline uses it.

The model is the same.
"""

from __future__ import annotations

import sys
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from ruamel.yaml import YAML

from mostrador.channels.lean_rasa import leave_out_tensorflow

_LEAN = {
    "FallbackClassifier", "KeywordIntentClassifier", "RegexEntityExtractor", "EntitySynonymMapper",
    "WhitespaceTokenizer", "RulePolicy", "MemoizationPolicy", "AugmentedMemoizationPolicy",
}  # fmt: skip


def needs_tensorflow(config: Path) -> bool:
    """Whether a component named in this config.yml may use TensorFlow: any that is neither ours nor known not to.

    Without a pipeline or without policies Rasa chooses its default ones, which do.
    """
    chosen = YAML(typ="safe").load(config.read_text(encoding="utf-8")) or {}
    pipeline, policies = chosen.get("pipeline"), chosen.get("policies")
    if not pipeline or not policies:
        return True
    names = [str(component["name"]) for component in [*pipeline, *policies]]
    return any(name not in _LEAN and not name.startswith("mostrador.") for name in names)


def _config(arguments: List[str]) -> Optional[Path]:
    if "--config" not in arguments[:-1]:
        return None
    return Path(arguments[arguments.index("--config") + 1])


def _cheap_messages() -> None:
    from rasa.shared.nlu.constants import ACTION_NAME, ACTION_TEXT, INTENT, TEXT
    from rasa.shared.nlu.training_data.message import Message

    def _hash(message: Message) -> int:
        return hash(tuple(message.data.get(part) for part in (TEXT, INTENT, ACTION_NAME, ACTION_TEXT)))

    def _deepcopy(message: Message, _: Dict[int, Any]) -> Message:
        same = copy(message)
        same.data = {name: copy(value) for name, value in message.data.items()}
        same.features, same.output_properties = list(message.features), set(message.output_properties)
        return same

    Message.__hash__ = _hash
    Message.__deepcopy__ = _deepcopy


def _read_once() -> None:
    from rasa.shared.importers.rasa import RasaFileImporter

    for name in ("get_domain", "get_stories", "get_nlu_data"):
        setattr(RasaFileImporter, name, _once(getattr(RasaFileImporter, name)))


def _once(read: Callable[[Any], Any]) -> Callable[..., Any]:
    """``read`` whose outcome is kept. Its further arguments, a language and a share to leave out, never change here."""
    kept = lru_cache(maxsize=None)(read)
    return lambda importer, *_, **__: kept(importer)


def main() -> None:
    config = _config(sys.argv)
    if config is not None and config.exists() and not needs_tensorflow(config):
        leave_out_tensorflow()
    _cheap_messages()
    _read_once()
    from rasa.__main__ import main as rasa

    rasa()


if __name__ == "__main__":
    main()
