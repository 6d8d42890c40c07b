# SPDX-License-Identifier: Apache-2.0
"""The routes about metrics answer what the reader does, whatever the names of metrics are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.model.metric_records.metric_signals import GAUGE, InstrumentFields
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary, MetricSummary
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.server.api.metric_answers import one_metric
from tests.api_server import ApiClient, asking
from tests.metric_files import gauge, make_point, write_points
from tests.sample_points import encode_points, make_points
from tests.sample_points import write_points as write_encoded

ODD = ("a/b", "what? é#%2F", "..", "<script>", "\u202edne", " ", "a*b")
DURATION = "http.server.request.duration"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("metrics") / "otel.db"
    write_encoded(path, encode_points(make_points(5)))
    odd = [make_point(InstrumentFields(name, unit=name, kind=GAUGE), at, at) for name in ODD for at in (60, 120)]
    write_points(path, odd, [make_point(gauge("wide"), at, at) for at in range(1, 40)])
    return path


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[ApiClient]:
    with asking(path) as client:
        yield client


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "keywords",
    [{"limit": 3}, {"name": "shop.*"}, {"kind": ["gauge", "summary"]}, {"unit": "s"}, {"service_name": "shop"}],
)
def test_a_list_is_the_page_of_the_reader(client: ApiClient, path: Path, keywords: dict[str, Any]) -> None:
    page = TelemetryDatabase(path).find_metrics(**keywords)
    answer = client.read("/metrics", **keywords)
    assert len(page) > 0
    assert answer["data"] == page.to_dicts()
    assert (answer["next_cursor"], answer["total"]) == (page.cursor, page.total)


@pytest.mark.parametrize("keywords", [{"name": DURATION}, {"trace_id": f"{1:032X}"}, {"session_id": "chat-17"}])
def test_exemplars_are_those_of_the_reader(client: ApiClient, path: Path, keywords: dict[str, Any]) -> None:
    page = TelemetryDatabase(path).find_exemplars(**keywords)
    assert len(page) > 0
    assert client.read("/exemplars", **keywords)["data"] == page.to_dicts()
    assert client.read("/exemplars", limit=1, **keywords)["truncated"]


@pytest.mark.parametrize("name", ODD)
def test_a_metric_may_have_any_name(client: ApiClient, path: Path, name: str) -> None:
    database, quoted = TelemetryDatabase(path), quote(name, safe="")
    if name.strip("."):  # a client takes dots alone for a way up
        assert client.read(f"/metrics/{quoted}")["data"] == as_json(database.get_metric(name).to_dict())
        answer = client.read(f"/metrics/{quoted}/series", step="raw")
        assert answer["data"] == as_json(database.get_metric_series(name, step="raw").to_dict())
        assert [point["value"] for point in answer["data"]["series"][0]["points"]] == [60, 120]
    assert name in {row["name"] for row in client.read("/metrics", name=name)["data"]}


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"step": "1m", "aggregate": ["p50", "count"], "group_by": "http.route"},
        {"group_by": ["*"], "limit": 1},
        {"attributes": "http.route=/buy", "service_name": "shop", "kind": "histogram"},
    ],
)
def test_series_are_those_of_the_reader(client: ApiClient, path: Path, keywords: dict[str, Any]) -> None:
    given = dict(keywords)
    if "attributes" in given:
        given["attributes"] = {"http.route": "/buy"}
    result = TelemetryDatabase(path).get_metric_series(DURATION, **given)
    answer = client.read(f"/metrics/{DURATION}/series", **keywords)
    assert answer["data"] == as_json(result.to_dict())
    assert answer["truncated"] == bool(result.omitted)
    assert answer.get("note") == ("; ".join(result.notes) or None)


def test_an_answer_is_bounded(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_metric, "MOST_POINTS", 30)
    problem = client.refuse("/metrics/wide/series", 400, step="raw")
    assert problem["argument"] == "step"
    assert "39 points" in problem["detail"]
    assert "give a longer step" in problem["detail"]
    client.read("/metrics/wide/series", step="1m")


def test_a_missing_metric_leads_to_others(client: ApiClient) -> None:
    problem = client.refuse("/metrics/shop.request", 404)
    assert "shop.requests" in problem["detail"]


@pytest.mark.parametrize(("of", "row_type"), [("metrics", MetricSummary), ("exemplars", ExemplarSummary)])
def test_a_list_is_there_as_csv(client: ApiClient, of: str, row_type: type[Any]) -> None:
    answer = client.ask("/export", format="csv", of=of, name=DURATION)
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert head == [*field_types(row_type)]
    assert len(rows) == len(client.read(f"/{of}", name=DURATION, limit=500)["data"]) > 0
    assert {row[head.index("name")] for row in rows} == {DURATION}
