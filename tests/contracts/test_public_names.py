# SPDX-License-Identifier: Apache-2.0
"""The names that others rely on. A change here is a change of the public contract: give it a line in the changelog."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter

import otel_sqlite_exporter
from otel_sqlite_exporter import (
    SQLiteLogRecordExporter,
    SQLiteMetricExporter,
    SQLiteSpanExporter,
    SQLiteSpanProcessor,
    TelemetryDatabase,
    environment_variables,
)
from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.cli.report_commands import REPORT_NAMES
from otel_sqlite_exporter.declarations import declared_settings, resolve
from otel_sqlite_exporter.metric_settings import MetricKeywords, MetricSettings
from otel_sqlite_exporter.process_settings import EnvironmentSettings
from otel_sqlite_exporter.processor_settings import ProcessorKeywords, ProcessorSettings
from otel_sqlite_exporter.query.reports import REPORTS, describe_report
from otel_sqlite_exporter.settings import SettingKeywords, Settings
from otel_sqlite_exporter.sql.texts import read_folder
from otel_sqlite_exporter.testing.allowed_use import BUDGETS
from otel_sqlite_exporter.testing.recorded_telemetry import RecordedTelemetry
from tests.conftest import ROOT, exporting, make_spans, modules_after, read

PACKAGE = "otel_sqlite_exporter"
NAMES = [
    "Annotations",
    "SQLiteLogRecordExporter",
    "SQLiteMetricExporter",
    "SQLiteSpanExporter",
    "SQLiteSpanProcessor",
    "TelemetryDatabase",
    "__version__",
    "flush_on_sigterm",
    "serve",
]
SETTINGS = [
    "path",
    "session_attributes",
    "busy_timeout_ms",
    "synchronous",
    "auto_migrate",
    "pairing_window_ms",
    "spool_limit_bytes",
    "redact_keys",
    "redact_values",
    "redactor",
    "allow_keys",
    "capture",
    "capture_content",
    "capture_limit",
    "dialects",
    "cost",
    "retention_days",
    "retention_bytes",
    "retention_keep_failed_days",
    "retention_users",
    "metrics_raw_days",
    "metric_new_series",
]
METRIC_SETTINGS = ["metric_temporality", "metric_histograms"]
PROCESSOR_SETTINGS = [
    "open_delay_ms",
    "schedule_delay_ms",
    "idle_delay_ms",
    "queue_size",
    "batch_size",
    "queue_wait_ms",
]
VARIABLES = [f"OTEL_EXPORTER_SQLITE_{setting.upper()}" for setting in SETTINGS]
METRIC_VARIABLES = [f"OTEL_EXPORTER_SQLITE_{setting.upper()}" for setting in METRIC_SETTINGS]
PROCESSOR_VARIABLES = [f"OTEL_EXPORTER_SQLITE_{setting.upper()}" for setting in PROCESSOR_SETTINGS]
SWITCHES = [
    f"OTEL_EXPORTER_SQLITE_{name}" for name in ("SPAN_PROCESSOR", "FLUSH_ON_SIGTERM", "NATIVE", "DEBUG", "DEBUG_FILE")
]
ENTRY_POINTS = {
    ("console_scripts", "otel-sqlite-exporter", f"{PACKAGE}.cli.commands:cli"),
    ("opentelemetry_traces_exporter", "sqlite", f"{PACKAGE}.sdk.span_exporter:SQLiteSpanExporter"),
    ("opentelemetry_post_instrument", "sqlite_span_processor", f"{PACKAGE}.sdk.post_instrument:add_span_processor"),
    ("opentelemetry_logs_exporter", "sqlite", f"{PACKAGE}.sdk.log_exporter:SQLiteLogRecordExporter"),
    ("opentelemetry_metrics_exporter", "sqlite", f"{PACKAGE}.sdk.metric_exporter:SQLiteMetricExporter"),
    ("opentelemetry_environment_variables", "sqlite_exporter", f"{PACKAGE}.environment_variables"),
    ("pytest11", "otel_sqlite_exporter", "otel_sqlite_exporter.testing.pytest_plugin"),
}
QUESTIONS: dict[str, list[str]] = {
    **{
        f"find_{records}": []
        for records in (
            "sessions",
            "traces",
            "spans",
            "events",
            "logs",
            "llm_interactions",
            "tool_interactions",
            "scores",
            "metrics",
            "exemplars",
        )
    },
    "get_metric": ["name"],
    "get_metric_series": [
        *("name", "since", "until", "step", "aggregate", "group_by", "limit", "most_steps", "timezone", "filters"),
    ],
    "get_session": ["session_id"],
    "get_trace": ["trace_id", "content"],
    "resolve_session_id": ["prefix"],
    "resolve_trace_id": ["prefix"],
    "get_conversation": ["id", "limit"],
    "get_span": ["trace_id", "span_id"],
    "get_llm_interaction": ["trace_id", "span_id"],
    "related": ["record"],
    "search": ["text", "limit", "filters"],
    "writes_running_spans": [],
    "run_report": ["name", "since", "until", "group_by", "limit", "timezone", "filters"],
}
VIEWS = [
    "agent_tree",
    "agent_usage",
    "agents",
    "complete_llm_interactions",
    "complete_tool_interactions",
    "days",
    "deletions",
    "errors",
    "events",
    "exemplars",
    "exporter_health",
    "framework_events",
    "indexed_attributes",
    "kept_usage",
    "link_health",
    "link_health_by_day",
    "links",
    "log_times",
    "logs",
    "marks",
    "metric_points",
    "metrics",
    "receiver_sources",
    "row_counts",
    "scores",
    "security_alerts",
    "session_conflicts",
    "sessions",
    "span_times",
    "spans",
    "traces",
    "usage",
]


def test_the_package_offers_these_names() -> None:
    assert sorted(otel_sqlite_exporter.__all__) == sorted(NAMES)
    assert dir(otel_sqlite_exporter) == sorted(NAMES)
    namespace: dict[str, Any] = {}
    exec(f"from {PACKAGE} import *", namespace)
    assert {name for name in namespace if name != "__builtins__"} == set(NAMES)


def test_each_name_is_the_one_of_its_module() -> None:
    assert otel_sqlite_exporter.SQLiteSpanExporter is import_module(f"{PACKAGE}.sdk.span_exporter").SQLiteSpanExporter
    assert otel_sqlite_exporter.TelemetryDatabase is import_module(f"{PACKAGE}.query.reader").TelemetryDatabase
    assert otel_sqlite_exporter.__version__ == metadata.version("otel-sqlite-exporter")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=f"module '{PACKAGE}' has no attribute 'SqliteSpanExporter'"):
        otel_sqlite_exporter.SqliteSpanExporter  # noqa: B018
    with pytest.raises(ImportError, match="SqliteSpanExporter"):
        exec(f"from {PACKAGE} import SqliteSpanExporter")


@pytest.mark.parametrize("module", [PACKAGE, f"{PACKAGE}.environment_variables"])
def test_importing_it_imports_nothing_that_is_heavy(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert module in loaded
    assert {name for name in loaded if name.startswith(PACKAGE)} <= {PACKAGE, module}
    heavy = {"opentelemetry", "sqlite3", "_sqlite3", "orjson", "click", "rich", "logging", "asyncio"}
    assert {name.partition(".")[0] for name in loaded} & heavy == set()


def test_the_exporter_needs_neither_the_command_line_nor_its_libraries() -> None:
    loaded = modules_after(f"from {PACKAGE} import SQLiteSpanExporter")
    assert {name.partition(".")[0] for name in loaded} & {"click", "rich", "sqlalchemy", "http"} == set()
    assert {name for name in loaded if name.startswith((f"{PACKAGE}.cli", f"{PACKAGE}.query"))} == set()


def test_the_exporters_take_these_keywords() -> None:
    for exporter in (SQLiteSpanExporter, SQLiteLogRecordExporter):
        parameters = list(inspect.signature(exporter).parameters.values())
        assert [parameter.name for parameter in parameters] == SETTINGS
        assert [parameter.default for parameter in parameters] == [None] * len(SETTINGS)
        positional, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        assert [parameter.kind for parameter in parameters] == [positional, *[keyword] * (len(SETTINGS) - 1)]


def test_the_typed_keywords_are_the_declared_settings() -> None:
    assert list(declared_settings(Settings)) == ["path", *SettingKeywords.__annotations__] == SETTINGS
    for kind, keywords, own in (
        (ProcessorSettings, ProcessorKeywords, PROCESSOR_SETTINGS),
        (MetricSettings, MetricKeywords, METRIC_SETTINGS),
    ):
        both = [*declared_settings(Settings), *declared_settings(kind)]
        assert sorted(both) == sorted(["path", *keywords.__annotations__])
        assert list(declared_settings(kind)) == own


def test_a_default_is_a_value_of_its_setting() -> None:
    for kind in (Settings, MetricSettings, ProcessorSettings, EnvironmentSettings):
        for name, setting in declared_settings(kind).items():
            assert setting.parse(setting.default) == getattr(resolve(kind), name)


def test_every_keyword_has_the_type_of_a_json_value() -> None:
    json_types = {str, int, bool, float, Sequence[str]}
    others = {"redactor": {Callable[[str, Any], Any]}}
    for name, accepted in (MetricKeywords.__annotations__ | ProcessorKeywords.__annotations__).items():
        types = set(get_args(accepted))
        assert type(None) in types
        assert types & json_types
        assert types - json_types - {type(None)} == others.get(name, set())


@pytest.mark.parametrize(
    ("edge", "variables"),
    [
        (SQLiteSpanExporter, VARIABLES),
        (SQLiteLogRecordExporter, VARIABLES),
        (SQLiteMetricExporter, VARIABLES + METRIC_VARIABLES),
        (SQLiteSpanProcessor, VARIABLES + PROCESSOR_VARIABLES),
    ],
)
def test_help_describes_every_keyword_with_its_variable(edge: type[Any], variables: list[str]) -> None:
    documentation = inspect.getdoc(edge) or ""
    for variable in variables:
        setting = variable.removeprefix("OTEL_EXPORTER_SQLITE_").lower()
        described = re.search(rf"^    {setting}: .*?(?=^    \w+: |^\S|^$|\Z)", documentation, re.MULTILINE | re.DOTALL)
        assert described is not None
        assert f"Environment: {variable}. Default: " in described[0]


def test_the_exporter_is_a_span_exporter_and_offers_nothing_else() -> None:
    assert issubclass(SQLiteSpanExporter, SpanExporter)
    public = {name for name in dir(SQLiteSpanExporter) if not name.startswith("_")}
    assert public == {"export", "export_open", "note_alive", "count_dropped", "force_flush", "shutdown"}


def test_the_exporter_of_metrics_is_a_metric_exporter_and_offers_nothing_else() -> None:
    assert issubclass(SQLiteMetricExporter, MetricExporter)
    public = {name for name in dir(SQLiteMetricExporter) if not name.startswith("_")}
    assert public == {"export", "force_flush", "shutdown"}


@pytest.mark.parametrize(
    ("edge", "settings"), [(SQLiteSpanProcessor, PROCESSOR_SETTINGS), (SQLiteMetricExporter, METRIC_SETTINGS)]
)
def test_others_take_the_keywords_of_the_exporter_and_their_own(edge: type[Any], settings: list[str]) -> None:
    shared = list(inspect.signature(SQLiteSpanExporter).parameters.values())
    parameters = list(inspect.signature(edge).parameters.values())
    assert parameters[: len(shared)] == shared
    assert [parameter.name for parameter in parameters[len(shared) :]] == settings


def test_the_processor_is_a_span_processor_and_offers_nothing_else() -> None:
    assert issubclass(SQLiteSpanProcessor, SpanProcessor)
    public = {name for name in dir(SQLiteSpanProcessor) if not name.startswith("_")}
    assert public == {"on_start", "on_end", "force_flush", "shutdown"}


def test_the_database_offers_these_questions() -> None:
    public = {name for name in dir(TelemetryDatabase) if not name.startswith("_")}
    assert public == {"path", *QUESTIONS}
    for name in QUESTIONS:
        parameters = list(inspect.signature(getattr(TelemetryDatabase, name)).parameters)
        if name.startswith("find_"):
            sort = [] if name in ("find_sessions", "find_events", "find_logs", "find_scores") else ["sort"]
            order = [] if name in ("find_metrics", "find_exemplars") else ["newest_first", *sort]
            assert parameters == ["self", "limit", "cursor", *order, "filters"]
        else:
            assert parameters == ["self", *QUESTIONS[name]]
    assert list(inspect.signature(TelemetryDatabase).parameters) == ["path", "busy_timeout_ms"]


def test_a_report_has_a_text_a_name_and_a_place_in_the_command() -> None:
    assert [name for name, _ in read_folder("reports")] == sorted(
        {*REPORTS} - {"queries", "unrecognised", "genai-metrics"}
    )
    assert tuple(REPORTS) == REPORT_NAMES
    for name in REPORTS:
        if name not in ("queries", "unrecognised", "genai-metrics"):
            assert re.search(r" Plan: ", describe_report(name))


def test_the_help_of_the_command_lists_the_groups_of_each_report() -> None:
    printed = re.sub(r"\n {14}", " ", CliRunner().invoke(cli, ["report", "--help"]).output)
    shown = [line.split() for line in printed.replace(",", "").splitlines()]
    for name, report in REPORTS.items():
        assert [name, *report.groups] in shown


def test_the_environment_variables_are_these_and_the_module_holds_nothing_else() -> None:
    assert sorted(dir(environment_variables)) == sorted(VARIABLES + METRIC_VARIABLES + PROCESSOR_VARIABLES + SWITCHES)
    for name in dir(environment_variables):
        assert getattr(environment_variables, name) == name
    with pytest.raises(AttributeError, match="has no attribute 'OTEL_EXPORTER_SQLITE_ENDPOINT'"):
        environment_variables.OTEL_EXPORTER_SQLITE_ENDPOINT  # noqa: B018


def test_the_distribution_registers_these_entry_points() -> None:
    registered = metadata.distribution("otel-sqlite-exporter").entry_points
    assert {(one.group, one.name, one.value) for one in registered} == ENTRY_POINTS
    for one in registered:
        assert one.load() is not None


def test_the_fixture_of_tests_offers_these_names() -> None:
    assert {name for name in dir(RecordedTelemetry) if not name.startswith("_")} == {
        *("calls", "tools", "spans", "errors", "logs", "metrics", "sessions", "tokens", "cost_usd"),
        *("check_budget", "database", "environment", "flush", "stop", "describe", "remove", "check_limits"),
    }
    assert BUDGETS == ("cost_usd", "calls", "tools", "tokens", "failed_calls", "failed_tools", "duration_ms")


def test_the_distribution_says_that_it_is_typed() -> None:
    assert (ROOT / "src" / PACKAGE / "py.typed").exists()


def test_a_file_offers_these_views_and_keeps_its_tables_private(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
    names = read(path, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name")
    assert [name for type, name in names if type == "view" and name[0] != "_"] == VIEWS
    assert [name for type, name in names if type != "view" and not name.startswith("_")] == []
