# SPDX-License-Identifier: Apache-2.0
"""Commands that work out anew what a file derives from its records: reindex, reprice, index."""

from __future__ import annotations

import click

from otel_sqlite_exporter.cli.exit_codes import resolve


@click.command()
@click.argument("path", required=False)
@click.option("--all", "everything", is_flag=True, help="Price calls anew that were priced before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def reprice(ctx: click.Context, path: str | None, *, everything: bool, as_json: bool) -> None:
    """Work out what the model calls of a file cost.

    Calls get the prices that the package genai-prices ships, of the day of the call. What instrumentation has reported
    as cost stays. A call whose provider, model or tokens are not known gets no cost, and the status `unpriced`.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli.progress_bar import show_count
    from otel_sqlite_exporter.cli.tables import print_json
    from otel_sqlite_exporter.maintain import reprice

    with show_count("pricing calls") as progress:
        done = reprice.reprice(settings, everything=everything, progress=progress)
    if as_json:
        print_json({"path": settings.path} | done._asdict())
    else:
        click.echo(f"looked at {done.calls} calls of {settings.path} and changed {done.changed} ({done.price_source})")
        click.echo(
            f"now: {done.exact} exact, {done.partial} partial, {done.unpriced} unpriced, {done.reported} reported"
        )


@click.command()
@click.argument("path", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def reindex(ctx: click.Context, path: str | None, *, as_json: bool) -> None:
    """Derive sessions, pairs, model calls and tool calls of a file anew.

    For files that an older version wrote, or that were written with other settings: what is recorded stays, and what
    follows from it is brought to the rules of this version. It works in short transactions, also while applications
    write; stopped half-way, the next run goes on there. On a file that is up to date it changes nothing.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli.progress_bar import show_count
    from otel_sqlite_exporter.cli.tables import print_json
    from otel_sqlite_exporter.maintain import reindex

    with show_count("reading records") as progress:
        done = reindex.reindex(settings, progress)
    if as_json:
        return print_json({"path": settings.path} | done._asdict())
    click.echo(f"read {done.spans} spans and {done.logs} log records of {settings.path} in {done.seconds:.2f} s")
    click.echo(
        f"written anew: {done.changed_spans} spans, {done.changed_logs} log records; "
        f"{done.recounted_calls} calls count otherwise"
    )
    for name, after in done.after.items():
        before = done.before[name]
        click.echo(f"  {name.replace('_', ' '):22} {after}" + (f" (was {before})" if before != after else ""))
    if done.unpriced_calls and done.before["calls_with_cost_status"]:
        click.echo(f"{done.unpriced_calls} calls that were written anew have no cost: run reprice")


@click.command()
@click.argument("path", required=False)
@click.option("--rebuild", is_flag=True, help="Make it anew.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def index(ctx: click.Context, path: str | None, *, rebuild: bool, as_json: bool) -> None:
    """Make the index that `search` uses, or bring it to date: of prompts, completions, arguments and results of tools.

    It works in short transactions, also while applications write; stopped half-way, the next run goes on there.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli.progress_bar import show_count
    from otel_sqlite_exporter.cli.tables import print_json
    from otel_sqlite_exporter.maintain import search_index

    with show_count("indexing") as progress:
        done = search_index.index_content(settings, rebuild=rebuild, progress=progress)
    if as_json:
        return print_json({"path": settings.path} | done._asdict())
    click.echo(
        f"added {done.llm_interactions} calls and {done.tool_interactions} tool executions of {settings.path} "
        f"to the index in {done.seconds:.2f} s"
    )


COMMANDS = (index, reindex, reprice)
