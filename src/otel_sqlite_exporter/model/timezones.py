# SPDX-License-Identifier: Apache-2.0
"""Time zones by name, and the calendar of one. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from otel_sqlite_exporter.errors import ConfigurationError

_QUARTER_S = 900


def parse_timezone(name: str) -> tzinfo | None:
    """Return the time zone of this name: `UTC`, an IANA name such as `Europe/Madrid`, an offset such as `+02:00`, or
    `local` (None: the time zone of this machine).

    Raises:
        ConfigurationError: The name is not one of these.
    """
    if name.lower() in ("utc", "z"):
        return UTC
    if name.lower() == "local":
        return None
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", name)
    try:
        if offset:
            return timezone(make_offset(*offset.groups()))
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        text = f"there is no timezone {name!r}: give UTC, local, an offset such as +02:00, "
        if not offset and not available_timezones():
            text += "or run `pip install tzdata`, as this machine has no names of timezones"
        else:
            text += "or a name such as Europe/Madrid"
        raise ConfigurationError(text) from error


def make_offset(sign: str, hours: str, minutes: str | None) -> timedelta:
    """Return the offset from UTC of these texts."""
    return timedelta(hours=int(hours), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)


class Calendar:
    """The hours, days and weeks of a time zone (None: that of this machine), as texts that sort by time. Times are in
    nanoseconds since 1970. All zones change their offset at a quarter of an hour, so each quarter is looked up once."""

    def __init__(self, zone: tzinfo | None) -> None:
        self.zone = zone
        self._quarters: dict[int, tuple[str, str, str]] = {}

    def find_hour(self, time_unix_nano: int) -> str:
        """Return the hour with its offset, such as `2026-10-25T02:00+01:00`: an hour that a clock repeats is two."""
        return self._find(time_unix_nano)[0]

    def find_day(self, time_unix_nano: int) -> str:
        """Return the date."""
        return self._find(time_unix_nano)[1]

    def find_week(self, time_unix_nano: int) -> str:
        """Return the date of the Monday of the week."""
        return self._find(time_unix_nano)[2]

    def find_start(self, word: str) -> datetime | None:
        """Return when `today`, `yesterday`, this `week` or this `month` began; None for another word."""
        now = datetime.now(UTC).astimezone(self.zone)
        days = {"today": 0, "yesterday": 1, "week": now.weekday(), "month": now.day - 1}.get(word)
        if days is None:
            return None
        return self.localize(datetime(now.year, now.month, now.day) - timedelta(days=days))

    def localize(self, moment: datetime) -> datetime:
        """Return a time without an offset as one of this zone."""
        return moment.astimezone() if self.zone is None else moment.replace(tzinfo=self.zone)

    def _find(self, time_unix_nano: int) -> tuple[str, str, str]:
        quarter = time_unix_nano // (_QUARTER_S * 10**9)
        found = self._quarters.get(quarter)
        if found is None:
            moment = datetime.fromtimestamp(quarter * _QUARTER_S, UTC).astimezone(self.zone)
            monday = moment.date() - timedelta(days=moment.weekday())
            hour = f"{moment:%Y-%m-%dT%H}:00{moment:%z}"
            hour = hour.replace("+0000", "Z") if self.zone is UTC else f"{hour[:-2]}:{hour[-2:]}"
            found = self._quarters[quarter] = (hour, moment.date().isoformat(), monday.isoformat())
        return found


UTC_CALENDAR = Calendar(UTC)
