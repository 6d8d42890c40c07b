# SPDX-License-Identifier: Apache-2.0
"""The command line, `python -m otel_sqlite_exporter COMMAND`: what all commands have in common.

The commands stand in modules by what they are for. Modules that read files are imported by the command that needs
them, so that `--help` answers at once.
"""

from __future__ import annotations

import io
import os
import sqlite3
import sys
from typing import Any

import click

from otel_sqlite_exporter.cli import ask_commands, derive_commands, maintain_commands, transfer_commands
from otel_sqlite_exporter.cli.exit_codes import REFUSED
from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.version import __version__

PROGRAM = "python -m otel_sqlite_exporter"


class _Commands(click.Group):
    """Commands whose every failure that can be expected is one sentence on stderr and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sentence = "interrupted"
        except BrokenPipeError:  # nobody reads on
            _drop_output()
            ctx.exit(0)
        except SQLiteExporterError as error:
            sentence = str(error)
        except sqlite3.Error as error:
            sentence = f"{ctx.obj}: SQLite says: {error}"
        except OSError as error:
            at = error.filename or ("standard output" if _is_output_stuck() else ctx.obj)
            sentence = f"{at}: {error.strerror or error}"
        click.echo(f"Error: {sentence}", err=True)
        ctx.exit(REFUSED)


def _is_output_stuck() -> bool:
    """Return whether standard output still holds what could not be written there; that is given up then."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _drop_output()
        return True
    return False


def _drop_output() -> None:
    """Let the flush with which Python ends find somewhere to write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="otel-sqlite-exporter")
def cli() -> None:
    """Ask files that otel-sqlite-exporter writes, and look after them.

    PATH is the file; without it, the one that the environment variable OTEL_EXPORTER_SQLITE_PATH names, else otel.db
    in the current folder.

    Exit codes: 0 done, 1 steps are pending (migrate --check) or something is wrong (doctor; import: something could not
    be read) or too much (diff), 2 it could not be done, and stderr says why.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


for command in (
    *ask_commands.COMMANDS,
    *maintain_commands.COMMANDS,
    *transfer_commands.COMMANDS,
    *derive_commands.COMMANDS,
):
    cli.add_command(command)
