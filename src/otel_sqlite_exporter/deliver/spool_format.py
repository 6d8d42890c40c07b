# SPDX-License-Identifier: Apache-2.0
"""Batches as bytes, for the spool. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import orjson

from otel_sqlite_exporter.error_texts import describe_error
from otel_sqlite_exporter.errors import SpoolError, UnreadableBatchError
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, Interactions, Records
from otel_sqlite_exporter.write.exporter_runs import Run

_FORMAT = 1
_MOST_BYTES = 1 << 28
"""The most bytes that one frame may have when it is inflated: zlib makes 2 GB of 2 MB."""
_Dump = Callable[[Any], bytes]


def dump_batches(
    records: Records, run: Run, time_unix_nano: int, *, most_bytes: int = _MOST_BYTES, dump: _Dump | None = None
) -> list[bytes]:
    """Return a batch of `run` as the contents of one or more frames, none of which has more than `most_bytes` when it
    is inflated; a request is in one frame. `dump` makes JSON of a document (default: orjson)."""
    document = _dump(records, run, time_unix_nano, dump or _dump_fast)
    if len(document) <= most_bytes:
        return [zlib.compress(document, 1)]
    if len(records) < 2 or len(records.requests) == 1:
        what = "a request" if records.requests else "a record"
        raise SpoolError(f"{what} of {len(document)} bytes is too large for the spool ({most_bytes} bytes)")
    halves = records.split()
    return [
        content
        for half in halves
        for content in dump_batches(half, run, time_unix_nano, most_bytes=most_bytes, dump=dump)
    ]


def dump_slowly(document: Any) -> bytes:
    """Return JSON of a document by the standard library, for when memory has run out: there orjson (3.13) ends the
    process by a null pointer."""
    return json.dumps(document, default=tuple, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _dump_fast(document: Any) -> bytes:
    return orjson.dumps(document, default=tuple)


def _dump(records: Records, run: Run, time_unix_nano: int, dump: _Dump) -> bytes:
    """Return a batch as JSON. Rows come with the names of their columns, for other versions to read them."""
    document = {
        "format": _FORMAT,
        "time_unix_nano": time_unix_nano,
        "run": run.dump(),
        "columns": {row.__name__: row._fields for row in _find_rows(Records)},
        "spans": records.spans,
        "logs": records.logs,
        "quarantine": records.quarantine,
        "requests": records.requests,
        "points": records.points,
    }
    return dump(document)


def load_batch(content: bytes) -> tuple[Records, Run, int]:
    """Return the arguments of the call of `dump_batches` that returned `content`.

    Raises:
        UnreadableBatchError: It is not a batch.
        SpoolError: A newer version wrote it.
    """
    try:
        document = orjson.loads(_inflate(content))
        version = document["format"]
        if version <= _FORMAT:
            columns = document["columns"]
            hints = _find_nested(Records).items()
            rows = {name: _load(hint, document[name], columns) for name, hint in hints if name in document}
            return Records(**rows), Run.load(document["run"]), document["time_unix_nano"]
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableBatchError(f"a batch in the spool cannot be read: {describe_error(error)}") from None
    raise SpoolError(f"a batch in the spool has format {version}: upgrade with `pip install -U otel-sqlite-exporter`")


def _inflate(content: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    document = decompressor.decompress(content, _MOST_BYTES)
    if not decompressor.eof:
        raise ValueError("it is cut short or too large")
    return document


def _load(hint: Any, value: Any, columns: Mapping[str, Sequence[str]]) -> Any:
    """Return a value of the type `hint` from its JSON. Another version may lack columns of a row, or have more."""
    if value is None:
        return None
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Sequence:
        return [_load(arguments[0], one, columns) for one in value]
    if origin is tuple:
        return tuple(_load(argument, one, columns) for argument, one in zip(arguments, value, strict=True))
    row_type = arguments[0] if arguments else hint
    if not hasattr(row_type, "_fields"):
        return value
    defaults, nested = row_type._field_defaults, _find_nested(row_type)
    row = {name: defaults.get(name) for name in row_type._fields}
    for name, one in zip(columns[row_type.__name__], value, strict=True):
        if name in row:
            row[name] = _load(nested[name], one, columns) if name in nested else one
    return NO_INTERACTIONS if row_type is Interactions and not any(row.values()) else row_type(**row)


@cache
def _find_nested(row_type: Any) -> dict[str, Any]:
    """Return the types of the fields that hold rows."""
    return {name: hint for name, hint in get_type_hints(row_type).items() if _holds_rows(hint)}


def _holds_rows(hint: Any) -> bool:
    return hasattr(hint, "_fields") or any(map(_holds_rows, get_args(hint)))


def _find_rows(hint: Any) -> Iterator[Any]:
    """Yield the types of the rows that a value of the type `hint` may hold, at any depth."""
    if hasattr(hint, "_fields"):
        yield hint
    for nested in get_args(hint) or _find_nested(hint).values():
        yield from _find_rows(nested)
