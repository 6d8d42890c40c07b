# SPDX-License-Identifier: Apache-2.0
"""What the command `connect` says: what an agent will send, what stands in the way, and what came."""

from __future__ import annotations

import math
import stat
import sys
import time
from typing import TYPE_CHECKING

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import ATTENTION
from otel_sqlite_exporter.model.plural import count

if TYPE_CHECKING:
    from otel_sqlite_exporter.connect.agent_profiles import AgentProfile, Destination
    from otel_sqlite_exporter.settings import Settings


def say_what_is_sent(profile: AgentProfile, to: Destination, place: str | None) -> None:
    """Print what the agent will send; a choice that its settings have made already is not made here."""
    import os

    from otel_sqlite_exporter.connect.config_changes import find_set

    sends = f"{profile.title} sends {profile.sends}"
    if profile.always_sends:
        sends += f"; in any case also {profile.always_sends}"
    if to.with_content:
        sends += f"; and, as you chose, {profile.adds}"
    else:
        sends += f". Not sent: {profile.adds}; --content changes that"
    print_lines(sends, to_stderr=True)
    chosen = [] if to.with_content or place is None else find_set(profile, place, profile.content_keys)
    if chosen:
        print_lines(f"but {', '.join(chosen)} in {place} may let it send such content", to_stderr=True)
    variables = [("env", name) for name in profile.overruled_by]
    held = [] if place is None else find_set(profile, place, variables)
    if held:
        print_lines(f"{', '.join(held)} in {place} come before these settings: remove them", to_stderr=True)
    overruled = [name for name in profile.overruled_by if name in os.environ]
    if overruled:
        print_lines(f"environment variables come before these settings: unset {', '.join(overruled)}", to_stderr=True)


def say_who_may_read(place: str) -> None:
    """Print it if others may read the file that now holds a token."""
    import os

    if os.name == "posix" and stat.S_IMODE(os.stat(place).st_mode) & 0o077:
        print_lines(f"others may read {place}, which holds the token now: run `chmod 600` on it", to_stderr=True)


def wait_for_first(settings: Settings, profile: AgentProfile, to: Destination, wait_s: float | None) -> int:
    """Say what stands in the way, wait for the first records, and say what came; return the exit code."""
    from otel_sqlite_exporter.connect.endpoint_checks import find_obstacle
    from otel_sqlite_exporter.connect.first_records import wait_for_records
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

    if wait_s is None:
        wait_s = math.inf if sys.stdout is not None and sys.stdout.isatty() else 0
    obstacle = find_obstacle(to, settings.path)
    if obstacle is not None:
        print_lines(obstacle, to_stderr=True)
    if not wait_s:
        return 0
    since, database = time.time_ns(), TelemetryDatabase(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    try:
        print_lines(f"waiting for records of {profile.title} in {settings.path}; Ctrl-C ends this", to_stderr=True)
        came = wait_for_records(database, profile.service, since, wait_s)
    except KeyboardInterrupt:
        print_lines("not waiting any more", to_stderr=True)
        return 0
    if came is None:
        obstacle = find_obstacle(to, settings.path)
        what = "the agent" if profile.service else "the program"
        anew = f"start {what} anew, as it reads its settings when it starts"
        print_lines(f"no record came: {obstacle or anew}", to_stderr=True)
        return ATTENTION
    records = f"{count(came.spans, 'span')} and {count(came.logs, 'log record')}"
    session = f", session {came.session_id}" if came.session_id else ""
    print_lines(f"came from {came.service}: {records}{session}")
    return 0
