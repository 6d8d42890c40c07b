# SPDX-License-Identifier: Apache-2.0
"""Whether what a file derived from a record is what the rules of this version derive from it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES
from otel_sqlite_exporter.maintain.stored_records import Shown, StoredLog, StoredSpan
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, Interactions, Naming
from otel_sqlite_exporter.write.interaction_batch import make_request

_RESOURCE = "resource:"


def is_span_current(stored: StoredSpan, encoded: EncodedSpan) -> bool:
    """Return whether the file derived from a span what `encoded` holds."""
    own = encoded.own_session
    named = (None, None, None) if own is None else (own.name, own.source, own.rank)
    if stored.own_session[0] != named[0] or (own is not None and stored.own_session[2] is None):
        return False
    if [(phase, stem, mate) for *_, phase, stem, mate, _ in stored.events] != [
        (event.phase, event.stem, event.mate) for event in encoded.events
    ]:
        return False
    places = {event[-1]: place for place, event in enumerate(stored.events)}
    expected = [(None, encoded.interactions), *encoded.record_interactions]
    return (
        _same([[places.get(id), *rest] for id, *rest in stored.llm_interactions], _llm_rows(expected))
        and _same([[places.get(id), *rest] for id, *rest in stored.tool_interactions], _tool_rows(expected))
        and _same(stored.tool_results, encoded.interactions.tool_results)
        and _same(stored.messages, [[place, [*messages]] for place, messages in encoded.record_messages])
    )


def is_log_current(stored: StoredLog, encoded: EncodedLog) -> bool:
    """Return whether the file derived from a log record what `encoded` holds."""
    named = None if encoded.own_session is None else encoded.own_session.name
    told = encoded.interactions
    if told.llm is not None or told.tool is not None:
        told = told._replace(tool_calls=(), tool_results=())  # as it is written
    expected = [(None, told)]
    return (
        (stored.own_session, stored.phase) == (named, encoded.phase)
        and stored.messages == (encoded.messages and [*encoded.messages])
        and _same([[None, *rest] for _, *rest in stored.llm_interactions], _llm_rows(expected))
        and _same([[None, *rest] for _, *rest in stored.tool_interactions], _tool_rows(expected))
        and (
            stored.tool_results is None
            or not Counter(map(_plain, told.tool_results)) - Counter(map(_plain, stored.tool_results))
        )
    )


def is_naming_current(shown: Shown, session_attributes: Sequence[str]) -> bool:
    """Return whether session and user of a trace are named by attributes that name them in this version, of the rank
    that they have now."""
    return _has_rank(shown.session_source, shown.session_rank, session_attributes) and _has_rank(
        shown.user_source, shown.user_rank, USER_ATTRIBUTES
    )


def is_bid_kept(shown: Shown, session: Naming | None) -> bool:
    """Return whether what a record names as its session is no stronger than what its trace shows."""
    return session is None or (shown.session_rank is not None and shown.session_rank <= session.rank)


def _has_rank(source: str | None, rank: int | None, names: Sequence[str]) -> bool:
    if source is None:
        return True
    is_resource = source.startswith(_RESOURCE)
    name = source.removeprefix(_RESOURCE)
    return name in names and rank == names.index(name) + (len(names) if is_resource else 0)


def _llm_rows(expected: Sequence[tuple[int | None, Interactions]]) -> list[list[Any]]:
    return [[place, *one.llm] for place, one in expected if one.llm is not None]


def _tool_rows(expected: Sequence[tuple[int | None, Interactions]]) -> list[list[Any]]:
    rows = []
    for place, one in expected:
        if one.tool is not None:
            rows.append([place, 0, *one.tool])
        if place is None:
            rows += [[None, 1, *make_request(call, one.llm)] for call in one.tool_calls]
    return rows


def _same(stored: Sequence[Sequence[Any]], expected: Sequence[Sequence[Any]]) -> bool:
    # SQLite writes 15 digits of a number into JSON.
    return sorted(map(_plain, stored)) == sorted(map(_plain, expected))


def _plain(row: Sequence[Any]) -> str:
    return repr([f"{value:.12g}" if isinstance(value, float) else value for value in row])
