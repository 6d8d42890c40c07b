# SPDX-License-Identifier: Apache-2.0
"""What spans have that the writer derives from their versions as they come: their starts, and ends that are none."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from otel_sqlite_exporter.imports.merging.copied_records import CopiedSpan
from otel_sqlite_exporter.write.batch_lookup import find_key
from otel_sqlite_exporter.write.row_tables.archive_notes import note_rewritten
from otel_sqlite_exporter.write.statements import read_json, run_query, run_script
from otel_sqlite_exporter.write.sums import recount


def keep_starts(target: sqlite3.Connection, copies: Sequence[CopiedSpan]) -> None:
    """Give start records the attributes that they have in the source. The writer keeps them only where it merges them
    itself, and the source's spans have them already."""
    starts = [
        (
            *find_key(span),
            span.row.attributes,
            span.row.attribute_types,
            start.row.attributes,
            start.row.attribute_types,
        )
        for span, start in ((copy.span, copy.start) for copy in copies)
        if start is not None
    ]
    if starts:
        run_query(target, "keep_merged_starts", starts=starts)


def cut_short(target: sqlite3.Connection, copies: Sequence[CopiedSpan]) -> None:
    """End the spans whose process ended first."""
    ends = [(*find_key(copy.span), copy.cut_short) for copy in copies if copy.cut_short is not None]
    if ends:
        spans, parts = read_json(target, "find_cut_short", spans=ends)
        if spans:
            run_script(target, "cut_spans_short", spans=spans, ids=[id for id, _ in spans])
            note_rewritten(target, spans=[id for id, _ in spans])
            recount(target, parts)
