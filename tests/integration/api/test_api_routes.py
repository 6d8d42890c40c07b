# SPDX-License-Identifier: Apache-2.0
"""Each route of the API against a real file: its answer has the shape that openapi.json declares, and is what the
reader returns."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, set_span_in_context

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.query.exports.otlp_export import read_export
from otel_sqlite_exporter.query.exports.perfetto_export import read_perfetto
from otel_sqlite_exporter.query.limits.comparison import compare_sessions
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.query.timeline import read_timeline
from otel_sqlite_exporter.server.api.api_answers import name_file
from otel_sqlite_exporter.server.api.api_problems import TITLES
from otel_sqlite_exporter.server.api.description.api_route import ApiRoute
from otel_sqlite_exporter.server.api.route_table import ROUTES
from otel_sqlite_exporter.server.query_times import query_times
from tests.api_server import ApiClient, asking
from tests.new_files import put_new_file
from tests.sample_points import encode_points, make_points, write_points
from tests.sample_traces import write_traces

SLASHED = "chat/17?a=b#c é"
FINDERS = {
    **{"sessions": "find_sessions", "traces": "find_traces", "spans": "find_spans", "logs": "find_logs"},
    **{"calls": "find_llm_interactions", "tools": "find_tool_interactions", "events": "find_events"},
}


PAGED = (*FINDERS, "metrics", "exemplars", "agents", "sessions/session-1/steps", "sessions/session-1/messages")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_traces(tmp_path_factory.mktemp("api") / "otel.db")
    provider = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("odd")
    with tracer.start_as_current_span("=1+1", attributes={"session.id": SLASHED, "deep": "[" * 300}) as span:
        span.add_event("seen", {"where": "here"})
        tracer.start_span("linked", links=[Link(span.get_span_context(), {"why": "asked"})]).end()
        logs = LoggerProvider(shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
        context = set_span_in_context(span)
        logs.get_logger("odd").emit(LogRecord(timestamp=5, body={"said": "so"}, severity_text="WARN", context=context))
        logs.shutdown()
    provider.shutdown()
    write_points(path, encode_points(make_points(3)))
    return path


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[ApiClient]:
    with asking(path) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: ApiClient) -> dict[str, Any]:
    found: dict[str, Any] = client.ask("/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def needed(client: ApiClient) -> dict[str, dict[str, Any]]:
    """For each route with parameters that it needs: values of them."""
    trace = client.read("/traces", session_id="session-1")["data"][0]
    ids = {name: client.read(f"/{name}")["data"][0]["id"] for name in ("calls", "tools")}
    return {
        **{f"/sessions/{{id}}{rest}": {"id": "session-1"} for rest in ("", "/steps", "/messages", "/usage", "/share")},
        **{f"/traces/{{id}}{rest}": {"id": trace["trace_id"]} for rest in ("", "/otlp")},
        "/traces/{id}/spans/{span}": {"id": trace["trace_id"], "span": trace["root_span_id"]},
        "/traces/{id}/spans/{span}/subtree": {"id": trace["trace_id"], "span": trace["root_span_id"]},
        **{f"/{name}/{{id}}": {"id": id} for name, id in ids.items()},
        **{f"/metrics/{{name}}{rest}": {"name": "http.server.request.duration"} for rest in ("", "/series")},
        "/search": {"text": "order"},
        "/facets": {"of": "calls", "field": ["model", "status"]},
        "/fields": {"of": "calls"},
        "/reports/{name}": {"name": "tokens"},
        "/diff": {"a": "session-1", "b": "session-2"},
    }


GETS = [route for route in ROUTES if route.method == "GET" and route.answer is not None]
OF_GETS = pytest.mark.parametrize("route", GETS, ids=lambda route: route.path)


def fill(route: ApiRoute, given: dict[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    values = dict(given.get(route.path, {}))
    names = [parameter.name for parameter in route.parameters if parameter.where == "path"]
    return route.path.format(**{name: values.pop(name) for name in names}), values


def check_shape(document: dict[str, Any], path: str, method: str, answer: httpx.Response) -> None:
    schemathesis.openapi.from_dict(document)[path][method].validate_response(answer)


@OF_GETS
def test_the_answer_of_each_route_has_its_shape(
    client: ApiClient, document: dict[str, Any], needed: dict[str, Any], route: ApiRoute
) -> None:
    path, arguments = fill(route, needed)
    answer = client.ask(path, **arguments)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] in route.media_types
    assert answer.headers["cache-control"] == "private, no-cache"
    assert ("etag" in answer.headers) == route.has_state
    assert answer.content
    if route.has_envelope or route.shape is not None:
        check_shape(document, route.path, "GET", answer)
        assert answer.json()


@OF_GETS
def test_head_answers_as_get_without_a_body(client: ApiClient, needed: dict[str, Any], route: ApiRoute) -> None:
    path, arguments = fill(route, needed)
    answer = client.http.head(path, params=arguments)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == client.ask(path, **arguments).headers["content-type"]


@OF_GETS
def test_an_unknown_argument_is_named(client: ApiClient, needed: dict[str, Any], route: ApiRoute) -> None:
    path, arguments = fill(route, needed)
    problem = client.refuse(path, 400, **arguments, modell="x")
    assert (problem["argument"], problem["type"]) == ("modell", "urn:otel-sqlite-exporter:bad-argument")
    assert problem["detail"].startswith("modell: this route has no such argument: give ")


@OF_GETS
def test_what_the_client_has_is_not_sent_again(client: ApiClient, needed: dict[str, Any], route: ApiRoute) -> None:
    path, arguments = fill(route, needed)
    if not route.has_state:
        return
    etag = client.ask(path, **arguments).headers["etag"]
    for known in (etag, f'"other", {etag}', "*"):
        again = client.ask(path, {"If-None-Match": known}, **arguments)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.ask(path, {"If-None-Match": 'W/"other"'}, **arguments).status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [
        *({"since": text} for text in ("15m", "today", " 2D ", "week")),
        *({"until": "1h"}, {"filter": "since:2d"}, {"filter": "until:yesterday"}),
    ],
)
def test_what_changes_with_the_time_of_asking_has_no_tag(client: ApiClient, arguments: dict[str, Any]) -> None:
    known = client.ask("/spans", since="2026-01-31", until=str(2**62), filter="kind:client").headers["ETag"]
    answer = client.ask("/spans", {"If-None-Match": known}, **arguments)
    assert (answer.status_code, answer.headers.get("ETag")) == (200, None)


@pytest.mark.parametrize("name", FINDERS)
def test_a_list_is_the_page_of_the_reader(client: ApiClient, path: Path, name: str) -> None:
    find = getattr(TelemetryDatabase(path), FINDERS[name])
    for keywords in ({"limit": 3}, {"limit": 500, "newest_first": False}, {"since": "2026-01-31T12:05Z"}):
        page, answer = find(**keywords), client.read(f"/{name}", **_as_text(keywords))
        assert answer["data"] == page.to_dicts()
        assert (answer["next_cursor"], answer["total"]) == (page.cursor, page.total)
        assert answer["truncated"] == (page.cursor is not None)


def _as_text(keywords: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in keywords.items()}


@pytest.mark.parametrize("name", PAGED)
def test_all_pages_are_the_whole_list(client: ApiClient, name: str) -> None:
    whole = _rows(client.read(f"/{name}", limit=500))
    for limit in (len(whole) // 5 + 1, max(1, len(whole) // 2)):
        rows: list[Any] = []
        cursor: dict[str, str] = {}
        while cursor is not None:
            answer = client.read(f"/{name}", limit=limit, **cursor)
            assert len(_rows(answer)) <= limit
            rows += _rows(answer)
            assert answer["truncated"] == (answer["next_cursor"] is not None)
            if answer["next_cursor"] is None:
                break
            cursor = {"cursor": answer["next_cursor"]}
        assert rows == whole


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["spans", "calls", "traces", "sessions"]),
    limits=st.lists(st.integers(4, 25), min_size=1, max_size=3),
    newest_first=st.booleans(),
    filters=st.sampled_from(
        [
            {},
            {"service_name": "orders"},
            {"since": "2026-01-31T12:03Z"},
            {"filter": "-status:error"},
        ]
    ),
)
def test_pages_of_any_size_are_the_list_of_the_reader(
    client: ApiClient, path: Path, name: str, limits: list[int], newest_first: bool, filters: dict[str, Any]
) -> None:
    whole = getattr(TelemetryDatabase(path), FINDERS[name])(limit=500, newest_first=newest_first, **filters)
    rows: list[Any] = []
    arguments = {"newest_first": str(newest_first).lower(), **filters}
    for limit in cycle(limits):
        answer = client.read(f"/{name}", limit=limit, **arguments)
        rows += answer["data"]
        if answer["next_cursor"] is None:
            break
        arguments["cursor"] = answer["next_cursor"]
    assert rows == whole.to_dicts()


def _rows(answer: Any) -> list[Any]:
    data = answer["data"]
    return list(data["turns"] if isinstance(data, dict) else data)


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("cursor", ["", "x", "WyJzcGFucyJd", "eyJhIjoxfQ", "é", "bnVsbA"])
def test_a_strange_cursor_is_refused(client: ApiClient, name: str, cursor: str) -> None:
    assert client.refuse(f"/{name}", 400, cursor=cursor)["argument"] == "cursor"


STRANGE: list[Any] = [None, 2**63, -(2**64), 1e300, [], {}]


@pytest.mark.parametrize("name", PAGED)
def test_a_cursor_that_was_changed_is_refused(client: ApiClient, name: str) -> None:
    given = client.read(f"/{name}", limit=1)["next_cursor"]
    if given is None:
        return
    parts = json.loads(base64.urlsafe_b64decode(f"{given}{'=' * (-len(given) % 4)}"))
    changed: list[Any] = [
        [*parts[:place], part, *parts[place + 1 :]] for place in range(len(parts)) for part in STRANGE
    ]
    texts = [json.dumps(one) for one in [*changed, [*parts, 1, 1], parts[1:]]] + ["[" * 5_000]
    for text in texts:
        cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        assert client.refuse(f"/{name}", 400, cursor=cursor)["argument"] == "cursor"


def test_filters_have_the_keywords_of_the_reader(client: ApiClient, path: Path) -> None:
    database = TelemetryDatabase(path)
    arguments: dict[str, Any]
    keywords: dict[str, Any]
    conditions = [("app.is_first", True), ("gen_ai.usage.input_tokens", (">", 101))]
    for name, arguments, keywords in (
        ("calls", {"model": ["gpt-4.1", "o4-mini"]}, {"model": ["gpt-4.1", "o4-mini"]}),
        ("calls", {"counted": "true", "min_total_tokens": "105"}, {"counted": True, "min_total_tokens": 105}),
        ("spans", {"min_duration_ms": "90.5", "status": "error"}, {"min_duration_ms": 90.5, "status": "error"}),
        ("spans", {"since": "1769860860000000000"}, {"since": 1769860860000000000}),
        ("spans", {"attributes": ["app.is_first=true", "gen_ai.usage.input_tokens>101"]}, {"attributes": conditions}),
        ("traces", {"sort": "duration", "limit": "2"}, {"sort": "duration", "limit": 2}),
    ):
        page = getattr(database, FINDERS[name])(**keywords)
        assert len(page) > 0
        answer = client.read(f"/{name}", **arguments)
        assert answer["data"] == page.to_dicts()
    assert answer["truncated"] is True  # a sorted list has one page


@pytest.mark.parametrize(
    ("route", "arguments", "argument"),
    [
        ("/spans", {"limit": 0}, "limit"),
        ("/spans", {"limit": 501}, "limit"),
        ("/spans", {"limit": "1e3"}, "limit"),
        ("/spans", {"limit": "9" * 30}, "limit"),
        ("/spans", {"limit": ["1", "2"]}, "limit"),
        ("/spans", {"newest_first": "yes"}, "newest_first"),
        ("/spans", {"status": "broken"}, "status"),
        ("/spans", {"since": "tomorrow"}, "since"),
        ("/spans", {"min_duration_ms": "nan"}, "min_duration_ms"),
        ("/spans", {"attributes": "a==1"}, "attributes"),
        ("/spans", {"sort": "tokens"}, "sort"),
        ("/search", {}, "text"),
        ("/search", {"text": ""}, "text"),
        ("/facets", {"of": "spans"}, "field"),
        ("/facets", {"of": "spans", "field": "model"}, "field"),
        ("/facets", {"of": "sessions", "field": "status", "span_id": "a"}, "span_id"),
        ("/reports/none", {}, "name"),
        ("/reports/tokens", {"group_by": "moon"}, "group_by"),
        ("/reports/tokens", {"timezone": "Mars"}, "timezone"),
        ("/sessions/session-1/usage", {"group_by": ["model", "day", "user"]}, "group_by"),
        ("/diff", {"a": "session-1"}, "b"),
        ("/diff", {"a": "session-1", "b": "session-2", "allow": "x"}, "allow"),
        ("/export", {"of": "calls"}, "of"),
        ("/export", {"model": "m"}, "model"),
        ("/export", {"format": "csv", "signal": "logs"}, "signal"),
        ("/export", {"format": "csv", "of": "spans", "model": "m"}, "model"),
        ("/calls/x", {}, "id"),
        ("/metrics", {"kind": "CLIENT"}, "kind"),
        ("/metrics", {"since": "soon"}, "since"),
        ("/metrics/shop.requests/series", {"step": "often"}, "step"),
        ("/metrics/shop.requests/series", {"aggregate": "p101"}, "aggregate"),
        ("/metrics/shop.requests/series", {"attributes": "a==1"}, "attributes"),
        ("/metrics/shop.requests/series", {"limit": 0}, "limit"),
        ("/export", {"format": "csv", "of": "metrics", "trace_id": "aa"}, "trace_id"),
        ("/stream", {"since": "1"}, "since"),
    ],
)
def test_a_bad_argument_is_named(client: ApiClient, route: str, arguments: dict[str, Any], argument: str) -> None:
    problem = client.refuse(route, 400, **arguments)
    assert problem["argument"] == argument
    assert problem["detail"].startswith(f"{argument}: ")
    assert problem["title"] == TITLES["bad-argument"]


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        ("/nothing", "no-such-route"),
        ("/", "no-such-route"),
        ("/sessions/", "no-such-route"),
        ("/sessions/none", "not-found"),
        ("/sessions/session-", "not-found"),  # several
        ("/sessions/none/steps", "not-found"),
        ("/sessions/none/messages", "not-found"),
        ("/sessions/none/usage", "not-found"),
        ("/traces/zz", "not-found"),
        ("/traces/zz/otlp", "not-found"),
        ("/traces/zz/spans/aa", "not-found"),
        ("/calls/99999", "not-found"),
        ("/metrics/shop.request", "not-found"),
        ("/metrics/shop.request/series", "not-found"),
        ("/tools/99999", "not-found"),
        ("/diff?a=session-1&b=none", "not-found"),
    ],
)
def test_what_is_not_there_is_404(client: ApiClient, route: str, kind: str) -> None:
    assert client.refuse(route, 404)["type"] == f"urn:otel-sqlite-exporter:{kind}"


def test_other_methods_are_405(client: ApiClient) -> None:
    for method, path, allowed in (
        ("POST", "/traces", "GET, HEAD"),
        ("DELETE", "/info", "GET, HEAD"),
        ("GET", "/sql", "POST"),
    ):
        answer = client.http.request(method, path, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json()["type"] == "urn:otel-sqlite-exporter:method-not-allowed"


def test_an_id_may_have_slashes(client: ApiClient) -> None:
    quoted = "chat%2F17%3Fa=b%23c%20%C3%A9"
    assert client.read(f"/sessions/{quoted}")["data"]["session_id"] == SLASHED
    assert client.read(f"/sessions/{quoted}/steps")["total"] == 1
    assert client.read(f"/sessions/{quoted}/messages")["data"]["id"] == SLASHED
    assert client.refuse("/sessions/chat/17", 404)["type"] == "urn:otel-sqlite-exporter:no-such-route"


def test_a_session_and_a_trace_may_be_given_by_a_prefix(client: ApiClient) -> None:
    trace_id = client.read("/traces")["data"][0]["trace_id"]
    assert client.read(f"/traces/{trace_id[:12]}")["data"]["trace"]["trace_id"] == trace_id
    assert client.read("/sessions/chat")["data"]["session_id"] == SLASHED


def test_steps_are_those_of_the_timeline(client: ApiClient, path: Path) -> None:
    whole = read_timeline(TelemetryDatabase(path), "session-1", limit=500, counted=None)
    answer = client.read("/sessions/session-1/steps", limit=500, counted="false")
    assert answer["data"] == whole.to_dict()["steps"]
    assert (answer["total"], answer["next_cursor"]) == (whole.total, None)


def test_usage_adds_up_to_the_session(client: ApiClient) -> None:
    session = client.read("/sessions/session-1")["data"]
    rows = client.read("/sessions/session-1/usage", group_by=["model", "day"])["data"]
    assert {"model", "day", "calls", "input_tokens", "cost_usd", "unpriced_calls"} <= rows[0].keys()
    assert sum(row["total_tokens"] for row in rows) == session["total_tokens"]
    assert sum(row["calls"] for row in rows) == session["llm_calls"]


def test_a_span_has_what_hangs_on_it(client: ApiClient) -> None:
    trace = client.read("/traces", name="=1+1")["data"][0]["trace_id"]
    linked = client.read("/spans", name="linked")["data"][0]
    root = client.read("/spans", name="=1+1")["data"][0]
    data = client.read(f"/traces/{trace}/spans/{root['span_id']}")["data"]
    assert {name: data[name] for name in root} == root
    assert [(event["name"], event["attributes"]) for event in data["events"]] == [("seen", {"where": "here"})]
    data = client.read(f"/traces/{trace}/spans/{linked['span_id']}")["data"]
    assert [(link["linked_span_id"], link["attributes"]) for link in data["links"]] == [
        (root["span_id"], {"why": "asked"})
    ]
    call = client.read("/calls", limit=1)["data"][0]
    data = client.read(f"/traces/{call['trace_id']}/spans/{call['span_id']}")["data"]
    assert [one["id"] for one in data["llm_interactions"]] == [call["id"]]
    assert client.read(f"/calls/{call['id']}")["data"] == call


def test_reports_and_diff_are_those_of_the_reader(client: ApiClient, path: Path) -> None:
    database = TelemetryDatabase(path)
    for name in REPORTS:
        if name != "queries":  # it has times
            result = database.run_report(name)
            answer = client.read(f"/reports/{name}")
            assert (answer["data"], answer["total"]) == (json.loads(json.dumps(result.to_dicts())), result.total)
    answer = client.read(
        "/reports/tokens", group_by=["model", "day"], limit=1, session_id="session-1", timezone="+02:00"
    )
    assert (len(answer["data"]), answer["truncated"]) == (1, True)
    assert client.read("/diff", a="session-1", b="session-2", allow="tokens=0")["data"] == json.loads(
        json.dumps(compare_sessions(database, "session-1", "session-2", ["tokens=0"]).to_dict())
    )


def test_an_export_is_that_of_the_command(client: ApiClient, path: Path) -> None:
    lines = [line.content.strip() for line in read_export(TelemetryFile(str(path), 5_000))]
    answer = client.ask("/export")
    assert answer.content.splitlines() == lines
    assert 'filename="export.jsonl"' in answer.headers["content-disposition"]
    only = client.ask("/export", session_id="session-1", signal="traces").content.splitlines()
    assert only == [
        line.content.strip()
        for line in read_export(TelemetryFile(str(path), 5_000), session_id="session-1", signal="traces")
    ]


def test_an_export_for_perfetto_is_that_of_the_command(client: ApiClient, path: Path) -> None:
    pieces = read_perfetto(TelemetryFile(str(path), 5_000), session_id="session-1")
    answer = client.ask("/export", format="perfetto", session_id="session-1")
    assert answer.content == b"".join(piece.content for piece in pieces)
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert 'filename="export-session-session-1.perfetto-trace"' in answer.headers["content-disposition"]
    for arguments in ({}, {"session_id": "session-1", "since": "2d"}, {"session_id": ["session-1", "session-2"]}):
        assert client.ask("/export", format="perfetto", **arguments).status_code == 400


def test_the_otlp_of_a_trace_is_one_message(client: ApiClient, path: Path) -> None:
    trace = client.read("/traces", name="=1+1")["data"][0]["trace_id"]
    for signal, member in (("traces", "resourceSpans"), ("logs", "resourceLogs")):
        (line,) = read_export(TelemetryFile(str(path), 5_000), trace_id=trace, signal=signal)
        assert client.ask(f"/traces/{trace}/otlp", signal=signal).json() == json.loads(line.content)
        assert json.loads(line.content)[member]
    empty = client.read("/traces", session_id="session-1")["data"][0]["trace_id"]
    assert client.ask(f"/traces/{empty}/otlp", signal="logs").json() == {"resourceLogs": []}


def test_csv_has_all_rows_and_no_formula(client: ApiClient, path: Path) -> None:
    answer = client.ask("/export", format="csv", of="spans")
    head, *rows = csv.reader(io.StringIO(answer.text))
    spans = TelemetryDatabase(path).find_spans(limit=500, newest_first=False)
    assert head == list(spans.to_columns())
    assert [row[head.index("span_id")] for row in rows] == [span.span_id for span in spans]
    assert "'=1+1" in [row[head.index("name")] for row in rows]
    assert client.ask("/export", format="csv", of="calls", model="none").text.count("\r\n") == 1


def test_sql_answers_rows(client: ApiClient, document: dict[str, Any]) -> None:
    answer = client.http.post("/sql", json={"sql": "SELECT name, count(*) AS n FROM spans GROUP BY 1", "limit": 2})
    check_shape(document, "/sql", "POST", answer)
    assert answer.json()["data"]["columns"] == ["name", "n"]
    assert (len(answer.json()["data"]["rows"]), answer.json()["truncated"]) == (2, True)


@pytest.mark.parametrize(
    ("body", "argument"),
    [
        ("{", "body"),
        ("[]", "body"),
        ("{}", "sql"),
        ('{"sql": 5}', "sql"),
        ('{"sql": "SELECT 1", "limit": 0}', "limit"),
        ('{"sql": "SELECT 1", "limit": true}', "limit"),
        ('{"sql": "SELECT 1", "timeout_s": 31}', "timeout_s"),
        ('{"sql": "SELECT 1", "rows": 3}', "rows"),
    ],
)
def test_a_bad_statement_is_refused(client: ApiClient, body: str, argument: str) -> None:
    answer = client.http.post("/sql", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["argument"]) == (400, argument)


def test_a_statement_binds_parameters_and_reads_views_alone(client: ApiClient) -> None:
    for parameters, sql in (([1, "a"], "SELECT ? AS n, ? AS t"), ({"n": 1, "t": "a"}, "SELECT :n AS n, :t AS t")):
        answer = client.http.post("/sql", json={"sql": sql, "parameters": parameters})
        assert answer.json()["data"] == {"columns": ["n", "t"], "rows": [[1, "a"]]}
    for sql in ("DELETE FROM spans", "SELECT * FROM _spans", "ATTACH 'x' AS y", "SELECT 1; SELECT 2", "SELEC", ""):
        answer = client.http.post("/sql", json={"sql": sql})
        assert (answer.status_code, answer.json()["argument"]) == (400, "sql"), sql
        assert answer.json()["detail"].startswith("sql: ")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    answer = client.http.post("/sql", json={"sql": endless, "timeout_s": 0.05})
    assert (answer.status_code, answer.json()["argument"]) == (400, "timeout_s")


def test_a_filter_is_a_text_in_the_language(client: ApiClient, path: Path) -> None:
    calls = TelemetryDatabase(path).find_llm_interactions(model="gpt-4.1", limit=500)
    assert 0 < len(calls) < 24
    wanted = 'model:gpt-4* -status:error "where is my order"'
    answer = client.read("/calls", filter=wanted, limit=500)
    assert answer["data"] == [call.to_dict() for call in calls if call.status != "error"]
    counted = client.read("/facets", of="calls", field="model", filter=wanted)["data"]
    assert counted["rows"] == len(answer["data"])
    problem = client.refuse("/calls", 400, filter="model:gpt-4* colour:red")
    assert (problem["argument"], problem["position"]) == ("filter", 13)
    assert problem["detail"].startswith("filter: ")
    assert "\n" not in problem["detail"]


def test_the_time_of_each_route_is_kept(client: ApiClient) -> None:
    client.read("/reports/growth")
    client.read("/info")
    kept = {(one.route, one.report): sum(one.steps) for one in query_times.read()}
    assert kept["/api/v1/reports/{name}", "growth"] > 0
    assert kept["/api/v1/info", ""] > 0


def test_a_body_must_be_json_and_small(client: ApiClient) -> None:
    other = client.http.post("/sql", content="{}", headers={"Content-Type": "application/xml"})
    assert (other.status_code, other.json()["type"]) == (415, "urn:otel-sqlite-exporter:media-type")
    large = client.http.post("/sql", content=b" " * (1 << 21), headers={"Content-Type": "application/json"})
    assert (large.status_code, large.json()["type"]) == (413, "urn:otel-sqlite-exporter:body-too-large")


def test_health_names_what_is_wrong(client: ApiClient) -> None:
    data = client.read("/health")["data"]
    assert data["exporter_totals"]["received"] == sum(one["received"] for one in data["exporters"])
    assert data["spool"] == {"batches": 0, "bytes": 0}


def test_a_file_that_cannot_be_read_is_503(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db", 1)
    with asking(path) as client:
        path.rename(tmp_path / "elsewhere.db")
        problem = client.refuse("/spans", 503)
        assert problem["type"] == "urn:otel-sqlite-exporter:file-refused"
        assert "otel.db does not exist" in problem["detail"]
        path.write_bytes(b"no database" * 100)
        assert client.refuse("/traces", 503)["type"] == "urn:otel-sqlite-exporter:file-refused"


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("a\r\nSet-Cookie: x=1", "export-session-a-Set-Cookie-x-1"),
        ('"; filename="../../etc/passwd', "export-session-filename-etc-passwd"),
        ("x" * 500, f"export-session-{'x' * 60}"),
        ("\u202e\u0000", "export"),
    ],
)
def test_the_name_of_an_export_holds_only_what_is_safe_of_an_id(id: str, name: str) -> None:
    assert name_file("export", session_id=id) == name


def test_an_export_of_one_trace_or_session_is_named_after_it(client: ApiClient) -> None:
    trace: dict[str, Any] = {"trace_id": "ab" * 16, "session_id": "session-1", "of": "calls", "format": "csv"}
    assert f'"calls-trace-{"ab" * 16}.csv"' in client.ask("/export", **trace).headers["content-disposition"]
    several = client.ask("/export", session_id=["one", "two"], format="csv").headers["content-disposition"]
    assert several == 'attachment; filename="spans.csv"'
