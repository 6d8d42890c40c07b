# SPDX-License-Identifier: Apache-2.0
"""A whole task by keyboard alone: find the failing tool call of yesterday's session, and copy its arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.conftest import exporting
from tests.page_server import PageClient, browsing

ARGUMENTS = {"path": "a \u202e b.txt", "lines": [1, 2.5, None], "mode": '<i>"w"</i>\n'}
_MS = 10**6

pytestmark = pytest.mark.slow


@pytest.fixture
def week(path: Path) -> Iterator[PageClient]:
    """A server of a file with a session of each of the last days. A tool failed yesterday, and the day before."""
    with exporting(path) as exporter:
        for days in range(4):
            exporter.export([*make_session(days)])
    with browsing(path) as client:
        yield client


def test_the_failing_tool_call_is_found_and_its_arguments_are_copied(visit: Open, week: PageClient) -> None:
    tab = visit(week)
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open("/")
    keyboard = tab.page.keyboard
    keyboard.press("g")
    keyboard.press("s")
    tab.page.wait_for_url("**/sessions")
    keyboard.press("/")
    keyboard.type("since:yesterday until:today failed_tools>0")
    keyboard.press("Enter")
    tab.page.wait_for_url(re.compile("filter="))
    expect(tab.page.locator("[data-row]")).to_have_count(1)
    keyboard.press("j")
    keyboard.press("Enter")
    tab.page.wait_for_url("**/sessions/day-1*")
    find_row = "document.activeElement.matches('[data-row][data-error]:has(a[href*=\"/tools/\"])')"
    for _ in range(6):
        keyboard.press("e")
        if tab.evaluate(find_row):
            break
    assert tab.evaluate(find_row)
    keyboard.press("Enter")
    tab.page.wait_for_url("**/tools/*")
    keyboard.press("c")
    expect(tab.page.locator(".unseen[role=status]")).to_have_text("copied")
    assert json.loads(tab.evaluate("navigator.clipboard.readText()")) == ARGUMENTS


def make_session(days: int) -> Iterator[ReadableSpan]:
    """The spans of a session that began at noon, so many days ago."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days)
    start = int(noon.timestamp()) * 10**9
    for trace in range(3):
        yield make_span(days, trace, 1, start, "invoke_agent", {"gen_ai.operation.name": "invoke_agent"})
        said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
        yield make_span(days, trace, 2, start, "chat gpt-4o", said)
        for number, name in enumerate(("read", "write"), start=3):
            used = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": name,
                "gen_ai.tool.call.arguments": json.dumps(ARGUMENTS if name == "write" else {"path": "b"}),
            }
            failed = name == "write" and trace == 1 and days in (1, 2)
            yield make_span(days, trace, number, start, f"execute_tool {name}", used, failed=failed)


def make_span(
    days: int, trace: int, number: int, start: int, name: str, attributes: dict[str, Any], *, failed: bool = False
) -> ReadableSpan:
    begin = start + (trace * 60_000 + number * 100) * _MS
    context = SpanContext(days * 10 + trace + 1, number, False, TraceFlags(1))
    return ReadableSpan(
        name=name,
        context=context,
        parent=None if number == 1 else SpanContext(context.trace_id, 1, False, TraceFlags(1)),
        attributes=attributes | {"session.id": f"day-{days}"},
        resource=Resource({"service.name": "agent"}),
        start_time=begin,
        end_time=begin + (50 if number > 1 else 5_000) * _MS,
        status=Status(StatusCode.ERROR, "no such folder") if failed else Status(),
    )
