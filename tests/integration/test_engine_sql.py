# SPDX-License-Identifier: Apache-2.0
"""The command `engine-sql`: the place of a dataset in the SQL of an engine. `tests/engines` runs what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_sqlite_exporter.archive.asking.engine_sql import ENGINES, PLACEHOLDER, Engine, render_engine_sql
from tests.commands import run
from tests.conftest import modules_after

PLACES = {
    "duckdb": "'/data/it''s; DROP TABLE spans --/spans/date=",
    "clickhouse": r"'/data/it\'s; DROP TABLE spans --/spans/date=",
    "spark": r"'/data/it\'s; DROP TABLE spans --/spans'",
}
READERS = {
    "s3://bucket/data/": "s3('s3://bucket/data/spans/",
    "GS://bucket": "s3('gs://bucket/spans/",
    "https://host/bucket": "s3('https://host/bucket/spans/",
    "hdfs://host/data": "hdfs('hdfs://host/data/spans/",
    "file:///a%20folder": "file('/a folder/spans/",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_place_is_a_text(engine: Engine) -> None:
    printed = render_engine_sql(engine, "/data/it's; DROP TABLE spans --")
    assert PLACES[engine] in printed
    assert PLACEHOLDER not in printed
    assert PLACEHOLDER in render_engine_sql(engine)


@pytest.mark.parametrize("place", READERS)
def test_clickhouse_reads_a_place_by_the_function_that_lists_its_files(place: str) -> None:
    code, printed, error = run("engine-sql", "clickhouse", "--dataset", place)
    assert (code, error) == (0, "")
    assert f"FROM {READERS[place]}date=*/part-*.parquet'" in printed
    assert PLACEHOLDER not in printed


def test_a_folder_is_that_of_the_command(tmp_path: Path) -> None:
    assert f"path '{tmp_path}/dataset/spans'" in run("engine-sql", "spark", "--dataset", "dataset/", cwd=tmp_path)[1]


def test_a_day_is_loaded_again() -> None:
    code, printed, _ = run("engine-sql", "clickhouse", "--day", "2026-02-01", "--day", "2026-01-31")
    assert code == 0
    assert "DELETE FROM _spans WHERE date IN ('2026-01-31', '2026-02-01');" in printed
    assert "/spans/date={2026-01-31,2026-02-01}/part-*.parquet'" in printed
    assert "CREATE" not in printed


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("clickhouse", "--dataset", "a*b"), "--dataset: '*' has a meaning of its own in patterns of files"),
        (("spark", "--dataset", "s3a://b/{x}"), "--dataset: '{' has a meaning of its own"),
        (("duckdb", "--dataset", "a\nb"), r"--dataset: '\n' has a meaning of its own"),
        (("clickhouse", "--dataset", "a::b"), "--dataset: `::` is a file in an archive to ClickHouse"),
        (("clickhouse", "--dataset", "ftp://host/a"), "--dataset: ClickHouse lists no files there"),
        (("duckdb", "--day", "2026-01-31"), "--in-place and --day are for clickhouse"),
        (("clickhouse", "--in-place", "--day", "2026-01-31"), "give either --in-place or --day"),
        (("clickhouse", "--day", "yesterday"), "'yesterday' does not match the format"),
    ],
)
def test_what_an_engine_would_misread_is_refused(options: tuple[str, ...], reason: str) -> None:
    code, printed, error = run("engine-sql", *options)
    assert (code, printed) == (2, "")
    assert reason in error


def test_no_engine_is_needed() -> None:
    loaded = modules_after("from otel_sqlite_exporter.archive.asking.engine_sql import *; render_engine_sql('duckdb')")
    assert not loaded & {"pyarrow", "duckdb", "chdb", "pyspark", "sqlglot"}
