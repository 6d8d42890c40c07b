# SPDX-License-Identifier: Apache-2.0
"""Which rules derived the rows of a file, and whether `reindex` would derive others."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from otel_sqlite_exporter.genai.rule_digests import digest_rules
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.state import read_state, write_state
from otel_sqlite_exporter.version import __version__

_REINDEXED = "reindexed"


class OtherRules(NamedTuple):
    """What wrote rows by other rules than those in force.

    Attributes:
        versions: The versions of the package whose own rules were others, in order.
        has_other_settings: Rows were derived with other session attributes, dialects or another pairing window.
    """

    versions: tuple[str, ...]
    has_other_settings: bool


def find_other_rules(connection: sqlite3.Connection, settings: Settings) -> OtherRules:
    """Return by which other rules rows of the file were derived. The caller holds the transaction."""
    now = digest_rules(settings)
    noted = str(read_state(connection, _REINDEXED) or "").split(" ")
    since, writers = 0, []
    if len(noted) == 4 and noted[3].isdecimal():
        since, writers = int(noted[3]), [(noted[0], noted[1], noted[2])]
    writers += connection.execute(read_query("find_writers_since"), {"since": since}).fetchall()
    versions = {version for version, package, _ in writers if package != now.package}
    return OtherRules(tuple(sorted(versions)), any(chosen != now.settings for _, _, chosen in writers))


def is_reindex_due(settings: Settings) -> bool:
    """Return whether rules of another version of the package derived rows of the file at `settings.path`, which must
    have the present schema.

    Raises:
        FileRefusedError, sqlite3.Error: The file cannot be read.
    """
    found = read_file(
        settings.path,
        lambda connection: find_other_rules(connection, settings),
        busy_timeout_ms=settings.busy_timeout_ms,
    )
    return bool(found.versions)


def note_reindexed(connection: sqlite3.Connection, settings: Settings, began_unix_nano: int) -> None:
    """Note that every row written before `began_unix_nano` is derived by the rules in force. The caller holds the
    transaction."""
    rules = digest_rules(settings)
    write_state(connection, _REINDEXED, " ".join((__version__, *rules, str(began_unix_nano))))
