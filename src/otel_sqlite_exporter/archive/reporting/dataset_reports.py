# SPDX-License-Identifier: Apache-2.0
"""Reports on a dataset: the same questions and the same rows as of a file.

Their texts are those of the engine, in the form that `query.report_parts.report_texts` knows: its groups and filters
are written into both alike.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Unpack

from otel_sqlite_exporter.archive.archive_packages import describe_error, list_duckdb_errors, load_duckdb
from otel_sqlite_exporter.archive.asking.dataset_engine import DatasetEngine, name_damaged, open_engine
from otel_sqlite_exporter.archive.asking.divided_traces import describe_parts
from otel_sqlite_exporter.archive.asking.locator import find_days, find_ids
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
from otel_sqlite_exporter.archive.restoring.gathered_file import make_gathering_settings
from otel_sqlite_exporter.archive.restoring.restored_points import add_histograms
from otel_sqlite_exporter.errors import DamagedFileError, FilterError
from otel_sqlite_exporter.query.filter_values import parse_texts
from otel_sqlite_exporter.query.id_prefixes import NAMED_CANDIDATES, check_prefix, check_unique
from otel_sqlite_exporter.query.metered.genai_metrics import measures_models
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.report_parts.asked_models import AskedModels
from otel_sqlite_exporter.query.report_parts.report_texts import build_report
from otel_sqlite_exporter.query.reports import (
    ReportQuestion,
    ReportResult,
    describe_report,
    describe_text,
    make_result,
    read_question,
)
from otel_sqlite_exporter.sql.texts import read_engine_text
from otel_sqlite_exporter.storage.system.work_folders import make_temporary_folder

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.askable_views import ReportFilter, Texts, Time

REFUSED: Mapping[str, str] = {
    "queries": "it measures the lists and indexes of a file, and a dataset has none",
    "unrecognised": "it tells what the writer of a file did not recognise: ask the file",
}
"""The reports that a dataset has not, and why."""
_OF_POINTS = ("agents-usage",)
"""The reports on data points: those of a session may be on other days than its traces."""
_MADE_IN_FILE = ("genai-metrics",)
"""The reports that a file makes of its data points: these are put into a temporary one."""
_PARAMETER = re.compile(r"(?<![:\w']):([a-z]\w*)")
_LIST = re.compile(r"IN \(SELECT value FROM json_each\(:(\w+)\)\)")
_UTC_TEXTS = {"hour": "%Y-%m-%dT%H:00Z", "day": "%Y-%m-%d", "week": "%Y-%m-%d"}
_MONDAY = "date_trunc('week', make_timestamp(t // 1000))"


class DatasetReports:
    """Asks the reports of the dataset at `path`. Each call reads what the dataset holds at that moment.

    Raises:
        FileRefusedError: There is no dataset, or one that cannot be read.
        MissingPackageError: DuckDB is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._dataset = open_dataset(path)

    @property
    def path(self) -> str:
        """The absolute path of the dataset."""
        return self._dataset.path

    def resolve_session_id(self, prefix: str) -> str:
        """Return the session id that equals `prefix`, or the only one that starts with it.

        Raises:
            NotFoundError: There is no such session, or the prefix is not unique.
        """
        return self._resolve("sessions", "session_id", prefix)

    def resolve_trace_id(self, prefix: str) -> str:
        """Return the trace id that equals `prefix`, or the only one that starts with it.

        Raises:
            NotFoundError: There is no such trace, or the prefix is not unique.
        """
        return self._resolve("traces", "trace_id", prefix)

    def _resolve(self, view: str, column: str, prefix: str) -> str:
        prefix = check_prefix(column, prefix)
        found = find_ids(self._dataset, column, prefix, NAMED_CANDIDATES + 1)
        check_unique(view, column, prefix, found)
        return found[0]

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
        """Return the rows of the report `name`, as `TelemetryDatabase.run_report` does.

        Raises:
            FilterError: A dataset has no such report, or a keyword has an invalid value.
        """
        given = {filter: value for filter, value in filters.items() if value is not None}
        question = read_question(name, since=since, until=until, group_by=group_by, limit=limit, timezone=timezone)
        _check_report(name)
        if name in _MADE_IN_FILE:
            return self._report_points(question, since, until, timezone, given)
        select = build_report(name, question.parameters, given, is_pass=False, text=read_text(name))
        sql, values = _translate(select.sql, select.parameters)
        with open_engine(self._dataset, dates=self._find_dates(name, given), texts=[sql, _list_models()]) as engine:
            self._add_functions(engine, question)
            columns, rows = self._ask(engine, sql, values)
        return make_result(question, columns, rows)

    def describe_report(self, name: str) -> str:
        """Return what a report shows, and its plan.

        Raises:
            FilterError: A dataset has no such report.
        """
        _check_report(name)
        return describe_report(name) if name in _MADE_IN_FILE else describe_text(read_text(name))

    def describe_parts(self) -> str | None:
        """Return a sentence if traces stand in several parts, as their records are then told several times."""
        return describe_parts(self._dataset)

    def _find_dates(self, name: str, filters: Mapping[str, Any]) -> set[str] | None:
        """Return the days of the sessions that a report is asked for; None: all. Points of a session have their own."""
        if "session_id" not in filters or name in _OF_POINTS:
            return None
        ids = parse_texts("session_id", filters["session_id"])
        return {date for days in find_days(self._dataset, session_ids=ids).values() for date in days}

    def _report_points(
        self,
        question: ReportQuestion,
        since: Time | None,
        until: Time | None,
        timezone: str,
        filters: Mapping[str, Any],
    ) -> ReportResult:
        """Return the rows of a report that a file makes of its data points: they are put into a temporary one."""
        with make_temporary_folder(".reporting-") as folder:
            path = os.path.join(folder, "points.db")
            until_unix_nano = question.parameters["until"]
            add_histograms(self._dataset, make_gathering_settings(path), measures_models, until_unix_nano)
            return TelemetryDatabase(path).run_report(
                question.name,
                since=since,
                until=until,
                group_by=question.groups,
                limit=question.limit,
                timezone=timezone,
                **filters,
            )

    def _ask(self, engine: DatasetEngine, sql: str, values: Any) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        duckdb = load_duckdb()
        try:
            cursor = engine.connection.execute(sql, values)
            return tuple(column for column, *_ in cursor.description), cursor.fetchall()
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except list_duckdb_errors() as error:
            said = DamagedFileError(f"{self.path}: DuckDB says: {describe_error(error)}")
            raise name_damaged(self._dataset, error) or said from None

    def _add_functions(self, engine: DatasetEngine, question: ReportQuestion) -> None:
        """Add the functions that the texts call, as `report_texts.add_functions` does for a file."""
        connection, calendar = engine.connection, question.calendar
        for name, function in (("hour", calendar.find_hour), ("day", calendar.find_day), ("week", calendar.find_week)):
            if calendar.zone is UTC:
                moment = _MONDAY if name == "week" else "make_timestamp(t // 1000)"
                connection.execute(f"CREATE MACRO local_{name}(t) AS strftime({moment}, '{_UTC_TEXTS[name]}')")
            else:
                connection.create_function(f"local_{name}", function, ["BIGINT"], "VARCHAR")
        if "request_model" in question.groups:
            names = AskedModels(self._ask(engine, _list_models(), {})[1])
            types = ["VARCHAR", "VARCHAR"]
            connection.create_function("asked_model", names.find, types, "VARCHAR", null_handling="special")


def _list_models() -> str:
    return read_engine_text("duckdb", "asking", "list_model_names")


def _check_report(name: str) -> None:
    if name in REFUSED:
        raise FilterError("name", f"a dataset has no report {name}: {REFUSED[name]}")


def read_text(name: str) -> str:
    """Return the text of the report `name` for DuckDB."""
    return read_engine_text("duckdb", "reports", name)


def _translate(sql: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a statement with the parameters of DuckDB, and those of them that it has."""
    lists = set(_LIST.findall(sql))
    sql = _PARAMETER.sub(r"$\1", _LIST.sub(r"IN (SELECT unnest(:\1))", sql))
    used = set(re.findall(r"\$(\w+)", sql))
    values = {name: json.loads(value) if name in lists else value for name, value in parameters.items()}
    return sql, {name: value for name, value in values.items() if name in used}
