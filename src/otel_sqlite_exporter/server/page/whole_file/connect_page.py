# SPDX-License-Identifier: Apache-2.0
"""`/connect`: how each agent and each SDK sends its telemetry here, and whether anything has come."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import Any, NamedTuple

from otel_sqlite_exporter.connect.agent_profiles import PROFILES, AgentProfile, Destination
from otel_sqlite_exporter.connect.settings_text import write_settings
from otel_sqlite_exporter.errors import MissingFileError
from otel_sqlite_exporter.query.summaries import LogSummary, SpanSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.page.page_answers import PageContent
from otel_sqlite_exporter.server.page.shown_metrics.older_files import read_or_none
from otel_sqlite_exporter.server.page.whole_file.health_page import read_health
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.identity import name_command

_RECENT_NS = 15 * 60 * 10**9
_LOOKED_AT = 500


class Arrival(NamedTuple):
    """The last record of a sender: when it started, of which service, its session, and whether the service sends over
    OTLP. What does not writes the file by itself."""

    start_time: str
    service_name: str
    session_id: str | None
    is_sent: bool


class ConnectionGuide(NamedTuple):
    """How one agent is connected.

    Attributes:
        settings: What its file is to hold, as text.
        place: That file; None if it cannot be told.
        command: The command that writes it there.
        latest: Its newest record of the last 15 minutes.
    """

    name: str
    profile: AgentProfile
    settings: str
    place: str | None
    command: str
    latest: Arrival | None


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read how to connect each agent, and what came of it in the last minutes."""
    context = backend.context
    to = Destination(context.base_urls[0])
    arrivals = _list_arrivals(backend)
    guides = [_make_guide(name, profile, to, backend.settings.path, arrivals) for name, profile in PROFILES.items()]
    values: dict[str, Any] = {
        "guides": guides,
        "endpoint": to.endpoint,
        "is_received": context.receiver is not None,
        "arrivals": arrivals[:10],
        "serve_command": name_command("serve", backend.settings.path),
        "token_command": name_command("token create NAME --send", backend.settings.path),
    }
    return PageContent("Connect", values)


def _make_guide(
    name: str, profile: AgentProfile, to: Destination, path: str, arrivals: list[Arrival]
) -> ConnectionGuide:
    place, home = profile.find_file(), os.path.expanduser("~")
    if place is not None and place.startswith(f"{home}{os.sep}"):
        place = f"~{place.removeprefix(home)}"
    if profile.form == "env":
        place = ".env"
    command = name_command(f"connect {name} --write --endpoint {to.endpoint}", path)
    known = tuple(one.service for one in PROFILES.values() if one.service)
    latest = next(
        (
            arrival
            for arrival in arrivals
            if arrival.is_sent
            and (
                arrival.service_name.startswith(profile.service)
                if profile.service
                else not arrival.service_name.startswith(known)
            )
        ),
        None,
    )
    return ConnectionGuide(name, profile, write_settings(name, profile, to), place, command, latest)


def _list_arrivals(backend: ApiBackend) -> list[Arrival]:
    """Return the newest record or data point of each service in the last 15 minutes, the newest first."""
    database, since = backend.database, time.time_ns() - _RECENT_NS
    try:
        spans = database.find_spans(since=since, limit=_LOOKED_AT).records
        logs = database.find_logs(since=since, limit=_LOOKED_AT).records
    except MissingFileError:
        return []
    sources = read_health(backend)["receiver"]["sources"]
    sent = {source["service_name"] for source in sources if source["last_seen_unix_nano"] >= since}
    records: list[SpanSummary | LogSummary] = [*spans, *logs]
    newest: dict[str, Arrival] = {}
    for record in sorted(records, key=lambda one: one.start_time_unix_nano, reverse=True):
        service = record.service_name
        newest.setdefault(service, Arrival(record.start_time, service, record.session_id, service in sent))
    for service, start_time in read_or_none(backend, _find_measured, since) or ():
        known = newest.get(service)
        if known is None or known.start_time < start_time:
            session_id = None if known is None else known.session_id
            newest[service] = Arrival(start_time, service, session_id, service in sent)
    return sorted(newest.values(), key=lambda arrival: arrival.start_time, reverse=True)


def _find_measured(connection: sqlite3.Connection, since: int) -> list[tuple[str, str]]:
    """Return the services that sent data points of metrics, and the time of the last of each."""
    return connection.execute(read_query("find_measured_services"), {"since": since}).fetchall()
