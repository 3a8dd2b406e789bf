"""A recommendation dump, wherever it lies: a file, a folder of part files, or the same in an S3 bucket.

Parquet or CSV (UTF-8, comma, header line). Everything is read in batches; no dump is ever whole in memory.
"""

from __future__ import annotations

import csv
import hashlib
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mostrador.shop.feed import (
    CONTROL_CHARACTERS,
    GREATEST_INTEGER,
    FeedColumn,
    FeedRefused,
    Layout,
    Problem,
    Problems,
    layout_of,
)
from mostrador.shop.recommendations import RecommendationKind

BATCH_ROWS = 32_768
CSV_BLOCK = 1 << 20  # bytes; no line may be longer, whatever its author thinks
GREATEST_ROW_GROUP = 512 << 20  # bytes a parquet row group may unpack to
GREATEST_DUMP = 4 << 30  # bytes taken from a bucket
ATTEMPTS = 3  # the job may overwrite the dump while we read it
_NULLS = ["", "NULL", "null", "\\N"]


class DumpChanged(Exception):
    """The dump was overwritten while it was read."""


@dataclass
class Dump:
    """A dump that lies still on this machine. ``source_key`` is the same for the same bytes (or the same objects)."""

    source: str
    source_key: str
    parts: Sequence[Path]
    unchanged: Callable[[], bool]
    force: bool = False
    starts: List[int] = field(default_factory=list)  # number of rows before each part, known once it was read

    def layout(self, kind: Optional[RecommendationKind] = None) -> Layout:
        """The columns, the same in every part. Raises FeedRefused."""
        layouts = [layout_of(_headers(part), kind) for part in self.parts]
        for part, layout in zip(self.parts, layouts):
            if layout != layouts[0]:
                raise FeedRefused.because(f"{part.name} has other columns than {self.parts[0].name}.")
        return layouts[0]

    def batches(self, layout: Layout, problems: Problems) -> Iterator[pa.RecordBatch]:
        """Checked rows with our column names and types; stops once ``problems`` is full."""
        self.starts = []
        total = 0
        for part in self.parts:
            self.starts.append(total)
            name = part.name if len(self.parts) > 1 else ""
            if _is_parquet(part):
                first, read = 1, _parquet_batches(part, layout)
            else:
                first, read = 2, _csv_batches(part, layout, problems, name, self.force)
            row = 0
            for batch in read:
                checked = _checked(batch, layout, row + first, name, problems)
                row += batch.num_rows
                if checked is not None:
                    yield checked
                if problems.full:
                    return
            total += row

    def place(self, row_no: int) -> Tuple[int, str]:
        """The row as a person counts it, and the part's name, of the ``row_no``-th row (from 1) of the whole dump."""
        index = max(i for i, start in enumerate(self.starts) if start < row_no)
        part = self.parts[index]
        first = 1 if _is_parquet(part) else 2
        return row_no - 1 - self.starts[index] + first, part.name if len(self.parts) > 1 else ""


@contextmanager
def open_dump(source: str, force: bool = False, s3: Any = None) -> Iterator[Dump]:
    """The dump at a path, a folder with ``_SUCCESS`` or ``s3://bucket/key``. Raises FeedRefused.

    ``s3`` is a boto3 client; by default one is made from the usual AWS environment.
    """
    scheme = urlsplit(source).scheme.lower()
    if scheme == "s3":
        with tempfile.TemporaryDirectory(prefix="mostrador-feed-") as folder:
            yield _from_bucket(source, Path(folder), force, s3)
    elif "://" in source:
        raise FeedRefused.because(f"Dumps are read from files, folders and s3://bucket/key, not from {scheme}://.")
    else:
        yield _from_files(Path(source), force)


# --- files and folders


def _from_files(path: Path, force: bool) -> Dump:
    try:
        if not path.exists():
            raise FeedRefused.because(f"{path} does not exist.")
        parts = _parts_of({p.name: p for p in path.iterdir() if p.is_file()}) if path.is_dir() else [path]
        before = _fingerprints(parts)
        digest = hashlib.sha256()
        for part in parts:
            with part.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            digest.update(b"\0")
    except OSError as error:
        raise FeedRefused.because(f"{path} cannot be read: {error.strerror or error}.") from None
    return Dump(str(path), f"sha256:{digest.hexdigest()}", parts, lambda: _fingerprints(parts) == before, force)


def _parts_of(files: Dict[str, Any]) -> List[Any]:
    """The part files of a finished folder by name; ``files`` maps names to whatever stands for them."""
    if "_SUCCESS" not in files:
        raise FeedRefused.because("The folder has no _SUCCESS file: the dump may be half written.")
    names = sorted(name for name in files if not name.startswith(("_", ".")) and "/" not in name)
    if not names:
        raise FeedRefused.because("The folder has no part files.")
    return [files[name] for name in names]


def _fingerprints(parts: Sequence[Path]) -> List[Tuple[int, ...]]:
    try:
        stats = [os.stat(part) for part in parts]
    except OSError:
        return []
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]


# --- buckets


