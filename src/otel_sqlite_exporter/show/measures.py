# SPDX-License-Identifier: Apache-2.0
"""Values of metrics with their units (UCUM, as OpenTelemetry writes them), quick to read."""

from __future__ import annotations

import math

from otel_sqlite_exporter.show.units import format_bytes, format_ms, format_number

_TIMES_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6, "d": 8.64e7}
_NO_UNITS = ("", "1")
_PER_SECOND = "/s"
_LONGEST_UNIT = 40
_EXACT = 1e15


def format_measure(value: float, unit: str) -> str:
    """Return a value with its unit: `250 ms` of seconds, `1.5 MB` of bytes, `12 request/s` of `{request}/s`."""
    base, per = unit, ""
    if unit.endswith(_PER_SECOND) and unit != _PER_SECOND:
        base, per = unit.removesuffix(_PER_SECOND), _PER_SECOND
    if not math.isfinite(value):
        return f"{value:g} {name_unit(unit)}".rstrip()
    if base in _TIMES_MS:
        return f"{format_ms(value * _TIMES_MS[base])}{per}"
    if base == "By":
        return f"{'-' if value < 0 else ''}{format_bytes(abs(value))}{per}"
    if base in _NO_UNITS:
        return f"{_format_plain(value)}{per}"
    return f"{_format_plain(value)} {name_unit(base)}{per}"


def name_unit(unit: str) -> str:
    """Return a unit as people write it: without the braces of an annotation, and no longer than a cell."""
    named = unit.replace("{", "").replace("}", "") if unit not in _NO_UNITS else ""
    return named if len(named) <= _LONGEST_UNIT else f"{named[: _LONGEST_UNIT - 1]}…"


def _format_plain(value: float) -> str:
    return f"{int(value):,}" if value == int(value) and abs(value) < _EXACT else format_number(value)
