# SPDX-License-Identifier: Apache-2.0
"""Keywords win over environment variables, which win over defaults."""

from __future__ import annotations

import logging
import os
import re
from json import JSONEncoder
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from otel_sqlite_exporter import SQLiteMetricExporter, SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.declarations import declared_settings, resolve
from otel_sqlite_exporter.errors import ConfigurationError, SQLiteExporterError
from otel_sqlite_exporter.metric_settings import MetricSettings
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.dialect import read_dialects
from otel_sqlite_exporter.patterns import parse_pattern
from otel_sqlite_exporter.process_settings import EnvironmentSettings
from otel_sqlite_exporter.processor_settings import ProcessorKeywords
from otel_sqlite_exporter.settings import Settings, mask_everything, resolve_settings


def shorten(key: str, value: Any) -> Any:
    return value


class Case(NamedTuple):
    """One setting: its default, and the same two values as a keyword, as text in the environment, and resolved."""

    setting: str
    default: Any
    keyword: Any
    from_keyword: Any
    text: str
    from_text: Any
    closed: Any = ...
    """What holds where the variable is bad, if that is not the default."""

    @property
    def variable(self) -> str:
        return f"OTEL_EXPORTER_SQLITE_{self.setting.upper()}"


OWN = str(Path(__file__).parent / "dialects" / "own" / "acme.json")
CASES = [
    Case("path", os.path.abspath("otel.db"), "/data/a.db", "/data/a.db", "/data/b.db", "/data/b.db"),
    Case("session_attributes", DEFAULT_SESSION_ATTRIBUTES, ["one", "two"], ("one", "two"), " x , y,,x", ("x", "y")),
    Case("busy_timeout_ms", 5_000, 0, 0, "250", 250),
    Case("synchronous", "normal", "full", "full", "FULL", "full"),
    Case("auto_migrate", "safe", "always", "always", "Never", "never"),
    Case("pairing_window_ms", 300_000, 2**31 - 1, 2**31 - 1, " 60000 ", 60_000),
    Case("spool_limit_bytes", 67_108_864, 0, 0, "1000000", 1_000_000),
    Case("redact_keys", (), ["*.Password", "a,b"], ("*.Password", "a,b"), " a* ,,b?", ("a*", "b?")),
    Case(
        "redact_values",
        (),
        [" a+", "b"],
        (parse_pattern(" a+"), parse_pattern("b")),
        " a+ \n\n[bc]{2,}\n",
        (parse_pattern("a+"), parse_pattern("[bc]{2,}")),
        closed=None,
    ),
    Case("redactor", None, shorten, shorten, "json:JSONEncoder.default", JSONEncoder.default, closed=mask_everything),
    Case("allow_keys", (), ["http.*", "a,b"], ("http.*", "a,b"), " a* ,,b?", ("a*", "b?")),
    Case("capture", "all", "metadata", "metadata", "Metadata", "metadata", closed="metadata"),
    Case("capture_content", True, False, False, "FALSE", False, closed=False),
    Case("capture_limit", None, 1, 1, " 2000 ", 2000),
    Case("dialects", (), [OWN], read_dialects([OWN]), f" {OWN} ,", read_dialects([OWN])),
    Case("cost", "auto", "off", "off", "OFF", "off"),
    Case("retention_days", None, "36h", 1.5, " 7 ", 7, closed=None),
    Case("retention_bytes", None, "2GiB", 2**31, "1.5 GB", 1_500_000_000, closed=None),
    Case("retention_keep_failed_days", None, 90, 90, " 12w ", 84, closed=36_500),
    Case("retention_users", False, True, True, "TRUE", True),
    Case("metrics_raw_days", None, "12w", 84, " 7 ", 7, closed=None),
    Case("metric_new_series", 10_000, 0, 0, " 250 ", 250),
    Case("metric_temporality", "cumulative", "delta", "delta", "LowMemory", "lowmemory"),
    Case("metric_histograms", "explicit", "exponential", "exponential", "Exponential", "exponential"),
]
BAD: dict[str, list[Any]] = {
    "path": ["", "a\0b", "\ud800", ":memory:", "file:a?mode=memory", "sqlite:/a.db", Path("sqlite:/a"), b"a", 7, True],
    "session_attributes": [[], "", " , ", ["a", 1], {"a": 1}, 5, [None], ["a#"], ["#a"], "a##b", "&a", "a&"],
    "busy_timeout_ms": [-1, 2**31, 1.5, "soon", "", True, [1]],
    "synchronous": ["off", "", 1, True, ["full"]],
    "auto_migrate": ["yes", "", True, 0],
    "pairing_window_ms": [-1, 2**31, 0.5, "5m", True, {}],
    "spool_limit_bytes": [-1, 2**63, 0.5, "5MB", True, {}],
    "redact_keys": [5, [1], {"a": 1}, True, b"a"],
    "redact_values": ["(", ["a", "("], ["a*"], ["^"], 5, [None], [re.compile("a")]],
    "redactor": ["", "json", "json:", "json:nothing", "no.such.module:function", "json:__name__", ":loads", 5, ["a:b"]],
    "allow_keys": [5, [1], {"a": 1}, True, b"a"],
    "capture": ["none", "", 1, True, ["metadata"]],
    "capture_content": ["yes", "", 1, 0, "0", []],
    "capture_limit": [0, -1, 2**31, 1.5, "much", True],
    "dialects": [5, [1], ["no/such.json"], ["\ud800"], [__file__], {"a": 1}],
    "cost": ["on", "", True, 0, ["off"]],
    "retention_days": [0, -1, 36_501, 1.5, "30 days", "3m", "23h", "", True, ["1"]],
    "retention_bytes": [0, -1, 9_999_999, 2**63, 1.5, "much", "1.5", "-2GiB", "2XB", "", True, ["1"]],
    "retention_keep_failed_days": [0, -1, 36_501, 1.5, "90 days", "3m", "", True],
    "retention_users": ["yes", "", 1, 0, []],
    "metrics_raw_days": [0, -1, 36_501, 1.5, "30 days", "3m", "23h", "", True, ["1"]],
    "metric_new_series": [-1, 2**31, 1.5, "many", "", True, [1]],
    "metric_temporality": ["DELTAS", "", 1, True, ["delta"]],
    "metric_histograms": ["base2", "", 2, True, ["explicit"]],
}
BAD_TEXTS = {
    "path": [":memory:", "file:otel.db", "sqlite:///otel.db"],
    "session_attributes": [",", " , ,", "a,b#"],
    "busy_timeout_ms": ["soon", "-1", "1.5", str(2**31), "true", "9" * 5_000],
    "synchronous": ["off", "2"],
    "auto_migrate": ["yes", "true"],
    "pairing_window_ms": ["5m", "-1"],
    "spool_limit_bytes": ["64 MB", "-1"],
    "redact_keys": [],
    "redact_values": ["(", "a\n(", "a*", "a{2,1}"],
    "redactor": ["json", "json:nothing", "no.such.module:function", "json:__name__"],
    "allow_keys": [],
    "capture": ["none", "true"],
    "capture_content": ["yes", "1", "flase"],
    "capture_limit": ["0", "-1", "much"],
    "dialects": ["no/such.json", __file__, os.path.dirname(__file__)],
    "cost": ["on", "false"],
    "retention_days": ["30 days", "0", "-1", "1.5", "3m", "9" * 5_000],
    "retention_bytes": ["0", "9MB", "lots", "1.5", "9" * 5_000, "9999999999TB"],
    "retention_keep_failed_days": ["90 days", "0", "3m"],
    "retention_users": ["yes", "1"],
    "metrics_raw_days": ["30 days", "0", "3m", "1.5"],
    "metric_new_series": ["-1", "many", "1.5", str(2**31)],
    "metric_temporality": ["low memory", "none"],
    "metric_histograms": ["base2", "true"],
}


