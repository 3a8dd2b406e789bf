"""The process that acts without being asked: fixed ticks, nothing else; every tick is one call into the shop's stores.

``python -m scheduler``. Timers live in our tables, never in APScheduler's job store: a tick that was missed while the
process was down is simply the next one.
"""

from __future__ import annotations

import logging
import signal
from datetime import timedelta
from types import FrameType
from typing import Callable, Optional

from apscheduler.schedulers.blocking import BlockingScheduler

from mostrador.bootstrap import Services, services
from mostrador.storage.engine import is_unavailable
from mostrador.storage.feed import drop_retired
from mostrador.storage.retention import forget_old

log = logging.getLogger("scheduler")

KEPT = timedelta(days=30)  # duplicates of a message can come for 7 days; a month leaves room to look things up


def tick(work: Callable[[], object]) -> Callable[[], None]:
    """``work`` as a job that never raises: APScheduler would forget a job that does."""

    def run() -> None:
        try:
            work()
        except Exception as error:
            if is_unavailable(error):
                log.warning("The database is away; the next tick will do it")
            else:
                log.exception("A tick failed")

    return run


def ticks(made: Services) -> BlockingScheduler:
    """The scheduler with all ticks, not yet started."""
    scheduler = BlockingScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    scheduler.add_job(tick(lambda: drop_retired(made.engine, made.clock.now())), "interval", minutes=5)
    scheduler.add_job(tick(lambda: forget_old(made.engine, made.clock.now() - KEPT)), "interval", hours=1)
    return scheduler


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    scheduler = ticks(services())

    def stop(signum: int, frame: Optional[FrameType]) -> None:
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler.start()


if __name__ == "__main__":
    main()
