# SPDX-License-Identifier: Apache-2.0
"""The command `restore`: sessions and traces of a dataset as a file."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import JSON
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.model.plural import count


@click.command()
@click.argument("dataset")
@click.option(
    "--session", "sessions", metavar="ID", multiple=True, help="This session, with all its traces. May be repeated."
)
@click.option("--trace", "traces", metavar="ID", multiple=True, help="This trace. May be repeated.")
@click.option("--into", "path", metavar="FILE", required=True, help="The file to write; it does not exist yet.")
@JSON
def restore(dataset: str, *, sessions: tuple[str, ...], traces: tuple[str, ...], path: str, as_json: bool) -> None:
    """Write sessions and traces of a dataset to a new file.

    FILE contains them as they were archived: `session`, `show`, `trace`, `export`, `serve` and all other
    commands work on it. A unique prefix of an id is enough. The dataset stays as it is.
    """
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
    from otel_sqlite_exporter.archive.restoring.gathered_file import gather

    if not (sessions or traces):
        raise click.UsageError("give --session or --trace")
    done = gather(open_dataset(dataset), path, session_ids=sessions, trace_ids=traces)
    whole = os.path.abspath(path)
    if as_json:
        return print_json({"path": whole, **asdict(done)})
    marks = f" and {count(done.marks, 'pin or note', 'pins and notes')}" if done.marks else ""
    days = done.days[0] if len(done.days) == 1 else f"{len(done.days)} days"
    points = f", {count(done.points, 'data point')}" if done.points else ""
    records = f"{count(done.spans, 'span')}, {count(done.logs, 'log record')}{points}{marks}"
    print_lines(f"restored {records} of {days} to {whole}")
    return None


COMMANDS = (restore,)
