# SPDX-License-Identifier: Apache-2.0
"""Compares an attribute-row file with the records that were made of it: numbers of rows and sums after each stage,
without the code that made the records, and in the end every value. Each check returns the differences as sentences."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.imports.event_records import ORIGINAL
from otel_sqlite_exporter.legacy.layout import (
    CONTEXTS,
    DETAILS,
    OWNERS,
    TRIGGERS,
    Conversion,
    find_rows_by_key,
    normalise_key,
    quote,
)
from otel_sqlite_exporter.legacy.legacy_encoder import SCOPE
from otel_sqlite_exporter.legacy.legacy_records import NAMESPACE, Detail, find_attribute
from otel_sqlite_exporter.legacy.legacy_values import find_type
from otel_sqlite_exporter.legacy.references import References
from otel_sqlite_exporter.legacy.stage_progress import StageStep
from otel_sqlite_exporter.model.values import decode_attributes, encode_value
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.statements import read_rows

_RECORDS, _EXAMPLES = 500, 5
_CLOSE = 1e-9

# The view that shows the rows of a table of the layout, where it has another name.
_VIEWS = {
    "llm_interactions": "complete_llm_interactions",
    "tool_interactions": "complete_tool_interactions",
    TRIGGERS: "security_alerts WHERE calls > 0",
}


def measure(target: sqlite3.Connection) -> dict[str, int]:
    """Return the numbers of rows to which a migration adds."""
    return dict(next(read_rows(target, "measure_legacy")))


class ConversionChecks:
    """The checks of one migration. `before` is what `measure` returned before it."""

    def __init__(self, conversion: Conversion, before: Mapping[str, int]) -> None:
        self._source, self._target, self._layout, self._counts = conversion
        self._references = References(conversion._replace(counts=Counter()))
        self._before = before
        self._written = {"scope": SCOPE.name, "after": before["last_log"]}
        self._examples: list[str] = []

    def check_rows(self, action: str, roles: Iterable[str]) -> list[str]:
        """Compare the numbers of rows with those that were counted as noted, written, read or verified."""
        return [
            f"{table.role}: {rows} rows, {self._counts[f'{action}.{table.role}']} {action}"
            for table in self._layout.present(roles)
            if (rows := self._count(table.name)) != self._counts[f"{action}.{table.role}"]
        ]

    def check_events(self) -> list[str]:
        """Compare the number of events by name, and of attributes the number and the sums by type."""
        differences = self.check_rows("written", ["events"])
        table = self._layout.tables["events"]
        query = (
            f"SELECT coalesce(nullif(CAST(name AS TEXT), ''), 'unknown'), count(*) FROM {quote(table.name)} GROUP BY 1"
        )
        found: Counter[str] = Counter()
        for name, _, count in self._target.execute(read_query("count_legacy_logs"), self._written):
            found[name] += count
        for name, count in self._source.execute(query):
            if found[name] < count and name != "unknown":
                differences.append(f"events of one name: {count}, {found[name]} of them were written")
        differences += self.check_rows("rows", OWNERS)
        for table in self._layout.present(OWNERS):
            for kind, expected in self._sum_rows(table.name, table.columns).items():
                read = self._counts[f"sum of {kind}.{table.role}"]
                if abs(read - expected) > _CLOSE * max(abs(expected), 1):
                    differences.append(f"{table.role}: the sum of {kind} is {expected:.15g}, read {read:.15g}")
        return differences

    def check_pairs(self) -> list[str]:
        """Count the links that were found, and check that they have two sides."""
        after = measure(self._target)
        for method in ("span", "temporal"):
            self._counts[f"pairs.{method}"] = (after[f"linked_{method}"] - self._before[f"linked_{method}"]) // 2
        self._counts["pairs.none"] = after["unlinked"] - self._before["unlinked"]
        (one_sided,) = self._target.execute(read_query("count_faults")).fetchone()[:1]
        return [f"records that are linked from one side only: {one_sided}"] if one_sided else []

    def check_times(self) -> list[str]:
        """Compare the number of records that got the time of the migration with that of events and orphans without a
        time that can be read."""
        found = self._target.execute(read_query("count_legacy_logs"), self._written).fetchall()
        total = sum(count for *_, count in found)
        missing = sum(count for _, time_source, count in found if time_source == "arrival")
        self._counts["found.records with the time of the migration"] = missing
        events = self._layout.tables["events"]
        query = f"SELECT count(*) FROM {quote(events.name)} WHERE timestamp GLOB '[0-9]*'"
        readable = self._source.execute(query).fetchone()[0]
        return [f"{missing} of {total} records have no time"] if missing > total - readable else []

    def check_interactions(self) -> list[str]:
        """Count the rows of calls and tools that follow from the events."""
        after = measure(self._target)
        for table_name in ("llm_interactions", "tool_interactions", "sessions"):
            self._counts[f"found.{table_name}"] = after[table_name] - self._before[table_name]
        for table in self._layout.present((*CONTEXTS, *DETAILS, TRIGGERS)):
            if not self._count(table.name):
                query = f"SELECT count(*) FROM {_VIEWS.get(table.role, table.role)}"
                self._counts[f"filled.{table.role}"] = self._target.execute(query).fetchone()[0]
        return []

    def verify(self, position: Any) -> Iterator[StageStep]:
        """Compare every old row with the record that was made of it."""
        after = position or self._written["after"]
        query = read_query("read_legacy_logs")
        while rows := self._target.execute(query, self._written | {"after": after, "limit": _RECORDS}).fetchall():
            after = rows[-1][0]
            self._verify_records([(name, decode_attributes(text, types)) for _, name, text, types in rows])
            yield StageStep(lambda: None, after, len(rows))

    def check_verified(self) -> list[str]:
        """Return what `verify` has found to differ, and which rows it did not find."""
        differences = self.check_rows("verified", ("events", *DETAILS, *OWNERS))
        if self._counts["different"]:
            examples = ", ".join(self._examples) or "before"
            differences.insert(0, f"{self._counts['different']} values differ, such as {examples}")
        return differences

    def _verify_records(self, records: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        events = self._layout.tables["events"]
        keys = [normalise_key(attributes.get(f"{NAMESPACE}events.id")) for _, attributes in records]
        rows = find_rows_by_key(self._source, events, keys)
        details = self._references.find_details([key for key in keys if key is not None])
        for (name, attributes), key in zip(records, keys, strict=True):
            if key is None:
                continue
            self._counts["verified.events"] += 1
            row = rows.get(key)
            if row is None or (row["name"] or name) != name:
                self._note_difference(f"the name of event {key}")
            for detail in details.get(key, ()):
                self._verify_detail(detail, attributes)
        orphans = [attributes for (_, attributes), key in zip(records, keys, strict=True) if key is None]
        for role in DETAILS:
            name = f"{NAMESPACE}{role}.id"
            found = [(normalise_key(attributes[name]), attributes) for attributes in orphans if name in attributes]
            owners = self._references.find_by_key(role, [key for key, _ in found]) if found else {}
            for key, attributes in found:
                self._verify_detail(owners[key], attributes)

    def _verify_detail(self, detail: Detail, attributes: Mapping[str, Any]) -> None:
        if detail.columns:
            self._counts[f"verified.{detail.table}"] += 1
        for column, value in detail.columns.items():
            if (
                value is not None
                and column not in ("rowid", "event_id")
                and not find_attribute(attributes, detail.table, column, value)
            ):
                self._note_difference(f"{detail.table}.{column} of {detail.columns.get('id')}")
        for table, name, value in detail.attributes:
            self._counts[f"verified.{table}"] += 1
            others = attributes.get(f"{NAMESPACE}{table}" if table == TRIGGERS else f"{NAMESPACE}{table}.{name}", ())
            others = others if isinstance(others, list) else [others]
            given = [attributes.get(name), attributes.get(f"{ORIGINAL}{name}"), *others]
            if not any(_is_equal(value, one) for one in given) and not (value is None and name in attributes):
                self._note_difference(f"attribute {name} of {detail.table} {detail.columns.get('id')}")

    def _note_difference(self, value_name: str) -> None:
        self._counts["different"] += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(value_name)

    def _sum_rows(self, name: str, columns: Sequence[str]) -> dict[str, float]:
        sums: dict[str, float] = {}
        if "value_type" not in columns:
            return sums
        text, number, boolean = (
            column if column in columns else "NULL" for column in ("value_text", "value_numeric", "value_boolean")
        )
        query = (
            f"SELECT value_type, total(CASE WHEN abs({number}) < 9e999 THEN {number} END),"
            f" total(CASE WHEN {boolean} IN (0, 1) THEN {boolean} END),"
            f" total(length(CAST({text} AS BLOB))) FROM {quote(name)} GROUP BY 1"
        )
        for noted, numbers, booleans, texts in self._source.execute(query):
            kind = find_type(noted)
            value = {"numeric": numbers, "boolean": booleans, "text": texts}.get(kind or "")
            if kind is not None and value is not None:
                sums[kind] = sums.get(kind, 0) + value
        return sums

    def _count(self, name: str) -> int:
        return int(self._source.execute(f"SELECT count(*) FROM {quote(name)}").fetchone()[0])


def _is_equal(one: Any, other: Any) -> bool:
    return bool(one == other) or encode_value(one) == encode_value(other)
