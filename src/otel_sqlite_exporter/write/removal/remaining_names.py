# SPDX-License-Identifier: Apache-2.0
"""The session and the user of a trace, and the source of a session, from the records that stay in the trace."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_sqlite_exporter.encode.resources import find_resource_session
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, find_naming, plan_naming
from otel_sqlite_exporter.model.rows import Naming
from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.statements import run_query, run_script

_NOTHING = (None,) * 5


@dataclass(slots=True)
class _Names:
    session: Naming | None = None
    user: Naming | None = None
    entry_rank: int | None = None

    def offer(self, session: Naming | None, user: Naming | None) -> None:
        if session is not None:
            if self.session is None or session < self.session:
                self.session = session
            if not session.is_child and (self.entry_rank is None or session.rank < self.entry_rank):
                self.entry_rank = session.rank
        if user is not None and (self.user is None or user < self.user):
            self.user = user

    def as_columns(self) -> list[Any]:
        """Return the columns of name_traces.sql."""
        columns: list[Any] = []
        for naming in (self.session, self.user):
            rank, is_child, time, name, source = _NOTHING if naming is None else naming
            columns += [name, rank, is_child, time, source]
            if len(columns) == len(_NOTHING):
                columns.append(self.entry_rank)
        return columns


@dataclass(slots=True)
class _NamedRecords:
    """What the records of some traces name: by trace, and by row of `_trace_sessions` the strongest source."""

    connection: sqlite3.Connection
    session_attributes: Sequence[str]
    traces: dict[int, _Names] = field(default_factory=dict)
    sources: dict[int, tuple[int, str]] = field(default_factory=dict)
    resources: dict[int, Naming | None] = field(default_factory=dict)

    def add(self, row: Sequence[Any]) -> None:
        """Add a row of read_namings.sql."""
        trace, part, is_log, time, is_child, resource, own_name, source, rank, text, types = row
        attributes = decode_attributes(text, types)
        own = find_naming(plan_naming(self.session_attributes, attributes), attributes, bool(is_child), time)
        if own_name is None:
            own = None
        elif own is None or own.name != own_name:
            # It was written under other settings, or by its start and its end together.
            own = Naming(rank or 0, is_child, time, own_name, source or "")
        user = find_naming(plan_naming(USER_ATTRIBUTES, attributes), attributes, bool(is_child), time)
        session = own
        if own is None and (weaker := self._find_resource_session(resource)) is not None:
            session = weaker._replace(is_child=1 if is_log else is_child, time_unix_nano=time)
        self.traces[trace].offer(session, user)
        if own is not None:
            self.sources[part] = min(self.sources.get(part, (own.rank, own.source)), (own.rank, own.source))

    def _find_resource_session(self, resource: int) -> Naming | None:
        if resource not in self.resources:
            columns = self.connection.execute(read_query("get_resource_attributes"), (resource,)).fetchone()
            self.resources[resource] = find_resource_session(decode_attributes(*columns), self.session_attributes)
        return self.resources[resource]


def name_again(
    connection: sqlite3.Connection, traces: Collection[int], parts: Collection[int], session_attributes: Sequence[str]
) -> None:
    """Find sessions and users of traces (keys of `_traces`) again from all of their records, and the sources of
    sessions in `parts` (rows of `_trace_sessions` of these traces)."""
    found = _NamedRecords(connection, session_attributes, {trace: _Names() for trace in traces})
    for row in run_query(connection, "read_namings", traces=traces):
        found.add(row)
    named = [[trace, *names.as_columns()] for trace, names in found.traces.items()]
    sources = [[part, source, rank] for part, (rank, source) in found.sources.items()]
    sources += [[part, None, None] for part in parts if part not in found.sources]
    run_script(connection, "name_traces", traces=named, parts=sources)
