# SPDX-License-Identifier: Apache-2.0
"""What every command knows: which file it is about, and its exit codes."""

from __future__ import annotations

import click

from otel_sqlite_exporter.settings import Settings, resolve_settings

ATTENTION = 1
"""The exit code of a command that did what it should and found something to look at."""
REFUSED = 2
"""The exit code of a command that could not do what it should; stderr says why."""


def resolve(ctx: click.Context, path: str | None) -> Settings:
    """Return the settings in force for the file at `path`, or else the one that the environment names."""
    settings = resolve_settings(path)
    ctx.find_root().obj = settings.path  # for the sentence of an error that names no file
    return settings
