# SPDX-License-Identifier: Apache-2.0
"""Values in units that are quick to read."""

from __future__ import annotations

from otel_sqlite_exporter.show.units import (
    format_bytes,
    format_cost,
    format_count,
    format_ms,
    format_number,
    format_time,
    format_tokens,
)


def test_numbers_have_no_exponent() -> None:
    assert [*map(format_number, (5.53e-05, 30034.4, 0.00077165, 1534.0, 0.25, 0.0, 123456789.0, -0.00001, 1e300))] == [
        *("0.0000553", "30034", "0.0007717", "1534", "0.25", "0", "123456789", "-0.00001", "1e+300")
    ]


def test_durations_have_the_largest_unit_that_they_reach() -> None:
    assert [*map(format_ms, (None, -1.5, -30_000, 999.96, 0, 0.0541, 59_999, 86_400_000))] == [
        *(None, "-1.5 ms", "-30 s", "1000 ms", "0 ms", "54.1 us", "60 s", "1 d")
    ]


def test_counts_and_tokens() -> None:
    assert [*map(format_count, (0, 999, 1_234_567))] == ["0", "999", "1,234,567"]
    assert [*map(format_tokens, (None, 0, 999, 1_000, 1_234, 99_900, 348_211, 999_499, 999_500, 1_250_000))] == [
        *(None, "0", "999", "1k", "1.2k", "100k", "348k", "999k", "1M", "1.2M")
    ]
    assert format_tokens(2**63) == "9223372037G"


def test_costs_say_whether_they_are_whole() -> None:
    assert [format_cost(None), format_cost(0.0123456), format_cost(1.5, 2), format_cost(None, 1), format_cost(0)] == [
        *(None, "0.01235", "≥ 1.5", None, "0")
    ]


def test_sizes_are_decimal() -> None:
    assert [*map(format_bytes, (0, 999, 1_000, 1_330_000, 5e9, 2e15))] == [
        *("0 bytes", "999 bytes", "1 kB", "1.33 MB", "5 GB", "2000 TB")
    ]


def test_times() -> None:
    assert format_time("2026-01-31T12:00:05.123456Z") == "01-31 12:00:05"
