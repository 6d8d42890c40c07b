# SPDX-License-Identifier: Apache-2.0
"""From a row of a report to the list of what it sums up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.query.filter_language.filter_fields import find_field
from otel_sqlite_exporter.query.filter_language.filter_parser import MOST_CHARACTERS
from otel_sqlite_exporter.query.report_parts.report_texts import TIMES, find_subject
from otel_sqlite_exporter.server.api.list_answers import LISTED
from otel_sqlite_exporter.server.page.page_links import link_page
from otel_sqlite_exporter.server.page.shown_reports.report_request import ReportRequest, write_moment

_LISTS: Mapping[str, str | None] = {"call": "calls", "tool": "tools", "record": None}
_OF: Mapping[str, str] = {"tokens": "calls", "cost": "calls", "tools": "tools", "sessions": "sessions"}
_FIELDS = {"model": "answering_model"}
"""The fields of the filter language of groups that have another name."""
_UNLISTED = ("request_model", "type", "name", "message")
"""Groups that no filter asks for: the name that a call stands under, and what is told of the cause of a failure, which
may be another record than the call that failed."""
_LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_ENDED = "status:ok,error has:duration"


def find_list(request: ReportRequest) -> str | None:
    """Return the list that holds what the rows of a report sum up; None: no list does."""
    if request.name in ("durations", "histogram"):
        return _LISTS[find_subject(request.groups)]
    return _OF.get(request.name)


def link_rows(
    request: ReportRequest, groups: Mapping[str, Any], of: str, *, filter: str = "", **arguments: Any
) -> str | None:
    """Return the link to the rows of the list `of` in these groups; None: it cannot be asked for them."""
    view = LISTED[of]
    terms = [filter] if filter else []
    if request.name == "durations" or request.name == "histogram":
        terms.append(_ENDED)
    since, until = request.since, request.until
    for group, value in groups.items():
        if group in TIMES:
            if value is None:
                return None
            begin, end = read_period(group, value, request.calendar)
            since, until = max(begin, since or begin), min(end, until or end)
            continue
        if group in _UNLISTED:
            return None
        name = _FIELDS.get(group, group)
        field = find_field(name)
        if field is None or view not in field.views:
            return None
        terms.append(f"-has:{name}" if value is None else f"{name}:{quote(str(value))}")
    if not request.filters.keys() <= view.filter_type.__annotations__.keys():
        return None
    bounds: dict[str, Any] = {"since": write_moment(since), "until": write_moment(until)}
    if of == "sessions" and request.groups[0] in TIMES:
        return None  # a session is of the time of its end there
    text = " ".join(terms)
    if len(text) > MOST_CHARACTERS or "\0" in text:
        return None
    return link_page(f"/{of}", filter=text or None, **bounds, **request.filters, **arguments)


def quote(text: str) -> str:
    """Return a text as a value of the filter language, which stands for no other text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_period(group: str, text: str, calendar: Calendar) -> tuple[datetime, datetime]:
    """Return when an hour, a day or a week begins, and when it is over."""
    if group == "hour":
        begin = datetime.fromisoformat(text)
        return begin, begin + _LENGTHS[group]
    first = datetime.fromisoformat(text)
    return calendar.localize(first), calendar.localize(first + _LENGTHS[group])
