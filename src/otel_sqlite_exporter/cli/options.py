# SPDX-License-Identifier: Apache-2.0
"""The arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])
PATH = click.argument("path", required=False)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_TIMES = "ISO 8601, or how long ago: 15m, 6h, 2d."
SINCE = click.option("--since", metavar="TIME", help=f"From this time on. {_TIMES}")
UNTIL = click.option("--until", metavar="TIME", help="Before this time.")
LIMIT = click.option("--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
_OLDEST = click.option("--oldest-first", is_flag=True, help="The other way round.")
_CURSOR = click.option("--cursor", help="The page after the one that gave this.")
_ATTRIBUTE = click.option(
    "--attribute",
    "attribute_texts",
    metavar="CONDITION",
    multiple=True,
    help="key, !key, key=value, also with != < <= > >=. Of several all must be met.",
)
OPTIONS = {
    "session_id": click.option("--session", "session_id", metavar="ID", help="Of a session; its beginning suffices."),
    "trace_id": click.option("--trace", "trace_id", metavar="ID", help="Of a trace; its beginning suffices."),
    "user_id": click.option("--user", "user_id", metavar="ID", help="Of a user."),
    "service_name": click.option("--service", "service_name", metavar="NAME", multiple=True, help="Of a service."),
    "agent_name": click.option("--agent", "agent_name", metavar="NAME", multiple=True, help="Of an agent."),
    "model": click.option("--model", metavar="NAME", multiple=True, help="Of a model."),
    "provider": click.option("--provider", metavar="NAME", multiple=True, help="Of a provider."),
    "operation": click.option("--operation", metavar="NAME", multiple=True, help="Of an operation, as chat."),
    "tool_name": click.option("--tool", "tool_name", metavar="NAME", multiple=True, help="Of a tool."),
    "name": click.option("--name", metavar="NAME", multiple=True, help="With this name."),
    "event_name": click.option("--event", "event_name", metavar="NAME", multiple=True, help="Of an event's name."),
    "severity_text": click.option(
        "--severity",
        "severity_text",
        metavar="TEXT",
        multiple=True,
        help="Of a severity, as ERROR, as it was recorded.",
    ),
    "min_severity_number": click.option(
        "--min-severity", "min_severity_number", type=int, help="Of at least this severity number: 9 INFO, 17 ERROR."
    ),
    "status": click.option(
        "--status",
        type=click.Choice(("ok", "error", "running", "interrupted")),
        multiple=True,
        help="With this status.",
    ),
    "min_duration_ms": click.option("--min-duration-ms", type=float, help="At least this long."),
    "min_total_tokens": click.option("--min-tokens", "min_total_tokens", type=int, help="With at least these tokens."),
    "min_cost_usd": click.option("--min-cost-usd", type=float, help="Of at least this cost."),
}


def filters(*names: str) -> Callable[[_Command], _Command]:
    """Give a command the options of a list, the first of `names` first in its help text."""

    def decorate(command: _Command) -> _Command:
        options = [SINCE, UNTIL, *(OPTIONS[name] for name in names), _ATTRIBUTE, LIMIT, _CURSOR, _OLDEST, JSON]
        for option in reversed(options):
            command = option(command)
        return PATH(command)

    return decorate
