# SPDX-License-Identifier: Apache-2.0
"""Says that traces stand in several parts, which only `compact` puts together."""

from __future__ import annotations

from collections import Counter

from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import MERGED, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.model.plural import count

_COUNT = """
SELECT count(*) FROM (SELECT t.trace_id FROM _traces AS t GROUP BY t.trace_id HAVING count(*) > 1) AS d
"""


def describe_parts(dataset: DatasetFolder) -> str | None:
    """Return a sentence if traces of a dataset stand in several parts: their records are told as each part has them.

    Raises:
        MissingPackageError: DuckDB is not installed.
        DamagedFileError: A manifest cannot be read.
    """
    manifests = read_manifests(dataset)
    days = Counter(manifest.date for manifest in manifests)
    sources = {manifest.source for manifest in manifests}
    if max(days.values(), default=0) < 2 and (len(sources) < 2 or sources == {MERGED}):
        return None
    with open_engine(dataset, texts=[_COUNT]) as engine:
        divided = int(engine.connection.execute(_COUNT).fetchone()[0])
    if not divided:
        return None
    return f"{count(divided, 'trace stands', 'traces stand')} in several parts: run compact {dataset.path}"
