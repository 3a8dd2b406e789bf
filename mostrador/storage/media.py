"""The queue of files that people sent and that must be fetched before the provider forgets them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import List, Optional

from sqlalchemy import text
from sqlalchemy.engine import Engine


@dataclass(frozen=True)
class WaitingFile:
    """A file that is still at the provider; ``tries`` is how often it was asked for in vain."""

    media_id: str
    business_number: str
    tries: int


class MediaStore:
    """One process at a time works on this queue: the sender that has the lead."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, now: datetime, most: int) -> List[WaitingFile]:
        with self._engine.connect() as connection:
            rows = connection.execute(
                text(
                    "select media_id, business_number, tries from media_file"
                    " where status = 'new' and due_at <= :now order by due_at limit :most"
                ),
                {"now": now, "most": most},
            )
            return [WaitingFile(row.media_id, row.business_number, row.tries) for row in rows]

    def kept(self, media_id: str, mime_type: str, sha256: str, size: int, path: str, now: datetime) -> None:
        self._write(
            "status = 'kept', mime_type = :mime, sha256 = :sha256, size = :size, path = :path, at = :now",
            media_id,
            {"mime": mime_type, "sha256": sha256, "size": size, "path": path, "now": now},
        )

    def failed(self, media_id: str, reason: str, again_at: Optional[datetime], now: datetime) -> None:
        """Ask again at ``again_at``, or never."""
        self._write(
            "tries = tries + 1, error = :reason, at = :now, due_at = coalesce(:again, due_at),"
            " status = case when cast(:again as timestamptz) is null then 'refused' else 'new' end",
            media_id,
            {"reason": reason[:200], "again": again_at, "now": now},
        )

    def _write(self, sets: str, media_id: str, values: dict) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                text(f"update media_file set {sets} where media_id = :id and status = 'new'"),
                {"id": media_id, **values},
            )
