# SPDX-License-Identifier: Apache-2.0
"""Commands that mark a session or a trace: pin, unpin, note."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import SETTINGS

if TYPE_CHECKING:
    from otel_sqlite_exporter.settings import Settings

SESSION = click.option("--session", "session_id", metavar="ID", help="The session; a unique prefix is enough.")
TRACE = click.option("--trace", "trace_id", metavar="ID", help="The trace; a unique prefix is enough.")


def check_target(session_id: str | None, trace_id: str | None) -> None:
    """Raise UsageError unless one of the two is given."""
    if (session_id is None) == (trace_id is None):
        raise click.UsageError("give either --session ID or --trace ID")


def name_marked(session_id: str | None, found: str) -> str:
    """Return what `found` is the id of, in words."""
    return f"trace {found}" if session_id is None else f"session {found}"


@click.command()
@SETTINGS
@SESSION
@TRACE
@click.option("--label", metavar="TEXT", default="", help="What it is kept for.")
@click.pass_obj
def pin(settings: Settings, /, *, session_id: str | None, trace_id: str | None, label: str) -> None:
    """Pin a session or a trace, so that `prune` and retention keep it.

    A pinned trace keeps its session too. Pinning again sets another label. `sessions --pinned` and `traces --pinned`
    list what is pinned.
    """
    from otel_sqlite_exporter.maintain.annotations import Annotations

    check_target(session_id, trace_id)
    annotations = Annotations(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    found = annotations.pin(session_id=session_id, trace_id=trace_id, label=label)
    print_lines(f"pinned {name_marked(session_id, found)}")


@click.command()
@SETTINGS
@SESSION
@TRACE
@click.pass_obj
def unpin(settings: Settings, /, *, session_id: str | None, trace_id: str | None) -> None:
    """Take the pin of a session or a trace away."""
    from otel_sqlite_exporter.maintain.annotations import Annotations

    check_target(session_id, trace_id)
    annotations = Annotations(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    found = annotations.unpin(session_id=session_id, trace_id=trace_id)
    print_lines(f"{name_marked(session_id, found)} is not pinned")


@click.command()
@SETTINGS
@SESSION
@TRACE
@click.option("--text", metavar="TEXT", help="The note; it takes the place of the one that is there.")
@click.option("--remove", is_flag=True, help="Take the note away.")
@click.pass_obj
def note(
    settings: Settings, /, *, session_id: str | None, trace_id: str | None, text: str | None, remove: bool
) -> None:
    """Write a note on a session or a trace, or take it away."""
    from otel_sqlite_exporter.maintain.annotations import Annotations

    check_target(session_id, trace_id)
    if remove == (text is not None):
        raise click.UsageError("give either --text TEXT or --remove")
    annotations = Annotations(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    if text is None:
        found = annotations.remove_note(session_id=session_id, trace_id=trace_id)
        return print_lines(f"{name_marked(session_id, found)} has no note")
    found = annotations.note(text, session_id=session_id, trace_id=trace_id)
    return print_lines(f"noted on {name_marked(session_id, found)}")


COMMANDS = (pin, unpin, note)
