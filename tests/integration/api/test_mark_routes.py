# SPDX-License-Identifier: Apache-2.0
"""Pins and notes through the API and the forms of the page: what they change, and who may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from otel_sqlite_exporter import Annotations, TelemetryDatabase
from otel_sqlite_exporter.server.access.access_policy import make_policy
from otel_sqlite_exporter.server.access.tokens import TokenFile
from tests.conftest import HANG_S, exporting, make_spans, read
from tests.guarded_server import Guarded, guarding
from tests.page_server import PageClient, browsing

HOSTILE = "a/b <script>alert(1)</script>\x1b?#%2F"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def marked(path: Path) -> Path:
    with exporting(path) as exporter:
        for session in ("chat-1", HOSTILE, ".."):
            exporter.export(make_spans("work", attributes={"session.id": session}))
    return path


@pytest.fixture
def client(marked: Path) -> Iterator[PageClient]:
    """A client of a server that receives."""
    with browsing(marked, has_receiver=True) as client:
        yield client


def own(client: PageClient) -> dict[str, str]:
    """Headers of a form that a page of the server sends."""
    return {**FORM, "Origin": client.url, "Sec-Fetch-Site": "same-origin"}


def test_a_session_is_pinned_and_noted_and_answered(client: PageClient, marked: Path) -> None:
    path = "/api/v1/sessions/chat-1"
    answer = client.http.put(f"{path}/pin", json={"label": "a bug"})
    assert (answer.status_code, answer.json()["data"]["pin_label"]) == (200, "a bug")
    assert client.http.put(f"{path}/note", json={"text": "why"}).json()["data"]["note"] == "why"
    assert client.http.get(path).json()["data"]["pinned"] == 1
    (row,) = client.http.get("/api/v1/sessions", params={"pinned": "true"}).json()["data"]
    assert (row["session_id"], row["note"]) == ("chat-1", "why")
    assert client.http.delete(f"{path}/pin").json()["data"]["pinned"] == 0
    assert client.http.delete(f"{path}/note").json()["data"]["note"] is None
    assert read(marked, "SELECT * FROM marks") == []


def test_a_trace_is_pinned_by_a_prefix_of_its_id(client: PageClient, marked: Path) -> None:
    (trace,) = TelemetryDatabase(marked).find_traces(session_id="chat-1")
    answer = client.http.put(f"/api/v1/traces/{trace.trace_id[:10]}/pin", json={})
    assert answer.json()["data"]["pinned"] == 1
    assert read(marked, "SELECT kind, trace_id, text FROM marks") == [("pin", trace.trace_id, "")]


def test_an_id_may_have_any_character(client: PageClient, marked: Path) -> None:
    for session in (HOSTILE, ".."):
        answer = client.http.put(f"/api/v1/sessions/{quote(session, safe='')}/pin".replace("..", "%2E%2E"), json={})
        assert answer.json()["data"]["session_id"] == session
    assert {session for (session,) in read(marked, "SELECT session_id FROM marks")} == {HOSTILE, ".."}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not a JSON object"),
        (b"[]", 400, "not a JSON object"),
        (b'{"label": 5}', 400, "label: it is missing, or not a text"),
        (b'{"text": "x"}', 400, "there is no such argument: give label"),
        (json.dumps({"label": "x" * 201}).encode(), 400, "give at most 200"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused(client: PageClient, body: bytes, status: int, said: str) -> None:
    answer = client.http.put("/api/v1/sessions/chat-1/pin", content=body, headers=JSON)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_what_is_not_there_and_other_methods_are_refused(client: PageClient, marked: Path) -> None:
    missing = client.http.put("/api/v1/sessions/nope/pin", json={})
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:otel-sqlite-exporter:not-found")
    assert client.http.get("/api/v1/sessions/chat-1/pin").headers["allow"] == "DELETE, PUT"
    assert client.http.put("/api/v1/sessions/chat-1/note", content="x").status_code == 415
    assert client.http.put("/api/v1/sessions/chat-1/note", json={}).status_code == 400
    assert read(marked, "SELECT * FROM marks") == []


def test_a_server_that_receives_nothing_changes_nothing(marked: Path) -> None:
    with browsing(marked) as client:
        for answer in (
            client.http.put("/api/v1/sessions/chat-1/pin", json={}),
            client.http.post("/sessions/chat-1/marks", content="do=set+pin", headers=own(client)),
        ):
            assert answer.status_code == 403
            assert "start it without --no-receiver" in answer.text
        assert '<form method="post"' not in client.open("/sessions/chat-1")
    assert read(marked, "SELECT * FROM marks") == []


def test_a_form_of_the_page_pins_without_scripts_and_leads_back(client: PageClient, marked: Path) -> None:
    (trace,) = TelemetryDatabase(marked).find_traces(session_id="chat-1")
    for page in ("/sessions/chat-1", f"/traces/{trace.trace_id}"):
        assert f'<form method="post" action="{page}/marks">' in client.open(page)
        done = client.http.post(f"{page}/marks", content="do=set+pin&label=a+%3Cb%3E&text=", headers=own(client))
        assert (done.status_code, done.headers["location"]) == (303, page)
        client.http.post(f"{page}/marks", content="do=set+note&label=x&text=one%0D%0Atwo", headers=own(client))
        html = client.open(page)
        assert "a &lt;b&gt;" in html
        assert "one\ntwo" in html
        assert "Unpin" in html
    assert "a &lt;b&gt;" in client.open("/sessions", pinned="true")
    for kind in ("pin", "note"):
        client.http.post("/sessions/chat-1/marks", content=f"do=remove+{kind}", headers=own(client))
    assert read(marked, "SELECT DISTINCT trace_id FROM marks") == [(trace.trace_id,)]


def test_a_form_of_a_page_of_another_site_changes_nothing(client: PageClient, marked: Path) -> None:
    url = "/sessions/chat-1/marks"
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    refused = (
        ({**FORM, **evil}, 403),
        ({**FORM, "Origin": "null"}, 403),
        ({**FORM, "Sec-Fetch-Site": "same-site"}, 403),
        (FORM, 415),  # no browser says that it is of a page of this server
        ({"Content-Type": "text/plain", "Origin": client.url, "Sec-Fetch-Site": "same-origin"}, 415),
    )
    for headers, status in refused:
        assert client.http.post(url, content="do=set+pin", headers=headers).status_code == status
    for method in ("PUT", "DELETE"):
        answer = client.http.request(method, "/api/v1/sessions/chat-1/pin", headers={**JSON, **evil}, content=b"{}")
        assert answer.status_code == 403
    api = client.http.post("/api/v1/sql", content="sql=SELECT+1", headers=own(client))
    assert api.status_code == 415
    assert read(marked, "SELECT * FROM marks") == []


def test_a_form_that_is_not_of_the_page_is_refused(client: PageClient, marked: Path) -> None:
    for body in ("", "do=drop", "do=set+star", "&".join(["do=set+pin"] * 20)):
        assert client.http.post("/sessions/chat-1/marks", content=body, headers=own(client)).status_code == 400
    large = client.http.post("/sessions/chat-1/marks", content=f"do=set+note&text={'x' * 200_000}", headers=own(client))
    assert large.status_code == 413
    assert read(marked, "SELECT * FROM marks") == []


@pytest.mark.parametrize(("rights", "status"), [((True, True), 200), ((False, True), 403), ((True, False), 403)])
def test_a_token_needs_both_rights_to_mark(tmp_path: Path, rights: tuple[bool, bool], status: int) -> None:
    tokens = TokenFile(str(tmp_path / "otel.db-tokens"))
    secret = tokens.create("one", may_send=rights[0], may_read=rights[1])
    policy = make_policy(["127.0.0.1"], token_file=tokens.path, require_token=True)
    with guarding(policy) as server:
        assert _mark(server, secret) == status
        assert _mark(server, None) == 401


def _mark(server: Guarded, secret: str | None) -> int:
    given = {"authorization": None if secret is None else f"Bearer {secret}", "content_type": "application/json"}
    return server.ask("/api/v1/sessions/chat-1/pin", "PUT", body=b"{}", **given).status


def test_scores_are_listed_and_shown_on_the_pages(client: PageClient, marked: Path) -> None:
    (trace,) = TelemetryDatabase(marked).find_traces(session_id="chat-1")
    annotations = Annotations(marked)
    annotations.score("<b>Tone</b>", 0.5, trace_id=trace.trace_id, explanation="<i>why</i>")
    annotations.score("Overall", label="pass", session_id="chat-1")
    rows = client.http.get("/api/v1/scores", params={"session_id": "chat-1"}).json()["data"]
    assert {row["name"] for row in rows} == {"<b>Tone</b>", "Overall"}
    assert client.http.get("/api/v1/reports/scores").json()["data"]
    for page in ("/sessions/chat-1", f"/traces/{trace.trace_id}", "/scores", "/reports/scores"):
        html = client.open(page)
        assert "&lt;b&gt;Tone&lt;/b&gt;" in html
        assert "<b>Tone" not in html
    assert "&lt;b&gt;Tone" in client.open("/sessions")


def test_a_file_that_is_locked_for_too_long_is_said(marked: Path) -> None:
    import sqlite3
    from contextlib import closing

    with (
        browsing(marked, has_receiver=True) as client,
        closing(sqlite3.connect(marked, isolation_level=None)) as other,
        httpx.Client(base_url=client.url, timeout=HANG_S) as http,
    ):
        other.execute("BEGIN IMMEDIATE")
        answer = http.put("/api/v1/sessions/chat-1/pin", json={})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "cannot be written now" in answer.json()["detail"]
