# SPDX-License-Identifier: Apache-2.0
"""The names of what stays though the rules name it, as far as a command tells them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from otel_sqlite_exporter.retention.due_units import DueUnits, Reason
from otel_sqlite_exporter.sql.texts import read_query


class KeptUnit(NamedTuple):
    """A session, or a trace without one, that stays.

    Attributes:
        reason: Why.
        session_id: None for a trace.
        trace_id: None for a session.
        pinned_trace_id: The trace for whose pin a session stays that is not pinned itself.
    """

    reason: Reason
    session_id: str | None
    trace_id: str | None
    pinned_trace_id: str | None


def name_oldest(connection: sqlite3.Connection, due: DueUnits) -> tuple[KeptUnit, ...]:
    """Return the oldest of what `due` has passed over, a few for each reason."""
    named = []
    for reason, units in due.oldest_kept.items():
        for unit in units:
            if unit.kind == "session":
                row = connection.execute(read_query("name_kept_session"), {"id": unit.id}).fetchone()
                session, pinned_trace = row or (None, None)
                if session is not None:
                    is_pinned = reason == "pinned"
                    named.append(KeptUnit(reason, session, None, pinned_trace if is_pinned else None))
            elif row := connection.execute("SELECT trace_id FROM _traces WHERE id = ?", (unit.id,)).fetchone():
                named.append(KeptUnit(reason, None, row[0], None))
    return tuple(named)
