# SPDX-License-Identifier: Apache-2.0
"""Values as text without control characters, and the one way in which commands print text. Only tables on a
terminal, whose colours are control characters, go another way with cells made here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import NamedTuple

import click

from otel_sqlite_exporter.error_reasons import strip_modules
from otel_sqlite_exporter.show import units
from otel_sqlite_exporter.show.visible_text import escape


class Interval(NamedTuple):
    """A bar from `begin` to `end`, fractions of the width of its column."""

    begin: float
    end: float


INTERVAL_WIDTH = 24
JOINERS = "\u200c\u200d"
"""Without them, words of some scripts, and some emoji, fall apart. They cannot steer a terminal."""
SPACES = "\xa0\u2002\u2003\u2009\u200a\u202f\u3000"
Value = str | int | float | Interval | None


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def format_value(value: Value) -> str:
    """Return a value as one line of text without control characters: recorded text cannot steer a terminal."""
    if value is None:
        return "-"
    if isinstance(value, Interval):
        first = min(int(value.begin * INTERVAL_WIDTH), INTERVAL_WIDTH - 1)
        length = max(round((value.end - value.begin) * INTERVAL_WIDTH), 1)
        return (" " * first + "=" * length)[:INTERVAL_WIDTH]
    if isinstance(value, float):
        return units.format_number(value)
    return escape(str(value))


def split_lines(text: str) -> list[str]:
    """Return the lines of a text of several lines, without control characters. Tabs become spaces."""
    return [escape(line, JOINERS + SPACES) for line in text.replace("\r\n", "\n").expandtabs(4).split("\n")]


def print_lines(*lines: str, to_stderr: bool = False) -> None:
    """Print each text as one line without control characters: whatever was recorded cannot steer a terminal."""
    print_escaped(map(escape, lines), to_stderr=to_stderr)


def print_escaped(lines: Iterable[str], *, to_stderr: bool = False) -> None:
    """Print lines that hold only what `escape` has returned."""
    click.echo("\n".join(lines), err=to_stderr)


def discard_output() -> None:
    """Point standard output at /dev/null, so that Python's final flush cannot fail."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def cut(text: str, most: int | None) -> str:
    """Return at most that many characters of a text, the last one an ellipsis if there are more. None: all."""
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def format_time(text: str | None) -> str | None:
    """Return an ISO 8601 time as it is; on a terminal, without year and fraction."""
    return units.format_time(text) if text is not None and is_terminal() else text


def format_status(status: str | None, error_type: str | None) -> str | None:
    """Return a status; for an error, its type if it has one: on a terminal, the name of a class without its modules."""
    return format_error_type(error_type) if status == "error" and error_type else status


def format_error_type(error_type: str | None) -> str | None:
    """Return a type of error; on a terminal, the name of a class without its modules."""
    return strip_modules(error_type) if error_type is not None and is_terminal() else error_type
