"""How long a feed of a million rows takes from the file to being published, and how much memory.

``python tests/load/feed_bench.py [--rows N] [--format parquet|csv] [--url URL] [--json]``: writes the dump into a
temporary folder, loads it in a process of its own (whose peak is measured) and prints seconds and MB. Without a URL a
throw-away server is started.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent.parent
LOADER = """
import json, sys, time
from mostrador.gateways.feed_source import open_dump
from mostrador.shop.clock import SystemClock
from mostrador.storage import feed
from mostrador.storage.engine import connect
begun = time.monotonic()
with open_dump(sys.argv[1], force=True) as dump:
    done = feed.load(connect(sys.argv[2], 2), dump, SystemClock())
# Not getrusage: its peak begins with the memory of the process that started this one.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
print(json.dumps({"rows": done.rows, "seconds": round(time.monotonic() - begun, 2), "peak_mb": round(peak)}))
"""


def write(folder: Path, rows: int, form: str, seed: int = 7) -> Path:
    """A believable dump: a few thousand suppliers of very different size, unique variations."""
    random = np.random.default_rng(seed)
    number = np.arange(rows)
    supplier = np.minimum(random.zipf(1.3, rows), 5_000)
    colours, sizes = ("Red", "Blue", "Green", "Black"), ("S", "M", "L", "XL")
    table = pa.table(
        {
            "supplier_id": pa.array(supplier, pa.int32()),
            "product_id": pa.array(number // 16 + 1, pa.int32()),
            "style_id": [f"VP{n // 16:08d}" for n in range(rows)],
            "variation_name": [f"{colours[n % 4]} / {sizes[n // 4 % 4]}" for n in range(rows)],
            "catalog_id": pa.array(number // 160 + 1, pa.int32()),
            "catalog_name": [f"Handblock printed cotton kurta {n // 160}" for n in range(rows)],
            "sorting_score": pa.array(random.integers(0, 1_000_000, rows), pa.int32()),
            "estimated_order_loss": pa.array(random.integers(0, 300, rows), pa.int32()),
        }
    )
    path = folder / f"dump.{form}"
    if form == "csv":
        pa_csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    return path


def measure(rows: int, form: str, url: str) -> "dict[str, object]":
    """Write, load and time one dump; ``read_ms`` is how long the first page of the largest supplier takes after it."""
    from mostrador.shop.recommendations import RecommendationKind
    from mostrador.storage.engine import connect
    from mostrador.storage.unit_of_work import SqlUnitOfWork

    folder = Path(tempfile.mkdtemp(prefix="mostrador-feed-bench-"))
    try:
        path = write(folder, rows, form)
        size = path.stat().st_size
        command = [sys.executable, "-c", LOADER, str(path), url]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    finally:
        shutil.rmtree(folder)
    engine = connect(url, 1)
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        with SqlUnitOfWork(engine) as uow:
            uow.recommendations.found(RecommendationKind.OUT_OF_STOCK, [1], None, 12, datetime.now(timezone.utc))
        times.append(time.perf_counter() - begun)
    engine.dispose()
    result: "dict[str, object]" = json.loads(done.stdout.splitlines()[-1])
    return {"format": form, "file_mb": round(size / 1e6, 1), **result, "page_ms": round(sorted(times)[10] * 1000, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--url", help="a database whose feed may be replaced")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if given.url:
        result = measure(given.rows, given.format, given.url)
    else:
        from mostrador.operations.embedded_postgres import EmbeddedPostgres, temporary_home
        from mostrador.storage.migrate import upgrade

        home = temporary_home()
        server = EmbeddedPostgres(home)
        try:
            server.start()
            server.ensure_database("bench")
            upgrade(server.url("bench"))
            result = measure(given.rows, given.format, server.url("bench"))
        finally:
            server.stop()
            shutil.rmtree(home, ignore_errors=True)
    print(
        f"{result['rows']} rows of {result['format']} ({result['file_mb']} MB): {result['seconds']} s, "
        f"peak {result['peak_mb']} MB; first page of the largest supplier {result['page_ms']} ms"
    )
    if given.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
