# SPDX-License-Identifier: Apache-2.0
"""Which rules derived the rows of a file, and whether `reindex` would derive others."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.genai.rule_digests import digest_rules
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.state import read_state, write_state
from otel_sqlite_exporter.version import __version__

_REINDEXED = "rules of reindex"


class OtherRules(NamedTuple):
    """What wrote rows by other rules than those in force.

    Attributes:
        versions: The versions of the package whose own rules were others, in order.
        settings: The settings that rows were derived with and that are others here: name, value there, value here, as
            environment variables have them. None: the default.
    """

    versions: tuple[str, ...]
    settings: tuple[tuple[str, str | None, str | None], ...]


def find_other_rules(connection: sqlite3.Connection, settings: Settings) -> OtherRules:
    """Return by which other rules rows of the file were derived. The caller holds the transaction."""
    now = digest_rules(settings)
    noted = _read_noted(connection)
    since, writers = (noted[3], [noted[:3]]) if noted else (0, [])
    writers += connection.execute(read_query("find_writers_since"), {"since": since}).fetchall()
    versions = {version for version, package, _ in writers if package != now.package}
    here = _read_settings(now.settings)
    others = {
        (name, there.get(name), here.get(name))
        for there in (_read_settings(chosen) for _, _, chosen in writers)
        for name in there.keys() | here.keys()
        if there.get(name) != here.get(name)
    }
    return OtherRules(tuple(sorted(versions)), tuple(sorted(others, key=str)))


def _read_settings(chosen: str) -> dict[str, str]:
    settings = _load(chosen, {})
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in settings.items()
    }


def _read_noted(connection: sqlite3.Connection) -> tuple[str, str, str, int] | None:
    """Return the version, the rules and the settings of the last `reindex`, and when it began."""
    noted = _load(read_state(connection, _REINDEXED), [])
    return (str(noted[0]), str(noted[1]), str(noted[2]), int(noted[3])) if len(noted) == 4 else None


def _load(text: Any, otherwise: Any) -> Any:
    """Return the JSON value in a text; `otherwise`, which has its type, if it holds none."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return otherwise
    return value if isinstance(value, type(otherwise)) else otherwise


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
    write_state(connection, _REINDEXED, orjson.dumps((__version__, *rules, began_unix_nano)).decode())
