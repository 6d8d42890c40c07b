# SPDX-License-Identifier: Apache-2.0
"""Times of other programs are read whatever way they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.errors import ConfigurationError
from otel_sqlite_exporter.imports.timestamps import parse_timestamp
from otel_sqlite_exporter.model.timezones import parse_timezone

NOON = 1_743_249_616_434_848_000  # 2025-03-29T12:00:16.434848Z
MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2025-03-29T12:00:16.434848Z", NOON),
        ("2025-03-29t12:00:16.434848z", NOON),
        ("2025-03-29 12:00:16.434848 UTC", NOON),
        ("2025-03-29T14:00:16.434848+02:00", NOON),
        ("2025-03-29T07:30:16.434848-0430", NOON),
        ("2025-03-29T14:00:16,434848+02", NOON),
        (" 2025-03-29 12:00:16.434848 ", NOON),
        ("2025-03-29T12:00:16.4348480019Z", NOON + 1),
        ("2025-03-29T12:00:16Z", NOON - 434_848_000),
        ("2025-03-29T12:00Z", NOON - 16_434_848_000),
        ("2025-03-29", NOON - 16_434_848_000 - 12 * 3_600_000_000_000),
        (1_743_249_616, NOON - 434_848_000),
        (1_743_249_616_434, NOON - 848_000),
        (1_743_249_616_434_848, NOON),
        (NOON, NOON),
        (str(NOON), NOON),
        ("1743249616", NOON - 434_848_000),
        (1_743_249_616.5, NOON + 65_152_000),
        ("1743249616.5", NOON + 65_152_000),
    ],
)
def test_a_time_is_read(value: Any, time: int) -> None:
    assert parse_timestamp(value, UTC) == time


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "now",
        True,
        "2025-13-01",
        "2025-02-30T10:00:00",
        "1969-01-01",
        -1,
        0,
        float("nan"),
        float("inf"),
        b"x",
        [],
    ],
)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert parse_timestamp(value, UTC) is None


def test_a_time_without_offset_is_of_the_zone_that_is_given() -> None:
    winter, summer = "2025-01-01T13:00:00", "2025-07-01T14:00:00"
    for text, utc in ((winter, "2025-01-01T12:00:00Z"), (summer, "2025-07-01T12:00:00Z")):
        assert parse_timestamp(text, MADRID) == parse_timestamp(utc, MADRID)
    local = datetime(2025, 1, 1, 13).astimezone(UTC).replace(tzinfo=None).isoformat()
    assert parse_timestamp(winter, None) == parse_timestamp(local, UTC)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.sampled_from([UTC, MADRID])))
def test_every_time_that_python_writes_is_read(moment: datetime) -> None:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_timestamp(moment.isoformat(), UTC) == since // timedelta(microseconds=1) * 1_000


@given(st.text() | st.integers() | st.floats() | st.binary())
def test_no_value_raises(value: Any) -> None:
    time = parse_timestamp(value, UTC)
    assert time is None or 0 <= time < 2**63


@pytest.mark.parametrize(("name", "zone"), [("UTC", UTC), ("utc", UTC), ("Europe/Madrid", MADRID), ("local", None)])
def test_a_zone_has_a_name(name: str, zone: Any) -> None:
    assert parse_timezone(name) == zone


def test_a_zone_is_an_offset() -> None:
    assert parse_timezone("-04:30") == timezone(timedelta(hours=-4, minutes=-30))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "+99:00"])
def test_another_zone_is_refused_with_what_to_give(name: str) -> None:
    with pytest.raises(ConfigurationError, match="give UTC, local, an offset"):
        parse_timezone(name)
