"""Who speaks in a conversation: the bot, nobody yet (queued for a human) or a human; never two at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, List, Mapping, Optional, Protocol

from mostrador.shop.errors import ShopError
from mostrador.shop.messages import Say
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

BOT, QUEUED, HUMAN = "bot", "queued", "human"


class UnknownConversation(ShopError):
    """No conversation has this id."""


class AlreadyTaken(ShopError):
    """Another person owns this conversation; the message is that person's name."""


class NotOwnedByYou(ShopError):
    """Only the human who owns the conversation may speak in it or give it back."""


@dataclass(frozen=True)
class Conversation:
    """One contact's talk with one of our business numbers. ``last_human_at`` opens the 24-hour window."""

    id: str
    contact_id: int
    business_number: str
    owner: str
    owner_name: str
    owner_since: Optional[datetime]
    last_human_at: Optional[datetime]


@dataclass(frozen=True)
class ManualTask:
    id: int
    conversation_id: Optional[str]
    kind: str
    details: Mapping[str, Any]
    status: str
    created_at: datetime


class Conversations(Protocol):
    def get(self, conversation_id: str, lock: bool = False) -> Optional[Conversation]:
        """The conversation; with ``lock`` its row is held until the transaction ends."""

    def set_owner(self, conversation_id: str, owner: str, name: str, at: datetime) -> None:
        """Change the owner. Bot rows that still wait in the outbox and are older than a takeover are dropped."""

    def waiting(self) -> List[Conversation]:
        """Conversations that are queued or with a human, oldest first."""

    def say(self, conversation_id: str, say: Say, speaker: str, key: str, at: datetime) -> None:
        """Queue one thing to say by ``bot``, ``human`` or ``system``; the same ``key`` again changes nothing."""


class ManualTasks(Protocol):
    def open(
        self, kind: str, conversation_id: Optional[str], details: Mapping[str, Any], key: Optional[str], at: datetime
    ) -> None:
        """Put a task on the people's list; the same ``key`` again changes nothing."""

    def close_of(self, conversation_id: str, kind: str, at: datetime) -> None: ...

    def close(self, task_id: int, at: datetime) -> bool:
        """Mark a task as done; False when no open task has this id."""

    def open_tasks(self) -> List[ManualTask]: ...


def ask_for_human(uow: UnitOfWork, conversation_id: str, reason: str, turn_id: str, at: datetime) -> None:
    """Queue the conversation for a human and open a task; a conversation that a human has stays theirs."""
    with uow:
        talk = _existing(uow, conversation_id)
        if talk.owner == BOT:
            uow.conversations.set_owner(conversation_id, QUEUED, "", at)
        key = effect_key(turn_id, "ask_for_human")
        uow.tasks.open("handover", conversation_id, {"reason": reason}, key, at)
        uow.commit()


def take(uow: UnitOfWork, conversation_id: str, name: str, at: datetime) -> None:
    """A human takes the conversation; what the bot had not sent yet is dropped. Raises AlreadyTaken."""
    with uow:
        talk = _existing(uow, conversation_id)
        if talk.owner == HUMAN and talk.owner_name != name:
            raise AlreadyTaken(talk.owner_name)
        uow.conversations.set_owner(conversation_id, HUMAN, name, at)
        uow.commit()


def reply(uow: UnitOfWork, conversation_id: str, name: str, text: str, key: str, at: datetime) -> None:
    """The owner says something. Raises NotOwnedByYou when the conversation is not theirs."""
    with uow:
        _owned_by(uow, conversation_id, name)
        uow.conversations.say(conversation_id, Say(text=text), "human", key, at)
        uow.commit()


def release(uow: UnitOfWork, conversation_id: str, name: str, at: datetime) -> None:
    """The owner gives the conversation back to the bot and their tasks for it are done. Raises NotOwnedByYou."""
    with uow:
        _owned_by(uow, conversation_id, name)
        uow.conversations.set_owner(conversation_id, BOT, "", at)
        uow.tasks.close_of(conversation_id, "handover", at)
        uow.commit()


def _existing(uow: UnitOfWork, conversation_id: str) -> Conversation:
    talk = uow.conversations.get(conversation_id, lock=True)
    if talk is None:
        raise UnknownConversation(conversation_id)
    return talk


def _owned_by(uow: UnitOfWork, conversation_id: str, name: str) -> Conversation:
    talk = _existing(uow, conversation_id)
    if talk.owner != HUMAN or talk.owner_name != name:
        raise NotOwnedByYou(talk.owner_name)
    return talk
