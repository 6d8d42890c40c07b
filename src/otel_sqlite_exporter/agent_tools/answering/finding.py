# SPDX-License-Identifier: Apache-2.0
"""`find`: a list of records that match a filter."""

from __future__ import annotations

from functools import partial
from typing import Any

from otel_sqlite_exporter.agent_tools.answering.metric_tools import find_metrics
from otel_sqlite_exporter.agent_tools.answering.record_rows import KINDS, make_rows
from otel_sqlite_exporter.agent_tools.answers import Answer, Json
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import SORTS
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.sql_builder import encode_cursor, read_moment


def find(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return a page of a list."""
    if arguments["of"] == "metrics":
        return find_metrics(asked, arguments)
    kind = KINDS[arguments["of"]]
    sort = arguments["sort"] or "start"
    if sort != "start" and SORTS[sort] not in field_types(kind.view.row_type):
        raise FilterError("sort", f"{arguments['of']} cannot be sorted by {sort}: leave it out")
    filters = read_filters(arguments)
    read = partial(find_page, columns=kind.read_columns)
    page = asked.file.read(read, kind.view, filters, arguments["limit"], arguments["cursor"], True, sort)
    rows = make_rows(kind, page.records, arguments.text_bytes)

    def describe_rest(shown: int) -> Json:
        if sort != "start":
            return {"left_out": f"{len(rows) - shown} rows: raise max_bytes, or narrow the filter"}
        last = page.records[shown - 1]
        row = {column: getattr(last, column) for column in kind.view.order}
        moment = read_moment(kind.view, page.cursor)
        cursor = encode_cursor(kind.view, row, newest_first=True, moment=moment)
        return {"left_out": "more rows: give next_cursor as cursor", "next_cursor": cursor}

    head: Json = {"of": arguments["of"], "total": page.total, "columns": [*kind.columns]}
    return Answer(head, "rows", rows, describe_rest, {"next_cursor": page.cursor} if page.cursor else {})


def read_filters(arguments: ToolArguments) -> dict[str, Any]:
    """Return the keywords of `find_*` for a list that an agent asks for: of calls and tools those that count."""
    counted = {"counted": True} if arguments["of"] in ("calls", "tools") else {}
    return {**counted, **arguments.pick(filter="filter", since="since", until="until")}
