"""Statements that a connection plans once.

What runs for every message is planned by PostgreSQL at each call otherwise, and planning these costs more than running
them. ``connect`` asks for plans that fit any values, so the second call has its plan already.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Dict, List

from sqlalchemy.engine import Connection, CursorResult

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_KNOWN = "mostrador_prepared"


class Prepared:
    """One statement with ``:named`` parameters, prepared on each connection when it is first asked there.

    A parameter whose type PostgreSQL cannot see from its place needs a cast.
    """

    def __init__(self, sql: str) -> None:
        names: List[str] = []

        def numbered(found: "re.Match[str]") -> str:
            if found.group(1) not in names:
                names.append(found.group(1))
            return f"${names.index(found.group(1)) + 1}"

        body = _PARAMETER.sub(numbered, sql).replace("%", "%%")
        self._name = "mostrador_" + hashlib.blake2b(sql.encode(), digest_size=8).hexdigest()
        self._prepare = f"prepare {self._name} as {body}"
        values = ", ".join(f"%({name})s" for name in names)
        self._execute = f"execute {self._name} ({values})" if names else f"execute {self._name}"

    def __call__(self, connection: Connection, **values: Any) -> CursorResult:
        """Execute it. Raises what any statement raises."""
        known: Dict[str, bool] = connection.info.setdefault(_KNOWN, {})
        if self._name not in known:
            connection.exec_driver_sql(self._prepare)
            known[self._name] = True
        return connection.exec_driver_sql(self._execute, values)
