# SPDX-License-Identifier: Apache-2.0
"""Encodes data points of another file by the settings in force: their series name sessions and users as these say, and
what must be masked is. Points themselves stay as they are."""

from __future__ import annotations

from typing import Any, NamedTuple

from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.encode.metric_encoding.point_numbers import read_number
from otel_sqlite_exporter.encode.resources import digest_row
from otel_sqlite_exporter.imports.merging.source_points import SourcePoint, SourceSeries
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint, EncodedSeries, ExemplarRow
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.model.values import EncodedAttributes, decode_value
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.settings import Settings


class _CopiedSeries(NamedTuple):
    """A series, and a point without numbers that has what its points share."""

    series: EncodedSeries
    point: PointFields


class PointCopier:
    """Encodes for the file of `settings`, redacted as these say."""

    def __init__(self, settings: Settings) -> None:
        self._redactor = make_span_redactor(settings)
        self._encoder = PointEncoder(settings.session_attributes)
        self._series: dict[str, _CopiedSeries] = {}
        # One object for each, as encoding and redaction cache them by identity.
        self._instruments: dict[str, InstrumentFields] = {}
        self._resources: dict[str, ResourceFields] = {}
        self._scopes: dict[str, ScopeFields] = {}

    def copy_point(self, point: SourcePoint) -> EncodedPoint:
        """Return a point encoded.

        Raises:
            ValueError, TypeError: A value of a damaged source cannot be read.
        """
        series, template = self._copy_series(point.series)
        exemplars = point.exemplars
        if exemplars and self._redactor is not None:
            fields = template._replace(exemplars=[*map(_decode_exemplar, exemplars)])
            exemplars = self._encoder.encode_point(self._redactor.redact_point(fields), 1).exemplars
        return EncodedPoint(series, point.row, point.bounds, exemplars, 0)

    def _copy_series(self, series: SourceSeries) -> _CopiedSeries:
        copied = self._series.get(series.row.digest)
        if copied is None:
            template = self._decode(series)
            copied = _CopiedSeries(self._encode(series, template), template)
            remember(self._series, series.row.digest, copied)
        return copied

    def _encode(self, series: SourceSeries, template: PointFields) -> EncodedSeries:
        if self._redactor is not None:
            return self._encoder.encode_point(self._redactor.redact_point(template), 1).series
        named = self._encoder.encode_point(template, 1).series.row
        row, instrument, resource = series.row, series.instrument, series.resource
        if (named.session_id, named.user_id) != (row.session_id, row.user_id):
            attributes = EncodedAttributes(row.attributes, row.attribute_types, 0)
            names = named.session_id, named.user_id
            digest = digest_row(attributes, instrument.digest, resource.digest, *names)
            row = row._replace(digest=digest, session_id=names[0], user_id=names[1])
        return EncodedSeries(row, instrument, resource, series.scope)

    def _decode(self, series: SourceSeries) -> PointFields:
        instrument, scope = series.instrument, series.scope
        if instrument.digest not in self._instruments:
            is_monotonic = None if instrument.is_monotonic is None else bool(instrument.is_monotonic)
            metadata = _decode(instrument.metadata, instrument.metadata_types)
            texts = instrument.name, instrument.description, instrument.unit, instrument.kind
            fields = InstrumentFields(*texts, instrument.temporality, is_monotonic, metadata)
            remember(self._instruments, instrument.digest, fields)
        attributes = _decode(series.row.attributes, series.row.attribute_types)
        return PointFields(
            self._instruments[instrument.digest],
            attributes,
            0,
            1,
            0,
            None,
            None,
            (),
            self._find_resource(series.resource),
            None if scope is None else self._find_scope(scope),
        )

    def _find_resource(self, row: ResourceRow) -> ResourceFields:
        if row.digest not in self._resources:
            fields = ResourceFields(_decode(row.attributes, row.attribute_types), row.schema_url)
            remember(self._resources, row.digest, fields)
        return self._resources[row.digest]

    def _find_scope(self, row: ScopeRow) -> ScopeFields:
        if row.digest not in self._scopes:
            attributes = _decode(row.attributes, row.attribute_types)
            remember(self._scopes, row.digest, ScopeFields(row.name, row.version, row.schema_url, attributes))
        return self._scopes[row.digest]


def _decode_exemplar(row: ExemplarRow) -> ExemplarFields:
    trace_id, span_id = (0 if text is None else int(text, 16) for text in (row.trace_id, row.span_id))
    value = None if row.value is None else read_number(row.value)
    return ExemplarFields(value, row.time_unix_nano, trace_id, span_id, _decode(row.attributes, row.attribute_types))


def _decode(text: str, types: str | None) -> dict[Any, Any]:
    attributes: dict[Any, Any] = decode_value(text, types, restore_keys=True)
    return attributes
