# SPDX-License-Identifier: Apache-2.0
"""The scores that the pages of a session, a trace and a call show."""

from __future__ import annotations

import sqlite3

from otel_sqlite_exporter.query.askable_views import SCORES
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.scored.score_rows import ScoreSummary
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary

_MOST = 20
_MOST_OF_SPAN = 200


def read_scores(connection: sqlite3.Connection, column: str, id: str) -> Page[ScoreSummary]:
    """Return the newest scores of a session or a trace."""
    return find_page(connection, SCORES, {column: id}, _MOST, None, True)


def read_call_scores(connection: sqlite3.Connection, call: LLMInteractionSummary) -> Page[ScoreSummary]:
    """Return the newest scores of a model call: of its span, and of its answer by the id of that."""
    places: list[dict[str, str]] = []
    if call.trace_id is not None and call.span_id is not None:
        places.append({"trace_id": call.trace_id, "span_id": call.span_id})
    if call.response_id is not None:
        places.append({"response_id": call.response_id})
    found: dict[int, ScoreSummary] = {}
    for place in places:
        for score in find_page(connection, SCORES, place, _MOST_OF_SPAN, None, True, with_total=False):
            if score.call_id == call.id or (score.call_id is None and score.response_id == call.response_id):
                found[score.id] = score
    newest = sorted(found.values(), key=lambda score: (-score.start_time_unix_nano, -score.id))
    return Page(ScoreSummary, tuple(newest[:_MOST]), len(newest), None)
