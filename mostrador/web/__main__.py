"""``python -m mostrador.web`` serves pictures and the stock entry on MOSTRADOR_WEB_PORT."""

from __future__ import annotations

import logging
import sys

from mostrador.bootstrap import build
from mostrador.settings import SettingsError, settings
from mostrador.web.app import THREADS, make_app


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = settings()
    except SettingsError as wrong:
        print(wrong, file=sys.stderr)  # noqa: T201 - before there is a log to read
        return 1
    app = make_app(build(config, pool_size=THREADS))
    app.run(host=config.bind_host, port=config.web_port, access_log=False, motd=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
