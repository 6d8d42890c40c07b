# SPDX-License-Identifier: Apache-2.0
"""The tables of a dataset in the words of each engine: what its views read.

The text names the dataset `/path/to/dataset`, which `engine-sql` replaces.
"""

from __future__ import annotations

from collections.abc import Iterable

from otel_sqlite_exporter.archive.dataset_format.dataset_tables import SPANS, TABLES, DatasetTable

_DATASET = "/path/to/dataset"
_SPARK_TYPES = {"text": "STRING", "int": "BIGINT", "real": "DOUBLE"}
_CLICKHOUSE_TYPES = {"text": "String", "int": "Int64", "real": "Float64"}
_INDENT = "\n  "

_KEYS = {
    "spans": ("service_name", "name", "start_time_unix_nano", "id"),
    "events": ("start_time_unix_nano", "id"),
    "links": ("trace_id", "_span", "ordinal"),
    "logs": ("service_name", "start_time_unix_nano", "id"),
    "llm_interactions": ("start_time_unix_nano", "id"),
    "tool_interactions": ("start_time_unix_nano", "id"),
    "errors": ("start_time_unix_nano", "id", "source"),
    "agent_tree": ("start_time_unix_nano", "trace_id", "span_id", "name"),
    "scores": ("start_time_unix_nano", "id"),
    "traces": ("trace_id",),
    "trace_sessions": ("session_id", "trace_id", "own_session_id"),
    "agents": ("service_name", "agent_name", "trace_id", "session_id"),
    "marks": ("time_unix_nano", "kind", "session_id", "trace_id"),
    "metrics": ("name", "service_name", "series_id", "time_unix_nano", "start_time_unix_nano"),
    "exemplars": ("name", "series_id", "point_time_unix_nano", "point_start_time_unix_nano", "ordinal"),
    "sessions": ("session_id",),
    "usage": (
        *("call_date", "service_name", "provider", "operation", "request_model", "response_model", "agent_name"),
        *("user_id", "is_aggregate"),
    ),
}
"""By what ClickHouse sorts, for the questions that people ask, up to what tells the rows of one part apart."""
_DISTINCT = dict.fromkeys(("trace_sessions", "agents", "sessions", "usage"), ("date",))
"""What the keys of these tables need besides, as a partition holds many days."""
_MAY_LACK = {
    "trace_sessions": _KEYS["trace_sessions"],
    "agents": _KEYS["agents"],
    "marks": ("session_id", "trace_id"),
    "metrics": ("start_time_unix_nano",),
    "exemplars": ("point_start_time_unix_nano",),
    "sessions": _KEYS["sessions"],
    "usage": _KEYS["usage"],
}
"""The columns of keys that a row may lack, by table. Columns that are in no key may be NULL."""
_FEW_VALUES = frozenset(
    (
        *("service_name", "name", "kind", "status", "status_code", "start_time_source", "end_time_source", "source"),
        *("scope_name", "scope_version", "scope_schema_url", "scope_attributes", "scope_attribute_types"),
        *("resource_schema_url", "resource_attributes", "resource_attribute_types", "phase", "time_source"),
        *("link_method", "event_name", "severity_text", "agent_name", "operation", "provider", "request_model"),
        *("response_model", "model", "finish_reasons", "error_type", "cost_status", "dialect", "price_source"),
        *("price_date", "tool_name", "tool_type", "session_source", "unit", "temporality", "value_type", "change"),
        *("label", "call_date", "trace_state", "description", "_user_source", "root_service_name"),
        *("first_log_service_name",),
    )
)
"""Texts that repeat so much that ClickHouse keeps them in a dictionary."""
_CONTENT = frozenset(("attributes", "prompt", "completion", "_combined_attributes", "body", "arguments", "result"))
_COMBINED = "_combined_attributes"
"""In ClickHouse, it also holds the attributes of the span `_span`, which the parts have once: it would make such a join
for each question."""
_ASKED_IDS = {"trace_id": 0.001, "session_id": 0.01}
"""Ids that people ask for, with the share of granules that the index reads in vain."""
_CLICKHOUSE_HEAD = """\
-- ClickHouse: the tables of a dataset. Run it in a database of its own; the views are made in the same one. Its name
-- has more than one letter, as ClickHouse would take it for that of a table in a view.
-- A partition is a month: with more than about 100,000,000 spans a day, replace toYYYYMM(date) by date.
-- Of rows with the same key, that of the latest generation stays once ClickHouse has merged its parts. Until then,
-- a row that was loaded twice is there twice: SET final = 1 asks exactly.
"""
_SORTED_JOIN = "\nSETTINGS join_algorithm = 'full_sorting_merge'"
"""Spans that do not fit in memory are sorted on disk."""
_LOAD_HEAD = """\
-- ClickHouse: load the rows of a dataset into its tables. Run `compact` first: ClickHouse reads all Parquet files below
-- the folder, and does not follow manifests.
"""
_IN_PLACE_HEAD = """\
-- ClickHouse: read the Parquet files of a dataset where they are, without tables. Run `compact` first: ClickHouse reads
-- all files below the folder, and does not follow manifests.
"""
_DUCKDB_HEAD = """\
-- DuckDB: the tables of a dataset, as all Parquet files below its folder. Run `compact` first: DuckDB does not follow
-- manifests.
"""
_SPARK_HEAD = """\
-- Spark: the tables of a dataset, as all Parquet files below its folder. Run `compact` first: Spark does not follow
-- manifests.
"""


