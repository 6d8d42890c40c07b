# SPDX-License-Identifier: Apache-2.0
"""Which run of an agent a step belongs to: the nearest span above it that tells of a whole run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

import orjson

from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

SpanKey = tuple[str, str]
"""The ids of a trace and of a span in it."""


def read_agent_runs(connection: sqlite3.Connection, spans: Iterable[SpanKey]) -> Mapping[SpanKey, str]:
    """Return, for each of these spans that is in a run of an agent or is one, the id of the span of that run."""
    wanted = [*dict.fromkeys(spans)]
    select = Select(read_query("find_agent_runs"), {"spans": orjson.dumps(wanted).decode()})
    parents: dict[SpanKey, SpanKey] = {}
    runs: dict[SpanKey, str | None] = {}
    for row in fetch(connection, select):
        key = row["trace_id"], row["span_id"]
        if row["is_run"]:
            runs[key] = row["span_id"]
        elif row["parent_span_id"] is not None:
            parents[key] = row["trace_id"], row["parent_span_id"]
    found = {key: _find_run(key, parents, runs) for key in wanted}
    return {key: run for key, run in found.items() if run is not None}


def _find_run(key: SpanKey, parents: Mapping[SpanKey, SpanKey], runs: dict[SpanKey, str | None]) -> str | None:
    """Return the run of a span, and note it for all spans on the way."""
    way: dict[SpanKey, None] = {}
    while key not in runs and key not in way and key in parents:
        way[key] = None
        key = parents[key]
    run = runs.get(key)
    runs.update(dict.fromkeys(way, run))
    return run
