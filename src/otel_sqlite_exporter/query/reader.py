# SPDX-License-Identifier: Apache-2.0
"""What people ask of a file, in one call each: `TelemetryDatabase`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query import askable_views
from otel_sqlite_exporter.query.pages import Page, RecordT
from otel_sqlite_exporter.query.reading import Reading, TelemetryFile
from otel_sqlite_exporter.query.reports import ReportResult, run_report
from otel_sqlite_exporter.query.search import SearchResult, search
from otel_sqlite_exporter.query.summaries import (
    EventSummary,
    LLMInteractionSummary,
    LogSummary,
    SessionSummary,
    SpanSummary,
    ToolInteractionSummary,
    TraceSummary,
)
from otel_sqlite_exporter.query.trees import TraceTree, build_tree
from otel_sqlite_exporter.settings import resolve_settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from otel_sqlite_exporter.query.filters import (
        EventFilter,
        LLMInteractionFilter,
        LogFilter,
        SearchFilter,
        SessionFilter,
        SpanFilter,
        Texts,
        Time,
        ToolInteractionFilter,
        TraceFilter,
    )


class TelemetryDatabase:
    """A file of this package, to be asked: it is opened read-only for each call and closed again, so that an instance
    may be used on any thread, across forks and while others write. What a call returns is of one moment.

    `find_` methods return a page of records: `limit` of them, the newest first unless told otherwise; the next page is
    asked for with the page's `cursor`, and is right whatever was written meanwhile. Their further keywords are those of
    the filter that the signature names; all that are given must be met. `get_` methods return one thing by its id, or
    by the beginning of it that nothing else has.

    Args:
        path: The file. Default: what `OTEL_EXPORTER_SQLITE_PATH` names, else `otel.db`.
        busy_timeout_ms: Milliseconds that a call waits for a lock. Environment: OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used.

    Every method raises:
        FilterError: A keyword is not known or has a value that cannot be used; it names the keyword.
        FileRefusedError: There is no file, or it is damaged, not ours, or older than what is asked for.
        sqlite3.Error, OSError: The file cannot be read, or is locked for too long.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, busy_timeout_ms: int | None = None) -> None:
        settings = resolve_settings(path, busy_timeout_ms=busy_timeout_ms)
        self._file = TelemetryFile(settings.path, settings.busy_timeout_ms)

    @property
    def path(self) -> str:
        """The absolute path of the file."""
        return self._file.path

    def find_sessions(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        **criteria: Unpack[SessionFilter],
    ) -> Page[SessionSummary]:
        """Find sessions, by when they ended."""
        return self._find(askable_views.SESSIONS, criteria, limit, cursor, newest_first)

    def get_session(self, session_id: str) -> SessionSummary:
        """Return a session.

        Raises:
            NotFoundError: There is none, or more than one that begins so.
        """

        def read(reading: Reading) -> SessionSummary:
            found = reading.get_id("session_id", askable_views.SESSIONS, session_id)
            return reading.get(askable_views.SESSIONS, session_id=found)

        return self._file.read(read)

    def find_traces(
        self, *, limit: int = 50, cursor: str | None = None, newest_first: bool = True, **criteria: Unpack[TraceFilter]
    ) -> Page[TraceSummary]:
        """Find traces, by when they started."""
        return self._find(askable_views.TRACES, criteria, limit, cursor, newest_first)

    def get_trace(self, trace_id: str) -> TraceTree:
        """Return a trace with all its spans as a tree, and the calls and tool executions among them.

        Raises:
            NotFoundError: There is none, or more than one that begins so.
        """

        def read(reading: Reading) -> TraceTree:
            found = reading.get_id("trace_id", askable_views.TRACES, trace_id)
            return build_tree(
                reading.get(askable_views.TRACES, trace_id=found),
                reading.find_all(askable_views.SPANS, trace_id=found),
                reading.find_all(askable_views.LLM_INTERACTIONS, trace_id=found),
                reading.find_all(askable_views.TOOL_INTERACTIONS, trace_id=found),
            )

        return self._file.read(read)

    def resolve_session_id(self, text: str) -> str:
        """Return the session id that `text` is, or that alone begins with it.

        Raises:
            NotFoundError: No session id begins with `text`, or several do.
        """
        return self._file.read(lambda reading: reading.get_id("session_id", askable_views.SESSIONS, text))

    def resolve_trace_id(self, text: str) -> str:
        """Return the trace id that `text` is, or that alone begins with it, in lower case. No span is read.

        Raises:
            NotFoundError: No trace id begins with `text`, or several do.
        """
        return self._file.read(lambda reading: reading.get_id("trace_id", askable_views.TRACES, text))

    def find_spans(
        self, *, limit: int = 50, cursor: str | None = None, newest_first: bool = True, **criteria: Unpack[SpanFilter]
    ) -> Page[SpanSummary]:
        """Find spans, by when they started."""
        return self._find(askable_views.SPANS, criteria, limit, cursor, newest_first)

    def get_span(self, trace_id: str, span_id: str) -> SpanSummary:
        """Return a span.

        Raises:
            NotFoundError: There is none, or more than one that begins so.
        """
        return self._get_of_trace(askable_views.SPANS, trace_id, span_id)

    def find_llm_interactions(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        **criteria: Unpack[LLMInteractionFilter],
    ) -> Page[LLMInteractionSummary]:
        """Find calls of models, by when they started."""
        return self._find(askable_views.LLM_INTERACTIONS, criteria, limit, cursor, newest_first)

    def get_llm_interaction(self, trace_id: str, span_id: str) -> LLMInteractionSummary:
        """Return the call that a span is.

        Raises:
            NotFoundError: There is none, or more than one that begins so.
        """
        return self._get_of_trace(askable_views.LLM_INTERACTIONS, trace_id, span_id)

    def find_tool_interactions(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        **criteria: Unpack[ToolInteractionFilter],
    ) -> Page[ToolInteractionSummary]:
        """Find executions of tools, by when they started."""
        return self._find(askable_views.TOOL_INTERACTIONS, criteria, limit, cursor, newest_first)

    def find_events(
        self, *, limit: int = 50, cursor: str | None = None, newest_first: bool = True, **criteria: Unpack[EventFilter]
    ) -> Page[EventSummary]:
        """Find records: the starts and finishes of spans, their events, and the log records that are events. They come
        in the order in which they were written."""
        return self._find(askable_views.EVENTS, criteria, limit, cursor, newest_first)

    def find_logs(
        self, *, limit: int = 50, cursor: str | None = None, newest_first: bool = True, **criteria: Unpack[LogFilter]
    ) -> Page[LogSummary]:
        """Find log records, by when they happened."""
        return self._find(askable_views.LOGS, criteria, limit, cursor, newest_first)

    def related(
        self, record: EventSummary | SpanSummary | LLMInteractionSummary | ToolInteractionSummary
    ) -> tuple[EventSummary, ...]:
        """Return what `record` is linked with: of a start its finish and of a finish its start (or nothing), of a span,
        a call or a tool execution its start and its finish, in this order, as far as they are there."""
        if isinstance(record, SpanSummary):
            wanted: dict[str, Any] = {"trace_id": record.trace_id, "span_id": record.span_id, "source": "span"}
            found = self._file.read(lambda reading: reading.find_all(askable_views.EVENTS, **wanted))
        elif isinstance(record, EventSummary):
            found = self._get_events(record.related_event_id)
        elif isinstance(record, (LLMInteractionSummary, ToolInteractionSummary)):
            found = self._get_events(record.start_id, record.finish_id)
        else:
            raise FilterError(
                "record",
                f"{type(record).__name__} has no start and no finish: give an event, a span, "
                "a call or a tool execution",
            )
        return tuple(sorted(found, key=lambda event: event.phase != "start"))

    def run_report(
        self,
        name: str,
        *,
        since: Time | None = None,
        until: Time | None = None,
        group_by: Texts | None = None,
        limit: int | None = None,
    ) -> ReportResult:
        """Return the rows of a report, of what started at `since` or later and before `until`: see docs/reports.md."""
        return self._file.read(
            lambda reading: run_report(reading, name, since=since, until=until, group_by=group_by, limit=limit)
        )

    def search(self, text: str, *, limit: int = 50, **criteria: Unpack[SearchFilter]) -> SearchResult:
        """Search prompts, completions, arguments and results of tools: what has all words of `text`, and what stands in
        double quotes as a whole, inside words too and in whatever case. The newest come first. The index is used as far
        as there is one, and what it lacks is looked at directly, up to a bound: the result's `note` says so."""
        return self._file.read(lambda reading: search(reading, text, limit=limit, criteria=criteria))

    def _find(
        self,
        kind: askable_views.Kind[RecordT],
        criteria: Mapping[str, Any],
        limit: int,
        cursor: str | None,
        newest_first: bool,
    ) -> Page[RecordT]:
        return self._file.read(lambda reading: reading.find(kind, criteria, limit, cursor, newest_first))

    def _get_of_trace(self, kind: askable_views.Kind[RecordT], trace_id: str, span_id: str) -> RecordT:
        def read(reading: Reading) -> RecordT:
            trace = reading.get_id("trace_id", askable_views.TRACES, trace_id)
            span = reading.get_id("span_id", kind, span_id, trace_id=trace)
            return reading.get(kind, trace_id=trace, span_id=span)

        return self._file.read(read)

    def _get_events(self, *ids: int | None) -> tuple[EventSummary, ...]:
        present = [id for id in ids if id is not None]
        return self._file.read(lambda reading: reading.get_events(present)) if present else ()
