"""``mostrador feed``: take a recommendation dump, see what is in use."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Dict, Optional

import click

from mostrador.bootstrap import database_url
from mostrador.gateways.feed_source import open_dump
from mostrador.settings import settings
from mostrador.shop.clock import clock_from
from mostrador.shop.feed import FeedRefused
from mostrador.shop.recommendations import RecommendationKind
from mostrador.storage import feed as store
from mostrador.storage.engine import connect, is_unavailable

KINDS = [kind.value for kind in RecommendationKind]


@click.group()
def feed() -> None:
    """The recommendation feed: what is sold out and what soon will be."""


@feed.command("load")
@click.argument("source", metavar="PATH|s3://BUCKET/KEY")
@click.option("--kind", type=click.Choice(KINDS), help="Which feed it is, when its columns do not say.")
@click.option("--force", is_flag=True, help="Take it though its size is unusual or its last line is open.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def load_command(source: str, kind: Optional[str], force: bool, as_json: bool) -> None:
    """Publish a dump (parquet or CSV; a file, or a folder with _SUCCESS) whole, or keep the feed in use.

    Columns, in any order: supplier_id, product_id, style_id (or VPID), variation_name, catalog_id, catalog_name,
    sorting_score, and estimated_order_loss (sold out) or current_stock and days_on_hand (low stock). supplierId,
    SUPPLIER_ID and "Supplier Id" are the same name. CSV is UTF-8 with commas and a header; row 1 is the header.
    """
    config = settings()
    engine = connect(database_url(config), pool_size=2)
    begun = time.monotonic()
    try:
        with open_dump(source, force) as dump:
            done = store.load(engine, dump, clock_from(config.clock), RecommendationKind(kind) if kind else None)
    except FeedRefused as refused:
        problems = [str(problem) for problem in refused.problems]
        _refuse("Not loaded; the feed in use stays.", problems, as_json)
    except Exception as error:
        if not is_unavailable(error):
            raise
        _refuse("Not loaded: the database does not answer.", [], as_json)
    finally:
        engine.dispose()
    seconds = round(time.monotonic() - begun, 2)
    if done.outcome == "same":
        click.echo(f"This dump is the {_words(done.kind)} feed in use already ({done.rows} rows).")
    else:
        click.echo(f"Published {done.rows} rows as the {_words(done.kind)} feed in {seconds} s.")
    if done.ignored:
        click.echo(f"Columns not used: {', '.join(done.ignored)}.")
    if as_json:
        answer = {"ok": True, "outcome": done.outcome, "kind": done.kind.value, "snapshot_id": done.snapshot_id}
        _print({**answer, "rows": done.rows, "seconds": seconds, "ignored_columns": list(done.ignored)})


@feed.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def status_command(as_json: bool) -> None:
    """Which snapshots there are; exit 1 when one of the two feeds was never loaded."""
    engine = connect(database_url(settings()), pool_size=1)
    try:
        snapshots = store.status(engine)
    except Exception as error:
        if not is_unavailable(error):
            raise
        _refuse("The database does not answer.", [], as_json)
    finally:
        engine.dispose()
    for row in snapshots:
        problems = (row["report"] or {}).get("problems", [])
        when = row["published_at"] or row["created_at"]
        click.echo(
            f"{row['kind']:<13}{row['state']:<9}{row['row_count']:>9} rows  {when}  {' '.join(problems[:1])}".rstrip()
        )
    missing = [kind for kind in KINDS if not any(r["kind"] == kind and r["state"] == "current" for r in snapshots)]
    for kind in missing:
        click.echo(f"{kind:<13}none in use")
    if as_json:
        _print({"ok": not missing, "snapshots": snapshots})
    sys.exit(1 if missing else 0)


def _refuse(sentence: str, problems: "list[str]", as_json: bool) -> "Any":
    click.echo(sentence, err=True)
    for problem in problems:
        click.echo(f"  {problem}", err=True)
    if as_json:
        _print({"ok": False, "outcome": "refused", "problems": problems or [sentence]})
    sys.exit(1)


def _words(kind: RecommendationKind) -> str:
    return kind.value.replace("_", "-")


def _print(answer: Dict[str, Any]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False))
