# SPDX-License-Identifier: Apache-2.0
"""Results as data frames of the real packages, and what is said where one is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas
import pytest

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.model.metric_records.metric_signals import DistributionFields, ExemplarFields
from otel_sqlite_exporter.query.pages import Page, field_types
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from tests.conftest import clean_environment
from tests.metric_files import at, counter, histogram, make_point, write_points
from tests.sample_traces import NOON_NS, write_traces

PANDAS = {int: "Int64", float: "Float64", str: "string"}
POLARS = {int: "Int64", float: "Float64", str: "String"}
ARROW = {int: "int64", float: "double", str: "string"}
EMPTY: Page[LLMInteractionSummary] = Page(LLMInteractionSummary, (), 0, None)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Page[LLMInteractionSummary]:
    path = write_traces(tmp_path_factory.mktemp("frames") / "otel.db", 3)
    return TelemetryDatabase(path).find_llm_interactions(newest_first=False)


def test_pandas(calls: Page[LLMInteractionSummary]) -> None:
    frame = calls.to_pandas()
    expected = {name: PANDAS[type_] for name, type_ in field_types(LLMInteractionSummary).items()}
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == expected
    assert {name: str(kind) for name, kind in EMPTY.to_pandas().dtypes.items()} == expected
    assert frame["start_time_unix_nano"][0] == NOON_NS + 2 * 10**6
    assert frame["cost_usd"].isna().all()
    assert int(frame.groupby("model")["total_tokens"].sum().sum()) == sum(call.total_tokens or 0 for call in calls)


def test_polars(calls: Page[LLMInteractionSummary]) -> None:
    frame = calls.to_polars()
    expected = {name: POLARS[type_] for name, type_ in field_types(LLMInteractionSummary).items()}
    assert {name: str(kind) for name, kind in frame.schema.items()} == expected
    assert {name: str(kind) for name, kind in EMPTY.to_polars().schema.items()} == expected
    assert frame["start_time_unix_nano"].to_list() == [call.start_time_unix_nano for call in calls]
    assert frame["cost_usd"].null_count() == len(calls) == 6


def test_arrow(calls: Page[LLMInteractionSummary]) -> None:
    table = calls.to_arrow()
    expected = {name: ARROW[type_] for name, type_ in field_types(LLMInteractionSummary).items()}
    assert {field.name: str(field.type) for field in table.schema} == expected
    assert {field.name: str(field.type) for field in EMPTY.to_arrow().schema} == expected
    assert table.column("model").to_pylist() == [call.model for call in calls]


def test_series_and_lists_of_metrics(tmp_path: Path) -> None:
    """A row for each point, with a column for each label: that is what pivots."""
    path = tmp_path / "otel.db"
    exemplar = ExemplarFields(7, at(60), 1, 2, None)
    whole = [
        make_point(counter(), 60, 2**62, start=0, attributes={"route": route, "value": 1}, exemplars=[exemplar])
        for route in "ab"
    ]
    fields = DistributionFields(3, sum=1.5, bounds=[1], counts=[2, 1])
    write_points(path, [*whole, make_point(histogram(), 60, start=0, distribution=fields)])
    database = TelemetryDatabase(path)
    result = database.get_metric_series("requests", aggregate="increase,rate", group_by=["route", "value"], step="all")
    frame = result.to_pandas()
    expected = {"time_unix_nano": int, "time": str, "route": str, "labels.value": str, "aggregate": str, "value": float}
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        name: PANDAS[type_] for name, type_ in expected.items()
    }
    assert [str(kind) for kind in result.to_polars().schema.values()] == [POLARS[type_] for type_ in expected.values()]
    assert [str(field.type) for field in result.to_arrow().schema] == [ARROW[type_] for type_ in expected.values()]
    increases = database.get_metric_series("requests", aggregate="increase", step="all").to_arrow()
    assert increases.column("value").to_pylist() == [2**63]  # exact, as a floating-point number
    raw = database.get_metric_series("requests", step="raw").to_polars()
    assert raw["value"].to_list() == raw["delta"].to_list() == [2**62, 2**62]
    assert str(raw.schema["value"]) == "Int64"
    buckets = database.get_metric_series("duration", aggregate="buckets", step="all").to_pandas()
    assert buckets[["lower", "upper", "value"]].to_numpy().tolist() == [[pandas.NA, 1.0, 2], [1.0, pandas.NA, 1]]
    for page in (database.find_metrics(), database.find_exemplars()):
        assert len(page.to_pandas()) == len(page.to_polars()) == page.to_arrow().num_rows == 2


@pytest.mark.parametrize(("method", "package"), [("pandas", "pandas"), ("polars", "polars"), ("arrow", "pyarrow")])
def test_a_package_that_is_not_installed_is_named_with_its_command(method: str, package: str) -> None:
    code = f"""\
import sys
sys.modules[{package!r}] = None  # as if it were not installed
from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.query.summaries import SpanSummary
from otel_sqlite_exporter.query.pages import Page
try:
    Page(SpanSummary, (), 0, None).to_{method}()
except MissingPackageError as error:
    print(error)"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment(), check=False
    )
    expected = f"to_{method} needs {package}: `pip install 'otel-sqlite-exporter[{method}]'`\n"
    assert (done.stdout, done.stderr) == (expected, "")
