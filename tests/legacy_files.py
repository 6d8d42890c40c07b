# SPDX-License-Identifier: Apache-2.0
"""Files of the attribute-row layout, as older programs have left them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

TRACE, SPAN = "e6694b60924442b8a3f8da017df772bb", "1bd1b558f367374f"
STAGES = (
    *("backup", "schema", "references", "agents and sessions", "events", "traces and spans"),
    *("pairing", "timestamps", "interactions", "verification", "cleanup"),
)
"""The stages of a migration, in their order."""
_LAYOUTS = json.loads(Path(__file__).with_name("legacy_layouts.json").read_text())


def _read_layout(name: str) -> dict[str, str]:
    return {table: ", ".join(columns) for table, columns in _LAYOUTS[name].items()}


TEXT_KEYS = _read_layout("text keys")
"""The layout with texts as keys of agents and sessions."""
INTEGER_KEYS = TEXT_KEYS | _read_layout("integer keys")
"""The layout with numbers as keys of agents and sessions."""
AFTER_JSON = {
    table: columns
    for table, columns in (INTEGER_KEYS | _read_layout("after JSON")).items()
    if not table.endswith("_attributes")
}
"""The layout after attribute rows had become JSON columns."""


class LegacyWriter:
    """Fills a file of a layout."""

    def __init__(self, path: Path, tables: Mapping[str, str] = TEXT_KEYS) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as connection:
            for name, columns in tables.items():
                connection.execute(f"CREATE TABLE {name} ({columns})")
            for child in ("llm_interactions", "tool_interactions", "security_alerts", "framework_events"):
                if child in tables:
                    connection.execute(f"CREATE INDEX idx_{child} ON {child} (event_id)")
            connection.commit()

    def add(self, table: str, **columns: Any) -> int:
        """Add a row, and return its rowid. Lists and maps become JSON."""
        values = [json.dumps(value) if isinstance(value, (dict, list)) else value for value in columns.values()]
        with closing(sqlite3.connect(self.path)) as connection:
            places = ", ".join("?" * len(values))
            done = connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", values)
            connection.commit()
            assert done.lastrowid is not None
            return done.lastrowid

    def add_event(self, name: str, timestamp: Any, *, span: str | None = SPAN, **columns: Any) -> int:
        known = {"agent_id": "guide", "trace_id": TRACE, "level": "INFO", "event_type": name.partition(".")[0]}
        return self.add("events", **known | {"name": name, "timestamp": timestamp, "span_id": span} | columns)

    def add_attributes(self, table: str, owner: int, **attributes: Any) -> None:
        """Add attribute rows as such a program does: of every number a float."""
        column = TEXT_KEYS[table].split(", ")[1].split()[0]
        for name, value in attributes.items():
            row: dict[str, Any] = {column: owner, "key": name.replace("__", ".")}
            if isinstance(value, bool):
                row |= {"value_boolean": value, "value_type": "boolean"}
            elif isinstance(value, (int, float)):
                row |= {"value_numeric": float(value), "value_type": "numeric"}
            elif isinstance(value, (dict, list)):
                row |= {"value_text": json.dumps(value), "value_type": "json"}
            else:
                row |= {"value_text": value, "value_type": "text"}
            self.add(table, **row)

    def add_call(
        self, start: Any, end: Any, *, span: str | None = SPAN, finish: str = "finish", **columns: Any
    ) -> None:
        """Add a call of a model as the two events and rows that it leaves, with attributes."""
        events = columns.pop("events", {})
        event = self.add_event("llm.call.start", start, span=span, **events)
        row = {"vendor": "openai", "model": "gpt-4o", "interaction_type": "start"}
        data = {"messages": [{"role": "user", "content": "hello"}]}
        call = self.add("llm_interactions", event_id=event, request_data=data, **row)
        self.add_attributes("llm_attributes", call, llm__request__timestamp=start, llm__request__max_tokens=150)
        event = self.add_event(f"llm.call.{finish}", end, span=span, **events)
        row |= {"interaction_type": "finish", "model": "gpt-4o-2024-08-06", "response_content": "hi"} | columns
        usage = {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46}
        call = self.add("llm_interactions", event_id=event, **row | usage)
        self.add_attributes("llm_attributes", call, llm__usage__input_tokens=12, llm__response__id=f"r-{event}")


def write_typical(path: Path, tables: Mapping[str, str] = TEXT_KEYS) -> LegacyWriter:
    """A file as a program leaves it: an agent, a session, two calls in a trace, a tool, an alert, a framework event."""
    writer = LegacyWriter(path, tables)
    agent: Any = "guide"
    session: Any = "chat-1"
    if tables is TEXT_KEYS:
        writer.add("agents", agent_id=agent, version="1.2", first_seen_timestamp="2025-03-29T12:00:00Z")
        writer.add("sessions", session_id=session, agent_id=agent, start_timestamp="2025-03-29T12:00:00Z")
    else:
        agent = writer.add("agents", agent_id=agent, name="The Guide", version="1.2", first_seen="2025-03-29 12:00:00")
        session = writer.add("sessions", session_id=session, agent_id=agent, start_timestamp="2025-03-29 12:00:00")
    writer.add("traces", trace_id=TRACE, agent_id="guide", start_timestamp="2025-03-29T12:00:00Z")
    known = {"agent_id": agent, "session_id": session}
    for number, (start, end) in enumerate((("12:00:01", "12:00:03"), ("12:00:04", "12:00:09"))):
        span = f"{number + 1:016x}"
        times = [f"2025-03-29T{moment}.000500Z" for moment in (start, end)]
        writer.add(
            "spans", span_id=span, trace_id=TRACE, name="llm.call", start_timestamp=times[0], end_timestamp=times[1]
        )
        if "llm_attributes" in tables:
            writer.add_call(*times, span=span, events=known)
        else:
            add_json_call(writer, times, span, known)
    tool = writer.add_event("tool.execution", "2025-03-29T12:00:10Z", span="00000000000000aa", **known)
    row = writer.add(
        "tool_interactions", event_id=tool, tool_name="search", status="success", interaction_type="execution"
    )
    alert = writer.add_event("security.content.suspicious", "2025-03-29T12:00:00.9Z", span=f"{1:016x}", **known)
    warning = writer.add("security_alerts", event_id=alert, alert_level="suspicious", keywords=["bomb"])
    patch = writer.add_event("framework.patch", "2025-03-29T12:00:00Z", span=None, **known)
    framework = writer.add("framework_events", event_id=patch, framework_name="langchain")
    if "llm_attributes" in tables:
        writer.add_attributes("tool_attributes", row, tool__name="search", tool__attempt=2, tool__cached=True)
        writer.add_attributes("security_attributes", warning, security__score=0.75)
        writer.add_attributes("framework_attributes", framework, patch__components=["client", "tools"])
    return writer


def add_json_call(writer: LegacyWriter, times: list[str], span: str, known: Mapping[str, Any]) -> None:
    """Add a call as files have it whose attributes are a JSON column."""
    start = writer.add_event("llm.call.start", times[0], span=span, **known)
    raw: dict[str, Any] = {"llm.vendor": "openai", "llm.request.temperature": 0.5, "session.id": "chat-1"}
    row: dict[str, Any] = {"vendor": "openai", "model": "gpt-4o", "session_id": "chat-1"}
    first = writer.add(
        "llm_interactions",
        event_id=start,
        interaction_type="start",
        temperature=0.5,
        stream=1,
        raw_attributes=raw,
        **row,
    )
    end = writer.add_event("llm.call.finish", times[1], span=span, **known)
    row |= {"input_tokens": 12, "output_tokens": 34, "related_interaction_id": first}
    writer.add(
        "llm_interactions", event_id=end, interaction_type="finish", raw_attributes={"llm.vendor": "openai"}, **row
    )


def drop_columns(path: Path, columns: Mapping[str, Collection[str]], more: str = "") -> None:
    """Make tables anew without these columns, by table; every other column has no type and no key. `more` follows
    their names."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table, dropped in columns.items():
            found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
            kept = ", ".join(name for (name,) in found if name not in dropped)
            connection.execute(f"CREATE TABLE made_anew ({kept}{more})")
            connection.execute(f"INSERT INTO made_anew SELECT {kept} FROM {table}")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"ALTER TABLE made_anew RENAME TO {table}")
        connection.commit()
