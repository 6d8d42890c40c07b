# SPDX-License-Identifier: Apache-2.0
"""The command `score`: gives a score to a session, a trace or a span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.keeping.mark_commands import SESSION, TRACE, check_target, name_marked
from otel_sqlite_exporter.cli.options import SETTINGS

if TYPE_CHECKING:
    from otel_sqlite_exporter.settings import Settings


@click.command()
@SETTINGS
@SESSION
@TRACE
@click.option("--span", "span_id", metavar="ID", help="A span of the trace, such as that of a model call.")
@click.option("--name", metavar="TEXT", required=True, help="What is judged, such as Relevance.")
@click.option("--value", metavar="NUMBER", type=float, help="The score as a number.")
@click.option("--label", metavar="TEXT", help="The score as a word, such as pass.")
@click.option("--explanation", metavar="TEXT", help="Why.")
@click.option("--response", "response_id", metavar="ID", help="The id of the answer that is judged.")
@click.option("--evaluator", metavar="TEXT", help="The service that judges.")
@click.pass_obj
def score(settings: Settings, /, *, session_id: str | None, name: str, evaluator: str | None, **given: Any) -> None:
    """Give a score to a session, a trace or a span of it.

    It is written as OpenTelemetry has it: a log record `gen_ai.evaluation.result`. A score has a value, a label, or
    both. `scores` lists them.
    """
    from otel_sqlite_exporter.maintain.annotations import EVALUATOR, Annotations

    check_target(session_id, given["trace_id"])
    annotations = Annotations(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    found = annotations.score(name, session_id=session_id, evaluator=evaluator or EVALUATOR, **given)
    print_lines(f"scored {name_marked(session_id, found)}")


COMMANDS = (score,)
