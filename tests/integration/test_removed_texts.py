# SPDX-License-Identifier: Apache-2.0
"""Texts that calls share go with the last call that names them, and no writer names one that is gone."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.record_removal import remove_records
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove
from tests.conftest import exporting, in_new_process, read
from tests.mixed_records import export_batches, make_log

pytestmark = pytest.mark.core

_TIME = 1_795_000_000_000_000_000


def _messages(turns: int, word: str) -> str:
    return json.dumps(
        [{"role": "user", "parts": [{"type": "text", "content": f"{turn} {word * 300}"}]} for turn in range(turns)]
    )


def _plain(word: str) -> str:
    """Messages in another form than that of the file, which every call records."""
    return json.dumps([{"role": "user", "content": word * 9}])


def _call(trace: int, number: int, turns: int, session: str | None = None, word: str = "word") -> ReadableSpan:
    messages = {"gen_ai.input.messages": _messages(turns, word), "gen_ai.system_instructions": f'["{word * 3}"]'}
    return ReadableSpan(
        name=f"chat {trace} {number}",
        context=SpanContext(trace, number + 1, False, TraceFlags(1)),
        resource=Resource({"service.name": "agent"}),
        attributes={
            "gen_ai.operation.name": "chat",
            **messages,
            **({} if session is None else {"session.id": session}),
        },
        events=[
            Event("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": _plain(word)}, _TIME + number)
        ],
        start_time=_TIME + number,
        end_time=_TIME + number + 5,
    )


def _remove(path: Path, where: str) -> None:
    settings = resolve_settings(path)
    with closing(open_file(settings)) as connection, transaction(connection):
        ids = [id for (id,) in connection.execute(f"SELECT id FROM _spans WHERE {where}")]
        assert remove_records(connection, settings, RecordsToRemove(ids)).spans == len(ids) > 0


def remove_in_process(path: str, where: str) -> None:
    """A program: it removes the spans of a condition."""
    _remove(Path(path), where)


def _check_whole(path: Path, calls: list[ReadableSpan]) -> None:
    """Fail unless the file shows these calls, and all that is theirs alone."""
    expected = {call.name: dict(call.attributes or {}) for call in calls}
    assert {name: json.loads(text) for name, text in read(path, "SELECT name, attributes FROM spans")} == expected
    words = read(path, "SELECT DISTINCT json_extract(texts, '$[0]') FROM _message_texts")
    assert len(words) == len({word for (word,) in words if word}) > 0


@pytest.mark.parametrize("session", [None, "s"])
def test_texts_go_with_the_last_call_of_their_conversation(path: Path, session: str | None) -> None:
    kept = [_call(9, number, number + 5, None if session is None else "t", "kept") for number in range(3)]
    with exporting(path) as exporter:
        exporter.export([*kept, *(_call(1, number, number + 5, session, "gone") for number in range(4))])
    assert read(path, "SELECT count(*) FROM _texts WHERE text LIKE '%gonegone%'") != [(0,)]
    _remove(path, "name IN ('chat 1 0', 'chat 1 1')")
    _remove(path, "name GLOB 'chat 1 *'")
    assert read(path, "SELECT count(*) FROM _texts WHERE text LIKE '%gonegone%'") == [(0,)]
    assert read(path, "SELECT count(*) > 0 FROM _texts WHERE text LIKE '%keptkept%'") == [(1,)]
    _check_whole(path, kept)


def test_a_process_names_no_text_that_another_has_removed(path: Path) -> None:
    with exporting(path) as exporter:
        for number in range(4):
            exporter.export([_call(1, number, number + 5, "s"), _call(2, number, number + 5)])
        export_batches(path, [[make_log(1, {"session.id": "s"})]])  # so the session stays
        in_new_process(remove_in_process, path, "name GLOB 'chat *'")
        assert read(path, "SELECT count(*) FROM _texts") == [(0,)]
        others = [_call(3, number, number + 5, "other", "other") for number in range(4)]
        later = [
            _call(trace, number, number + 5, session)
            for number in (4, 5, 6)
            for trace, session in ((1, "s"), (2, None))
        ]
        for call in (*others, *later):
            exporter.export([call])
    _check_whole(path, [*others, *later])
    assert read(path, "SELECT count(*) > 3 FROM _spans WHERE texts IS NOT NULL") == [(1,)]


def test_a_session_goes_on_after_its_first_calls_were_removed(path: Path) -> None:
    with exporting(path) as exporter:
        for number in range(4):
            exporter.export([_call(number + 1, number, number + 5, "s")])
        in_new_process(remove_in_process, path, "name IN ('chat 1 0', 'chat 2 1', 'chat 4 3')")
        later = [_call(9, number, number + 5, "s") for number in (4, 5)]
        for call in later:
            exporter.export([call])
    _check_whole(path, [_call(3, 2, 7, "s"), *later])
