# SPDX-License-Identifier: Apache-2.0
"""A call as one reporter recorded it, as the file has it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.write.interactions.reporters import SPAN

USAGE = (
    *("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "cache_creation_input_tokens"),
    "reasoning_tokens",
)
COST = ("cost_usd", "cost_status")
REALS = ("time_to_first_token_ms", "cost_usd")
"""The facts that are floats."""
OTHER_FACTS = (
    *("operation", "provider", "request_model", "response_model", "response_id", "user_id", "finish_reasons"),
    *("error_type", "time_to_first_token_ms"),
)

SpanId = tuple[int, str]
"""The key of its trace, and the id of a span, which need not be in the file."""


class CallRecord(NamedTuple):
    """A call as one reporter recorded it: a row of queries/write/find_call_twins.sql. Times are in nanoseconds.

    Attributes:
        trace: Key of its trace; 0 for a log record outside of any.
        place: What tells it from others of its time, and depends on no key: the ids of its trace and its span, and
            the content of a log record.
        ordinal: Position among the events of its span.
        session: Key of the session that it shows.
        answer: The beginning of its completion, if another reporter may have recorded the call.
        is_alone: Whether it is the root span of its trace, or a log record outside of any: its reporter did not know
            the context that the application had.
        is_crowded: Whether so many rows of its time name its response that the id does not tell of one call.
        around: Id of the nearest span around it: of a span its parent, of an event or log record its span.
        facts: Its own values of `OTHER_FACTS`, `USAGE` and `COST`; `shown` are those in the file.
    """

    id: int
    service_name: str
    reporter: int
    source: int
    scope_name: str
    trace: int
    span_id: str | None
    place: str
    ordinal: int | None
    is_alone: bool
    around: str | None
    session: int | None
    agent_name: str | None
    start_time_unix_nano: int
    end_time_unix_nano: int
    is_error: bool
    is_repeat: bool
    is_crowded: bool
    twin: int | None
    content_of: int | None
    own_facts: Mapping[str, Any] | None
    has_prompt: bool
    has_completion: bool
    answer: str | None
    shown: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def order(self) -> tuple[Any, ...]:
        """A key that does not depend on the order of arrival, unless two records are equal."""
        times = (self.start_time_unix_nano, -self.end_time_unix_nano)
        return *times, self.source, self.place, self.ordinal or 0, self.id

    @property
    def has_usage(self) -> bool:
        """Whether it reports a number of tokens of its own."""
        return any(self.facts[name] is not None for name in ("input_tokens", "output_tokens", "total_tokens"))

    @property
    def is_moment(self) -> bool:
        """Whether it is an event or log record that reports no duration."""
        return self.source != SPAN and self.start_time_unix_nano == self.end_time_unix_nano


def parse_call_record(row: Mapping[str, Any]) -> CallRecord:
    """Return a row of queries/write/find_call_twins.sql. What a row took from others is taken away again."""
    own = None if row["own_facts"] is None else orjson.loads(row["own_facts"])
    shown = orjson.loads(row["facts"]) | {name: row[name] for name in REALS}
    columns = {
        **row,
        "own_facts": own,
        "shown": shown,
        "facts": shown if own is None else shown | own,
    }
    return CallRecord._make(columns[name] for name in CallRecord._fields)