def render_duckdb_tables() -> str:
    """Return the views of DuckDB over the files of each table."""
    views = (
        f"CREATE OR REPLACE VIEW _{table.name} AS\nSELECT {_list(table.columns)}, date\n"
        f"FROM read_parquet({_glob(table)}, hive_partitioning = true, hive_types = {{'date': VARCHAR}});\n"
        for table in TABLES.values()
    )
    return _DUCKDB_HEAD + "".join(views)


def render_spark_tables() -> str:
    """Return the views of Spark over the folder of each table."""
    return _SPARK_HEAD + "".join(
        f"CREATE OR REPLACE TEMPORARY VIEW _{table.name} (\n  "
        + f",{_INDENT}".join([f"{name} {_SPARK_TYPES[type]}" for name, type in table.columns.items()] + ["date STRING"])
        + f"\n) USING parquet OPTIONS (path '{_DATASET}/{table.name}');\n"
        for table in TABLES.values()
    )


def render_clickhouse_tables() -> str:
    """Return the tables of ClickHouse."""
    return _CLICKHOUSE_HEAD + "".join(_make_clickhouse_table(table) for table in TABLES.values())


def render_clickhouse_load() -> str:
    """Return what fills the tables of ClickHouse from the files of each table."""
    generation = "toUInt32OrZero(extract(_file, '^part-[^-]*-([0-9]+)'))"
    source = "extract(_file, '^part-([^-]*)-')"
    return _LOAD_HEAD + "".join(
        f"INSERT INTO _{table.name} ({_list(table.columns)}, date, part_source, generation)\n"
        f"SELECT {_list(_choose_columns(table))}, date, {source}, {generation}\nFROM {_read_files(table)}"
        f"{_join_spans(table)}{_SORTED_JOIN if _COMBINED in table.columns else ''};\n"
        for table in TABLES.values()
    )


def render_clickhouse_in_place() -> str:
    """Return the views of ClickHouse over the files of each table."""
    return _IN_PLACE_HEAD + "".join(
        f"CREATE OR REPLACE VIEW _{table.name} AS\nSELECT {_list(_choose_columns(table))}, date\n"
        f"FROM {_read_files(table)}{_join_spans(table)};\n"
        for table in TABLES.values()
    )


def _make_clickhouse_table(table: DatasetTable) -> str:
    key = _KEYS[table.name]
    lines = [_declare(table, name, type) for name, type in table.columns.items()]
    lines += ["date Date", "part_source LowCardinality(String)", "generation UInt32"]
    lines += [
        f"INDEX by_{name} {name} TYPE bloom_filter({share}) GRANULARITY 1"
        for name, share in _ASKED_IDS.items()
        if name in table.columns and name != key[0]
    ]
    settings = "" if all(_is_always(table, name) for name in key) else "\nSETTINGS allow_nullable_key = 1"
    order = ", ".join((*key, *_DISTINCT.get(table.name, ()), "part_source"))
    return (
        f"CREATE TABLE IF NOT EXISTS _{table.name} (\n  {f',{_INDENT}'.join(lines)}\n)\n"
        f"ENGINE = ReplacingMergeTree(generation)\nPARTITION BY toYYYYMM(date)\nORDER BY ({order}){settings};\n"
    )


def _declare(table: DatasetTable, name: str, type: str) -> str:
    kind = _CLICKHOUSE_TYPES[type]
    if not _is_always(table, name):
        kind = f"Nullable({kind})"
    if name in _FEW_VALUES:
        kind = f"LowCardinality({kind})"
        return f"{name} {kind}"
    level = 3 if name in _CONTENT else 1
    delta = "Delta, " if type == "int" and (name.endswith("unix_nano") or name.endswith("id")) else ""
    return f"{name} {kind} CODEC({delta}ZSTD({level}))"


def _is_always(table: DatasetTable, name: str) -> bool:
    return name in _KEYS[table.name] and name not in _MAY_LACK.get(table.name, ())


def _choose_columns(table: DatasetTable) -> list[str]:
    whole = f"coalesce(c.{_COMBINED}, s.span_attributes) AS {_COMBINED}"
    return [whole if name == _COMBINED else name for name in table.columns]


def _join_spans(table: DatasetTable) -> str:
    if _COMBINED not in table.columns:
        return ""
    spans = DatasetTable("spans", {name: SPANS.columns[name] for name in ("id", "attributes")}, ())
    chosen = f"SELECT id AS joined_span, attributes AS span_attributes FROM {_read_files(spans)}"
    return f" AS c\nLEFT ANY JOIN ({chosen}) AS s ON s.joined_span = c._span"


def _read_files(table: DatasetTable) -> str:
    columns = (f"{name} Nullable({_CLICKHOUSE_TYPES[type]})" for name, type in table.columns.items())
    return f"file({_glob(table)}, 'Parquet',\n  '{', '.join(columns)}, date String')"


def _glob(table: DatasetTable) -> str:
    return f"'{_DATASET}/{table.name}/date=*/part-*.parquet'"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
