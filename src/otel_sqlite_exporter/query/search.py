# SPDX-License-Identifier: Apache-2.0
"""Searches what models and tools were told and what they answered: by the index, as far as that goes, and directly in
what is newer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.search_terms import GRAM, build_match, extract_text, fold, split_terms
from otel_sqlite_exporter.query import askable_views, sql_builder
from otel_sqlite_exporter.query.dataframes import Table
from otel_sqlite_exporter.query.reading import Reading
from otel_sqlite_exporter.sql.texts import read_query

_SCANNED = 1_000
"""Of what is in no index, so many are looked at of each kind: reading one takes 50 us."""
_EXAMINED = 5_000
_CHUNK = 100
_AROUND = 40
_TYPES = {"id": int, "start_time_unix_nano": int, "matches": int}


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A model call (`kind` is `llm`) or a tool execution (`tool`) in which all terms stand. `id` is that of its row in
    the view, `column` where the first term stands, `snippet` the text around it, `matches` how often any of the terms
    stands in all of it, `what` the model or the tool."""

    kind: str
    id: int
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    service_name: str
    start_time_unix_nano: int
    start_time: str
    what: str | None
    column: str
    snippet: str
    matches: int


@dataclass(frozen=True, slots=True)
class SearchResult(Table, Sequence[SearchHit]):
    """What was found, the newest first.

    Attributes:
        total: How many there are; None where more than these were not looked for.
        note: What was not searched, and why; None: everything was.
    """

    hits: tuple[SearchHit, ...]
    total: int | None
    note: str | None

    def __len__(self) -> int:
        """How many are here."""
        return len(self.hits)

    def __getitem__(self, index: Any) -> Any:
        """Return the hit at `index`, or some."""
        return self.hits[index]

    def describe(self) -> str:
        """Return how much of the whole this is: `12 of 30`, or `50 of more`."""
        return f"{len(self.hits):,} of {'more' if self.total is None else f'{self.total:,}'}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each hit by field."""
        return [asdict(hit) for hit in self.hits]

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return, by field, its type and its values."""
        names = SearchHit.__dataclass_fields__
        return {name: (_TYPES.get(name, str), [getattr(hit, name) for hit in self.hits]) for name in names}


class _Searched(NamedTuple):
    name: str
    title: str
    kind: askable_views.Kind[Any]
    query: str
    time: str
    what: str
    columns: tuple[str, str]


_KINDS = (
    _Searched(
        *("llm", "calls", askable_views.LLM_INTERACTIONS, "search_llm_documents"),
        *("request_timestamp", "model", ("prompt", "completion")),
    ),
    _Searched(
        *("tool", "tool executions", askable_views.TOOL_INTERACTIONS, "search_tool_documents"),
        *("start_time", "tool_name", ("arguments", "result")),
    ),
)


def search(reading: Reading, text: str, *, limit: int, criteria: Mapping[str, Any]) -> SearchResult:
    """Return the newest `limit` hits; criteria that only one kind has leave the other out.

    Raises:
        FilterError: The text has no terms, a keyword is not known, or its value cannot be used.
    """
    terms = split_terms(text) if isinstance(text, str) else ()
    if not terms:
        raise FilterError("text", f"{text!r} has nothing to search for: give words, or text in double quotes")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit < 2**31:
        raise FilterError("limit", f"{limit!r} is no number of hits, 1 or more")
    given = {name for name, value in criteria.items() if value is not None}
    searched = [one for one in _KINDS if given <= {*sql_builder.accepted_arguments(one.kind)}] or list(_KINDS)
    match = build_match(terms)
    indexed = _read_indexed(reading)
    hits: list[SearchHit] = []
    notes, is_whole = [], True
    for kind in searched:
        last = indexed.get(kind.name, 0) if match else 0
        rows = _Rows(reading, kind, criteria, terms)
        found = list(islice(rows.scan(last), limit + 1))
        if last and len(found) <= limit:
            found += islice(rows.look_up(match, last), limit + 1 - len(found))
        is_whole = is_whole and len(found) <= limit and rows.is_whole
        if rows.note:
            notes.append(rows.note)
        hits += found
    hits.sort(key=lambda hit: hit.start_time_unix_nano, reverse=True)
    note = _explain(notes, match, indexed)
    return SearchResult(tuple(hits[:limit]), len(hits) if is_whole else None, note)


class _Rows:
    """The rows of one kind that were looked at."""

    def __init__(self, reading: Reading, kind: _Searched, criteria: Mapping[str, Any], terms: Sequence[str]) -> None:
        self._reading = reading
        self._kind = kind
        self._criteria = criteria
        self._terms = terms
        self.is_whole = True
        self.note: str | None = None

    def scan(self, last: int) -> Iterator[SearchHit]:
        """Yield hits among the newest rows that are in no index."""
        newest = sql_builder.build_newest(
            self._kind.kind, self._columns(), self._criteria, after=last, limit=_SCANNED + 1
        )
        rows = self._reading.run(newest)
        if len(rows) > _SCANNED:
            self.is_whole = False
            self.note = f"the newest {_SCANNED:,} {self._kind.title}"
        for row in rows[:_SCANNED]:
            yield from self._check(row)

    def look_up(self, match: str | None, last: int) -> Iterator[SearchHit]:
        """Yield hits that the index knows."""
        found = self._reading.connection.execute(read_query(self._kind.query), {"match": match})
        examined = 0
        while ids := [row["id"] for row in found.fetchmany(_CHUNK)]:
            chosen = orjson.dumps([id for id in ids if id <= last]).decode()
            for row in self._reading.run(
                sql_builder.build_chosen(self._kind.kind, self._columns(), self._criteria, ids=chosen)
            ):
                yield from self._check(row)
            examined += len(ids)
            if examined >= _EXAMINED:
                self.is_whole = False
                return

    def _columns(self) -> tuple[str, ...]:
        own = ("id", "trace_id", "span_id", "session_id", "service_name", "start_time_unix_nano")
        return (*own, self._kind.time, self._kind.what, *self._kind.columns)

    def _check(self, row: Mapping[str, Any]) -> Iterator[SearchHit]:
        texts = {column: extract_text(row[column]) for column in self._kind.columns}
        folded = {column: fold(text) for column, text in texts.items()}
        if not all(any(term in text for text in folded.values()) for term in self._terms):
            return
        column = next(column for column, text in folded.items() if self._terms[0] in text)
        yield SearchHit(
            *(self._kind.name, row["id"], row["trace_id"], row["span_id"], row["session_id"], row["service_name"]),
            *(row["start_time_unix_nano"], row[self._kind.time], row[self._kind.what], column),
            snippet=_cut(texts[column], folded[column].index(self._terms[0]), len(self._terms[0])),
            matches=sum(text.count(term) for term in self._terms for text in folded.values()),
        )


def _cut(text: str, place: int, length: int) -> str:
    begin, end = max(0, place - _AROUND), place + length + _AROUND
    cut = " ".join(text[begin:end].split())
    return f"{'...' if begin else ''}{cut}{'...' if end < len(text) else ''}"


def _read_indexed(reading: Reading) -> dict[str, int]:
    """Return, by kind, the last row that is in the index; nothing where there is none."""
    exists = "SELECT 1 FROM sqlite_schema WHERE name = '_search_documents'"
    if not reading.connection.execute(exists).fetchall():
        return {}
    last: dict[str, int] = reading.connection.execute(read_query("get_last_documents")).fetchone()
    return last


def _explain(notes: Sequence[str], match: str | None, indexed: Mapping[str, int]) -> str | None:
    if not notes:
        return None
    what = f"looked only at {' and '.join(notes)}"
    if match is None:
        return f"{what}: a term of {GRAM} characters or more is found in all by the index"
    if not indexed:
        return f"{what}: the file has no index; `python -m otel_sqlite_exporter index` makes one"
    return f"{what} of those that the index lacks: `python -m otel_sqlite_exporter index` adds them"
