# SPDX-License-Identifier: Apache-2.0
"""Searches prompts, completions, tool arguments and tool results: in the search index, and directly in rows that it
lacks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.search_terms import GRAM, build_match, extract_text, fold, split_terms
from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, TOOL_INTERACTIONS, AskableView, SearchFilter
from otel_sqlite_exporter.query.filter_language.keyword_conditions import read_conditions
from otel_sqlite_exporter.query.notebooks import notebook_rows
from otel_sqlite_exporter.query.pages import ResultTable, read_columns
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import build_newest, check_limit
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.identity import name_command

_SCANNED = 1_000
"""The number of rows outside the index that are read from each view: reading one takes 50 us."""
_EXAMINED = 5_000
_CHUNK = 100
_AROUND = 40


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A model call or tool execution in which all terms occur.

    Attributes:
        kind: `llm` or `tool`.
        id: The id of its row in the view.
        what: The model or the tool.
        column: The column in which the first term occurs.
        snippet: The text around that occurrence.
        matches: The number of occurrences of all terms.
    """

    kind: str
    id: int
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    user_id: str | None
    service_name: str
    start_time_unix_nano: int
    start_time: str
    what: str | None
    column: str
    snippet: str
    matches: int


@dataclass(frozen=True, slots=True)
class SearchResult(ResultTable, Sequence[SearchHit]):
    """The hits of a search, the newest first.

    Attributes:
        total: The number of hits in all; None: the search stopped before it had found them all.
        note: What was not searched, and why; None: everything was searched.
    """

    hits: tuple[SearchHit, ...]
    total: int | None
    note: str | None

    def __len__(self) -> int:
        """Return the number of hits in this result."""
        return len(self.hits)

    def __getitem__(self, index: Any) -> Any:
        """Return the hit at `index`, or the hits of a slice."""
        return self.hits[index]

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the fields of each hit."""
        return [asdict(hit) for hit in self.hits]

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return the type and the values of each field."""
        return read_columns(SearchHit, self.hits)

    def _repr_html_(self) -> str:
        return notebook_rows.show_hits(self.hits, self.describe(), self.note)


