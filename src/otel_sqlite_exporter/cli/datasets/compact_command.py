# SPDX-License-Identifier: Apache-2.0
"""The command `compact`: the parts of several sources of a dataset put together."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import JSON
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.model.plural import count

if TYPE_CHECKING:
    from otel_sqlite_exporter.archive.compaction.compaction_report import CompactionReport

_FROM_ALL = "from the records of all hosts"


@click.command()
@click.argument("dataset")
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be put together, and change nothing.")
@JSON
def compact(dataset: str, *, is_dry: bool, as_json: bool) -> None:
    """Put the parts that several files have written to a dataset together.

    Results that need the records of all hosts are computed again, as if all had written one file: the sessions of
    traces that several hosts saw, calls that count once, pairs and tool calls over traces. The parts of a day then
    become one of each table, or several of about 400 MB. Costs stay as they were archived.

    Run it after `archive`, when all hosts are done. Run again, also after an interruption, it does only what is new.
    """
    from otel_sqlite_exporter.archive.compaction.compactor import compact as compact_dataset
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset

    opened = open_dataset(dataset)
    with show_progress(opened.path) as progress:
        report = compact_dataset(opened, progress, is_dry=is_dry)
    if as_json:
        return print_json({"path": opened.path, **asdict(report)})
    print_lines(*_describe(opened.path, report))
    return None


def _describe(path: str, report: CompactionReport) -> list[str]:
    lines = []
    if report.removed_parts:
        lines.append(f"removed {count(report.removed_parts, 'part')} that a run which was stopped had left")
    if report.unnamed_parts:
        lines.append(
            f"{count(report.unnamed_parts, 'part is', 'parts are')} in no manifest, and not read: run the `archive` "
            "that wrote them again, or copy their manifests"
        )
    if not report.days:
        return [*lines, f"{path}: nothing to put together"]
    contested = count(report.contested_traces, "trace")
    if report.contested_sessions:
        contested += f" and the log records of {count(report.contested_sessions, 'session')}"
    if report.is_dry:
        return [*lines, f"would put together {_name_days(report.days)}", f"would derive {contested} again {_FROM_ALL}"]
    parts = f"{count(report.parts_before, 'part')} before, {report.parts_after} now"
    lines.append(f"put together {_name_days(report.days)}: {parts}")
    if report.contested_traces or report.contested_sessions:
        recounted = count(report.recounted_calls, "call")
        lines.append(f"derived {contested} again {_FROM_ALL}: {recounted} changed between counted and not counted")
    return lines


def _name_days(days: tuple[str, ...]) -> str:
    return days[0] if len(days) == 1 else f"{len(days)} days, {days[0]} to {days[-1]}"


COMMANDS = (compact,)
