# SPDX-License-Identifier: Apache-2.0
"""What a merged file notes of its sources: how far each was read, by its path, so that a merge goes on there; and what
was added up, by what the file is, so that nothing is added twice."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.state import read_number, read_state, write_state

KINDS = ("spans", "logs", "quarantine", "imports")
_SUMS = "merged sums "
_MERGED_POINTS = "merged points"


@dataclass(slots=True)
class SourcePosition:
    """How far a source was read: the last finish record, and the last ids of log records, quarantined records and
    imports; `marks` tell whether the source still has these rows. Points have no such ids: `points` is of a source
    whose points were all read, `points_begun` of one that is being read, and `series` and `since` are where the rest
    begins. `replaced` is how many of its spans had been written again when reading began. `state` is of the whole file,
    if it was read to its end: it tells whether it changed. `own` is there while the source is read from its start,
    until its sums are merged: the day of the newest span that the target had before, and when it had last removed
    records."""

    spans: int = 0
    logs: int = 0
    quarantine: int = 0
    imports: int = 0
    points: str | None = None
    points_begun: str | None = None
    series: int = 0
    since: int = 0
    marks: dict[str, str | None] = field(default_factory=dict)
    replaced: int | None = None
    state: list[int] | None = None
    own: list[int] | None = None

    @classmethod
    def read(cls, target: sqlite3.Connection, path: str) -> SourcePosition:
        """Return what the file notes of the source at `path`."""
        return cls(**_read(target, _name_position(path)))

    def note(self, target: sqlite3.Connection, path: str) -> None:
        """Note it, in the caller's transaction."""
        write_state(target, _name_position(path), orjson.dumps(asdict(self)).decode())

    def check(self, source: sqlite3.Connection) -> None:
        """Begin again with what the source no longer has as it was read: it is another file, or lost rows."""
        found = _read_marks(source, self)
        for kind in KINDS:
            if getattr(self, kind) and found[kind] != self.marks.get(kind):
                setattr(self, kind, 0)

    def move(self, source: sqlite3.Connection, kind: str, id: int) -> None:
        """Go on to this id of the source."""
        setattr(self, kind, id)
        self.marks[kind] = _read_marks(source, self)[kind]


@dataclass(slots=True)
class AddedSums:
    """What was added up of one file: its `name` in `_state`, the time of the last write that its counters had, the day
    of its newest span, when it had last `deleted` records, and the counters of what it received, by sender, service and
    signal."""

    name: str | None = None
    until: int = 0
    day: int | None = None
    deleted: int = 0
    senders: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, target: sqlite3.Connection, identity: str) -> AddedSums:
        """Return what the file notes of the source of this identity."""
        return cls(**_read(target, _SUMS + _digest(identity)))

    def note(self, target: sqlite3.Connection, identity: str) -> None:
        """Note it, in the caller's transaction."""
        write_state(target, _SUMS + _digest(identity), orjson.dumps(asdict(self)).decode())


def note_merged_points(target: sqlite3.Connection) -> None:
    """Note, in the caller's transaction, that a merge changed points: no exporter counts them."""
    write_state(target, _MERGED_POINTS, (read_number(target, _MERGED_POINTS) or 0) + 1)


def read_all_sums(connection: sqlite3.Connection) -> dict[str, AddedSums]:
    """Return what a file notes of all its sources, by the name of the note."""
    found = connection.execute("SELECT name, value FROM _state WHERE name GLOB ?", (f"{_SUMS}*",)).fetchall()
    return {name: AddedSums(**orjson.loads(value)) for name, value in found}


def inherit_sums(target: sqlite3.Connection, theirs: Mapping[str, AddedSums]) -> None:
    """Note, in the caller's transaction, what came with a source that is a merged file itself."""
    for name, other in theirs.items():
        own = AddedSums(**_read(target, name))
        days = [one.day for one in (own, other) if one.day is not None]
        senders = own.senders | {key: value for key, value in other.senders.items() if key not in own.senders}
        joined = AddedSums(
            name=own.name or other.name,
            until=max(own.until, other.until),
            day=max(days, default=None),
            deleted=max(own.deleted, other.deleted),
            senders=senders,
        )
        write_state(target, name, orjson.dumps(asdict(joined)).decode())


def _read(target: sqlite3.Connection, name: str) -> dict[str, Any]:
    try:
        noted = orjson.loads(str(read_state(target, name) or "{}"))
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _read_marks(source: sqlite3.Connection, position: SourcePosition) -> dict[str, str | None]:
    """Return what identifies the rows of a position; `body` and attributes are hashed."""
    ids = {kind: getattr(position, kind) for kind in KINDS}
    found = source.execute(read_query("read_source_position"), ids).fetchone()
    return {kind: None if text is None else _digest(text) for kind, text in zip(KINDS, found, strict=True)}


def _name_position(path: str) -> str:
    return f"merged {_digest(os.path.realpath(path))}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()