class _SearchedView(NamedTuple):
    kind: str
    title: str
    view: AskableView[Any]
    query: str
    time: str
    what: str
    texts: tuple[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a hit is made of."""
        common = ("id", "trace_id", "span_id", "session_id", "user_id", "service_name", "start_time_unix_nano")
        return (*common, self.time, self.what, *self.texts)


_SEARCHED_VIEWS = (
    _SearchedView(
        *("llm", "calls", LLM_INTERACTIONS, "search_llm_documents"),
        *("request_timestamp", "model", ("prompt", "completion")),
    ),
    _SearchedView(
        *("tool", "tool executions", TOOL_INTERACTIONS, "search_tool_documents"),
        *("start_time", "tool_name", ("arguments", "result")),
    ),
)


def search(
    connection: sqlite3.Connection,
    text: str,
    *,
    limit: int,
    filters: Mapping[str, Any],
    kind: str | None = None,
    around: int = _AROUND,
) -> SearchResult:
    """Return the newest `limit` hits, all or those of one `kind`, with so many characters `around` the first term. A
    view that lacks one of the filters is not searched.

    Raises:
        FilterError: The text has no terms, a filter is unknown, or a value cannot be used.
    """
    terms = split_terms(text) if isinstance(text, str) else ()
    if not terms:
        raise FilterError("text", f"{text!r} has nothing to search for: give words, or text in double quotes")
    check_limit(limit)
    given = {name for name, value in filters.items() if value is not None}
    accepted = SearchFilter.__annotations__
    for name in sorted(given - {*accepted}):
        raise FilterError(name, f"a search has no such filter: give {', '.join(accepted)}")
    lacking = [_find_lacking(one.view, filters) for one in _SEARCHED_VIEWS]
    searched = [one for one, names in zip(_SEARCHED_VIEWS, lacking, strict=True) if not names]
    if not searched:
        _refuse_all(filters, *lacking)
    searched = [one for one in searched if kind in (None, one.kind)]
    match = build_match(terms)
    indexed = _read_indexed(connection)
    hits: list[SearchHit] = []
    notes, is_whole = [], True
    for view in searched:
        last = indexed.get(view.kind, 0) if match else 0
        one = _ViewSearch(connection, view, filters, terms, around)
        found = list(islice(one.scan(last), limit + 1))
        if last and len(found) <= limit:
            found += islice(one.look_up(match, last), limit + 1 - len(found))
        is_whole = is_whole and len(found) <= limit and one.is_whole
        if one.note:
            notes.append(one.note)
        hits += found
    hits.sort(key=lambda hit: hit.start_time_unix_nano, reverse=True)
    path = os.fsdecode(connection.execute(read_query("get_file_path")).fetchone()[0])
    note = _explain(notes, match, indexed, f"`{name_command('index', path)}`")
    return SearchResult(tuple(hits[:limit]), len(hits) if is_whole else None, note)


def _find_lacking(view: AskableView[Any], filters: Mapping[str, Any]) -> list[str]:
    """Return the filters, and the fields of the filter text, that this view lacks."""
    names = sorted(name for name, value in filters.items() if value is not None and name not in view.arguments)
    if filters.get("filter") is not None:
        from otel_sqlite_exporter.query.filter_language.filter_compiler import find_missing_fields

        names += find_missing_fields(view, filters["filter"])
    return names


def _refuse_all(filters: Mapping[str, Any], of_tools: Sequence[str], of_calls: Sequence[str]) -> None:
    """Raise the error that neither view has all filters, of which `of_tools` are those that calls lack."""
    if {*of_tools} & {*of_calls}:
        read_conditions(LLM_INTERACTIONS, filters)
    argument = next((name for name in of_tools if name in filters), "filter")
    named, also = ("it" if argument == of_tools[0] else of_tools[0]), ", ".join(of_calls)
    raise FilterError(argument, f"only tool executions have {named}, and only model calls have {also}: leave out one")


class _ViewSearch:
    """The search in one view. `is_whole` turns False, and `note` says why, once rows are left out."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        view: _SearchedView,
        filters: Mapping[str, Any],
        terms: Sequence[str],
        around: int,
    ) -> None:
        self._connection = connection
        self._view = view
        self._filters = filters
        self._terms = terms
        self._around = around
        self.is_whole = True
        self.note: str | None = None

    def scan(self, last: int) -> Iterator[SearchHit]:
        """Yield the hits among the newest rows after `last`, which the index lacks."""
        view = self._view
        newest = build_newest(view.view, view.columns, self._filters, after=last, limit=_SCANNED + 1)
        rows = fetch(self._connection, newest)
        if len(rows) > _SCANNED:
            self.is_whole = False
            self.note = f"the newest {_SCANNED:,} {view.title}"
        for row in rows[:_SCANNED]:
            yield from self._check(row)

    def look_up(self, match: str | None, last: int) -> Iterator[SearchHit]:
        """Yield the hits up to `last` that the index finds. The index may be out of date, so each row is checked."""
        view = self._view
        found = self._connection.execute(read_query(view.query), {"match": match})
        examined = 0
        while ids := [id for (id,) in found.fetchmany(_CHUNK)]:
            among = orjson.dumps([id for id in ids if id <= last]).decode()
            newest = build_newest(view.view, view.columns, self._filters, among=among, limit=_CHUNK)
            for row in fetch(self._connection, newest):
                yield from self._check(row)
            examined += len(ids)
            if examined >= _EXAMINED:
                self.is_whole = False
                return

    def _check(self, row: Mapping[str, Any]) -> Iterator[SearchHit]:
        view = self._view
        texts = {column: extract_text(row[column]) for column in view.texts}
        folded = {column: fold(text) for column, text in texts.items()}
        if not all(any(term in text for text in folded.values()) for term in self._terms):
            return
        column = next(column for column, text in folded.items() if self._terms[0] in text)
        place = folded[column].index(self._terms[0])
        yield SearchHit(
            *(view.kind, row["id"], row["trace_id"], row["span_id"], row["session_id"], row["user_id"]),
            *(row["service_name"], row["start_time_unix_nano"], row[view.time], row[view.what], column),
            snippet=_cut_snippet(texts[column], place, len(self._terms[0]), self._around),
            matches=sum(text.count(term) for term in self._terms for text in folded.values()),
        )


def _cut_snippet(text: str, start: int, length: int, around: int) -> str:
    begin, end = max(0, start - around), start + length + around
    snippet = " ".join(text[begin:end].split())
    return f"{'...' if begin else ''}{snippet}{'...' if end < len(text) else ''}"


def has_index(connection: sqlite3.Connection) -> bool:
    """Return whether the file has a search index."""
    return bool(connection.execute("SELECT 1 FROM sqlite_schema WHERE name = '_search_documents'").fetchall())


def _read_indexed(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the id of the last row in the index, by kind; empty: there is no index."""
    if not has_index(connection):
        return {}
    llm, tool = connection.execute(read_query("get_last_documents")).fetchone()
    return {"llm": llm, "tool": tool}


def _explain(notes: Sequence[str], match: str | None, indexed: Mapping[str, int], command: str) -> str | None:
    if not notes:
        return None
    rows = f"only {' and '.join(notes)} were searched"
    if match is None:
        return f"{rows}, as the index finds only terms of {GRAM} or more characters"
    if not indexed:
        return f"{rows}, as the file has no index: create it with {command}"
    return f"of the rows that the index lacks, {rows}: add the rest with {command}"
