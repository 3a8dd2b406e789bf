"""Dumps of the recommendation job: taken whole or not at all, from files, folders and buckets."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional
from urllib.parse import parse_qs, urlsplit

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.config import Config
from click.testing import CliRunner
from sqlalchemy import select, text
from sqlalchemy.engine import Engine

from mostrador.gateways.feed_source import Dump, open_dump
from mostrador.shop.clock import SetClock
from mostrador.shop.feed import FeedRefused, Layout, Problems
from mostrador.shop.recommendations import RecommendationKind
from mostrador.storage import feed, tables
from mostrador.storage.engine import connect
from mostrador.storage.unit_of_work import SqlUnitOfWork

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
OOS, LOW = RecommendationKind.OUT_OF_STOCK, RecommendationKind.LOW_STOCK
HEADER = "supplier_id,product_id,style_id,variation_name,catalog_id,catalog_name,sorting_score,estimated_order_loss\n"
LOW_HEADER = HEADER.replace("estimated_order_loss", "current_stock,days_on_hand")


@pytest.fixture()
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url, pool_size=6)
    yield engine
    engine.dispose()


@pytest.fixture()
def clock() -> SetClock:
    return SetClock(NOW)


def row(product: int = 1, supplier: int = 7, name: str = "Red", score: int = 10) -> str:
    return f"{supplier},{product},S{product},{name},3,Lamp,{score},4\n"


def csv(folder: Path, *rows: str, name: str = "dump.csv", header: str = HEADER) -> Path:
    path = folder / name
    path.write_text(header + "".join(rows), encoding="utf-8")
    return path


def parquet(path: Path, products: "list[int]", **columns: Any) -> Path:
    count = len(products)
    made: Dict[str, Any] = {
        "supplier_id": pa.array([7] * count, pa.int32()),
        "product_id": pa.array(products, pa.int32()),
        "style_id": [f"S{product}" for product in products],
        "variation_name": ["Red"] * count,
        "catalog_id": pa.array([3] * count, pa.int32()),
        "catalog_name": ["Lamp"] * count,
        "sorting_score": pa.array(range(count), pa.int32()),
        "estimated_order_loss": pa.array([4] * count, pa.int32()),
    }
    pq.write_table(pa.table({**made, **columns}), path)
    return path


def load(engine: Engine, source: "Path | str", clock: Any, **options: Any) -> feed.Loaded:
    kind = options.pop("kind", None)
    with open_dump(str(source), **options) as dump:
        return feed.load(engine, dump, clock, kind)


def refused(engine: Engine, source: "Path | str", clock: Any, **options: Any) -> List[str]:
    with pytest.raises(FeedRefused) as why:
        load(engine, source, clock, **options)
    return [str(problem) for problem in why.value.problems]


def products(engine: Engine, kind: RecommendationKind = OOS) -> List[int]:
    with SqlUnitOfWork(engine) as uow:
        return [r.variation.sku.product_id for r in uow.recommendations.found(kind, [7, 8], None, 1000, NOW).rows]


def partitions(engine: Engine) -> List[str]:
    query = text("select relname from pg_class where relname ~ '^recommendation_[0-9]+$' and relkind = 'r' order by 1")
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def states(engine: Engine) -> List[str]:
    with engine.connect() as connection:
        snapshot = tables.recommendation_snapshot
        return list(connection.execute(select(snapshot.c.state).order_by(snapshot.c.id)).scalars())


# --- what is taken


def test_a_csv_and_a_parquet_become_the_two_feeds(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    low = csv(tmp_path, "7,5,S5,Red,3,Lamp,9,4,2\n", '8,6,S6,"",3,"Lamp, small",8,0,\n', header=LOW_HEADER)
    assert load(engine, parquet(tmp_path / "oos.parquet", [1, 2, 3]), clock).kind is OOS
    assert load(engine, low, clock).kind is LOW
    assert (products(engine), products(engine, LOW)) == ([3, 2, 1], [5, 6])
    with SqlUnitOfWork(engine) as uow:
        first, second = uow.recommendations.found(LOW, [7, 8], None, 10, NOW).rows
    assert (first.current_stock, first.days_on_hand, first.estimated_order_loss) == (4, 2, None)
    assert (second.variation.catalog_name, second.variation.sku.variation_name) == ("Lamp, small", "")
    assert (second.current_stock, second.days_on_hand) == (0, None)


def test_a_folder_is_one_dump_once_it_says_that_it_is_finished(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    parquet(tmp_path / "part-00000.parquet", [1, 2])
    parquet(tmp_path / "part-00001.parquet", [3])
    (tmp_path / ".part-00000.parquet.crc").write_bytes(b"x")
    assert "half written" in refused(engine, tmp_path, clock)[0]
    (tmp_path / "_SUCCESS").touch()
    assert load(engine, tmp_path, clock).rows == 3


def test_the_same_dump_again_is_not_loaded_again(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    first = load(engine, csv(tmp_path, row(1), row(2)), clock)
    again = load(engine, csv(tmp_path, row(1), row(2), name="copy.csv"), clock)
    assert (again.outcome, again.snapshot_id) == ("same", first.snapshot_id)
    assert len(partitions(engine)) == 1


def test_a_newer_dump_replaces_the_feed_and_the_old_one_goes_after_half_an_hour(
    engine: Engine, tmp_path: Path, clock: SetClock
) -> None:
    load(engine, csv(tmp_path, row(1), row(2)), clock)
    clock.advance(hours=8)
    load(engine, csv(tmp_path, row(2), row(3)), clock)
    assert (products(engine), states(engine)) == ([2, 3], ["old", "current"])
    assert feed.drop_retired(engine, clock.now() + timedelta(minutes=29)) == 0
    assert feed.drop_retired(engine, clock.now() + timedelta(minutes=30)) == 1
    assert (states(engine), len(partitions(engine)), products(engine)) == (["dropped", "current"], 1, [2, 3])


def test_a_partition_somebody_reads_is_dropped_the_next_time(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    load(engine, csv(tmp_path, row(1)), clock)
    load(engine, csv(tmp_path, row(2)), clock)
    later = clock.now() + timedelta(hours=1)
    with engine.connect() as reader:
        reader.execute(text(f"select * from {partitions(engine)[0]}")).all()
        assert feed.drop_retired(engine, later) == 0
    assert feed.drop_retired(engine, later) == 1


def test_a_renamed_catalogue_reaches_the_variations_people_met(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    load(engine, csv(tmp_path, row(1)), clock)
    products(engine)
    with SqlUnitOfWork(engine) as uow:
        uow.variations.ensure(uow.recommendations.found(OOS, [7], None, 1, NOW).rows[0].variation.sku, 3, "Lamp")
        uow.commit()
    load(engine, csv(tmp_path, row(1).replace("Lamp", "Desk Lamp")), clock)
    with SqlUnitOfWork(engine) as uow:
        assert uow.recommendations.found(OOS, [7], None, 1, NOW).rows[0].variation.catalog_name == "Desk Lamp"


def test_columns_nobody_uses_are_named(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    path = csv(tmp_path, row(1).strip() + ",x\n", header=HEADER.strip() + ",brand\n")
    assert load(engine, path, clock).ignored == ("brand",)


# --- what is refused, while the feed before stays


@pytest.mark.parametrize(
    "content, told",
    [
        (HEADER + row(1) + "x,2,S,R,3,C,1,1\n", "Row 3: supplier_id is not a whole number ('x')."),
        (HEADER + "1,2,S,R,3,C,-5,1\n", "Row 2: sorting_score is negative (-5)."),
        (HEADER + "1,2,,R,3,C,5,1\n", "Row 2: style_id is empty."),
        (HEADER + row(1) + row(2) + row(1), "Row 4: the variation is the one of row 2 again."),
        (HEADER + row(1) + "1,2,3\n", "Row 3: it has 3 columns, the header 8."),
        (HEADER + row(1) + "\n" + row(2), "Row 3: the line is empty."),
        (HEADER, "The dump has no rows. Use --force if that is right."),
        (HEADER + row(1)[:-8], "The last line of dump.csv has no line break: the file may be half written."),
        (HEADER.replace(",", ";") + row(1), "The columns of dump.csv are not separated by commas but by semicolons."),
        (HEADER + row(1).replace("Red", "é").encode().decode("latin-1"), None),
        ("", "dump.csv is empty."),
        ("supplier_id,product_id,estimated_order_loss\n", "The column style_id is missing."),
        (HEADER + "1,2,S," + "x" * 3_000_000 + ",3,C,1,1\n", "dump.csv has a line longer than 1 MiB"),
        (HEADER + "1,2,S," + "x" * 400_000 + ",3,C,1,1\n", "Row 2: variation_name is longer than 300 characters"),
        (HEADER + '1,2,"S,R,3,C,1,1\n' * 2, "Row 2: style_id holds a line break"),
    ],
)
def test_a_wrong_csv_is_told_by_row_and_column(
    engine: Engine, tmp_path: Path, clock: SetClock, content: str, told: Optional[str]
) -> None:
    load(engine, csv(tmp_path, row(1), row(2), name="good.csv"), clock)
    path = tmp_path / "dump.csv"
    path.write_text(content, encoding="utf-8")
    if told is None:  # readable after all
        assert load(engine, path, clock).rows == 1
        return
    assert refused(engine, path, clock)[0].startswith(told)
    assert products(engine) == [1, 2]
    assert len(partitions(engine)) == 1


def test_a_csv_in_another_encoding_is_refused(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    path = tmp_path / "dump.csv"
    path.write_bytes((HEADER + row(1, name="Rosé")).encode("latin-1"))
    assert refused(engine, path, clock) == ["dump.csv is not in UTF-8."]


def test_twenty_problems_are_told_not_two_hundred(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    path = csv(tmp_path, *(row(product, score=-1) for product in range(1, 201)))
    problems = refused(engine, path, clock)
    assert len(problems) == 20
    assert problems[-1] == "Row 21: sorting_score is negative (-1)."


def test_what_is_not_whole_parquet_is_refused(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    load(engine, csv(tmp_path, row(1)), clock)
    whole = parquet(tmp_path / "whole.parquet", [1, 2, 3]).read_bytes()
    for content, told in (
        (b"hello", "dump.parquet is not a parquet file."),
        (whole[: len(whole) // 2], "dump.parquet has no end: it is half written."),
        (whole[:4] + whole[200:], "dump.parquet is a damaged parquet file:"),
    ):
        path = tmp_path / "dump.parquet"
        path.write_bytes(content)
        assert refused(engine, path, clock)[0].startswith(told)
    assert products(engine) == [1]


@pytest.mark.parametrize(
    "columns, told",
    [
        ({"supplier_id": ["7", "7"]}, "The column supplier_id holds string, not whole numbers."),
        ({"style_id": [1, 2]}, "The column style_id holds int64, not text."),
        ({"style_id": ["S1", None]}, "Row 2: style_id is empty."),
        ({"sorting_score": [1, 2**31]}, "Row 2: sorting_score is greater than 2147483647 (2147483648)."),
        ({"product_id": [1, 1], "style_id": ["S", "S"]}, "Row 2: the variation is the one of row 1 again."),
        ({"catalog_name": ["x", "y" * 1_000_000]}, "Row 2: catalog_name is longer than 300 characters (1000000)."),
    ],
)
def test_a_wrong_parquet_is_told_by_row_and_column(
    engine: Engine, tmp_path: Path, clock: SetClock, columns: Dict[str, Any], told: str
) -> None:
    assert refused(engine, parquet(tmp_path / "dump.parquet", [1, 2], **columns), clock) == [told]
    assert states(engine) in ([], ["failed"])


def test_a_duplicate_across_parts_names_both(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    parquet(tmp_path / "part-0.parquet", [1, 2])
    parquet(tmp_path / "part-1.parquet", [3, 2])
    (tmp_path / "_SUCCESS").touch()
    assert refused(engine, tmp_path, clock) == [
        "Row 2 of part-1.parquet: the variation is the one of row 2 of part-0.parquet again."
    ]


def test_half_as_many_or_twice_as_many_rows_are_suspicious_unless_forced(
    engine: Engine, tmp_path: Path, clock: SetClock
) -> None:
    load(engine, csv(tmp_path, *map(row, range(1, 11))), clock)
    few = csv(tmp_path, *map(row, range(1, 5)))
    assert "less than half or more than double" in refused(engine, few, clock)[0]
    assert refused(engine, csv(tmp_path, *map(row, range(1, 22)), name="many.csv"), clock)
    assert len(products(engine)) == 10
    assert load(engine, few, clock, force=True).rows == 4


def test_a_file_overwritten_while_it_is_read_is_refused(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    path = csv(tmp_path, row(1), row(2))
    with open_dump(str(path)) as dump:
        path.write_text(HEADER + row(3), encoding="utf-8")
        with pytest.raises(FeedRefused, match="overwritten"):
            feed.load(engine, dump, clock)
    assert products(engine) == []


def test_a_missing_dump_is_said_to_be_missing_and_the_feed_stays(
    engine: Engine, tmp_path: Path, clock: SetClock
) -> None:
    load(engine, csv(tmp_path, row(1)), clock)
    assert refused(engine, tmp_path / "nothing.csv", clock) == [f"{tmp_path / 'nothing.csv'} does not exist."]
    assert refused(engine, "https://example.org/dump.csv", clock)[0].endswith("not from https://.")
    assert products(engine) == [1]


def test_why_a_dump_was_refused_is_kept(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    refused(engine, csv(tmp_path, row(1, score=-1)), clock)
    (kept,) = feed.status(engine)
    assert (kept["state"], kept["report"]) == ("failed", {"problems": ["Row 2: sorting_score is negative (-1)."]})


# --- at once, and interrupted


class SlowDump:
    """A dump whose rows come when ``go`` is set."""

    def __init__(self, dump: Dump) -> None:
        self._dump = dump
        self.begun, self.go = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dump, name)

    def batches(self, layout: Layout, problems: Problems) -> Iterator[pa.RecordBatch]:
        self.begun.set()
        assert self.go.wait(20)
        yield from self._dump.batches(layout, problems)


def test_a_second_load_of_a_kind_waits_for_the_first(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    first, second = csv(tmp_path, row(1), row(2)), csv(tmp_path, row(3), name="second.csv")
    with open_dump(str(first)) as dump:
        slow = SlowDump(dump)
        one = threading.Thread(target=feed.load, args=(engine, slow, clock))
        one.start()
        assert slow.begun.wait(10)
        two = threading.Thread(target=load, args=(engine, second, clock))
        two.start()
        two.join(0.3)
        assert two.is_alive()
        # the other kind is free
        low = csv(tmp_path, "7,5,S5,Red,3,Lamp,9,4,2\n", header=LOW_HEADER, name="low.csv")
        assert load(engine, low, clock).outcome == "published"
        slow.go.set()
        one.join(20)
        two.join(20)
    assert products(engine) == [3]
    assert states(engine) == ["old", "current", "current"]


def test_people_read_the_old_feed_while_the_new_one_is_staged(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    load(engine, csv(tmp_path, row(1), row(2)), clock)
    with open_dump(str(csv(tmp_path, row(3), row(4), name="new.csv"))) as dump:
        slow = SlowDump(dump)
        loading = threading.Thread(target=feed.load, args=(engine, slow, clock))
        loading.start()
        assert slow.begun.wait(10)
        assert products(engine) == [1, 2]
        slow.go.set()
        loading.join(20)
    assert products(engine) == [3, 4]


def test_a_load_that_breaks_off_leaves_the_feed_and_no_table(engine: Engine, tmp_path: Path, clock: SetClock) -> None:
    load(engine, csv(tmp_path, row(1)), clock)
    with open_dump(str(csv(tmp_path, row(2), row(3)))) as dump:
        slow = SlowDump(dump)
        failed: List[BaseException] = []

        def run() -> None:
            try:
                feed.load(engine, slow, clock)
            except BaseException as error:
                failed.append(error)

        loading = threading.Thread(target=run)
        loading.start()
        assert slow.begun.wait(10)
        with engine.connect() as connection:  # the server loses the loader's sessions, as when it is killed
            connection.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid() and query ~ 'copy|advisory'"
                )
            )
        slow.go.set()
        loading.join(20)
    assert failed
    assert (products(engine), len(partitions(engine))) == ([1], 1)
    assert load(engine, csv(tmp_path, row(2)), clock).outcome == "published"
    assert states(engine) == ["old", "failed", "current"]


# --- buckets


class Bucket:
    """Objects by key; ``change_during_get`` is called once, after the headers of the next GET were decided."""

    def __init__(self) -> None:
        self.objects: Dict[str, bytes] = {}
        self.change_during_get: Optional[Callable[[], None]] = None
        self.gets = 0

    def etag(self, key: str) -> str:
        return f'"{hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest()}"'


def s3_client(port: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


@contextmanager
def s3_server(bucket: Bucket) -> Iterator[Any]:
    """A boto3 client of a stand-in that knows HEAD, GET with If-Match and ListObjectsV2."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            key = urlsplit(self.path).path[len("/dumps/") :]
            if key not in bucket.objects:
                return self._answer(404)
            size = str(len(bucket.objects[key]))
            return self._answer(200, ETag=bucket.etag(key), Content_Length=size)

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            key = address.path[len("/dumps/") :]
            if not key:
                prefix = parse_qs(address.query)["prefix"][0]
                found = "".join(
                    f"<Contents><Key>{key}</Key><ETag>{bucket.etag(key)}</ETag><Size>{len(body)}</Size></Contents>"
                    for key, body in sorted(bucket.objects.items())
                    if key.startswith(prefix)
                )
                listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
                return self._answer(200, listing.encode())
            bucket.gets += 1
            wanted = self.headers.get("If-Match")
            change, bucket.change_during_get = bucket.change_during_get, None
            if change is not None:
                change()
            if wanted is not None and wanted != bucket.etag(key):
                return self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return self._answer(200, bucket.objects[key], ETag=bucket.etag(key))

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield s3_client(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_a_dump_comes_out_of_a_bucket_and_the_same_object_loads_once(engine: Engine, clock: SetClock) -> None:
    bucket = Bucket()
    bucket.objects["oos/dump.csv"] = (HEADER + row(1)).encode()
    with s3_server(bucket) as client:
        assert load(engine, "s3://dumps/oos/dump.csv", clock, s3=client).rows == 1
        assert load(engine, "s3://dumps/oos/dump.csv", clock, s3=client).outcome == "same"
        bucket.objects["oos/dump.csv"] = (HEADER + row(2)).encode()
        assert load(engine, "s3://dumps/oos/dump.csv", clock, s3=client).outcome == "published"
    assert products(engine) == [2]


def test_a_folder_in_a_bucket_needs_its_success_mark(engine: Engine, clock: SetClock, tmp_path: Path) -> None:
    bucket = Bucket()
    for part, own in enumerate(([1, 2], [3])):
        bucket.objects[f"oos/part-{part}.parquet"] = parquet(tmp_path / "p", own).read_bytes()
    with s3_server(bucket) as client:
        assert "half written" in refused(engine, "s3://dumps/oos", clock, s3=client)[0]
        bucket.objects["oos/_SUCCESS"] = b""
        assert load(engine, "s3://dumps/oos/", clock, s3=client).rows == 3


def test_an_object_overwritten_while_it_is_fetched_is_fetched_again(engine: Engine, clock: SetClock) -> None:
    bucket = Bucket()
    bucket.objects["dump.csv"] = (HEADER + row(1)).encode()

    def overwrite() -> None:
        bucket.objects["dump.csv"] = (HEADER + row(2) + row(3)).encode()

    with s3_server(bucket) as client:
        bucket.change_during_get = overwrite
        assert load(engine, "s3://dumps/dump.csv", clock, s3=client).rows == 2
    assert bucket.gets == 2


def test_a_bucket_without_the_dump_or_without_an_answer_is_told(engine: Engine, clock: SetClock) -> None:
    with s3_server(Bucket()) as client:
        assert refused(engine, "s3://dumps/nothing.csv", clock, s3=client) == ["s3://dumps/nothing.csv does not exist."]
        assert "looks like" in refused(engine, "s3://dumps", clock, s3=client)[0]
    nobody = s3_client(1)  # no port anybody listens on
    assert "cannot be read" in refused(engine, "s3://dumps/nothing.csv", clock, s3=nobody)[0]


# --- the command


@pytest.fixture()
def command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    from mostrador.operations import feed_command
    from mostrador.settings import read_settings

    monkeypatch.setattr(feed_command, "settings", lambda: read_settings(database_url=database_url))
    return lambda *arguments: CliRunner().invoke(feed_command.feed, [str(argument) for argument in arguments])


def test_the_command_loads_says_so_and_ends_well(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("load", csv(tmp_path, row(1), row(2)), "--json")
    assert (done.exit_code, json.loads(done.stdout.splitlines()[-1])["rows"]) == (0, 2)
    assert "Published 2 rows as the out-of-stock feed" in done.stdout
    assert "in use already" in command("load", csv(tmp_path, row(1), row(2))).stdout


def test_the_command_tells_problems_in_sentences_and_ends_with_1(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("load", csv(tmp_path, row(1, score=-3)), "--json")
    assert done.exit_code == 1
    assert "Not loaded; the feed in use stays." in done.stderr
    assert "  Row 2: sorting_score is negative (-3)." in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["ok"] is False


def test_the_status_is_only_good_when_both_feeds_are_in_use(command: Callable[..., Any], tmp_path: Path) -> None:
    assert command("status").exit_code == 1
    command("load", csv(tmp_path, row(1)))
    assert "low_stock    none in use" in command("status").stdout
    command("load", csv(tmp_path, "7,5,S5,Red,3,Lamp,9,4,2\n", header=LOW_HEADER, name="low.csv"))
    assert command("status", "--json").exit_code == 0
