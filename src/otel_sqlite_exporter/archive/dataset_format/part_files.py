# SPDX-License-Identifier: Apache-2.0
"""Writes and reads the Parquet files of a dataset.

zstd, an encoding for each kind of column, a page index, and bloom filters for the ids that people ask for. The metadata
of a file names the format, the table and the package that wrote it.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.archive.archive_packages import list_pyarrow_errors, load_pyarrow
from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import make_schema
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import FORMAT_VERSION, TABLES, ColumnType, DatasetTable
from otel_sqlite_exporter.archive.dataset_format.durable_files import put_durably
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, Part
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.version import __version__

if TYPE_CHECKING:
    import pyarrow

_LEVEL = 3
_GROUP_ROWS, _GROUP_BYTES = 122_880, 96_000_000
_ASKED_IDS = ("trace_id", "session_id")
_HEX_IDS = ("trace_id", "span_id")
"""How the names of columns end that hold ids of traces and spans."""
_UNLIKE = frozenset(
    (
        *("attributes", "_combined_attributes", "prompt", "completion", "arguments", "result", "body", "response_id"),
        *("_point",),
    )
)
"""Other texts that hardly repeat."""


def write_part(
    dataset: DatasetFolder, path: str, table: DatasetTable, date: str, batches: Iterable[Any]
) -> Part | None:
    """Write the rows of record batches, sorted as they are to stay, to the part at the relative `path`, durably. They
    have the columns of `table`; `date` is added. Without rows, nothing is written, and None is returned.

    Raises:
        OSError: It cannot be written.
    """
    arrow = load_pyarrow()
    schema = make_schema(table)
    groups = _gather(batch for batch in batches if batch.num_rows)
    first = next(groups, None)
    if first is None:
        return None
    rows = 0

    def write(beside: str) -> None:
        nonlocal rows
        options, told = _choose_options(table, first.num_rows), _describe(table)
        with arrow.parquet.ParquetWriter(beside, schema.with_metadata(told), **options) as writer:
            if not options["store_schema"]:
                writer.add_key_value_metadata(told)
            for group in chain([first], groups):
                rows += group.num_rows
                dates = arrow.repeat(arrow.scalar(date, arrow.string()), group.num_rows)
                columns = [group.column(name) for name in table.columns]
                writer.write_table(arrow.Table.from_arrays([*columns, dates], schema=schema), group.num_rows)

    whole = dataset.join(path)
    put_durably(whole, write)
    return Part(table.name, path, rows, os.path.getsize(whole), digest_file(whole))


def make_batch(table: DatasetTable, rows: Sequence[Sequence[Any]]) -> Any:
    """Return rows of a table, with its columns in order, as a record batch."""
    arrow = load_pyarrow()
    schema = make_schema(table).remove(len(table.columns))
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [arrow.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return arrow.RecordBatch.from_arrays(arrays, schema=schema)


def read_part(dataset: DatasetFolder, part: Part, columns: Sequence[str] | None = None) -> pyarrow.Table:
    """Return the rows of a part, or some columns of them.

    Raises:
        DamagedFileError: It is missing or cannot be read, or holds another number of rows than its manifest says.
    """
    arrow = load_pyarrow()
    path = dataset.join(part.path)
    with _telling_damage(path):
        names = [*TABLES[part.table].columns, "date"] if columns is None else list(columns)
        found = arrow.parquet.ParquetFile(path).read(columns=names)
    if found.num_rows != part.rows:
        raise DamagedFileError(
            f"{path}: it has {found.num_rows} rows, not {part.rows} as its manifest says: copy it from a backup"
        )
    return found


def count_rows(dataset: DatasetFolder, part: Part) -> int:
    """Return how many rows the footer of a part tells.

    Raises:
        DamagedFileError: It is missing or cannot be read.
    """
    arrow = load_pyarrow()
    path = dataset.join(part.path)
    with _telling_damage(path):
        return int(arrow.parquet.read_metadata(path).num_rows)


@contextmanager
def _telling_damage(path: str) -> Iterator[None]:
    """Raises DamagedFileError where pyarrow cannot read a part."""
    try:
        yield
    except list_pyarrow_errors() as error:
        raise DamagedFileError(f"{path}: the part cannot be read ({error}): copy it from a backup") from None


def check_part(dataset: DatasetFolder, part: Part) -> None:
    """Make sure that a part is what its manifest says: before what it was made of, or itself, is removed, and before
    records are taken out of it.

    Raises:
        DamagedFileError: It is missing, or has another size, digest or number of rows.
    """
    path = dataset.join(part.path)
    if (count_rows(dataset, part), os.path.getsize(path), digest_file(path)) != (part.rows, part.bytes, part.digest):
        raise DamagedFileError(
            f"{path}: the part is not what its manifest says, so nothing was done: copy it from a backup"
        )


def find_damaged(dataset: DatasetFolder, parts: Iterable[Part], *, by_size: bool = False) -> str | None:
    """Return the path of a part that is missing, or is not what its manifest says; `by_size`: by its size alone."""
    for part in parts:
        path = dataset.join(part.path)
        try:
            if os.path.getsize(path) != part.bytes or (not by_size and digest_file(path) != part.digest):
                return path
        except OSError:
            return path
    return None


def check_parts(dataset: DatasetFolder, manifest: Manifest, tables: Collection[str]) -> None:
    """Make sure that the parts of some tables are what their manifest says.

    Raises:
        DamagedFileError: One is not, or is missing.
    """
    for part in manifest.parts:
        if part.table in tables:
            check_part(dataset, part)


def digest_file(path: str) -> str:
    """Return the digest of a file, as a manifest has it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _gather(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield tables of many rows, or of fewer that are large: what is written at once is a row group."""
    arrow = load_pyarrow()
    held: list[Any] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield arrow.Table.from_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield arrow.Table.from_batches(held)


def _choose_options(table: DatasetTable, rows: int) -> dict[str, Any]:
    """`rows` is the most that a row group has: without it, each bloom filter takes the memory and time of a million."""
    asked = [name for name in _ASKED_IDS if name in table.columns]
    encodings = {name: _choose_encoding(name, type) for name, type in _list_columns(table)}
    options: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": _LEVEL,
        "use_dictionary": [name for name, encoding in encodings.items() if encoding is None],
        "column_encoding": {name: encoding for name, encoding in encodings.items() if encoding is not None},
        # The least and the greatest of a text that rows are neither sorted nor asked by let no engine skip anything.
        "write_statistics": [
            name for name, type in _list_columns(table) if type != "text" or name in (*table.sort, *asked, "date")
        ],
        "write_page_index": True,
        # The types of Parquet tell all that the schema of Arrow does, but that has the metadata with it.
        "store_schema": not hasattr(load_pyarrow().parquet.ParquetWriter, "add_key_value_metadata"),
    }
    if asked and _has_bloom_filters():
        options["bloom_filter_options"] = {name: {"ndv": rows} for name in asked}
    return options


def _list_columns(table: DatasetTable) -> list[tuple[str, ColumnType]]:
    return [*table.columns.items(), ("date", "text")]


def _choose_encoding(name: str, type: ColumnType) -> str | None:
    """Return the encoding of a column; None: a dictionary.

    Times and ids of rows grow from row to row, so their differences are short. Ids of traces and spans are hex digits
    of one length: apart from the lengths, they pack to half their size.
    """
    if type == "int":
        return "DELTA_BINARY_PACKED"
    if name.endswith(_HEX_IDS):
        return "DELTA_LENGTH_BYTE_ARRAY"
    return "PLAIN" if type == "real" or name in _UNLIKE else None


@cache
def _has_bloom_filters() -> bool:
    """Whether this version of pyarrow writes them."""
    return "bloom_filter_options" in inspect.signature(load_pyarrow().parquet.ParquetWriter.__init__).parameters


def _describe(table: DatasetTable) -> dict[str, str]:
    return {"otel_format": str(FORMAT_VERSION), "otel_table": table.name, "otel_package": __version__}
