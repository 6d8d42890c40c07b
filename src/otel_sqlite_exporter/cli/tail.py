# SPDX-License-Identifier: Apache-2.0
"""The latest records of a file, and new ones as they are written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from otel_sqlite_exporter.cli.formatting import format_json, format_ms, format_value
from otel_sqlite_exporter.query.askable_views import EVENTS
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.sql_builder import encode_cursor
from otel_sqlite_exporter.query.summaries import EventSummary

_PAUSE_S = 0.5
_PAGE = 500


def tail_events(
    database: TelemetryDatabase, limit: int, criteria: Mapping[str, Any], *, follow: bool, as_json: bool
) -> None:
    """Print the last `limit` records in order, a line each; with `follow`, also each new one until interrupted."""
    page = database.find_events(limit=limit, **criteria)
    for event in reversed(page.records):
        _print_event(event, as_json=as_json)
    last = max((event.id for event in page), default=0)
    try:
        while follow:
            cursor = encode_cursor(EVENTS, {"id": last}, newest_first=False)
            new = database.find_events(limit=_PAGE, cursor=cursor, newest_first=False, **criteria)
            for event in new:
                _print_event(event, as_json=as_json)
                last = event.id
            if len(new) < _PAGE:
                time.sleep(_PAUSE_S)
    except KeyboardInterrupt:
        return  # the way to end it, and no error


def _print_event(event: EventSummary, *, as_json: bool) -> None:
    if as_json:
        return click.echo(format_json(event.to_dict()))
    parts = [event.start_time, event.phase or event.source, event.name]
    parts += [format_ms(event.duration_ms) or "-"] if event.phase == "finish" and event.duration_ms is not None else []
    parts += [f"session={event.session_id}"] if event.session_id else []
    parts += [f"trace={event.trace_id}"] if event.trace_id else []
    return click.echo("  ".join(map(format_value, parts)))