def _from_bucket(source: str, folder: Path, force: bool, s3: Any) -> Dump:
    from botocore.exceptions import BotoCoreError, ClientError

    parts = urlsplit(source)
    bucket, key = parts.netloc, parts.path.lstrip("/")
    if not bucket or not key:
        raise FeedRefused.because("An address in a bucket looks like s3://bucket/key.")
    try:
        client = s3 if s3 is not None else _s3_client()
        for _ in range(ATTEMPTS):
            listed = _listing(client, bucket, key)
            if sum(size for _, size in listed.values()) > GREATEST_DUMP:
                raise FeedRefused.because(f"{source} is larger than {GREATEST_DUMP >> 30} GiB.")
            try:
                files = [_download(client, bucket, name, etag, folder) for name, (etag, _) in listed.items()]
            except DumpChanged:
                continue
            if _listing(client, bucket, key) == listed:
                digest = hashlib.sha256(repr(sorted(listed.items())).encode()).hexdigest()
                return Dump(source, f"{source} {digest}", files, lambda: True, force)
    except (BotoCoreError, ClientError) as error:
        raise FeedRefused.because(f"{source} cannot be read: {error}") from None
    raise FeedRefused.because(f"{source} was overwritten again and again while it was read.")


def _s3_client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 4}))


def _listing(client: Any, bucket: str, key: str) -> Dict[str, Tuple[str, int]]:
    """ETag and size of the object ``key``, or of the part files below it when it is a folder."""
    from botocore.exceptions import ClientError

    if not key.endswith("/"):
        try:
            head = client.head_object(Bucket=bucket, Key=key)
            return {key: (head["ETag"], head["ContentLength"])}
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
                raise
    prefix = key.rstrip("/") + "/"
    found: Dict[str, Tuple[str, Tuple[str, int]]] = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            found[entry["Key"][len(prefix) :]] = (entry["Key"], (entry["ETag"], entry["Size"]))
    if not found:
        raise FeedRefused.because(f"s3://{bucket}/{key} does not exist.")
    return dict(_parts_of(found))


def _download(client: Any, bucket: str, key: str, etag: str, folder: Path) -> Path:
    from botocore.exceptions import ClientError

    try:
        body = client.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("412", "PreconditionFailed", "404", "NoSuchKey"):
            raise DumpChanged() from None
        raise
    path = folder / Path(key).name
    with path.open("wb") as file:
        for chunk in body.iter_chunks(1 << 20):
            file.write(chunk)
    return path


# --- formats


def _is_parquet(part: Path) -> bool:
    """By content where possible: a file that claims to be parquet but is not must not be read as CSV."""
    with part.open("rb") as file:
        return file.read(4) == b"PAR1" or part.suffix.lower() == ".parquet"


