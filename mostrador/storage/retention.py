"""What is forgotten, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Engine

_SOONER = (
    # Kept only to recognise a repetition; the provider repeats for 7 days at most.
    "delete from effect where at < :before",
    "delete from delivery_report where at < :before",
)


def forget_old(engine: Engine, before: datetime) -> int:
    """Delete once-only keys and delivery reports older than ``before``; returns how many rows went."""
    with engine.begin() as connection:
        return sum(connection.execute(text(statement), {"before": before}).rowcount for statement in _SOONER)
