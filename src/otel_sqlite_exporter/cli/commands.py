# SPDX-License-Identifier: Apache-2.0
"""The command line, `python -m otel_sqlite_exporter COMMAND`: its commands, and how all of them report errors.

A command returns its exit code; None means 0. It imports the modules that do its work when it runs, so that `--help`
is quick.
"""

from __future__ import annotations

import io
import sqlite3
import sys
from typing import Any

import click

from otel_sqlite_exporter.cli import (
    list_commands,
    maintain_commands,
    query_commands,
    report_commands,
    transfer_commands,
)
from otel_sqlite_exporter.cli.datasets import archive_command, compact_command, engine_sql_command, restore_command
from otel_sqlite_exporter.cli.edges import agent_commands, connect_commands, serve_commands, token_commands
from otel_sqlite_exporter.cli.formatting import discard_output, print_lines
from otel_sqlite_exporter.cli.keeping import (
    backup_commands,
    delete_command,
    mark_commands,
    merge_command,
    prune_command,
    score_commands,
    share_command,
)
from otel_sqlite_exporter.cli.metering import metric_commands
from otel_sqlite_exporter.cli.options import REFUSED
from otel_sqlite_exporter.errors import ArgumentError, SQLiteExporterError
from otel_sqlite_exporter.show.visible_text import escape
from otel_sqlite_exporter.version import __version__

PROGRAM = "python -m otel_sqlite_exporter"


class _Commands(click.Group):
    """Commands that report every expected failure as one sentence on stderr and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
        except click.UsageError as error:  # it names an argument, which may be an id that was recorded
            raise click.UsageError(escape(error.format_message()), error.ctx) from None
        except KeyboardInterrupt:
            code = _refuse("interrupted")
        except BrokenPipeError:  # the reader of the output has gone
            discard_output()
            code = 0
        except ArgumentError as error:
            code = _refuse(self._name_option(ctx, error.argument) + error.message, *error.excerpt)
        except SQLiteExporterError as error:
            code = _refuse(str(error).removeprefix("path="))  # the only setting that is not of the environment
        except MemoryError:
            code = _refuse("there is too little memory for this")
        except OSError as error:
            if error.filename is None:  # what is opened has a name
                discard_output()
            code = _refuse(f"{error.filename or 'standard output'}: {error.strerror or error}")
        except Exception as error:
            code = _refuse_damage(ctx.obj, error)
        ctx.exit(code or 0)

    def _name_option(self, ctx: click.Context, argument: str) -> str:
        """Return the option or the argument of the command that fills the keyword `argument`, or nothing."""
        for one in self.commands[ctx.invoked_subcommand or ""].params:
            if one.name == argument:
                return f"{one.opts[0] if isinstance(one, click.Option) else one.human_readable_name}: "
        return ""


def _refuse_damage(opened: Any, error: Exception) -> int:
    """Name the values of the file that cannot be read, if there are any; else raise `error`, unless SQLite did."""
    from otel_sqlite_exporter.maintain.unreadable_values import FAILURES_TO_READ, explain_failure
    from otel_sqlite_exporter.settings import resolve_settings

    if opened is None or not isinstance(error, (*FAILURES_TO_READ, sqlite3.Error)):
        raise error
    damage = explain_failure(resolve_settings(opened.path), error)
    if damage is not None:
        return _refuse(str(damage))
    if isinstance(error, sqlite3.IntegrityError):
        return _refuse(
            f"{opened.path}: SQLite says: {error}: rows of this package meet their own constraints, so a trigger or a "
            "foreign key of a table of yours forbids it: take it away, and run the same command again"
        )
    if isinstance(error, sqlite3.Error):
        advice = ": make room on its disk, and run the same command again" if "disk is full" in str(error) else ""
        return _refuse(f"{opened.path}: SQLite says: {error}{advice}")
    raise error


def _refuse(sentence: str, *excerpt: str) -> int:
    print_lines(f"Error: {sentence}", *excerpt, to_stderr=True)
    return REFUSED


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="otel-sqlite-exporter")
def cli() -> None:
    """Query and maintain files that otel-sqlite-exporter writes.

    PATH is the file. Default: the environment variable OTEL_EXPORTER_SQLITE_PATH, then otel.db in the current folder.

    Exit codes: 0 done; 1 done, but attention is needed (migrate --check: steps are pending; doctor: a problem was
    found; import: records could not be read; diff, report: a limit is exceeded; prune: the file stays beyond a limit;
    delete, vacuum: something is left); 2 failed, and stderr says why.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


_MODULES = (
    *(list_commands, query_commands, report_commands, maintain_commands, transfer_commands),
    *(serve_commands, token_commands, agent_commands, connect_commands),
    *(delete_command, prune_command, backup_commands, merge_command),
    *(mark_commands, score_commands, share_command, metric_commands),
    *(archive_command, compact_command, engine_sql_command, restore_command),
)
for module in _MODULES:
    for command in module.COMMANDS:
        cli.add_command(command)
