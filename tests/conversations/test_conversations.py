"""Every conversation of this folder is played on one stack, several at a time; each is a test of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List

import pytest

from mostrador.operations.conversation_file import Conversation, find_files, read
from mostrador.operations.converse import Played, play_all
from mostrador.operations.stack import TemporaryStack

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
CONVERSATIONS: List[Conversation] = [found for file in find_files([HERE]) for found in read(file)]


def _id(conversation: Conversation) -> str:
    return f"{conversation.place.file.relative_to(HERE)}: {conversation.title}"


@pytest.fixture(scope="module")
def played(stack: TemporaryStack, request: pytest.FixtureRequest) -> Dict[str, Played]:
    wanted = {item.callspec.params["name"] for item in request.session.items if item.module.__name__ == __name__}
    chosen = [conversation for conversation in CONVERSATIONS if _id(conversation) in wanted]
    return {_id(one.conversation): one for one in play_all(stack, chosen)}


@pytest.mark.parametrize("name", [_id(conversation) for conversation in CONVERSATIONS])
def test_the_conversation_holds(played: Dict[str, Played], name: str) -> None:
    problem = played[name].problem
    assert problem is None, "\n".join([str(problem), *played[name].transcript])
