"""``mostrador report``: figures that the shop's people ask for, as a table, as JSON or as a file for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Sequence

import click

from mostrador.bootstrap import services
from mostrador.storage.rejections import BY, rejection_figures

_SHOWN = 20  # rows of a table; JSON and CSV have all
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@click.group()
def report() -> None:
    """Figures for the shop's people."""


@report.command()
@click.option("--by", type=click.Choice(BY), help="Only this table; needed for --csv.")
@click.option("--days", type=click.IntRange(1, 3660), default=90, show_default=True, help="How far back to look.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
@click.option("--csv", "as_csv", is_flag=True, help="Rows for a spreadsheet, safe to open there.")
def rejections(by: Optional[str], days: int, as_json: bool, as_csv: bool) -> None:
    """Why suppliers rejected recommendations: by reason, by supplier, by SKU."""
    if as_csv and by is None:
        raise click.UsageError("--csv writes one table: say which with --by.")
    made = services()
    since = made.clock.now() - timedelta(days=days)
    with made.engine.connect() as connection:
        tables = {name: rejection_figures(connection, name, since) for name in ([by] if by else BY)}
    if as_csv:
        sys.stdout.write(spreadsheet(tables[by or ""]))
    elif as_json:
        click.echo(json.dumps({"since": since.isoformat(), **tables}, ensure_ascii=False))
    else:
        click.echo(_as_text(tables, since))


def spreadsheet(rows: Sequence[Dict[str, Any]]) -> str:
    """The rows as CSV with a header line.

    A cell of text that a spreadsheet would read as a formula begins with an apostrophe.
    """
    out = io.StringIO()
    if rows:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([[_harmless(value) for value in row.values()] for row in rows])
    return out.getvalue()


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULAS):
        return "'" + value
    return value


def _as_text(tables: Dict[str, List[Dict[str, Any]]], since: datetime) -> str:
    lines = [f"Rejected since {since:%Y-%m-%d}"]
    for name, rows in tables.items():
        lines += ["", f"by {name}:"]
        for row in rows[:_SHOWN]:
            what = [str(value) for key, value in row.items() if key not in ("count", "taken_back") and value != ""]
            back = f" (and {row['taken_back']} taken back)" if row["taken_back"] else ""
            lines.append(f"{row['count']:>6}  {' · '.join(what)}{back}")
        if len(rows) > _SHOWN:
            lines.append(f"        … and {len(rows) - _SHOWN} more (--json or --csv has them all)")
        if not rows:
            lines.append("        none")
    return "\n".join(lines)
