# SPDX-License-Identifier: Apache-2.0
"""Encodes instruments and series as rows. Pure, except for caches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.encode.resources import EncodedOrigin, OriginEncoder, digest_row, encode_sorted
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, find_naming, plan_naming
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedSeries, InstrumentRow, SeriesRow
from otel_sqlite_exporter.model.metric_records.metric_signals import KINDS, TEMPORALITIES, InstrumentFields, PointFields
from otel_sqlite_exporter.model.values import copy_attributes, repair_text

_MOST_SERIES = 32_768


class _CachedSeries(NamedTuple):
    """A series, its attributes as they were, and the object that they came in, so that its identity is valid."""

    series: EncodedSeries
    attributes: dict[Any, Any]
    kept_alive: Any


class _Family(NamedTuple):
    """The series of an instrument, a resource and a scope, by the identities of their attributes."""

    instrument: InstrumentFields
    resource: Any
    scope: Any
    series: dict[int, _CachedSeries]


class SeriesEncoder:
    """Encodes what the points of a series share, for one exporter. Thread-safe.

    Args:
        session_attributes: Names of attributes that name a session, the strongest first.
        keeps_attributes: Whether the points of a series come with one object of attributes each time, as those of the
            SDK do.
    """

    def __init__(self, session_attributes: Sequence[str], *, keeps_attributes: bool = False) -> None:
        self._session_attributes = tuple(session_attributes)
        self._origins = OriginEncoder(session_attributes)
        self._keeps_attributes = keeps_attributes
        self._instruments: dict[Any, tuple[InstrumentRow, Any]] = {}
        self._series: dict[Any, EncodedSeries] = {}
        self._families: dict[Any, _Family] = {}
        self._last = _Family(InstrumentFields(""), None, None, {})
        self._cached = 0

    def encode(self, point: PointFields) -> tuple[EncodedSeries, int]:
        """Return the rows of the series of a point, and the number of repaired values (0 if they come from the
        cache)."""
        attributes = point.attributes
        if not self._keeps_attributes:
            return self._encode(point, copy_attributes(attributes))
        family = self._last
        if (
            point.instrument is not family.instrument
            or point.resource is not family.resource
            or point.scope is not family.scope
        ):
            family = self._last = self._find_family(point)
        cached = family.series.get(id(attributes))
        if cached is not None and cached.attributes == attributes:
            return cached.series, 0
        copied = copy_attributes(attributes)
        series, repaired = self._encode(point, copied)
        self._cached += 1
        family.series[id(attributes)] = _CachedSeries(series, copied, attributes)
        return series, repaired

    def _forget(self) -> None:
        self._cached = 0
        self._series.clear()
        for family in list(self._families.values()):
            family.series.clear()
        self._families.clear()
        self._last.series.clear()

    def _find_family(self, point: PointFields) -> _Family:
        """Return the family of a point. Its instrument may come as another object each time."""
        key = (id(point.resource), id(point.scope), *map(str, point.instrument))
        known = self._families.get(key)
        series = {} if known is None else known.series
        family = self._families[key] = _Family(point.instrument, point.resource, point.scope, series)
        return family

    def _encode(self, point: PointFields, attributes: dict[Any, Any]) -> tuple[EncodedSeries, int]:
        if max(self._cached, len(self._series)) >= _MOST_SERIES:
            self._forget()
        origin, bad_origin = self._origins.encode(point.resource, point.scope)
        instrument, bad_instrument = self._encode_instrument(point.instrument, origin)
        encoded = encode_sorted(attributes)
        repaired = bad_origin + bad_instrument + encoded.repaired
        key = (encoded.text, encoded.types, instrument.digest, origin.resource.digest)
        series = self._series.get(key)
        if series is None:
            session, user = self._find_names(attributes, origin)
            digest = digest_row(encoded, instrument.digest, origin.resource.digest, session, user)
            row = SeriesRow(digest, session, user, encoded.types, encoded.text)
            series = EncodedSeries(row, instrument, origin.resource, origin.scope)
            if not repaired:  # else another name may have the same text
                self._series[key] = series
        return series, repaired

    def _find_names(self, attributes: dict[Any, Any], origin: EncodedOrigin) -> tuple[str | None, str | None]:
        """Return the session and the user that a series names."""
        session = find_naming(plan_naming(self._session_attributes, attributes), attributes, True, 0) or origin.session
        user = find_naming(plan_naming(USER_ATTRIBUTES, attributes), attributes, True, 0)
        return session and session.name, user and user.name

    def _encode_instrument(self, fields: InstrumentFields, origin: EncodedOrigin) -> tuple[InstrumentRow, int]:
        key = (id(fields), id(origin.scope))
        cached = self._instruments.get(key)
        if cached is not None:
            return cached[0], 0
        texts = [repair_text("" if text is None else text) for text in fields[:3]]
        (name, description, unit), repaired = [text for text, _ in texts], sum(bad for _, bad in texts)
        kind = fields.kind if fields.kind in KINDS else KINDS[0]
        temporality = fields.temporality if fields.temporality in TEMPORALITIES else None
        is_monotonic = None if fields.is_monotonic is None else int(bool(fields.is_monotonic))
        encoded = encode_sorted(copy_attributes(fields.metadata))
        scope = None if origin.scope is None else origin.scope.digest
        what = (name, description, unit, kind, temporality, None if is_monotonic is None else str(is_monotonic), scope)
        columns = (name, description, unit, kind, temporality, is_monotonic, encoded.types, encoded.text)
        row = InstrumentRow(digest_row(encoded, *what), *columns)
        remember(self._instruments, key, (row, (fields, origin)))
        return row, repaired + encoded.repaired
