# SPDX-License-Identifier: Apache-2.0
"""What people and programs said of a session, a trace or a call: the pin, the note and scores, for commands that show
one."""

from __future__ import annotations

from typing import Any, NamedTuple

from otel_sqlite_exporter.cli.formatting import Value
from otel_sqlite_exporter.query.conversations.conversation import Conversation
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.scored.score_rows import ScoreSummary
from otel_sqlite_exporter.query.summaries import SessionSummary, TraceSummary
from otel_sqlite_exporter.sharing.shared_scores import tell_score

_MOST = 20


class ShownMarks(NamedTuple):
    """The pin and the note of a session or a trace, and the first scores; `total` counts all scores."""

    of: SessionSummary | TraceSummary | None
    scores: tuple[ScoreSummary, ...] = ()
    total: int = 0

    def tell(self) -> dict[str, Value]:
        """Return the facts to show, by name."""
        more = [f"{self.total - len(self.scores):,} more: `scores` lists them"] if self.total > len(self.scores) else []
        pin = None if self.of is None or not self.of.pinned else self.of.pin_label or "yes"
        scores = "; ".join([*map(tell_score, self.scores), *more]) or None
        return {"pin": pin, "note": None if self.of is None else self.of.note, "scores": scores}

    def to_dict(self) -> dict[str, Any]:
        """Return them for JSON."""
        of = self.of
        marks = {} if of is None else {"pinned": of.pinned, "pin_label": of.pin_label, "note": of.note}
        return {**marks, "scores": [score.to_dict() for score in self.scores]}


def read_marks(database: TelemetryDatabase, of: SessionSummary | TraceSummary) -> ShownMarks:
    """Return what is said of a session or a trace."""
    if not of.scores:
        return ShownMarks(of)
    asked = {"session_id": of.session_id} if isinstance(of, SessionSummary) else {"trace_id": of.trace_id}
    found = database.find_scores(limit=_MOST, newest_first=False, **asked)  # type: ignore[arg-type]
    return ShownMarks(of, found.records, of.scores)


def find_marks(database: TelemetryDatabase, conversation: Conversation) -> ShownMarks:
    """Return what is said of what a conversation is of: a session, a trace, or a span, as of a call or a tool."""
    if conversation.kind == "session":
        return read_marks(database, database.get_session(conversation.id))
    if conversation.kind == "trace":
        return read_marks(database, database.find_traces(filter=f"trace:{conversation.id}").records[0])
    if conversation.kind == "user" or conversation.trace_id is None:
        return ShownMarks(None)
    found = database.find_scores(
        trace_id=conversation.trace_id, filter=f"span:{conversation.id}", limit=_MOST, newest_first=False
    )
    return ShownMarks(None, found.records, found.total or 0)
