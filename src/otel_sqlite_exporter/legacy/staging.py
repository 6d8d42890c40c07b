# SPDX-License-Identifier: Apache-2.0
"""Attribute rows as JSON, and which rows say more of which event: what must be known before events can be put together.

Old files need not have an index on what refers to what. So their tables are read once, in the order of their rowids,
and what was read is kept in tables with an index until the migration is done.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.legacy.layout import (
    DETAILS,
    OWNERS,
    TRIGGERS,
    Layout,
    find_keys,
    find_rows,
    normalise_key,
    read_key,
    read_windows,
)
from otel_sqlite_exporter.legacy.legacy_records import NAMESPACE, Detail
from otel_sqlite_exporter.legacy.legacy_values import UNSURE, find_type, read_value
from otel_sqlite_exporter.legacy.stage_progress import Step
from otel_sqlite_exporter.model.values import decode_attributes, encode_attributes, repair_text
from otel_sqlite_exporter.sql.texts import read_query

_ATTRIBUTE_ROWS, _DETAIL_ROWS = 20_000, 5_000


class Staging:
    """The staged rows of one file: read from `source`, kept in `target`, which may be the same file."""

    def __init__(
        self, source: sqlite3.Connection, target: sqlite3.Connection, layout: Layout, counts: Counter[str]
    ) -> None:
        self._source = source
        self._target = target
        self._layout = layout
        self._counts = counts

    def stage_attributes(self, position: Any) -> Iterator[Step]:
        """Make JSON of the attribute rows, one value for each owner in a window."""
        for table, rows in read_windows(self._source, self._layout, OWNERS, position, _ATTRIBUTE_ROWS):
            kind = table.role
            owners: dict[Any, list[Any]] = {}
            for row in rows:
                owners.setdefault(normalise_key(row[table.owner]), []).append(self._read_entry(kind, row))
            missing = self._find_missing(OWNERS[kind], owners)
            values: list[dict[str, Any]] = []
            for owner, entries in owners.items():
                text, types, _ = encode_attributes({"entries": entries})
                values.append(
                    {
                        "kind": kind,
                        "owner": owner,
                        "is_orphan": int(owner in missing),
                        "attribute_types": types,
                        "attributes": text,
                    }
                )
                self._counts[f"checksum.{kind}"] = (self._counts[f"checksum.{kind}"] + sum_entries(entries)) % 2**62
                if owner in missing:
                    self._counts[f"orphans.{kind} without {OWNERS[kind]}"] += len(entries)
            self._counts[f"read.{kind}"] += len(rows)
            yield self._insert("add_legacy_attributes", values, [kind, rows[-1]["rowid"]], len(rows))

    def stage_details(self, position: Any) -> Iterator[Step]:
        """Note which rows say more of which event."""
        for table, rows in read_windows(self._source, self._layout, DETAILS, position, _DETAIL_ROWS):
            kind = table.role
            owners = [normalise_key(row[table.owner]) for row in rows]
            missing = self._find_missing("events", owners)
            values = [
                {
                    "kind": kind,
                    "owner": owner,
                    "is_orphan": int(owner in missing),
                    "detail": read_key(table, row),
                    "detail_rowid": row["rowid"],
                }
                for owner, row in zip(owners, rows, strict=True)
            ]
            self._counts[f"read.{kind}"] += len(rows)
            self._counts[f"orphans.{kind} without events"] += sum(value["is_orphan"] for value in values)
            yield self._insert("add_legacy_details", values, [kind, rows[-1]["rowid"]], len(rows))

    def find_details(self, events: Sequence[Any]) -> dict[Any, list[Detail]]:
        """Return what the file says more of events, by their keys."""
        values = {"owners": orjson.dumps(events).decode()}
        details: dict[Any, list[Detail]] = {}
        for owner, detail in self._make(self._target.execute(read_query("find_legacy_details"), values).fetchall()):
            details.setdefault(owner, []).append(detail)
        return details

    def find_orphans(self, after: int, limit: int) -> tuple[int, list[Detail]]:
        """Return the next rows whose event is not there, and the position after them."""
        values = {"after": after, "limit": limit}
        found = self._target.execute(read_query("find_legacy_orphans"), values).fetchall()
        details = [detail for _, detail in self._make([row[1:] for row in found])]
        return (found[-1][0] if found else after), details

    def find_orphan_attributes(self, kind: str, after: int, limit: int) -> tuple[int, list[Detail]]:
        """Return the next owners that are not there, with what a table has of attributes for them, and the position
        after them."""
        values = {"kind": kind, "after": after, "limit": limit}
        found = self._target.execute(read_query("find_legacy_orphan_owners"), values).fetchall()
        details = {owner: Detail(OWNERS[kind], {"id": owner}, []) for _, owner in found}
        self._add_attributes(kind, details)
        return (found[-1][0] if found else after), list(details.values())

    def find_by_key(self, kind: str, key: Any) -> list[tuple[Detail, bool]]:
        """Return what is staged of rows that are orphans, or have no more than attributes, by their key; with each,
        whether there is a row."""
        values = {"kind": kind, "detail": key}
        details = [
            detail
            for _, detail in self._make(self._target.execute(read_query("find_legacy_orphan"), values).fetchall())
        ]
        if details:
            return [(detail, True) for detail in details]
        alone = Detail(kind, {}, [])
        for attributes, owned in OWNERS.items():
            if owned == kind and attributes in self._layout.tables:
                self._add_attributes(attributes, {key: alone})
        return [(alone, False)]

    def _make(self, found: Sequence[tuple[Any, ...]]) -> list[tuple[Any, Detail]]:
        made = []
        for kind in DETAILS:
            mine = [row[1:] for row in found if row[0] == kind]
            if not mine:
                continue
            table = self._layout.tables[kind]
            rows = {row["rowid"]: row for row in find_rows(self._source, table, [rowid for *_, rowid in mine])}
            details: dict[Any, Detail] = {}
            for owner, key, rowid in mine:
                details[key] = Detail(kind, {"id": key} | rows[rowid], [])
                made.append((owner, details[key]))
            for attributes, owned in OWNERS.items():
                if owned == kind and attributes in self._layout.tables:
                    self._add_attributes(attributes, details)
        return made

    def _add_attributes(self, kind: str, details: Mapping[Any, Detail]) -> None:
        values = {"kind": kind, "owners": orjson.dumps(list(details)).decode()}
        for owner, text, types in self._target.execute(read_query("find_legacy_attributes"), values):
            details[owner].attributes.extend((kind, tuple(entry)) for entry in read_entries(text, types))

    def _read_entry(self, kind: str, row: Mapping[str, Any]) -> list[Any]:
        if kind == TRIGGERS:
            return [TRIGGERS, "json", {name: value for name, value in row.items() if name != "rowid"}]
        name = row.get("key")
        type_name, value = read_value(row, self._counts)
        if (
            type_name == f"text{UNSURE}"
            and find_type(row["value_type"]) == "text"
            and isinstance(row["value_text"], str)
        ):
            self._counts[f"unsure bytes.{kind}"] += len(row["value_text"].encode(errors="surrogateescape"))
        return [f"{NAMESPACE}{kind}.key" if name is None else repair_text(name)[0], type_name, value]

    def _find_missing(self, role: str, owners: Iterable[Any]) -> set[Any]:
        wanted = set(owners)
        table = self._layout.tables.get(role)
        return wanted if table is None else wanted - find_keys(self._source, table, wanted)

    def _insert(self, query: str, values: Sequence[Mapping[str, Any]], position: Any, rows: int) -> Step:
        def write() -> None:
            self._target.executemany(read_query(query), values)

        return Step(write, position, rows)


def read_entries(text: str, types: str | None) -> list[list[Any]]:
    """Return staged attributes as [name, type, value]."""
    entries: list[list[Any]] = decode_attributes(text, types)["entries"]
    return entries


def sum_entries(entries: Iterable[Sequence[Any]]) -> int:
    """Return a checksum of attributes (name, type, value) that does not depend on their order."""
    return sum(zlib.crc32(_dump(entry)) for entry in entries)


def _dump(entry: Sequence[Any]) -> bytes:
    try:
        return orjson.dumps(entry)
    except TypeError:
        return repr(list(entry)).encode(errors="replace")
