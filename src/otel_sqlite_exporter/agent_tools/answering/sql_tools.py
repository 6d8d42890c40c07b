# SPDX-License-Identifier: Apache-2.0
"""`describe_schema` and `query_sql`."""

from __future__ import annotations

import difflib

from otel_sqlite_exporter.agent_tools.answers import Answer, Json, make_row, shorten
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.sandbox.bounded_statement import run_bounded_statement
from otel_sqlite_exporter.query.sandbox.statement_limits import StatementLimits
from otel_sqlite_exporter.query.sandbox.view_descriptions import WRITING_NOTES, ViewDescription, describe_views


def describe_schema(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return the public views of the file as DDL with comments: all in brief, or some in full."""
    views = asked.file.read(describe_views)
    wanted = arguments["views"]
    for name in wanted or ():
        if name not in views:
            close = difflib.get_close_matches(name, views, n=3) or list(views)
            raise NotFoundError(f"there is no view {name[:60]!r}: give {' or '.join(close)}")
    if wanted is None:
        texts = [_describe_briefly(view) for view in views.values()]
        hint = "for types and meanings: describe_schema with views"
    else:
        texts = [_describe(views[name]) for name in dict.fromkeys(wanted)]
        hint = ""
    head: Json = {"notes": [*WRITING_NOTES, *([hint] if hint else [])]}
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


def _describe_briefly(view: ViewDescription) -> str:
    first, _, _ = view.comment.partition(". ")
    return f"CREATE VIEW {view.name} ({', '.join(name for name, _ in view.columns)}); -- {first[:160]}"


def _describe(view: ViewDescription) -> str:
    typed = [f"{name} {type_}".rstrip() for name, type_ in view.columns]
    index = f" Indexed by {view.order}." if view.order else ""
    return f"-- {view.comment}{index}\nCREATE VIEW {view.name} ({', '.join(typed)});"
