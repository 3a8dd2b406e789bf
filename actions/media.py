"""Pictures, voice messages and files that nobody asked for."""

from __future__ import annotations

from typing import List, Text

from rasa_sdk.events import EventType

from actions.base import UseCaseAction
from actions.turn import Turn

ANSWERS = {
    "image": "utter_media_picture",
    "video": "utter_media_picture",
    "audio": "utter_media_voice",
    "document": "utter_media_file",
    "sticker": "utter_media_sticker",
}


class ActionAnswerMedia(UseCaseAction):
    def name(self) -> Text:
        return "action_answer_media"

    async def use_case(self, turn: Turn) -> List[EventType]:
        turn.say(ANSWERS.get(turn.entity("media_kind"), "utter_media_unknown"))
        return []
