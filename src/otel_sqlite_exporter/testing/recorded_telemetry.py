# SPDX-License-Identifier: Apache-2.0
"""What the fixture `telemetry` gives to a test: what it has recorded, as rows, sums and budgets."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
from otel_sqlite_exporter.query.pages import Page, ViewRow
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.summaries import (
    LLMInteractionSummary,
    LogSummary,
    SessionSummary,
    SpanSummary,
    ToolInteractionSummary,
)
from otel_sqlite_exporter.sdk.log_exporter import SQLiteLogRecordExporter
from otel_sqlite_exporter.sdk.metric_exporter import SQLiteMetricExporter
from otel_sqlite_exporter.sdk.span_processor import SQLiteSpanProcessor
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.identity import name_command
from otel_sqlite_exporter.testing.allowed_use import NothingRecordedWarning, RecordedUse, check_use, find_doubt
from otel_sqlite_exporter.testing.switched_providers import get_providers

_PAGE, _FLUSH_S = 1_000, 30.0
_OLDEST_FIRST: Mapping[str, Any] = {"newest_first": False}
_RowT = TypeVar("_RowT", bound=ViewRow)


class RecordedTelemetry:
    """The telemetry of one test. Whatever is asked, what was recorded by then is written first: also spans that still
    run, with the status `running`, and what was measured since the test began.

    Attributes:
        path: The file.
        tracer_provider, logger_provider, meter_provider: Those that write to it, for code that takes a provider. What
            uses the global providers is written to it too, unless the setting `telemetry_global` is false.
    """

    def __init__(self, path: Path, *, use_global: bool) -> None:
        self.path = path
        providers = get_providers()
        if use_global:
            providers.use_global()
        self._providers = providers
        self.tracer_provider: TracerProvider = providers.tracer_provider
        self.logger_provider: LoggerProvider = providers.logger_provider
        self.meter_provider: MeterProvider = providers.meter_provider
        self._spans = SQLiteSpanProcessor(path)
        self._logs: Any = SimpleLogRecordProcessor(SQLiteLogRecordExporter(path))
        self._metrics = SQLiteMetricExporter(path)
        providers.spans.choose(self._spans)
        providers.logs.chosen = self._logs
        providers.metrics.choose(self._metrics)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables for a child process: started by `opentelemetry-instrument`, it writes to the same file. So does one
        that makes a SQLiteSpanProcessor or an exporter without a path."""
        return {
            "OTEL_EXPORTER_SQLITE_PATH": os.fspath(self.path),
            "OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR": "true",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "sqlite",
            "OTEL_METRICS_EXPORTER": "sqlite",
        }

    @property
    def database(self) -> TelemetryDatabase:
        """The file, to ask it anything: see docs/query.md."""
        self.flush()
        return TelemetryDatabase(self.path)

    @property
    def calls(self) -> Sequence[LLMInteractionSummary]:
        """The model calls that count, the oldest first."""
        return _read_all(self.database.find_llm_interactions, **_OLDEST_FIRST, counted=True)

    @property
    def tools(self) -> Sequence[ToolInteractionSummary]:
        """The executions of tools that count, the oldest first."""
        return _read_all(self.database.find_tool_interactions, **_OLDEST_FIRST, counted=True)

    @property
    def spans(self) -> Sequence[SpanSummary]:
        """All spans, the oldest first."""
        return _read_all(self.database.find_spans, **_OLDEST_FIRST)

    @property
    def errors(self) -> Sequence[SpanSummary]:
        """The spans that failed, the oldest first."""
        return _read_all(self.database.find_spans, **_OLDEST_FIRST, status="error")

    @property
    def logs(self) -> Sequence[LogSummary]:
        """All log records, the oldest first."""
        return _read_all(self.database.find_logs, **_OLDEST_FIRST)

    @property
    def metrics(self) -> Sequence[MetricSummary]:
        """All metrics, by their names. `database.get_metric_series` has their values."""
        return _read_all(self.database.find_metrics)

    @property
    def sessions(self) -> Sequence[SessionSummary]:
        """The sessions, by their end, the oldest first."""
        return _read_all(self.database.find_sessions, **_OLDEST_FIRST)

    @property
    def cost_usd(self) -> float:
        """The cost of the model calls in US dollars, as far as it is known."""
        return self._sum_use().cost_usd

    @property
    def tokens(self) -> int:
        """The tokens of the model calls, those of prompts and answers together."""
        return self._sum_use().tokens

    def check_budget(
        self,
        *,
        cost_usd: float | None = None,
        calls: int | None = None,
        tools: int | None = None,
        tokens: int | None = None,
        failed_calls: int | None = None,
        failed_tools: int | None = None,
        duration_ms: float | None = None,
    ) -> None:
        """Fail if the test has used more than this until now. `duration_ms` is from the start of the first span to the
        end of the last.

        Raises:
            BudgetExceededError: It has; an AssertionError. So it is for `cost_usd` if a call has no known price.
            TypeError: A limit is no number.

        Warns:
            NothingRecordedWarning: No span was recorded, and neither `calls` nor `tokens` is 0.
        """
        __tracebackhide__ = True
        budget = {"cost_usd": cost_usd, "calls": calls, "tools": tools, "tokens": tokens}
        rest = {"failed_calls": failed_calls, "failed_tools": failed_tools, "duration_ms": duration_ms}
        if (doubt := self.check_limits({**budget, **rest})) is not None:
            warnings.warn(doubt, stacklevel=2)

    def check_limits(self, budget: Mapping[str, Any]) -> NothingRecordedWarning | None:
        """Do what `check_budget` does, for limits by name, and return the warning.

        Raises:
            BudgetExceededError: As there.
            TypeError: There is no such budget, or it is no number.
        """
        __tracebackhide__ = True
        use = self._sum_use()
        check_use(use, budget)
        doubt = find_doubt(use, budget)
        return None if doubt is None else NothingRecordedWarning(doubt)

    def flush(self) -> None:
        """Write what has ended, what runs and what was measured, each for 30 seconds at most."""
        self._spans._flush(_FLUSH_S, with_running=True)
        self._providers.metrics.collect(_FLUSH_S)
        if not self.path.exists():
            open_file(resolve_settings(self.path)).close()

    def stop(self) -> None:
        """Write what waits, and close the file. What ends from now on is not recorded."""
        self.flush()
        self._providers.spans.choose(None)
        self._providers.logs.chosen = None
        self._providers.metrics.choose(None)
        self._spans.shutdown()
        self._logs.shutdown()
        self._metrics.shutdown()

    def describe(self) -> str:
        """Return what to do with the file."""
        path = os.fspath(self.path)
        return (
            f"{path}\nlook at it: {name_command('traces', path)}\nor in a browser: {name_command('serve --open', path)}"
        )

    def remove(self) -> None:
        """Remove the folder of the file. `stop` comes first."""
        shutil.rmtree(self.path.parent, ignore_errors=True)

    def _sum_use(self) -> RecordedUse:
        calls, tools, spans = self.calls, self.tools, self.spans
        costs = [call.cost_usd for call in calls if call.cost_usd is not None]
        first = min((span.start_time_unix_nano for span in spans), default=0)
        last = max((span.end_time_unix_nano for span in spans), default=0)
        return RecordedUse(
            cost_usd=sum(costs),
            calls=len(calls),
            tools=len(tools),
            tokens=sum(call.total_tokens or 0 for call in calls),
            failed_calls=sum(call.status == "error" for call in calls),
            failed_tools=sum(tool.status == "error" for tool in tools),
            duration_ms=(last - first) / 1e6,
            unpriced=sum(call.cost_usd is None and call.status != "error" for call in calls),
            spans=len(spans),
        )


def _read_all(find: Callable[..., Page[_RowT]], **filters: Any) -> Sequence[_RowT]:
    rows: list[_RowT] = []
    cursor: str | None = None
    while True:
        page = find(limit=_PAGE, cursor=cursor, **filters)
        rows += page.records
        cursor = page.cursor
        if cursor is None:
            return rows