DECLARED = declared_settings(Settings) | declared_settings(MetricSettings)


def find(setting: str, **keywords: Any) -> Any:
    """The value in force of one setting, whichever class declares it."""
    if setting in declared_settings(Settings):
        return getattr(resolve_settings(**keywords), setting)
    return getattr(resolve(MetricSettings, **keywords), setting)


def test_every_setting_is_tested_here() -> None:
    assert [case.setting for case in CASES] == list(BAD) == list(BAD_TEXTS) == [*DECLARED]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.setting)
def test_without_keyword_and_variable_the_default_holds(case: Case) -> None:
    assert find(case.setting) == case.default
    assert find(case.setting, **{case.setting: None}) == case.default


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.setting)
def test_a_variable_wins_over_the_default(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(case.variable, case.text)
    assert find(case.setting) == case.from_text != case.default
    assert find(case.setting, **{case.setting: None}) == case.from_text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.setting)
def test_a_keyword_wins_over_its_variable(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(case.setting, **{case.setting: case.keyword}) == case.from_keyword
    monkeypatch.setenv(case.variable, case.text)
    assert find(case.setting, **{case.setting: case.keyword}) == case.from_keyword


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.setting)
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_is_unset(
    case: Case, text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(case.variable, text)
    assert find(case.setting) == case.default
    assert caplog.records == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.setting)
