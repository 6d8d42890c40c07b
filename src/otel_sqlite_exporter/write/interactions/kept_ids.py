# SPDX-License-Identifier: Apache-2.0
"""The ids that calls and tools of spans keep when a later version of their span replaces the one in the file.

So the link of a call that runs leads to it also when it has ended. The search index adds the rows that follow its last
one, so a row that it holds gets a new id, and what the later version says is found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.new_tools import RecordKeys
from otel_sqlite_exporter.write.statements import read_json


class KeptIds(NamedTuple):
    """Ids of rows of a table of interactions, by the key of their span."""

    by_span: Mapping[int, int] = MappingProxyType({})

    def find(self, record: RecordKeys) -> int | None:
        """Return the id of the row that this call or execution of a span replaces; None: it gets a new one."""
        if not self.by_span or record.event is not None or record.span is None:
            return None
        return self.by_span.get(record.span)


def find_kept_ids(connection: sqlite3.Connection, spans: Collection[int]) -> tuple[KeptIds, KeptIds]:
    """Return the ids that the calls and the executions of these rows of `_spans` keep, before these are removed."""
    calls, tools = read_json(connection, "find_rows_of_spans", spans=spans)
    last_call = last_tool = 0
    if (calls or tools) and connection.execute(read_query("find_search_index")).fetchone():
        last_call, last_tool = connection.execute(read_query("get_last_documents")).fetchone()
    kept_calls = {span: id for span, id in calls if id > last_call}
    return KeptIds(kept_calls), KeptIds({span: id for span, id in tools if id > last_tool})
