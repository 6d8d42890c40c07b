# SPDX-License-Identifier: Apache-2.0
"""`TelemetryDatabase`: the questions that people ask a file, one method each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Unpack

from otel_sqlite_exporter.query.askable_views import (
    EVENTS,
    LLM_INTERACTIONS,
    LOGS,
    SCORES,
    SESSIONS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
)
from otel_sqlite_exporter.query.conversations.conversation import Conversation
from otel_sqlite_exporter.query.conversations.conversation_reader import read_conversation
from otel_sqlite_exporter.query.metric_series.metric_questions import MetricQuestions
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reading import (
    TelemetryFile,
    fetch,
    find_page,
    get_by_prefix,
    resolve_id,
)
from otel_sqlite_exporter.query.reports import ReportResult, run_report
from otel_sqlite_exporter.query.scored.score_rows import ScoreSummary
from otel_sqlite_exporter.query.search import SearchResult, search
from otel_sqlite_exporter.query.session_parts.related_records import find_related, get_of_trace
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.query.summaries import (
    EventSummary,
    LLMInteractionSummary,
    LogSummary,
    SessionSummary,
    SpanSummary,
    ToolInteractionSummary,
    TraceSummary,
)
from otel_sqlite_exporter.query.trees import TraceTree, read_tree
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.sql.texts import read_query

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.askable_views import (
        EventFilter,
        LLMInteractionFilter,
        LogFilter,
        ReportFilter,
        ScoreFilter,
        SearchFilter,
        SessionFilter,
        SpanFilter,
        Texts,
        Time,
        ToolInteractionFilter,
        TraceFilter,
    )


class TelemetryDatabase(MetricQuestions):
    """Reads a file of this package. Each call opens the file read-only, reads in one transaction, and closes it. So an
    instance may be used on any thread, across forks, and while other programs write.

    `find_` methods return a page of `limit` records, the newest first by default. Pass the page's `cursor` to get the
    next page, which is right whatever was written in between. `sort` (`duration`, and of traces and calls `tokens` or
    `cost`) puts the largest first instead; such a list has one page, and no cursor. The other keywords are filters:
    those of the class that the signature names. A record must meet all of them. `get_` methods take an id or a unique
    prefix of one.

    Args:
        path: The file. Default: the path in `OTEL_EXPORTER_SQLITE_PATH`, else `otel.db`.
        busy_timeout_ms: Milliseconds that a call waits for a lock. Environment: OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS.

    Raises:
        ConfigurationError: A keyword has an invalid value.

    Every method raises:
        FilterError: A keyword is unknown or has an invalid value; the error names it.
        FileRefusedError: The file is missing, damaged, of another program, or too old for this question.
        sqlite3.Error, OSError: The file cannot be read, or is locked for too long.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, busy_timeout_ms: int | None = None) -> None:
        settings = resolve_settings(path, busy_timeout_ms=busy_timeout_ms)
        self._file = TelemetryFile(settings.path, settings.busy_timeout_ms)
        self._dialects = settings.dialects

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
        **filters: Unpack[SessionFilter],
    ) -> Page[SessionSummary]:
        """Find sessions, ordered by their end."""
        return self._file.read(find_page, SESSIONS, filters, limit, cursor, newest_first)

    def get_session(self, session_id: str) -> SessionSummary:
        """Return a session.

        Raises:
            NotFoundError: There is no such session, or the prefix is not unique.
        """
        return self._file.read(get_by_prefix, SESSIONS, "session_id", session_id)

    def resolve_session_id(self, prefix: str) -> str:
        """Return the session id that equals `prefix`, or the only one that starts with it.

        Raises:
            NotFoundError: There is no such session, or the prefix is not unique.
        """
        return self._file.read(resolve_id, SESSIONS, "session_id", prefix)

    def find_traces(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        sort: str = "start",
        **filters: Unpack[TraceFilter],
    ) -> Page[TraceSummary]:
        """Find traces, ordered by their start."""
        return self._file.read(find_page, TRACES, filters, limit, cursor, newest_first, sort)

    def get_trace(self, trace_id: str, *, content: bool = True) -> TraceTree:
        """Return a trace: its spans as a tree, with the model calls and tool executions among them.

        Without `content`, what was said and all attributes are None (docs/query.md lists these fields), and a large
        trace takes a part of the memory.

        Raises:
            NotFoundError: There is no such trace, or the prefix is not unique.
        """
        return self._file.read(read_tree, trace_id, content=content)

    def resolve_trace_id(self, prefix: str) -> str:
        """Return the trace id that equals `prefix`, or the only one that starts with it. No span is read.

        Raises:
            NotFoundError: There is no such trace, or the prefix is not unique.
        """
        return self._file.read(resolve_id, TRACES, "trace_id", prefix)

    def find_spans(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        sort: str = "start",
        **filters: Unpack[SpanFilter],
    ) -> Page[SpanSummary]:
        """Find spans, ordered by their start."""
        return self._file.read(find_page, SPANS, filters, limit, cursor, newest_first, sort)

    def get_span(self, trace_id: str, span_id: str) -> SpanSummary:
        """Return a span.

        Raises:
            NotFoundError: There is no such span, or the prefix is not unique.
        """
        return self._file.read(get_of_trace, SPANS, trace_id, span_id)

    def find_llm_interactions(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        sort: str = "start",
        **filters: Unpack[LLMInteractionFilter],
    ) -> Page[LLMInteractionSummary]:
        """Find model calls, ordered by their start."""
        return self._file.read(find_page, LLM_INTERACTIONS, filters, limit, cursor, newest_first, sort)

    def get_llm_interaction(self, trace_id: str, span_id: str) -> LLMInteractionSummary:
        """Return the model call that a span recorded.

        Raises:
            NotFoundError: There is no such call, or the prefix is not unique.
        """
        return self._file.read(get_of_trace, LLM_INTERACTIONS, trace_id, span_id)

    def find_tool_interactions(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        sort: str = "start",
        **filters: Unpack[ToolInteractionFilter],
    ) -> Page[ToolInteractionSummary]:
        """Find tool executions, ordered by their start."""
        return self._file.read(find_page, TOOL_INTERACTIONS, filters, limit, cursor, newest_first, sort)

    def get_conversation(self, id: str, *, limit: int = 1_000) -> Conversation:
        """Return what was said and which tools ran, the oldest first: up to `limit` calls and tools that count.

        `id` is that of a session, a trace or a span, a unique prefix of it, or the id of the row of a call or a tool;
        if several things have it, `KIND:ID` with `session`, `trace`, `span`, `llm` (a call) or `tool`. A call or a tool
        is returned as it was recorded, also if it does not count. Elsewhere the prompt of a call has only the messages
        that no call before it shows. `user:ID` gives what was said in all sessions of a user. docs/query.md has the
        shape.

        Raises:
            NotFoundError: There is no such id, or several things have it; the error names them.
        """
        return self._file.read(read_conversation, id, limit=limit)

    def find_events(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        **filters: Unpack[EventFilter],
    ) -> Page[EventSummary]:
        """Find the starts and finishes of spans, span events, and log events, ordered by `id`, not by time: a batch
        writes span events after the finishes of its spans."""
        return self._file.read(find_page, EVENTS, filters, limit, cursor, newest_first)

    def find_logs(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        **filters: Unpack[LogFilter],
    ) -> Page[LogSummary]:
        """Find log records, ordered by their time."""
        return self._file.read(find_page, LOGS, filters, limit, cursor, newest_first)

    def find_scores(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        **filters: Unpack[ScoreFilter],
    ) -> Page[ScoreSummary]:
        """Find scores, ordered by when they were given."""
        return self._file.read(find_page, SCORES, filters, limit, cursor, newest_first)

    def related(
        self, record: EventSummary | SpanSummary | LLMInteractionSummary | ToolInteractionSummary
    ) -> tuple[EventSummary, ...]:
        """Return the records that `record` is linked with: the finish of a start, the start of a finish; of a span, a
        model call or a tool execution its start and then its finish. A record that does not exist is left out."""
        return self._file.read(find_related, record)

    def writes_running_spans(self) -> bool:
        """Return whether any process has written a span before it ended: only `SQLiteSpanProcessor` does."""
        return bool(self._file.read(fetch, Select(read_query("sum_exporter_health"), {}))[0]["opened"])

    def run_report(
        self,
        name: str,
        *,
        since: Time | None = None,
        until: Time | None = None,
        group_by: Texts | None = None,
        limit: int | None = None,
        timezone: str = "UTC",
        **filters: Unpack[ReportFilter],
    ) -> ReportResult:
        """Return the rows of the report `name`, for the time from `since` until before `until`: see docs/reports.md.
        Hours, days and weeks are those of `timezone`: UTC, local, an offset such as +02:00, or an IANA name."""
        given = {filter: value for filter, value in filters.items() if value is not None}
        return self._file.read(
            run_report,
            name,
            since=since,
            until=until,
            group_by=group_by,
            limit=limit,
            timezone=timezone,
            filters=given,
            dialects=self._dialects,
        )

    def search(self, text: str, *, limit: int = 50, **filters: Unpack[SearchFilter]) -> SearchResult:
        """Search prompts, completions, tool arguments and tool results. All words of `text` must occur, and each phrase
        in double quotes as a whole; inside words too, in any case. The newest hits come first. Rows that the search
        index lacks are read directly, up to a bound: the result's `note` says what was left out."""
        return self._file.read(search, text, limit=limit, filters=filters)
