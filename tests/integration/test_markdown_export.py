# SPDX-License-Identifier: Apache-2.0
"""What was said in a session as Markdown: all of it, in fences that nothing in it closes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.conversations.turn_window import iterate_windows
from otel_sqlite_exporter.query.exports import markdown_export
from otel_sqlite_exporter.query.exports.markdown_export import read_markdown, write_fence
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from tests.agent_files import HOSTILE_TEXTS, write_capture_file
from tests.commands import run
from tests.conftest import exporting, make_spans

STRUCTURE = {"heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence"}
CALL = {"session.id": "said", "gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def write_said(path: Path, *texts: str) -> None:
    with exporting(path, cost="off") as exporter:
        for text in texts:
            messages = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
            exporter.export(make_spans("chat m", attributes={**CALL, "gen_ai.input.messages": json.dumps(messages)}))


def export(path: Path, **chosen: str) -> str:
    return b"".join(piece.content for piece in read_markdown(TelemetryFile(str(path), 1_000), **chosen)).decode()


def read_fences(text: str) -> list[str]:
    """The contents of the fences of a Markdown text, which has headings and paragraphs besides, and no HTML in them."""
    tokens = MarkdownIt("commonmark").parse(text)
    assert {token.type for token in tokens} <= STRUCTURE
    inside = [child.type for token in tokens for child in token.children or ()]
    assert "html_inline" not in inside
    assert "link_open" not in inside
    return [token.content for token in tokens if token.type == "fence"]


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if text and "\x00" not in text])
def test_hostile_texts_stay_in_their_fences(path: Path, text: str) -> None:
    write_said(path, text)
    assert f"{text}\n" in read_fences(export(path, session_id="said"))


@given(st.text("`~#<>![]()* \nab", max_size=60), st.text("`~#<>![]()* \nab", max_size=60))
def test_any_texts_stay_in_their_fences(first: str, second: str) -> None:
    assert read_fences(write_fence(first) + write_fence(second)) == [f"{first}\n", f"{second}\n"]


def test_an_export_has_each_turn_once_whatever_the_page(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_capture_file(path, "claude-code", "live-langgraph")
    for session in TelemetryDatabase(path).find_sessions():
        if not session.llm_calls:
            continue
        whole = export(path, session_id=session.session_id)
        monkeypatch.setattr(markdown_export, "_TURNS", 2)
        assert export(path, session_id=session.session_id) == whole
        monkeypatch.undo()
        turns = TelemetryDatabase(path).get_conversation(f"session:{session.session_id}").turns
        assert len([line for line in whole.splitlines() if line.startswith(("## Model ", "## Tool "))]) >= len(turns)
        read_fences(whole)


def test_a_trace_can_be_exported_and_one_is_asked_for(path: Path) -> None:
    write_said(path, "first", "second")
    for trace in TelemetryDatabase(path).find_traces():
        assert len(read_fences(export(path, trace_id=trace.trace_id))) == 1
    file = TelemetryFile(str(path), 1_000)
    for chosen in ({}, {"session_id": "said", "trace_id": "1"}):
        with pytest.raises(FilterError):
            read_markdown(file, **chosen)
    with pytest.raises(NotFoundError):
        export(path, session_id="nothing")


def test_the_turns_are_listed_once(path: Path) -> None:
    write_said(path, *map(str, range(60)))
    file = TelemetryFile(str(path), 5_000)
    windows = iterate_windows(file, "session:said", 25)
    found = [next(windows)]
    write_said(path, "later")
    found += windows
    assert [(one.first, one.total, len(one.turns)) for one in found] == [(0, 60, 25), (25, 60, 25), (50, 60, 10)]
    begun = iterate_windows(file, "session:said", 25)
    next(begun)
    assert run("delete", path, "--session", "said", "--yes")[0] == 0
    assert [len(one.turns) for one in begun] == [0, 0]
