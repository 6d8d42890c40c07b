# SPDX-License-Identifier: Apache-2.0
"""Finds the rows that refer to other rows. They are noted before events are put together, because old files may lack an
index on their references: each table is read once, in the order of its rowids."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import orjson

from otel_sqlite_exporter.legacy.layout import (
    DETAILS,
    OWNERS,
    TRIGGERS,
    Conversion,
    LegacyTable,
    find_keys,
    find_rows_by_key,
    normalise_key,
    read_key,
    read_ranges,
    read_windows,
)
from otel_sqlite_exporter.legacy.legacy_records import NAMESPACE, Detail
from otel_sqlite_exporter.legacy.legacy_values import UNSURE, find_type, read_value
from otel_sqlite_exporter.legacy.stage_progress import StageStep
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.sql.texts import read_query

_ROWS = 20_000
PARENTS = dict.fromkeys(DETAILS, "events") | OWNERS
"""By table: the table that its rows refer to."""


class References:
    """The references of one file, noted in the new one. Counts the rows without an owner, and of the attributes that
    are read their number and their sums by type."""

    def __init__(self, conversion: Conversion) -> None:
        self._source, self._target, self._layout, self._counts = conversion

    def note(self, position: Any) -> Iterator[StageStep]:
        """Note the owner of each row as ranges of rowids: rows of one owner mostly follow each other."""
        for table, rows in read_windows(self._source, self._layout, PARENTS, position, _ROWS, only_owners=True):
            ranges: dict[Any, list[tuple[int, int]]] = {}
            sizes: Counter[Any] = Counter()
            for owner, group in groupby(rows, lambda row: _read_owner(table, row)):  # noqa: B023
                rowids = [row["rowid"] for row in group]
                ranges.setdefault(owner, []).append((rowids[0], rowids[-1]))
                sizes[owner] += len(rowids)
            parent = PARENTS[table.role]
            owners = self._layout.tables.get(parent)
            missing = ranges.keys() - (find_keys(self._source, owners, ranges) if owners else ())
            self._counts[f"orphans.{table.role} without {parent}"] += sum(sizes[owner] for owner in missing)
            self._counts[f"noted.{table.role}"] += len(rows)
            values = [
                {
                    "parent": parent,
                    "kind": table.role,
                    "owner": owner,
                    "is_orphan": int(owner in missing),
                    "ranges": orjson.dumps(found).decode()[1:-1],
                }
                for owner, found in ranges.items()
            ]
            write = partial(self._target.executemany, read_query("add_legacy_references"), values)
            yield StageStep(write, [table.role, rows[-1]["rowid"]], len(rows))

    def find_details(self, events: Collection[Any]) -> dict[Any, list[Detail]]:
        """Return what the file says more of events, by their keys."""
        details: dict[Any, list[Detail]] = {}
        for table, rows in self._find_rows("events", events):
            for row, detail in zip(rows, self._make_details(table, rows), strict=True):
                details.setdefault(_read_owner(table, row), []).append(detail)
        return details

    def find_orphans(self, parent: str, after: int, limit: int) -> tuple[int, list[Detail]]:
        """Return what refers to the next rows of `parent` that are not in the file, and the position after them. Rows
        that refer to an event are one detail each, all attributes of another row are one together."""
        values = {"parent": parent, "after": after, "limit": limit}
        found = self._target.execute(read_query("find_legacy_orphans"), values).fetchall()
        owners = [owner for _, owner in found]
        if parent == "events":
            details = [detail for details in self.find_details(owners).values() for detail in details]
        else:
            alone = {owner: Detail(parent, {"id": owner}, []) for owner in owners}
            self._add_attributes(parent, alone)
            details = [*alone.values()]
        return (found[-1][0] if found else after), details

    def find_by_key(self, role: str, keys: Collection[Any]) -> dict[Any, Detail]:
        """Return the rows of a table with these keys. A key without a row has attributes, but no columns."""
        table = self._layout.tables.get(role)
        rows = find_rows_by_key(self._source, table, keys) if table else {}
        details = dict(zip(rows, self._make_details(table, [*rows.values()]), strict=True)) if table else {}
        alone = {key: Detail(role, {}, []) for key in keys if key not in details}
        self._add_attributes(role, alone)
        return details | alone

    def _make_details(self, table: LegacyTable, rows: Sequence[Mapping[str, Any]]) -> list[Detail]:
        keys = [read_key(table, row) for row in rows]
        details = [Detail(table.role, {"id": key} | {**row}, []) for key, row in zip(keys, rows, strict=True)]
        self._add_attributes(table.role, dict(zip(keys, details, strict=True)))
        return details

    def _add_attributes(self, parent: str, details: Mapping[Any, Detail]) -> None:
        for table, rows in self._find_rows(parent, details) if details else ():
            for row in rows:
                name, value = self._read_attribute(table.role, row)
                details[_read_owner(table, row)].attributes.append((table.role, name, value))

    def _find_rows(self, parent: str, owners: Iterable[Any]) -> list[tuple[LegacyTable, list[dict[str, Any]]]]:
        """Return the rows that refer to these rows of `parent`, by table."""
        values = {"parent": parent, "owners": orjson.dumps([*owners], default=str).decode()}
        ranges: dict[str, list[Any]] = {}
        for role, found in self._target.execute(read_query("find_legacy_references"), values):
            ranges.setdefault(role, []).extend(orjson.loads(f"[{found}]"))
        return [(table, read_ranges(self._source, table, ranges[table.role])) for table in self._layout.present(ranges)]

    def _read_attribute(self, role: str, row: Mapping[str, Any]) -> tuple[str, Any]:
        self._counts[f"rows.{role}"] += 1
        if role == TRIGGERS:
            return TRIGGERS, {name: value for name, value in row.items() if name != "rowid"}
        kind, value = read_value(row, self._counts)
        name = row.get("key")
        self._add_to_sums(role, row, kind, value)
        return f"{NAMESPACE}{role}.key" if name is None else repair_text(name)[0], value

    def _add_to_sums(self, role: str, row: Mapping[str, Any], kind: str, value: Any) -> None:
        """Count a value as the sums of `ConversionChecks` do, which do not use the code that reads values."""
        if kind == f"text{UNSURE}" and find_type(row.get("value_type")) == "text":
            kind, value = "text", row.get("value_text")  # a text that is not UTF-8 was repaired
        if kind == "text" and isinstance(value, (str, bytes)):
            size: Any = len(value.encode(errors="surrogateescape") if isinstance(value, str) else value)
        elif isinstance(value, bool if kind == "boolean" else (int, float)) and math.isfinite(value):
            size = value
        else:
            return
        self._counts[f"sum of {kind}.{role}"] += size


def _read_owner(table: LegacyTable, row: Mapping[str, Any]) -> Any:
    """Return the key of the row that a row refers to; an empty text where it refers to none."""
    owner = normalise_key(row[table.owner])
    return "" if owner is None else owner
