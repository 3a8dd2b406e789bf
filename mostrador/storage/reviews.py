"""Which sentences a trainer should look at, and what was decided of them."""

from __future__ import annotations

from datetime import datetime
from typing import Dict, List, Optional, Sequence

from sqlalchemy import text
from sqlalchemy.engine import Connection

from mostrador.shop.review import Unsure

MOST = 500
_UNSURE = text(  # what a form took as its answer is content, and stays out unless it was taken back
    """
    select * from nlu_turn v
    where v.at >= :since
      and not exists (select from nlu_review r where r.turn_id = v.turn_id)
      and (v.followed = 'corrected' or not v.in_form)
      and (v.followed in ('corrected', 'rephrased')
           or (v.followed = 'handed over' and v.intent <> 'request_human')
           or v.intent = 'nlu_fallback'
           or v.confidence < :below
           or v.confidence - v.runner_up_confidence < :margin)
    order by (v.followed = 'corrected') desc, v.at desc
    limit :most
    """
)
_CLAIM = text(
    """
    with claimed as (
        insert into nlu_review (turn_id, verdict, label, language, sentence, reviewer, at)
        select v.turn_id, case when cast(:label as text) is null then 'dismissed' else 'labelled' end, :label,
               :language, '', :reviewer, :at
        from nlu_turn v where v.turn_id = any(:ids)
        order by v.turn_id
        on conflict (turn_id) do nothing
        returning turn_id
    )
    select v.turn_id, v.text from claimed c join nlu_turn v on v.turn_id = c.turn_id order by v.at, v.turn_id
    """
)
_WROTE = text("update nlu_review set sentence = :sentence, file = :file where turn_id = :turn")


class SqlReviews:
    """``shop.review.Reviews`` on the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def unsure(self, since: datetime, below: float = 0.6, margin: float = 0.2, most: int = MOST) -> List[Unsure]:
        """Free texts since then that were corrected, rephrased or handed over, or understood with a probability below
        ``below`` or within ``margin`` of the next reading; the corrected ones and the newest first."""
        values = {"since": since, "below": below, "margin": margin, "most": most}
        return [
            Unsure(
                turn_id=row.turn_id,
                at=row.at,
                language=row.language,
                text=row.text,
                intent=row.intent or "",
                confidence=row.confidence,
                readings=tuple((str(name), float(probability or 0)) for name, probability in row.readings),
                followed=row.followed,
                corrected_to=row.corrected_to or "",
                model=row.model,
            )
            for row in self._connection.execute(_UNSURE, values)
        ]

    def claim(
        self, turn_ids: Sequence[str], label: Optional[str], language: str, reviewer: str, at: datetime
    ) -> Dict[str, str]:
        values = {"ids": list(turn_ids), "label": label, "language": language, "reviewer": reviewer, "at": at}
        return {row.turn_id: row.text for row in self._connection.execute(_CLAIM, values)}

    def wrote(self, turn_id: str, sentence: str, file: str) -> None:
        self._connection.execute(_WROTE, {"turn": turn_id, "sentence": sentence, "file": file})
