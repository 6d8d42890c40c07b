# SPDX-License-Identifier: Apache-2.0
"""The cursor of an answer whose items are numbered: the number of those before it. Pure."""

from __future__ import annotations

from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import FilterError

_DIGITS = 15


def read_offset(arguments: ToolArguments, count: int) -> int:
    """Return the number of the first item that is asked for, of `count`.

    Raises:
        FilterError: The cursor is none of such an answer.
    """
    cursor = arguments["cursor"]
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= _DIGITS) or int(cursor) > count:
        raise FilterError("cursor", "it is not from an answer about this: give its next_cursor, or leave it out")
    return int(cursor)
