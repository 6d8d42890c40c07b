# SPDX-License-Identifier: Apache-2.0
"""From the name of a tool and its arguments to the text of its answer, with no protocol. Errors that somebody can do
something about become one sentence."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.agent_tools.answering.compare_tool import compare
from otel_sqlite_exporter.agent_tools.answering.finding import find
from otel_sqlite_exporter.agent_tools.answering.grouped_tools import errors, usage
from otel_sqlite_exporter.agent_tools.answering.item_tool import get_item
from otel_sqlite_exporter.agent_tools.answering.message_tool import get_messages
from otel_sqlite_exporter.agent_tools.answering.overview_tool import overview
from otel_sqlite_exporter.agent_tools.answering.session_tool import get_session
from otel_sqlite_exporter.agent_tools.answering.sql_tools import describe_schema, query_sql
from otel_sqlite_exporter.agent_tools.answering.trace_tool import get_trace
from otel_sqlite_exporter.agent_tools.answering.waiting import WaitState, look, start_waiting
from otel_sqlite_exporter.agent_tools.answers import Answer, cut_text, write_answer
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments, read_arguments
from otel_sqlite_exporter.agent_tools.tool_catalogue import BY_NAME
from otel_sqlite_exporter.error_texts import describe_error
from otel_sqlite_exporter.errors import NotFoundError, SQLiteExporterError
from otel_sqlite_exporter.show.visible_text import escape
from otel_sqlite_exporter.storage.running_reads import reading_for

_log = logging.getLogger(__name__)
_LONGEST_ERROR = 1_500
_LONGEST_S = 40.0
"""Reading that takes longer is given up: clients wait for a minute. A statement of `query_sql` has less."""
_FUNCTIONS: tuple[Callable[[AskedFile, ToolArguments], Answer], ...] = (
    *(overview, find, get_session, get_trace, get_item, get_messages, errors, usage, compare),
    *(describe_schema, query_sql),
)
ANSWERING = {function.__name__: function for function in _FUNCTIONS}
"""By the name of the tool. `wait_for` looks again and again: see `start_waiting`."""


class ToolText(NamedTuple):
    """The text of an answer, or a sentence that says what is wrong and what to do."""

    text: str
    is_error: bool = False


def answer(asked: AskedFile, name: str, given: Mapping[str, Any]) -> ToolText | WaitState:
    """Return the answer of a tool; of `wait_for` the state of a wait that began."""
    try:
        tool = BY_NAME.get(name)
        if tool is None:
            raise NotFoundError(f"there is no tool {name[:60]!r}: the tools are {', '.join(BY_NAME)}")
        arguments = read_arguments(tool, given)
        if name == "wait_for":
            return start_waiting(arguments)
        with reading_for(_LONGEST_S):
            return ToolText(write_answer(ANSWERING[name](asked, arguments), arguments.most_bytes))
    except Exception as error:
        return explain(error, asked)


def look_again(asked: AskedFile, state: WaitState) -> ToolText | None:
    """Return the answer of a wait that is over, or None."""
    try:
        with reading_for(_LONGEST_S):
            found = look(asked, state)
    except Exception as error:
        return explain(error, asked)
    return None if found is None else ToolText(write_answer(found, state.arguments.most_bytes))


def explain(error: Exception, asked: AskedFile) -> ToolText:
    """Return what to do about an error. What is not expected goes to the log too, without recorded values."""
    if isinstance(error, SQLiteExporterError):
        return ToolText(escape(cut_text(str(error), _LONGEST_ERROR), "\n"), True)
    if isinstance(error, (sqlite3.Error, OSError)):
        said = describe_error(error)
        return ToolText(f"{asked.database.path} cannot be read now ({said}): try again, or run `doctor`", True)
    said = describe_error(error)
    _log.error("a tool failed: %s", said)
    return ToolText(f"the tool failed ({said}): report it, and ask in another way", True)
