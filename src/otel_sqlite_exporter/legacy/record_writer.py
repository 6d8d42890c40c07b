# SPDX-License-Identifier: Apache-2.0
"""Writes the records of an attribute-row file as records of this package, some hundred rows at a time, so that memory
stays flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

import orjson

from otel_sqlite_exporter.legacy.layout import (
    DETAILS,
    Conversion,
    find_keys,
    find_names,
    normalise_key,
    read_key,
    read_windows,
)
from otel_sqlite_exporter.legacy.legacy_encoder import LegacyEncoder, SpanContents, identify_row
from otel_sqlite_exporter.legacy.references import References
from otel_sqlite_exporter.legacy.stage_progress import StageStep
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.writer import Writer

_ROWS = 500
_CONTEXTS = {"agent_id": "agents", "session_id": "sessions", "trace_id": "traces", "span_id": "spans"}


class RecordWriter:
    """Makes the steps of the stages that write records."""

    def __init__(self, conversion: Conversion, references: References, settings: Settings, zone: tzinfo | None) -> None:
        self._source, self._target, self._layout, self._counts = conversion
        self._references = references
        self._writer = Writer(conversion.target, settings)
        self._run = Run.begin("import", settings)
        self._encoder = LegacyEncoder(settings, zone, self._read_agents(), conversion.counts)

    def write_contexts(self, position: Any) -> Iterator[StageStep]:
        """Write a record for each agent and each session, with all of its columns."""
        for table, rows in read_windows(self._source, self._layout, ("agents", "sessions"), position, _ROWS):
            yield self._write_rows(table.role, rows)

    def write_traces(self, position: Any) -> Iterator[StageStep]:
        """Write the spans, and a record for each trace."""
        for table, rows in read_windows(self._source, self._layout, ("traces", "spans"), position, _ROWS):
            if table.role == "traces":
                yield self._write_rows(table.role, rows)
                continue
            agents = self._find_agents(rows)
            self._resolve(rows, "trace_id")
            contents = self._find_contents([row for row in rows if self._encoder.lacks_times(row)])
            spans = [
                self._encoder.encode_span(row, agent, contents.get(identify_row(row)[:2]))
                for row, agent in zip(rows, agents, strict=True)
            ]
            yield self._write(Records(spans=spans), "spans", [table.role, rows[-1]["rowid"]], len(rows))

    def write_events(self, position: Any) -> Iterator[StageStep]:
        """Write the events, each with its details; then the rows that refer to rows which are not in the file."""
        for table, rows in read_windows(self._source, self._layout, ["events"], position, _ROWS):
            keys = [read_key(table, row) for row in rows]
            self._count_orphans(rows)
            self._resolve(rows, "session_id", "trace_id")
            details = self._references.find_details(keys)
            logs = [
                self._encoder.encode_event({"id": key} | row, details.get(key, ()))
                for row, key in zip(rows, keys, strict=True)
            ]
            yield self._write(Records(logs=logs), "events", ["events", rows[-1]["rowid"]], len(rows))
        parents = ("events", *DETAILS)
        is_after_events = position is not None and position[0] != "events"
        first, after = (position[0].removeprefix("orphans of "), position[1]) if is_after_events else ("events", 0)
        for parent in parents[parents.index(first) :]:
            while True:
                after, found = self._references.find_orphans(parent, after, _ROWS)
                if not found:
                    break
                logs = [self._encoder.encode_event({}, [detail]) for detail in found]
                yield self._write(Records(logs=logs), f"orphans of {parent}", [f"orphans of {parent}", after], 0)
            after = 0

    def _write_rows(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> StageStep:
        logs = [self._encoder.encode_row(kind, row) for row in rows]
        return self._write(Records(logs=logs), kind, [kind, rows[-1]["rowid"]], len(rows))

    def _write(self, records: Records, kind: str, position: Any, rows: int) -> StageStep:
        self._counts[f"written.{kind}"] += len(records)
        return StageStep(lambda: self._writer.add(records, self._run), position, rows)

    def _read_agents(self) -> dict[Any, dict[str, Any]]:
        """Return the resource attributes of agents, by every key that may refer to one. There are as many agents as
        programs, so they fit into memory."""
        agents: dict[Any, dict[str, Any]] = {}
        for _, rows in read_windows(self._source, self._layout, ["agents"], None, _ROWS):
            for row in rows:
                name = row.get("agent_id", row.get("id"))
                described = {
                    "service.name": str(name),
                    "gen_ai.agent.id": str(name),
                    "gen_ai.agent.name": row.get("name"),
                    "gen_ai.agent.version": row.get("version"),
                }
                described = {key: value for key, value in described.items() if value is not None}
                agents.setdefault(normalise_key(row.get("id")), described)
                agents[normalise_key(name)] = described
        return agents

    def _resolve(self, rows: Sequence[dict[str, Any]], *columns: str) -> None:
        """Replace references by number with the name of the row that they refer to, if it has one."""
        for column in columns:
            table = self._layout.tables.get(_CONTEXTS[column])
            numbers = {row[column] for row in rows if isinstance(row.get(column), int)}
            if table is None or not numbers:
                continue
            names = find_names(self._source, table, numbers)
            for row in rows:
                if isinstance(row.get(column), int):
                    row[column] = names.get(row[column], row[column])

    def _count_orphans(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for column, role in _CONTEXTS.items():
            table = self._layout.tables.get(role)
            wanted = [normalise_key(row[column]) for row in rows if row.get(column) is not None]
            if table is None or not wanted:
                continue
            present = find_keys(self._source, table, wanted)
            self._counts[f"orphans.events without {role}"] += sum(key not in present for key in wanted)

    def _find_agents(self, spans: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return the agent of each span: its own, else its trace's."""
        table = self._layout.tables.get("traces")
        traces: dict[Any, Any] = {}
        if table is not None and "agent_id" in table.columns:
            traces = find_names(self._source, table, {span.get("trace_id") for span in spans}, "agent_id")
        return [span.get("agent_id", traces.get(span.get("trace_id"))) for span in spans]

    def _find_contents(self, spans: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], SpanContents]:
        """Return the times and names of these spans' events, which were written before."""
        keys = {identify_row(span)[:2] for span in spans}
        wanted = [[f"{trace_id:032x}", f"{span_id:016x}"] for trace_id, span_id in keys]
        found = self._target.execute(read_query("find_span_contents"), {"spans": orjson.dumps(wanted).decode()})
        return {
            (int(trace_id, 16), int(span_id, 16)): SpanContents(*contents) for trace_id, span_id, *contents in found
        }