@pytest.mark.row("Bad value of a setting")
def test_a_bad_variable_warns_and_the_default_holds_or_what_stores_less(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for text in BAD_TEXTS[case.setting]:
        monkeypatch.setenv(case.variable, text)
        caplog.clear()
        SQLiteMetricExporter()
        assert find(case.setting) == (case.default if case.closed is ... else case.closed)
        assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
        assert f"{case.variable}={text.strip()!r} cannot be used" in caplog.text
        # In words: no value as Python writes it.
        default = DECLARED[case.setting].describe_default()
        effect = f"The default is used: {default}." if case.closed is ... else "Until it is corrected, "
        assert effect in caplog.records[0].getMessage()


@pytest.mark.parametrize(("setting", "value"), [(setting, value) for setting in BAD for value in BAD[setting]])
@pytest.mark.row("Bad value of a setting")
def test_a_bad_keyword_raises_and_is_named(setting: str, value: Any) -> None:
    keywords = {setting: value}
    with pytest.raises(ConfigurationError, match=f"^{setting}=.* cannot be used: give ") as caught:
        SQLiteMetricExporter(**keywords)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, SQLiteExporterError)
    with pytest.raises(ConfigurationError, match=f"^{setting}="):
        find(setting, **keywords)


def test_a_bad_keyword_raises_even_where_the_variable_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS", "250")
    with pytest.raises(ConfigurationError, match="busy_timeout_ms"):
        SQLiteSpanExporter(busy_timeout_ms=-1)


def test_an_unknown_keyword_is_an_error_that_names_all_keywords() -> None:
    with pytest.raises(TypeError, match="endpoint") as caught:
        SQLiteSpanExporter(endpoint="http://localhost")  # type: ignore[call-arg]
    assert str(caught.value).partition("give one of ")[2].split(", ") == [*declared_settings(Settings)]
    with pytest.raises(TypeError, match="metric_temporality"):
        SQLiteSpanExporter(metric_temporality="delta")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="temporality") as caught:
        SQLiteMetricExporter(temporality="delta")  # type: ignore[call-arg]
    assert str(caught.value).partition("give one of ")[2].split(", ") == [*DECLARED]
    with pytest.raises(TypeError, match="batchsize") as caught:
        SQLiteSpanProcessor(batchsize=3)  # type: ignore[call-arg]
    accepted = ["path", *ProcessorKeywords.__annotations__]
    assert sorted(str(caught.value).partition("give one of ")[2].split(", ")) == sorted(accepted)


def test_only_the_path_may_be_positional() -> None:
    with pytest.raises(TypeError, match="positional"):
        SQLiteSpanExporter("otel.db", ["session.id"])  # type: ignore[call-arg]


def test_a_relative_path_is_taken_from_where_the_exporter_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = resolve_settings(path="sub/../otel.db")
    monkeypatch.chdir("/")
    assert settings.path == str(tmp_path / "otel.db")


def test_a_path_may_be_pathlike_and_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_settings(path=tmp_path / "otel.db") == resolve_settings(path="~/otel.db")
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_PATH", "~/otel.db")
    assert resolve_settings().path == str(tmp_path / "otel.db")


def test_making_an_exporter_in_a_folder_that_is_gone_does_not_raise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    SQLiteSpanExporter()
    SQLiteSpanExporter(path=str(tmp_path / "otel.db"))


@pytest.mark.parametrize(
    ("variable", "text", "setting", "value"),
    [
        ("SPAN_PROCESSOR", "True", "span_processor", True),
        ("NATIVE", "false", "native", False),
        ("DEBUG", " SQL,connection ,", "debug", ("sql", "connection")),
        ("DEBUG_FILE", "trace.txt", "debug_file", os.path.abspath("trace.txt")),
    ],
)
def test_settings_without_a_keyword_have_a_variable(
    variable: str, text: str, setting: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = getattr(resolve(EnvironmentSettings), setting)
    monkeypatch.setenv(f"OTEL_EXPORTER_SQLITE_{variable}", text)
    assert getattr(resolve(EnvironmentSettings), setting) == value != default


@pytest.mark.parametrize(("variable", "text"), [("SPAN_PROCESSOR", "yes"), ("DEBUG", "sql,everything")])
def test_a_bad_variable_without_a_keyword_warns_and_the_default_holds(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = resolve(EnvironmentSettings)
    monkeypatch.setenv(f"OTEL_EXPORTER_SQLITE_{variable}", text)
    assert resolve(EnvironmentSettings) == expected
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"OTEL_EXPORTER_SQLITE_{variable}={text!r} cannot be used: give " in caplog.text


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="can't set"):
        resolve_settings().path = "/other.db"  # type: ignore[misc]
