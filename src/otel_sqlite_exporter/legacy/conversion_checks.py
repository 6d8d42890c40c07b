# SPDX-License-Identifier: Apache-2.0
"""Compares what an attribute-row file holds with what was made of it, without the code that made it: counts, sums and
checksums after each stage, and in the end every value. Each check returns the differences as sentences."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.imports.event_records import ORIGINAL
from otel_sqlite_exporter.legacy.layout import (
    DETAILS,
    OWNERS,
    TRIGGERS,
    Layout,
    find_rows_by_key,
    normalise_key,
    quote,
)
from otel_sqlite_exporter.legacy.legacy_encoder import SCOPE
from otel_sqlite_exporter.legacy.legacy_records import NAMESPACE, Detail, find_attribute
from otel_sqlite_exporter.legacy.legacy_values import find_type
from otel_sqlite_exporter.legacy.stage_progress import Step
from otel_sqlite_exporter.legacy.staging import Staging, read_entries, sum_entries
from otel_sqlite_exporter.model.values import decode_attributes, encode_value
from otel_sqlite_exporter.sql.texts import read_query

_RECORDS, _EXAMPLES = 500, 5
_CLOSE = 1e-9

# What shows the rows of a table of the layout.
_FILLED = {
    "agents": "agents",
    "sessions": "sessions",
    "traces": "traces",
    "spans": "spans",
    "llm_interactions": "complete_llm_interactions",
    "tool_interactions": "complete_tool_interactions",
    "security_alerts": "security_alerts",
    "security_alert_triggers": "security_alerts WHERE calls > 0",
    "framework_events": "framework_events",
}


def measure(target: sqlite3.Connection) -> dict[str, int]:
    """Return how much a file of ours holds, of what a migration adds to."""
    row = target.execute(read_query("measure_legacy"), {"scope": SCOPE.name})
    names = [column for column, *_ in row.description]
    return dict(zip(names, row.fetchone(), strict=True))


class Checks:
    """The checks of one migration."""

    def __init__(
        self,
        source: sqlite3.Connection,
        target: sqlite3.Connection,
        layout: Layout,
        staging: Staging,
        counts: Counter[str],
        before: Mapping[str, int],
    ) -> None:
        self._source = source
        self._target = target
        self._layout = layout
        self._staging = staging
        self._counts = counts
        self._before = before
        self._examples: list[str] = []

    def check_attributes(self) -> list[str]:
        """Compare attribute rows with what is staged of them: rows, and sums of values by type; and the checksum that
        was made when they were read."""
        differences = []
        for table in self._layout.present(OWNERS):
            staged: defaultdict[str, float] = defaultdict(float)
            checksum = 0
            query = "SELECT attributes, attribute_types FROM _legacy_attributes WHERE kind = ?"
            for text, types in self._target.execute(query, (table.role,)):
                entries = read_entries(text, types)
                checksum = (checksum + sum_entries(entries)) % 2**62
                _sum_by_type(entries, staged)
            staged["sum of text"] += self._counts[f"unsure bytes.{table.role}"]
            expected = self._sum_rows(table.name, table.columns) if table.role != TRIGGERS else {}
            expected["rows"] = self._count(table.name)
            for what, value in expected.items():
                if abs(staged[what] - value) > _CLOSE * max(abs(value), 1):
                    differences.append(f"{table.role}: {what} is {value:.15g}, staged {staged[what]:.15g}")
            if checksum != self._counts[f"checksum.{table.role}"]:
                differences.append(f"{table.role}: the checksum of the staged values is not that of the rows")
        return differences

    def check_details(self) -> list[str]:
        """Compare the numbers of rows that say more of events."""
        query = "SELECT count(*) FROM _legacy_details WHERE kind = ?"
        found = {kind: self._target.execute(query, (kind,)).fetchone()[0] for kind in DETAILS}
        return self._compare_counts(DETAILS, found)

    def check_written(self, kinds: Sequence[str]) -> list[str]:
        """Compare the numbers of rows with those of the records that were made of them."""
        return self._compare_counts(kinds, {kind: self._counts[f"written.{kind}"] for kind in kinds})

    def check_events(self) -> list[str]:
        """Compare the numbers of events by name with those in the file."""
        differences = self.check_written(["events"])
        table = self._layout.tables["events"]
        query = (
            f"SELECT coalesce(nullif(CAST(name AS TEXT), ''), 'unknown'), count(*) FROM {quote(table.name)} GROUP BY 1"
        )
        values = {"scope": SCOPE.name, "after": self._before.get("last_log", 0)}
        found = dict(self._target.execute(read_query("count_legacy_names"), values))
        for name, count in self._source.execute(query):
            if found.get(name, 0) < count and name != "unknown":
                differences.append(f"events: {count} are named {name}, {found.get(name, 0)} were written")
        return differences

    def check_pairs(self) -> list[str]:
        """Count the links that were found, and see that they have two sides."""
        after = measure(self._target)
        for method in ("span", "temporal"):
            self._counts[f"pairs.{method}"] = (after[f"linked_{method}"] - self._before.get(f"linked_{method}", 0)) // 2
        self._counts["pairs.none"] = after["unlinked"] - self._before.get("unlinked", 0)
        (one_sided,) = self._target.execute(read_query("count_faults")).fetchone()[:1]
        return [f"{one_sided} records are linked from one side only"] if one_sided else []

    def check_times(self) -> list[str]:
        """See that no more records have the time of the migration, for want of another, than events and orphans have
        none that can be read."""
        values = {"scope": SCOPE.name, "after": self._before.get("last_log", 0)}
        found = dict(self._target.execute(read_query("count_legacy_times"), values))
        missing, total = found.get("arrival", 0), sum(found.values())
        self._counts["found.records with the time of the migration"] = missing
        events = self._layout.tables["events"]
        query = f"SELECT count(*) FROM {quote(events.name)} WHERE timestamp GLOB '[0-9]*'"
        readable = self._source.execute(query).fetchone()[0]
        return [f"{missing} of {total} records have no time"] if missing > total - readable else []

    def check_interactions(self) -> list[str]:
        """Count the rows of calls and tools that came of the events."""
        after = measure(self._target)
        for what in ("llm_interactions", "tool_interactions", "sessions"):
            self._counts[f"found.{what}"] = after[what] - self._before.get(what, 0)
        for role, view in _FILLED.items():
            table = self._layout.tables.get(role)
            if table is not None and not self._count(table.name):
                query = f"SELECT count(*) FROM {view}"
                self._counts[f"filled.{role}"] = self._target.execute(query).fetchone()[0]
        return []

    def verify(self, position: Any) -> Iterator[Step]:
        """Compare every old row with the record that was made of it."""
        after = position or self._before.get("last_log", 0)
        while True:
            values = {"scope": SCOPE.name, "after": after, "limit": _RECORDS}
            rows = self._target.execute(read_query("read_legacy_logs"), values).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            self._verify_records([(name, decode_attributes(text, types)) for _, name, text, types in rows])
            yield Step(lambda: None, after, len(rows))

    def check_verified(self) -> list[str]:
        """Return what `verify` has found to differ, and what it did not come across."""
        differences = [
            f"{self._counts['verified.different']} values differ, such as {', '.join(self._examples) or 'before'}"
        ]
        if not self._counts["verified.different"]:
            differences = []
        (staged,) = self._target.execute(
            "SELECT coalesce(sum(json_array_length(attributes, '$.entries')), 0) FROM _legacy_attributes"
        ).fetchone()
        found = {
            "events": self._counts["verified.events"],
            **{kind: self._counts[f"verified.{kind}"] for kind in DETAILS},
        }
        differences += self._compare_counts(("events", *DETAILS), found)
        if self._counts["verified.values"] != staged:
            differences.append(f"{staged} attributes were read, {self._counts['verified.values']} were found again")
        return differences

    def _verify_records(self, records: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        events = self._layout.tables["events"]
        key_name = f"{NAMESPACE}events.{'id' if 'id' in events.columns else 'event_id'}"
        keys = [normalise_key(attributes.get(key_name)) for _, attributes in records]
        rows = find_rows_by_key(self._source, events, keys)
        details = self._staging.find_details([key for key in keys if key is not None])
        for (name, attributes), key in zip(records, keys, strict=True):
            if key is None:
                self._verify_orphan(attributes)
                continue
            self._counts["verified.events"] += 1
            row = rows.get(key)
            if row is None or (row["name"] or name) != name:
                self._note(f"the name of event {key}")
            for detail in details.get(key, ()):
                self._verify_detail(detail, attributes)

    def _verify_orphan(self, attributes: Mapping[str, Any]) -> None:
        for kind in DETAILS:
            key = normalise_key(attributes.get(f"{NAMESPACE}{kind}.id"))
            if f"{NAMESPACE}{kind}.id" in attributes:
                for detail, is_row in self._staging.find_by_key(kind, key):
                    self._verify_detail(detail, attributes, is_row=is_row)

    def _verify_detail(self, detail: Detail, attributes: Mapping[str, Any], *, is_row: bool = True) -> None:
        if is_row:
            self._counts[f"verified.{detail.table}"] += 1
        for column, value in detail.columns.items():
            if (
                value is not None
                and column not in ("rowid", "event_id")
                and not find_attribute(attributes, detail.table, column, value)
            ):
                self._note(f"{detail.table}.{column} of {detail.columns.get('id')}")
        for table, (name, _, value) in detail.attributes:
            self._counts["verified.values"] += 1
            others = attributes.get(f"{NAMESPACE}{table}" if table == TRIGGERS else f"{NAMESPACE}{table}.{name}", ())
            others = others if isinstance(others, list) else [others]
            given = [attributes.get(name), attributes.get(f"{ORIGINAL}{name}"), *others]
            if not any(_is_equal(value, one) for one in given) and not (value is None and name in attributes):
                self._note(f"attribute {name} of {detail.table} {detail.columns.get('id')}")

    def _note(self, what: str) -> None:
        self._counts["verified.different"] += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(what)

    def _sum_rows(self, name: str, columns: Sequence[str]) -> dict[str, float]:
        sums: dict[str, float] = {}
        if "value_type" not in columns:
            return sums
        text, number, boolean = (
            column if column in columns else "NULL" for column in ("value_text", "value_numeric", "value_boolean")
        )
        query = (
            f"SELECT value_type, total({number}), total(CASE WHEN {boolean} IN (0, 1) THEN {boolean} END),"
            f" total(length(CAST({text} AS BLOB))) FROM {quote(name)} GROUP BY 1"
        )
        for noted, numbers, booleans, texts in self._source.execute(query):
            kind = find_type(noted)
            value = {"numeric": numbers, "boolean": booleans, "text": texts}.get(kind or "")
            if value is not None:
                sums[f"sum of {kind}"] = sums.get(f"sum of {kind}", 0) + value
        return sums

    def _count(self, name: str) -> int:
        return int(self._source.execute(f"SELECT count(*) FROM {quote(name)}").fetchone()[0])

    def _compare_counts(self, kinds: Sequence[str], found: Mapping[str, int]) -> list[str]:
        return [
            f"{table.role}: {count} rows, {found.get(table.role, 0)} found again"
            for table in self._layout.present(kinds)
            if (count := self._count(table.name)) != found.get(table.role, 0)
        ]


def _sum_by_type(entries: Sequence[Sequence[Any]], sums: defaultdict[str, float]) -> None:
    sums["rows"] += len(entries)
    for _, kind, value in entries:
        if kind == "numeric" and isinstance(value, (int, float)):
            sums["sum of numeric"] += value
        elif kind == "boolean" and isinstance(value, bool):
            sums["sum of boolean"] += value
        elif kind == "text" and isinstance(value, (str, bytes)):
            sums["sum of text"] += len(value if isinstance(value, bytes) else value.encode())


def _is_equal(one: Any, other: Any) -> bool:
    return bool(one == other) or encode_value(one) == encode_value(other)
