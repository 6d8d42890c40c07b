# SPDX-License-Identifier: Apache-2.0
"""The views of a dataset in an engine: their order, and the relations over the parts that they read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES, DatasetTable
from otel_sqlite_exporter.archive.dataset_format.manifests import Part
from otel_sqlite_exporter.sql.texts import read_engine_text

ENGINE_VIEWS = (
    *("spans", "events", "links", "logs", "complete_llm_interactions", "complete_tool_interactions", "errors"),
    *("agent_tree", "_valid_marks", "traces", "_session_sums", "_score_means", "sessions", "agents", "scores"),
    *("marks", "usage", "kept_usage", "days", "session_conflicts", "framework_events", "security_alerts"),
    *("_linked_records", "link_health", "link_health_by_day", "span_times", "log_times", "metric_points"),
    *("exemplars", "_metric_services", "metrics", "_agent_metrics", "_agent_types", "_agent_points", "agent_usage"),
    "row_counts",
)
"""The views that are the same in every engine, each after those that it reads. `_TABLE` are the rows of a table."""
_TYPES = {"text": "VARCHAR", "int": "BIGINT", "real": "DOUBLE"}
_NAME = re.compile(r"\w+")


def build_table_view(table: DatasetTable, paths: Sequence[str]) -> str:
    """Return the DuckDB statement that makes `_TABLE` of the parts at these absolute paths."""
    if paths:
        files = ", ".join(map(quote, paths))
        columns = ", ".join(f'"{name}"' for name in (*table.columns, "date"))
        # The date is also in the path, by which whole parts are passed over.
        source = f"read_parquet([{files}], hive_partitioning = true, hive_types_autocast = false)"
        return f"CREATE OR REPLACE VIEW _{table.name} AS SELECT {columns} FROM {source}"
    return f"CREATE OR REPLACE VIEW _{table.name} AS SELECT {list_nulls(table)} WHERE 1 = 0"


def list_nulls(table: DatasetTable) -> str:
    """Return SQL for one NULL for each column of a table, and for `date`, with their names and types."""
    types = {**table.columns, "date": "text"}
    return ", ".join(f'CAST(NULL AS {_TYPES[type]}) AS "{name}"' for name, type in types.items())


def build_parts_view(parts: Iterable[tuple[str, Part]]) -> str:
    """Return the DuckDB statement that makes `_parts`: the day, the table, the rows and the bytes of each part."""
    rows = ", ".join(f"({quote(date)}, {quote(part.table)}, {part.rows}, {part.bytes})" for date, part in parts)
    if not rows:
        return "CREATE VIEW _parts AS SELECT '' AS date, '' AS \"table\", 0 AS rows, 0 AS bytes WHERE 1 = 0"
    columns = 'p.date, p."table", p.rows, p.bytes'
    return f'CREATE VIEW _parts AS SELECT {columns} FROM (VALUES {rows}) AS p (date, "table", rows, bytes)'


def find_needed(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names of tables and of views, in order, that these texts may read: a name that occurs counts."""
    wanted = {name.lower() for text in texts for name in _NAME.findall(text)}
    views = []
    for view in reversed(ENGINE_VIEWS):
        if view in wanted:
            views.append(view)
            wanted |= _find_names(view)
    return [name for name in TABLES if f"_{name}" in wanted], views[::-1]


@cache
def _find_names(view: str) -> frozenset[str]:
    return frozenset(_NAME.findall(read_engine_text("duckdb", "views", view)))


def quote(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
