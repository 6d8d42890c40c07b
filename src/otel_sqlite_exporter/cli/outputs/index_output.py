# SPDX-License-Identifier: Apache-2.0
"""What `index` prints of indexed attributes."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.maintain.attribute_index import AttributeIndex, AttributeIndexing, name_completion
from otel_sqlite_exporter.model.plural import count

_WORTH_A_MEAN = 1_000
"""Of fewer entries, the bytes of one are mostly the empty room of its page."""


def show_attributes(path: str, indexes: Sequence[AttributeIndex], *, as_json: bool) -> None:
    """Print the indexed attributes of a file."""
    if as_json:
        print_json({"path": path, "attributes": [index._asdict() for index in indexes]})
    elif indexes:
        print_lines(
            f"{path} has {count(len(indexes), 'indexed attribute')}", *(_describe(path, index) for index in indexes)
        )
    else:
        print_lines(f"{path} has no indexed attribute: index one with --attribute KEY")


def show_indexing(path: str, done: AttributeIndexing, *, as_json: bool) -> None:
    """Print what was indexed, and what it costs."""
    if as_json:
        print_json({"path": path} | done._asdict() | {"indexes": [index._asdict() for index in done.indexes]})
        return
    if done.read_ids == 0:
        head = f"nothing to do: {path} has {'this index' if len(done.indexes) == 1 else 'these indexes'}"
    else:
        head = f"indexed {path} in {done.seconds:.2f} s"
    if done.cpu_us_a_span is not None:
        head += f"; an index takes {done.cpu_us_a_span:.1f} us of CPU for each span that is written"
    print_lines(head, *(_describe(path, index) for index in done.indexes))


def show_dropped(path: str, keys: Sequence[str], *, as_json: bool) -> None:
    """Print which indexes were removed."""
    if as_json:
        print_json({"path": path, "dropped": list(keys)})
    else:
        print_lines(f"removed the {'index' if len(keys) == 1 else 'indexes'} of {', '.join(keys)} from {path}")


def _describe(path: str, index: AttributeIndex) -> str:
    have = (
        f"{count(index.spans, 'span')}, {count(index.span_events, 'span event')} and "
        f"{count(index.log_records, 'log record')}"
    )
    rest = "" if index.is_complete else f"; not complete: {name_completion(index.key, path)}"
    entries = index.spans + index.span_events + index.log_records
    if not entries:
        return f"  {index.key}: no record has it{rest}"
    each = f"{index.bytes_a_record:.0f} bytes each, " if entries >= _WORTH_A_MEAN else ""
    return f"  {index.key}: {have}; {each}{index.bytes:,} bytes in all{rest}"
