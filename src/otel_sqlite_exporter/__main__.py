# SPDX-License-Identifier: Apache-2.0
"""`python -m otel_sqlite_exporter`: the command line."""

from otel_sqlite_exporter.cli.commands import PROGRAM, cli

if __name__ == "__main__":
    cli(prog_name=PROGRAM)
