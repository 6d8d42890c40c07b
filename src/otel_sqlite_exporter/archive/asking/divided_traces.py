# SPDX-License-Identifier: Apache-2.0
"""Says that traces stand in several parts, which only `compact` puts together."""

from __future__ import annotations

from collections import Counter

from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import MERGED, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.sql.texts import read_engine_text


def describe_parts(dataset: DatasetFolder) -> str | None:
    """Return a sentence if traces of a dataset stand in several parts: views show their records once for each part.

    Raises:
        MissingPackageError: DuckDB is not installed.
        DamagedFileError: A manifest cannot be read.
    """
    manifests = read_manifests(dataset)
    days = Counter(manifest.date for manifest in manifests)
    sources = {manifest.source for manifest in manifests}
    if max(days.values(), default=0) < 2 and (len(sources) < 2 or sources == {MERGED}):
        return None
    sql = read_engine_text("duckdb", "asking", "count_divided_traces")
    with open_engine(dataset, texts=[sql]) as engine:
        divided = int(engine.connection.execute(sql).fetchone()[0])
    if not divided:
        return None
    return f"{count(divided, 'trace stands', 'traces stand')} in several parts: run compact {dataset.path}"
