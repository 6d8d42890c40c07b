# SPDX-License-Identifier: Apache-2.0
"""Files with data points of metrics, written by the encoder and the writer of the package."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    GAUGE,
    HISTOGRAM,
    SUM,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, MetricSeriesResult, SeriesPoint
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.migrations import migrate
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.writer import Writer
from tests.new_files import put_new_file

SECOND = 10**9
EPOCH = 1_700_000_040 * SECOND
"""The full minute in which the points of tests begin."""
_SCOPE = ScopeFields("tests")


def at(seconds: float) -> int:
    """That many seconds after `EPOCH`, in nanoseconds since 1970."""
    return EPOCH + round(seconds * SECOND)


def make_point(
    instrument: InstrumentFields,
    time: float,
    value: Any = None,
    *,
    start: float | None = None,
    attributes: Mapping[str, Any] | None = None,
    service: str = "shop",
    resource: Mapping[str, Any] | None = None,
    distribution: DistributionFields | None = None,
    exemplars: Iterable[ExemplarFields] = (),
    flags: int = 0,
) -> PointFields:
    """A point; times are seconds after `EPOCH`. Without a start, that is unknown."""
    return PointFields(
        instrument,
        attributes or {},
        0 if start is None else at(start),
        at(time),
        flags,
        value,
        distribution,
        tuple(exemplars),
        ResourceFields({"service.name": service, **(resource or {})}),
        _SCOPE,
    )


def counter(name: str = "requests", temporality: str | None = CUMULATIVE, **fields: Any) -> InstrumentFields:
    """A monotonic sum."""
    return InstrumentFields(name, unit="{request}", kind=SUM, temporality=temporality, is_monotonic=True)._replace(
        **fields
    )


def gauge(name: str = "temperature", **fields: Any) -> InstrumentFields:
    """A gauge."""
    return InstrumentFields(name, unit="Cel", kind=GAUGE)._replace(**fields)


def histogram(name: str = "duration", temporality: str = CUMULATIVE, **fields: Any) -> InstrumentFields:
    """A histogram in seconds."""
    return InstrumentFields(name, unit="s", kind=HISTOGRAM, temporality=temporality)._replace(**fields)


def write_points(path: Path | str, *batches: Iterable[PointFields]) -> None:
    """Write points into a file, a batch after the other."""
    settings = resolve_settings(str(path))
    put_new_file(Path(path))
    migrate(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    encoder = PointEncoder(settings.session_attributes)
    connection = open_writer(settings.path, synchronous="normal", busy_timeout_ms=settings.busy_timeout_ms)
    try:
        writer, run = Writer(connection, settings), Run.begin("metrics", settings)
        for batch in batches:
            points = [encoder.encode_point(fields, EPOCH) for fields in batch]
            writer.write(Records(points=points), run)
    finally:
        connection.close()


def ask(path: Path | str, name: str, **keywords: Any) -> MetricSeriesResult:
    """The series of a metric."""
    return TelemetryDatabase(path).get_metric_series(name, **keywords)


def list_buckets(line: MetricLine) -> list[list[tuple[Any, ...]]]:
    """The buckets of each step: lower and upper bound, and count."""
    found = []
    for point in line.points:
        assert isinstance(point, SeriesPoint)
        found.append([(bucket.lower, bucket.upper, bucket.count) for bucket in point.buckets or ()])
    return found


@contextmanager
def new_file() -> Iterator[Path]:
    """The path of a file that is not there yet, and is removed at the end."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder / "otel.db"
    finally:
        shutil.rmtree(folder)
