# SPDX-License-Identifier: Apache-2.0
"""Makes a file of masked records: what a conversation, sums and pairs are derived from, as from any file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC

from otel_sqlite_exporter.imports.importer import Importer
from otel_sqlite_exporter.imports.sources import open_source
from otel_sqlite_exporter.model.mark_rows import SESSION_KEY
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.summaries import SessionSummary, TraceSummary
from otel_sqlite_exporter.settings import WHOLE_RECORDS, Settings

_PAGE = 200
SharedPart = SessionSummary | TraceSummary
"""What a page has a section of."""


def make_masked_file(records: str, path: str, settings: Settings, session_name: str | None) -> TelemetryDatabase:
    """Import the OTLP file `records` into a new file at `path`, with what `settings` say of sessions and dialects, and
    return it. Nothing is redacted again. `session_name` is the name that a session has got as its id is masked.

    Raises:
        sqlite3.Error, OSError: The file cannot be written.
    """
    names = settings.session_attributes
    if session_name is not None:
        names = (SESSION_KEY, *(name for name in names if name != SESSION_KEY))
    plain = settings._replace(
        path=path,
        auto_migrate="safe",
        **WHOLE_RECORDS,
        metric_new_series=LARGEST,
        session_attributes=names,
    )
    with closing(Importer(plain, UTC)) as importer, open_source(records) as source:
        importer.import_source(source, lambda report: None)
    return TelemetryDatabase(path)


def list_parts(database: TelemetryDatabase, *, by_trace: bool) -> Iterator[SharedPart]:
    """Yield what there is to show: each session, and each trace without one; or each trace.

    A session is one part.
    """
    if not by_trace:
        cursor = None
        while True:
            sessions = database.find_sessions(limit=_PAGE, cursor=cursor, newest_first=False)
            yield from sessions
            if (cursor := sessions.cursor) is None:
                break
    cursor = None
    while True:
        traces = database.find_traces(limit=_PAGE, cursor=cursor, newest_first=False)
        yield from (trace for trace in traces if by_trace or trace.session_id is None)
        if (cursor := traces.cursor) is None:
            return


def name_part(part: SharedPart) -> str:
    """Return what names a part in a conversation: `session:ID` or `trace:ID`."""
    return f"session:{part.session_id}" if isinstance(part, SessionSummary) else f"trace:{part.trace_id}"