def _headers(part: Path) -> List[str]:
    try:
        if _is_parquet(part):
            return list(_parquet(part).schema_arrow.names)
        with part.open("rb") as file:
            line = file.readline(CSV_BLOCK)
    except OSError as error:
        raise FeedRefused.because(f"{part.name} cannot be read: {error.strerror or error}.") from None
    if not line.strip():
        raise FeedRefused.because(f"{part.name} is empty.")
    try:
        header = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FeedRefused.because(f"{part.name} is neither parquet nor text in UTF-8.") from None
    if "\0" in header or len(line) >= CSV_BLOCK:
        raise FeedRefused.because(f"{part.name} is neither parquet nor CSV.")
    if "," not in header:
        other = [name for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")) if sign in header]
        said = f" but by {other[0]}" if other else ""
        raise FeedRefused.because(f"The columns of {part.name} are not separated by commas{said}.")
    return next(csv.reader([header]))


def _parquet(part: Path) -> pq.ParquetFile:
    with part.open("rb") as file:
        start = file.read(4)
        file.seek(max(file.seek(0, os.SEEK_END) - 4, 0))
        end = file.read(4)
    if start != b"PAR1":
        raise FeedRefused.because(f"{part.name} is not a parquet file.")
    if end != b"PAR1":
        raise FeedRefused.because(f"{part.name} has no end: it is half written.")
    try:
        opened = pq.ParquetFile(part)
        groups = [opened.metadata.row_group(i).total_byte_size for i in range(opened.metadata.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        raise FeedRefused.because(f"{part.name} is a damaged parquet file: {_first_line(error)}") from None
    if max(groups, default=0) > GREATEST_ROW_GROUP:
        raise FeedRefused.because(f"{part.name} has row groups of more than {GREATEST_ROW_GROUP >> 20} MiB.")
    return opened


def _parquet_batches(part: Path, layout: Layout) -> Iterator[pa.RecordBatch]:
    schema = _parquet(part).schema_arrow
    wrong = Problems()
    for column, header in layout.names.items():
        kind = schema.field(header).type
        if not (_is_number(kind) if column.number else _is_text(kind)):
            wanted = "whole numbers" if column.number else "text"
            wrong.add(Problem(f"The column {header} holds {kind}, not {wanted}.", column=column.name))
    if wrong:
        raise FeedRefused(wrong.found)
    # Texts are kept as dictionaries: one long text repeated a million times is checked before it is unfolded.
    texts = [header for column, header in layout.names.items() if not column.number]
    reader = pq.ParquetFile(part, read_dictionary=texts)
    try:
        yield from reader.iter_batches(batch_size=BATCH_ROWS, columns=list(layout.names.values()))
    except (pa.ArrowException, OSError) as error:
        raise FeedRefused.because(f"{part.name} is a damaged parquet file: {_first_line(error)}") from None


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _csv_batches(part: Path, layout: Layout, problems: Problems, name: str, force: bool) -> Iterator[pa.RecordBatch]:
    if not force and not _ends_with_line_break(part):
        raise FeedRefused.because(
            f"The last line of {part.name} has no line break: the file may be half written. Use --force if it is whole."
        )

    def wrong_width(row: pa_csv.InvalidRow) -> str:
        problems.add(
            Problem(f"it has {row.actual_columns} columns, the header {row.expected_columns}.", row.number, part=name)
        )
        return "skip"

    headers = list(layout.names.values())
    try:
        reader = pa_csv.open_csv(
            pa.OSFile(str(part)),  # by a path it would unpack whatever is called .gz
            # One thread, so that a row of the wrong width knows its number.
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK),
            parse_options=pa_csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=wrong_width
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={header: pa.string() for header in headers},
                include_columns=headers,
                null_values=_NULLS,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        yield from reader
    except (pa.ArrowException, OSError) as error:
        if problems:
            return
        raise FeedRefused.because(_csv_fault(part, error)) from None


def _csv_fault(part: Path, error: Exception) -> str:
    text = str(error)
    if "straddling" in text:
        return f"{part.name} has a line longer than {CSV_BLOCK >> 20} MiB, or a quotation mark that is never closed."
    if "UTF8" in text:
        return f"{part.name} is not in UTF-8."
    return f"{part.name} is not a readable CSV file: {_first_line(error)}"


def _ends_with_line_break(part: Path) -> bool:
    with part.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
        return file.read(1) in (b"\n", b"\r")


# --- rows


def _checked(
    batch: pa.RecordBatch, layout: Layout, first_row: int, part: str, problems: Problems
) -> Optional[pa.RecordBatch]:
    """The batch in our types, or None after its problems were noted."""
    arrays = {
        column: (_numbers if column.number else _texts)(column, batch.column(header))
        for column, header in layout.names.items()
    }
    wrong = [column for column, array in arrays.items() if array is None]
    if wrong:
        _note(batch, layout, wrong, first_row, part, problems)
    if problems:
        return None
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=[column.name for column in arrays])


def _numbers(column: FeedColumn, given: pa.Array) -> Optional[pa.Array]:
    """Whole numbers within the column's bounds, or None when one of them is not."""
    if given.null_count and not column.may_be_missing:
        return None
    try:
        if pa.types.is_string(given.type):
            given = pc.utf8_trim_whitespace(given)
            if pc.all(pc.match_substring_regex(given, r"^-?[0-9]{1,18}$")).as_py() is False:
                return None
        numbers = pc.cast(given, pa.int64())
    except pa.ArrowInvalid:
        return None
    span = pc.min_max(numbers).as_py()
    if span["min"] is not None and not (column.least <= span["min"] and span["max"] <= GREATEST_INTEGER):
        return None
    return numbers


def _texts(column: FeedColumn, given: pa.Array) -> Optional[pa.Array]:
    if given.null_count and not column.may_be_missing:
        return None
    values = given.dictionary if pa.types.is_dictionary(given.type) else given
    lengths = pc.min_max(pc.utf8_length(values)).as_py()
    if lengths["max"] is not None and lengths["max"] > column.longest:
        return None
    if lengths["min"] == 0 and not column.may_be_empty_text:
        return None
    if pc.any(pc.match_substring_regex(values, CONTROL_CHARACTERS.pattern)).as_py():
        return None
    return pc.cast(given, pa.string()) if given.type != pa.string() else given


def _note(
    batch: pa.RecordBatch, layout: Layout, wrong: Sequence[FeedColumn], first_row: int, part: str, problems: Problems
) -> None:
    """Find the cells that the quick checks objected to; the words are the shop's."""
    before = len(problems.found)
    all_columns = [batch.column(header) for header in layout.names.values()]
    for index in range(batch.num_rows):
        faults = [(column, column.fault(batch.column(layout.names[column])[index].as_py())) for column in wrong]
        if not any(fault for _, fault in faults):
            continue
        row = first_row + index
        if not any(array[index].is_valid for array in all_columns):
            problems.add(Problem("the line is empty.", row, part=part))
            continue
        for column, fault in faults:
            if fault:
                problems.add(Problem(f"{layout.names[column]} {fault}.", row, column.name, part))
        if problems.full:
            return
    if len(problems.found) == before:  # an unused entry of a dictionary, at worst: refuse rather than guess
        problems.add(Problem(f"{layout.names[wrong[0]]} cannot be read.", first_row, wrong[0].name, part))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
