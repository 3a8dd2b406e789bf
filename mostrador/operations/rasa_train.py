"""``rasa …`` with one thing made cheap: how Rasa tells sentences apart while it puts files together.

Rasa hashes a message by a deep fingerprint of all it holds, several times for each sentence; with many thousands of
sentences that takes longer than learning from them. Equality stays Rasa's own, so that the outcome is the same.
"""

from __future__ import annotations

from rasa.shared.nlu.constants import ACTION_NAME, ACTION_TEXT, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message


def _hash(message: Message) -> int:
    return hash(tuple(message.data.get(part) for part in (TEXT, INTENT, ACTION_NAME, ACTION_TEXT)))


def main() -> None:
    Message.__hash__ = _hash
    from rasa.__main__ import main as rasa

    rasa()


if __name__ == "__main__":
    main()
