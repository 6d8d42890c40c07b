# SPDX-License-Identifier: Apache-2.0
"""`describe_schema` and `query_sql`."""

from __future__ import annotations

import difflib
import sqlite3
from collections.abc import Mapping

from otel_sqlite_exporter.agent_tools.answers import Answer, Json, make_row, shorten
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.sandbox.bounded_statement import run_bounded_statement
from otel_sqlite_exporter.query.sandbox.statement_limits import StatementLimits

_VIEWS = "SELECT name, sql FROM sqlite_schema WHERE type = 'view' AND name NOT GLOB '_*' ORDER BY name"
_SQL_TYPES = {str: "TEXT", int: "INTEGER", float: "REAL"}
_TYPES: Mapping[str, Mapping[str, type]] = {view.name: field_types(view.row_type) for view in ASKABLE_VIEWS}
_ORDERS: Mapping[str, str] = {view.name: view.order[0] for view in ASKABLE_VIEWS}
_NOTES = (
    "times are integers: nanoseconds since 1970, UTC; attributes are JSON: attributes ->> '$.\"http.route\"'",
    "WHERE counted leaves out calls and tools that repeat others; sum() of tokens may overflow: total() does not",
)


def describe_schema(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return the public views of the file as DDL with comments: all in brief, or some in full."""
    views = asked.file.read(_read_views)
    wanted = arguments["views"]
    for name in wanted or ():
        if name not in views:
            close = difflib.get_close_matches(name, views, n=3) or list(views)
            raise NotFoundError(f"there is no view {name[:60]!r}: give {' or '.join(close)}")
    if wanted is None:
        texts = [_describe_briefly(name, *views[name]) for name in views]
        hint = "for types and meanings: describe_schema with views"
    else:
        texts = [_describe(name, *views[name]) for name in dict.fromkeys(wanted)]
        hint = ""
    head: Json = {"notes": [*_NOTES, *([hint] if hint else [])]}
    return Answer(head, "views", texts, lambda shown: {"left_out": f"{len(texts) - shown} views: name them in views"})


def query_sql(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return the rows of one SELECT."""
    size = arguments.most_bytes
    limits = StatementLimits(arguments["timeout_s"], arguments["limit"], row_bytes=size, answer_bytes=4 * size)
    parameters = arguments["parameters"] or {}
    result = run_bounded_statement(
        asked.file.path, arguments["sql"], parameters, limits, busy_timeout_ms=asked.busy_timeout_ms
    )
    text_bytes = max(size // 12 // max(len(result.columns), 1), 40)
    rows = [make_row(row, max(text_bytes, arguments.text_bytes)) for row in result.rows]

    def describe_rest(shown: int) -> Json:
        known = f"{len(rows) - shown}{'' if result.total is not None else ' or more'} rows"
        return {"left_out": f"{known}: select less, add LIMIT and OFFSET, or raise max_bytes"}

    columns = [shorten(column, 80) for column in result.columns]
    tail: Json = describe_rest(len(rows)) if result.truncated else {}
    return Answer({"columns": columns}, "rows", rows, describe_rest, tail)


def _read_views(connection: sqlite3.Connection) -> dict[str, tuple[str, list[str]]]:
    """Return the comment and the columns of each public view."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, sql in connection.execute(_VIEWS).fetchall():
        comment = " ".join(line[3:] for line in sql.splitlines() if line.startswith("-- "))
        columns = [column for column, *_ in connection.execute(f'SELECT * FROM "{name}" LIMIT 0').description]
        found[name] = (comment, columns)
    return found


def _describe_briefly(name: str, comment: str, columns: list[str]) -> str:
    first, _, _ = comment.partition(". ")
    return f"CREATE VIEW {name} ({', '.join(columns)}); -- {first[:160]}"


def _describe(name: str, comment: str, columns: list[str]) -> str:
    types = _TYPES.get(name, {})
    typed = [f"{column} {_SQL_TYPES[types[column]]}" if column in types else column for column in columns]
    index = f" Indexed by {_ORDERS[name]}." if name in _ORDERS else ""
    return f"-- {comment}{index}\nCREATE VIEW {name} ({', '.join(typed)});"
