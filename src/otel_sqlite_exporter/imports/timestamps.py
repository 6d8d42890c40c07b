# SPDX-License-Identifier: Apache-2.0
"""Reads times as other programs write them, as nanoseconds since the epoch. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Any

from otel_sqlite_exporter.model.timezones import make_offset
from otel_sqlite_exporter.model.values import LARGEST

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*+)?)?"
    r"\s*(?:(Z|UTC)|([+-])(\d\d):?(\d\d)?)?)?",
    re.IGNORECASE,
)
_EPOCH = datetime(1970, 1, 1)
_SECOND_NS = 1_000_000_000
# The size of a number decides its unit: seconds up to the year 5138, then milliseconds, microseconds, nanoseconds.
_SCALES = ((10**11, _SECOND_NS), (10**14, 1_000_000), (10**17, 1_000), (LARGEST, 1))


def parse_timestamp(value: Any, zone: tzinfo | None) -> int | None:
    """Return a time in nanoseconds since the epoch, or None if `value` is not a time. `value` is ISO 8601 text, with
    `T` or a blank, with `Z`, an offset, or neither (then in `zone`; None: the local time zone), or a number since the
    epoch in seconds, milliseconds, microseconds or nanoseconds."""
    if isinstance(value, str):
        text = value.strip()
        match = _ISO.fullmatch(text)
        if match is not None:
            return _read_iso(match, zone)
        try:
            value = float(text) if "." in text else int(text)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= LARGEST:
        return None
    scale = next(factor for limit, factor in _SCALES if value <= limit)
    return min(int(value) * scale + round(value % 1 * scale), LARGEST)


def _read_iso(match: re.Match[str], zone: tzinfo | None) -> int | None:
    year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if sign:
            moment -= make_offset(sign, hours, minutes)
        elif not utc:
            moment = moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None
    since = moment - _EPOCH
    time = (since.days * 86_400 + since.seconds) * _SECOND_NS + int((fraction or "").ljust(9, "0"))
    return time if 0 <= time <= LARGEST else None
