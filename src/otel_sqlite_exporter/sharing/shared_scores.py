# SPDX-License-Identifier: Apache-2.0
"""What people and programs said of a shared session: the note, and the scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.scored.score_rows import ScoreSummary
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.sharing.masked_file import SharedPart
from otel_sqlite_exporter.show.units import format_number

MOST_SCORES = 500


def read_scores(database: TelemetryDatabase, part: SharedPart) -> Sequence[ScoreSummary]:
    """Return the first scores of a part, in the order in which they were given."""
    if isinstance(part, SessionSummary):
        return database.find_scores(session_id=part.session_id, limit=MOST_SCORES, newest_first=False).records
    return database.find_scores(trace_id=part.trace_id, limit=MOST_SCORES, newest_first=False).records


def tell_marks(part: SharedPart) -> Iterator[tuple[str, str]]:
    """Yield the pin of a part, by its label if it has one, and the note on it, by name."""
    if part.pinned:
        yield "pinned", part.pin_label or "yes"
    if part.note:
        yield "note", part.note


def tell_score(score: ScoreSummary) -> str:
    """Return a score as a line: `Relevance 0.8 pass: it answers`."""
    told = [score.name or "score", None if score.value is None else format_number(score.value), score.label]
    words = " ".join(one for one in told if one)
    return f"{words}: {score.explanation}" if score.explanation else words
