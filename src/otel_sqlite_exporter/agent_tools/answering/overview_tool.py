# SPDX-License-Identifier: Apache-2.0
"""`overview`: what a file holds, for an agent that knows nothing of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from otel_sqlite_exporter.agent_tools.answering.metric_tools import name_metrics
from otel_sqlite_exporter.agent_tools.answering.record_rows import KINDS, make_rows
from otel_sqlite_exporter.agent_tools.answers import Answer, Json, drop_missing, make_row, shorten, take_items
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.query.overview import read_overview
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

_NEWEST, _RUNNING, _GROUPS, _SERVICES = 10, 10, 20, 200
_DAY_NS = 86_400 * 10**9
_HEALTH = ("received", "written", "dropped", "quarantined", "refused", "spooled", "last_write")


def overview(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return what the file holds, and its newest sessions."""
    database, size = asked.database, arguments.text_bytes
    read = read_overview(database.path, busy_timeout_ms=asked.busy_timeout_ms, newest_sessions=1)
    contents = read.contents
    head: Json = {
        "file": read.path[-300:],
        "now": datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "schema_version": read.schema_version,
    }
    metrics, are_all = ([], True) if contents is None else name_metrics(asked, arguments.most_bytes // 8, size // 2)
    if contents is None or not (metrics or any(contents.counts.values())):
        note = "nothing was written yet: send records to it, or wait_for them"
        return Answer(head | {"bytes": read.file_bytes + read.wal_bytes, "note": note})
    head |= {
        "bytes": read.file_bytes + read.wal_bytes,
        "first_span": contents.first_span_time,
        "last_span": contents.last_span_time,
        "counts": {name: count for name, count in contents.counts.items() if count},
        "written": drop_missing({name: contents.exporter_health.get(name) for name in _HEALTH}),
        "has_search_index": contents.has_search_index,
    }
    room = arguments.most_bytes // 8
    if metrics:
        head["metrics (name, kind, unit, series)"] = metrics
        head |= {} if are_all else {"more_metrics": "find of=metrics lists all"}
    head |= _read_groups(asked, room, size, _find_since(asked))
    head |= _read_running(asked, room, size)
    sessions = KINDS["sessions"]
    newest = database.find_sessions(limit=_NEWEST)
    if newest:
        head |= {"newest_sessions_columns": [*sessions.columns]}
        return Answer(head, "newest_sessions", make_rows(sessions, newest.records, size), _describe_rest)
    traces = KINDS["traces"]
    head |= {"note": "no record names a session: find of=traces", "newest_traces_columns": [*traces.columns]}
    return Answer(
        head, "newest_traces", make_rows(traces, database.find_traces(limit=_NEWEST).records, size), _describe_rest
    )


def _describe_rest(shown: int) -> Json:
    return {"left_out": "others: find lists them"}


def _find_since(asked: AskedFile) -> int:
    """Return the start of the last day of the file: reports on all of a large one take seconds."""
    ends = [session.end_time_unix_nano for session in asked.database.find_sessions(limit=1)]
    ends += [trace.end_time_unix_nano for trace in asked.database.find_traces(limit=1)]
    return min(max(ends, default=0), time.time_ns()) - _DAY_NS


def _read_groups(asked: AskedFile, room: int, text_bytes: int, since: int) -> Json:
    """Return the services, and of the last day the busiest agents, the models and the most frequent failures."""
    more = _GROUPS + 1  # one row more shows whether there are others
    services = asked.file.read(fetch, Select(read_query("list_services"), {"limit": _SERVICES + 1}))
    agents = asked.database.run_report("tokens", group_by=("agent", "service"), since=since).to_dicts()
    busiest = sorted(agents, key=lambda row: -row["calls"])
    models = asked.database.run_report("cost", group_by="model", limit=more, since=since)
    failures = asked.database.run_report("errors", group_by=("type", "name"), limit=more, since=since)
    found: Json = {
        "services": [row["service_name"] for row in services],
        "agents": [[row["agent"], row["service"], row["calls"]] for row in busiest if row["agent"] is not None][:more],
        "models": [[row["model"], row["calls"], row["cost_usd"]] for row in models.to_dicts()],
        "failures": [[row["type"], row["name"], row["errors"], row["last_time"]] for row in failures.to_dicts()],
    }
    columns = {
        "agents": "of the last day: agent, service, calls",
        "models": "of the last day: model, calls, cost_usd",
        "failures": "of the last day: type, name, count, last",
    }
    shown: Json = {}
    cut = []
    for name, rows in found.items():
        texts: list[Any] = [
            make_row(row, text_bytes // 2) if isinstance(row, list) else shorten(row, text_bytes // 2) for row in rows
        ]
        if texts:
            taken = take_items(texts, room)[: _SERVICES if name == "services" else _GROUPS]
            shown[f"{name} ({columns[name]})" if name in columns else name] = taken
            cut += [name] if len(taken) < len(rows) else []
    if cut:
        shown["not_whole"] = f"{', '.join(cut)}: usage by service, agent or model, and errors, list all"
    return shown


def _read_running(asked: AskedFile, room: int, text_bytes: int) -> Json:
    running = asked.database.find_traces(status="running", limit=_RUNNING)
    if not running:
        return {}
    rows = [[trace.trace_id, trace.name, trace.start_time] for trace in running]
    return {"running (trace_id, name, start)": take_items((make_row(row, text_bytes // 2) for row in rows), room)}
