# SPDX-License-Identifier: Apache-2.0
"""What a user asked first in each of some sessions or traces: it tells them apart in a list."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.session_parts.user_prompts import read_asked, read_user_prompts
from otel_sqlite_exporter.query.sql_builder import build_page
from otel_sqlite_exporter.storage.connection import allow_signals

_LONGEST_S = 0.1
_STEPS_BETWEEN_LOOKS = 1_000
_FIRST_CALLS = 3
_ALWAYS = (0, 2**63 - 1)
_GIVEN_UP = "interrupted"


def read_first_prompts(connection: sqlite3.Connection, column: str, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the first characters of what was asked first, by id: of sessions if `column` is `session_id`, of traces if
    it is `trace_id`. It takes 0.1 s at most: then the others have none."""
    deadline = time.monotonic() + _LONGEST_S
    found: dict[str, str] = {}
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        for id in ids:
            prompt = next(_find_prompts(connection, column, id), None)
            if prompt is not None:
                found[id] = prompt
    except sqlite3.OperationalError as error:
        if not str(error).startswith(_GIVEN_UP):
            raise
    finally:
        allow_signals(connection)
    return found


def _find_prompts(connection: sqlite3.Connection, column: str, id: str) -> Iterator[str]:
    """Yield what was asked in the first calls; then what log records of a coding agent tell."""
    select = build_page(LLM_INTERACTIONS, {column: id}, limit=_FIRST_CALLS, newest_first=False, columns=("id",))
    for row in fetch(connection, select):
        yield from read_asked(connection, [row["id"]]).values()
    if column == "session_id":
        yield from (prompt.text for prompt in read_user_prompts(connection, id, _ALWAYS, limit=1) if prompt.text)
