# SPDX-License-Identifier: Apache-2.0
"""The commands `backup` and `vacuum`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import ATTENTION, JSON, SETTINGS
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.show.units import format_bytes

if TYPE_CHECKING:
    from otel_sqlite_exporter.maintain.vacuum import FileSpace
    from otel_sqlite_exporter.settings import Settings


@click.command()
@SETTINGS
@click.option("--to", "copy", metavar="COPY", required=True, help="The file to write.")
@click.option("--force", is_flag=True, help="Replace COPY if it is there.")
@JSON
@click.pass_obj
def backup(settings: Settings, *, copy: str, force: bool, as_json: bool) -> None:
    """Write a checked copy of a file.

    Applications may write meanwhile: the copy is the file at one moment, with what its write-ahead log holds. It gets
    its name when it is complete, and is for its owner alone (mode 0600).
    """
    from otel_sqlite_exporter.maintain.file_copies import back_up

    with show_progress("copying pages") as progress:
        done = back_up(settings, copy, force=force, progress=progress)
    if as_json:
        return print_json({"path": settings.path} | done._asdict())
    print_lines(f"copied {settings.path} to {done.copy} ({format_bytes(done.bytes)}) in {done.seconds:.2f} s")
    if done.spooled_records is None:
        print_lines(f"{settings.path}-spool cannot be read: what waits in it is not in the copy")
    elif done.spooled_records:
        print_lines(f"{count(done.spooled_records, 'record')} in {settings.path}-spool are not in it yet")
    return None


@click.command()
@SETTINGS
@click.option("--full", is_flag=True, help="Rewrite the whole file, which overwrites what was freed; writers wait.")
@click.option("--dry-run", is_flag=True, help="Change nothing; print how much is free.")
@JSON
@click.pass_obj
def vacuum(settings: Settings, *, full: bool, dry_run: bool, as_json: bool) -> int:
    """Give free space of a file back to the disk.

    It works in short steps, also while applications write. With --full, the file is rewritten: that needs twice its
    size on the disk, and others wait to write until it is done.

    Exit code 1: a reader or a writer holds the write-ahead log, so that the disk has not got all back yet.
    """
    from otel_sqlite_exporter.maintain import vacuum as vacuuming

    if dry_run:
        space = vacuuming.measure_space(settings)
        if as_json:
            print_json({"path": settings.path, "dry_run": True, "before": space._asdict()})
        else:
            print_lines(f"{settings.path} has {_describe(space)}")
        return 0
    with show_progress("giving back pages") as progress:
        done = vacuuming.vacuum(settings, full=full, progress=progress)
    if as_json:
        fields = done._asdict() | {"before": done.before._asdict(), "after": done.after._asdict()}
        print_json({"path": settings.path, "dry_run": False} | fields)
        return 0 if done.is_log_empty else ATTENTION
    print_lines(
        f"{settings.path} had {_describe(done.before)}",
        f"{'rewritten' if done.is_rewritten else 'shortened'} in {done.seconds:.2f} s: it has {_describe(done.after)}",
    )
    if not done.is_log_empty:
        print_lines(f"{settings.path}-wal could not be emptied: end what reads or writes the file, then run it again")
    return 0 if done.is_log_empty else ATTENTION


def _describe(space: FileSpace) -> str:
    log = f", and a write-ahead log of {format_bytes(space.log_bytes)}" if space.log_bytes else ""
    return f"{format_bytes(space.file_bytes)}, of which {format_bytes(space.free_bytes)} are free{log}"


COMMANDS = (backup, vacuum)
