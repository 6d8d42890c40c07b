# SPDX-License-Identifier: Apache-2.0
"""What messages tell of tools: which of the calls have a row of their own, and what log records tell, whichever of them
and their span came first."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.genai.event_content import find_logged_tools, read_record
from otel_sqlite_exporter.model.values import decode_attributes, decode_value
from otel_sqlite_exporter.write.statements import Insert, run_query, run_script

TOOL_RESULTS = Insert("_tool_results", ("span", "trace", "tool_call_id", "time_unix_nano", "result"))


def find_tools(
    connection: sqlite3.Connection, *, spans: Collection[int] = (), logs: Collection[int] = ()
) -> Collection[Sequence[Any]]:
    """Return the tool calls of these rows of `_spans` and `_logs`, each with its trace, call id and name."""
    (tools,) = run_query(connection, "find_tools", spans=spans, logs=logs).fetchone()
    found: list[list[Any]] = orjson.loads(tools)
    return found


def hide_requests(
    connection: sqlite3.Connection, came: Collection[Sequence[Any]], gone: Collection[Sequence[Any]]
) -> None:
    """Show each call once, after such with these traces, call ids and names came or are gone."""
    if came or gone:
        run_script(connection, "hide_requests", tools=[*((*tool, 0) for tool in came), *((*tool, 1) for tool in gone)])


def link_logged_tools(connection: sqlite3.Connection, spans: Collection[tuple[int, str]]) -> None:
    """Give the calls that log records of these spans (trace, span id) tell the span and what its call names, and the
    spans the results that their log records tell. Spans that are not in the file are left out.

    A result is told by a span at its start, and by a log record at any other time: by that they are told apart. So one
    that was recorded at that very nanosecond is written a nanosecond later."""
    calls, has_results, records = run_query(connection, "find_logged_tools", spans=spans).fetchone()
    results: list[Any] = []
    for span, trace, start, time, name, body_type, body, attribute_types, attributes in orjson.loads(records):
        told = None if body is None else decode_value(body, body_type)
        _, found = find_logged_tools(read_record(name, decode_attributes(attributes, attribute_types), told))
        for id, result in found:
            results += (span, trace, id, time + (time == start), result)
    if calls or has_results:
        run_script(connection, "link_logged_tools", spans=spans)
    TOOL_RESULTS.run(connection, results)
