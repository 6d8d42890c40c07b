# SPDX-License-Identifier: Apache-2.0
"""The settings of a process, declared as those of `settings` are: they have an environment variable and no keyword."""

# Without `from __future__ import annotations`: see `settings`.

from functools import cache
from typing import Annotated, NamedTuple

from otel_sqlite_exporter import parsing
from otel_sqlite_exporter.declarations import Setting, resolve

DEBUG_TRACES = ("connection", "sql")


class EnvironmentSettings(NamedTuple):
    """The settings of a process."""

    span_processor: Annotated[
        bool,
        Setting(
            False,
            parsing.parse_flag,
            "`true`: `opentelemetry-instrument` adds a `SQLiteSpanProcessor` to the tracer provider.",
        ),
    ]
    flush_on_sigterm: Annotated[
        bool,
        Setting(
            False,
            parsing.parse_flag,
            "`true`: under `opentelemetry-instrument`, SIGTERM first writes what waits: see "
            "docs/operations.md#when-the-process-ends.",
        ),
    ]
    native: Annotated[
        bool, Setting(True, parsing.parse_flag, "`false`: no compiled code runs. See docs/setup.md#the-compiled-core.")
    ]
    debug: Annotated[
        tuple[str, ...],
        Setting(
            (),
            parsing.some_of(DEBUG_TRACES),
            "What to log for a bug report: `connection`, `sql`, or both, separated by commas. See docs/debugging.md.",
        ),
    ]
    debug_file: Annotated[
        str | None,
        Setting(
            None,
            parsing.optional(parsing.parse_path),
            "The file that these lines are added to. Without it: standard error.",
        ),
    ]


@cache
def resolve_environment() -> EnvironmentSettings:
    """Return the settings of this process, as the environment was at the first call."""
    return resolve(EnvironmentSettings)
