# SPDX-License-Identifier: Apache-2.0
"""Is the derived data in the file what the rules of this version would derive? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, Interactions
from otel_sqlite_exporter.write.stored.stored_records import StoredLog
from otel_sqlite_exporter.write.stored_spans import ShownNaming, StoredSpan
from otel_sqlite_exporter.write.tool_batch import make_request

_RESOURCE = "resource:"


def is_span_current(stored: StoredSpan, encoded: EncodedSpan) -> bool:
    """Return whether the file has the same derived data of a span as `encoded`."""
    own = encoded.own_session
    if stored.own_session != (None if own is None else own.name):
        return False
    both = (stored.events, encoded.events)
    if [event.phase for event in stored.events] != [event.phase for event in encoded.events]:
        return False
    paired = [[(event.stem, event.mate) for event in events] for events in both]
    if paired[0] != paired[1] and not stored.pairs_with_logs:
        return False
    expected = [(None, encoded.interactions), *encoded.record_interactions]
    return (
        _same([[index, *llm] for index, llm in stored.llm_interactions], _llm_rows(expected))
        and _same(
            [[index, is_request, *tool] for index, is_request, tool in stored.tool_interactions], _tool_rows(expected)
        )
        and _same(stored.tool_results, encoded.interactions.tool_results)
        and _same(stored.messages, encoded.record_messages)
    )


def is_log_current(stored: StoredLog, encoded: EncodedLog) -> bool:
    """Return whether the file has the same derived data of a log record as `encoded`."""
    named = None if encoded.own_session is None else encoded.own_session.name
    interactions = encoded.interactions
    if interactions.llm is not None or interactions.tool is not None:
        interactions = interactions._replace(tool_calls=(), tool_results=())  # as it is written
    expected = [(None, interactions)]
    return (
        (stored.own_session, stored.phase) == (named, encoded.phase)
        and stored.messages == (encoded.messages and [*encoded.messages])
        and _same([[None, *rest] for _, *rest in stored.llm_interactions], _llm_rows(expected))
        and _same([[None, *rest] for _, *rest in stored.tool_interactions], _tool_rows(expected))
        and (
            stored.tool_results is None
            # What has no call id, the records of a span tell together.
            or not Counter(
                _plain(row._replace(asked_digest=None)) for row in interactions.tool_results if row.tool_call_id
            )
            - Counter(map(_plain, stored.tool_results))
        )
    )


def is_naming_current(shown: ShownNaming, session_attributes: Sequence[str]) -> bool:
    """Return whether the attributes that named the session and the user of a trace, and the session of one of its
    records, are sources of this version, with the same rank."""
    return (
        _has_rank(shown.session_source, shown.session_rank, session_attributes)
        and _has_rank(shown.own_source, shown.own_rank, session_attributes)
        and _has_rank(shown.user_source, shown.user_rank, USER_ATTRIBUTES)
    )


def is_session_applied(stored: StoredSpan | StoredLog, encoded: EncodedSpan | EncodedLog) -> bool:
    """Return whether the session of a trace is at least as strong as that which one of its records names, and the file
    has the record under its own session, by a source that is as strong as the record's."""
    shown, own, session = stored.shown, encoded.own_session, encoded.session
    if stored.own_session != (None if own is None else own.name):
        return False
    if own is not None and (shown.own_rank is None or shown.own_rank > own.rank):
        return False
    return session is None or (shown.session_rank is not None and shown.session_rank <= session.rank)


def _has_rank(source: str | None, rank: int | None, names: Sequence[str]) -> bool:
    if source is None:
        return True
    is_resource = source.startswith(_RESOURCE)
    name = source.removeprefix(_RESOURCE)
    return name in names and rank == names.index(name) + (len(names) if is_resource else 0)


def _llm_rows(expected: Sequence[tuple[int | None, Interactions]]) -> list[list[Any]]:
    return [[index, *found.llm] for index, found in expected if found.llm is not None]


def _tool_rows(expected: Sequence[tuple[int | None, Interactions]]) -> list[list[Any]]:
    rows = []
    for index, found in expected:
        if found.tool is not None:
            rows.append([index, 0, *found.tool])
        if index is None:
            rows += [[None, 1, *make_request(call, found.llm)] for call in found.tool_calls]
    return rows


def _same(stored: Sequence[Sequence[Any]], expected: Sequence[Sequence[Any]]) -> bool:
    # SQLite writes 15 digits of a number into JSON.
    return sorted(map(_plain, stored)) == sorted(map(_plain, expected))


def _plain(row: Sequence[Any]) -> str:
    return repr([f"{value:.12g}" if isinstance(value, float) else value for value in row])
