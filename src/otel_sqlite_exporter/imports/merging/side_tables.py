# SPDX-License-Identifier: Apache-2.0
"""What a file holds beside records: exporters, what was refused, imported, received, marked and deleted."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.genai.rule_digests import RuleDigests
from otel_sqlite_exporter.imports.merging.merge_notes import AddedSums, inherit_sums
from otel_sqlite_exporter.imports.merging.merge_sources import MergeSource
from otel_sqlite_exporter.settings import REDACTED
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.receipts.known_requests import KEPT_NS
from otel_sqlite_exporter.write.receipts.source_counts import MOST_SOURCES
from otel_sqlite_exporter.write.statements import run_script

Row = Mapping[str, Any]
_PAGE = 1_000
_NO_SUMS = [0] * 10
_COUNTERS = ("received", "stored", "duplicate", "retried", "sent_bytes")
_QUARANTINE = (
    "INSERT INTO _quarantine (digest, arrival_time_unix_nano, reason, content)"
    " VALUES (:digest, :arrival_time_unix_nano, :reason, :content) ON CONFLICT (digest) DO NOTHING"
)
_IMPORTS = (
    "INSERT INTO _imports (digest, source, time_unix_nano) VALUES (:digest, :source, :time_unix_nano)"
    " ON CONFLICT (digest) DO NOTHING"
)
_REQUESTS = (
    "INSERT INTO _requests (digest, time_unix_nano) VALUES (:digest, :time_unix_nano) ON CONFLICT (digest) DO NOTHING"
)


class SourceFacts(NamedTuple):
    """A row of queries/merge/read_source_facts.sql."""

    identity: str
    name: str | None
    replaced: int | None
    last_import: int
    last_write: int
    newest_day: int
    last_deletion: int


class SourceNotes(NamedTuple):
    """What a source is, and what it notes of its own sources."""

    facts: SourceFacts
    sums: Mapping[str, AddedSums]


def read_facts(connection: sqlite3.Connection) -> SourceFacts:
    """Return what a file is."""
    return SourceFacts._make(connection.execute(read_query("read_source_facts")).fetchone())


def read_rows_of(connection: sqlite3.Connection, query: str, /, **values: Any) -> list[dict[str, Any]]:
    """Return the rows of a query, by the names of their columns."""
    cursor = connection.execute(read_query(query), values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def merge_run_rows(target: sqlite3.Connection, runs: Sequence[Row], rules: RuleDigests) -> None:
    """Add exporters of a source, in the caller's transaction. Their rows are derived here by `rules`."""
    derived = {"rules": rules.package, "rule_settings": rules.settings}
    target.executemany(read_query("merge_runs"), [{**run, **derived} for run in runs])


def merge_quarantine_rows(target: sqlite3.Connection, rows: Sequence[Row], *, is_redacting: bool) -> int:
    """Add quarantined records of a source, in the caller's transaction; return how many are new. What is in them cannot
    be redacted, so it is left out where something must be."""
    if is_redacting:
        rows = [{**row, "content": orjson.dumps({"content": REDACTED}).decode()} for row in rows]
    return max(0, target.executemany(_QUARANTINE, rows).rowcount)


def merge_import_rows(target: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Add what a source has imported, in the caller's transaction."""
    target.executemany(_IMPORTS, rows)


def merge_side_tables(
    target: sqlite3.Connection, source: MergeSource, notes: SourceNotes, *, is_redacting: bool
) -> None:
    """Add what a source marks, deleted, refused and received, in transactions of some rows each. What comes again
    changes nothing.

    Raises:
        DamagedFileError: The source cannot be read.
        sqlite3.Error: The target cannot be written.
    """
    for query, statement in (
        ("read_source_marks", "merge_marks"),
        ("read_source_deletions", "merge_deletions"),
        ("read_source_refusals", "merge_refusals"),
    ):
        for rows in read_pages(source, query):
            with transaction(target):
                target.executemany(read_query(statement), rows)
    since = time.time_ns() - KEPT_NS
    for rows in read_pages(source, "read_source_requests", since=since):
        with transaction(target):
            target.executemany(_REQUESTS, rows)
    if not is_redacting:  # versions of spans that are kept nowhere: their names cannot be redacted
        _merge_agents(target, source)
    senders = source.read(lambda connection: read_rows_of(connection, "read_source_senders"))
    with transaction(target):
        _merge_sums(target, senders, notes.facts)
        inherit_sums(target, notes.sums)


def _merge_agents(target: sqlite3.Connection, source: MergeSource) -> None:
    agents = source.read(lambda connection: connection.execute(read_query("read_source_agents")).fetchall())
    if agents:
        with transaction(target):
            run_script(target, "add_to_agents", agents=[[*agent, *_NO_SUMS] for agent in agents], trace_sessions=())


def _merge_sums(target: sqlite3.Connection, senders: Sequence[Row], facts: SourceFacts) -> None:
    """Add to the counters of what was received what is new in those of the source, and note what it has now."""
    added = AddedSums.read(target, facts.identity)
    for row in senders:
        key = orjson.dumps([row["sender"], row["service_name"], row["signal"]]).decode()
        before = Counter(dict(added.senders.get(key, [])))
        now = Counter({name: row[name] for name in _COUNTERS})
        now.update({f"rejected {reason}": number for reason, number in orjson.loads(row["rejected"]).items()})
        new = now - before
        if new:
            rejected = {name.removeprefix("rejected "): new[name] for name in new if name.startswith("rejected ")}
            counts = (new["received"], new["stored"], new["duplicate"], orjson.dumps(rejected).decode())
            columns = (row["sender"], row["service_name"], row["signal"], *counts, new["retried"], new["sent_bytes"])
            values = {
                "sources": orjson.dumps([columns]).decode(),
                "most": MOST_SOURCES,
                "now": row["last_seen_unix_nano"],
            }
            target.execute(read_query("add_to_sources"), values)
        added.senders[key] = list((now | before).items())
    added.name = facts.name or added.name
    added.until = max(added.until, facts.last_write)
    added.day = facts.newest_day if added.day is None else max(added.day, facts.newest_day)
    added.deleted = max(added.deleted, facts.last_deletion)
    added.note(target, facts.identity)


def read_pages(source: MergeSource, query: str, /, **values: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a query in pages, each of one snapshot."""
    after = 0
    while True:
        page = {**values, "after": after, "limit": _PAGE}
        rows = source.read(lambda connection: read_rows_of(connection, query, **page))  # noqa: B023
        if not rows:
            return
        yield [{name: value for name, value in row.items() if name != "id"} for row in rows]
        after = rows[-1]["id"]
