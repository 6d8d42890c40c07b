# SPDX-License-Identifier: Apache-2.0
"""The arguments, options and exit codes that commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from otel_sqlite_exporter.archive.reporting.dataset_reports import DatasetReports
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

ATTENTION = 1
"""The exit code of a command that did its work and found something that needs attention."""
REFUSED = 2
"""The exit code of a command that could not do its work; stderr says why."""


def resolve_path(ctx: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Make the settings for the file at `path` the object of the context."""
    from otel_sqlite_exporter.settings import resolve_settings

    ctx.obj = ctx.find_root().obj = resolve_settings(path)


def _open_path(ctx: click.Context, parameter: click.Parameter, path: str | None) -> None:
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

    ctx.obj = ctx.find_root().obj = TelemetryDatabase(path)


def _open_reports(ctx: click.Context, parameter: click.Parameter, path: str | None) -> None:
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import is_dataset

    resolve_path(ctx, parameter, path)
    if not is_dataset(ctx.obj.path):
        return _open_path(ctx, parameter, path)
    from otel_sqlite_exporter.archive.reporting.dataset_reports import DatasetReports

    ctx.obj = ctx.find_root().obj = DatasetReports(ctx.obj.path)
    return None


SETTINGS = click.argument("path", required=False, expose_value=False, callback=resolve_path)
"""The path of the file: `click.pass_obj` gives the command the `Settings` for it."""
DATABASE = click.argument("path", required=False, expose_value=False, callback=_open_path)
"""The path of the file: `click.pass_obj` gives the command a `TelemetryDatabase` of it."""
REPORTS = click.argument("path", required=False, expose_value=False, callback=_open_reports)
"""The path of a file or of a dataset: `click.pass_obj` gives a `TelemetryDatabase` or the `DatasetReports` of it."""


def check_form(ctx: click.Context, parameter: click.Parameter, is_given: bool) -> bool:
    """Refuse a second option that gives the output another form."""
    if is_given and (ctx.params.get("as_json") or ctx.params.get("as_csv") or ctx.params.get("plan")):
        raise click.UsageError("give only one of --json, --csv and --plan")
    return is_given


JSON = click.option("--json", "as_json", is_flag=True, callback=check_form, help="Print JSON.")
CSV = click.option("--csv", "as_csv", is_flag=True, callback=check_form, help="Print CSV.")
TIMEZONE = click.option(
    "--timezone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The timezone of times without an offset: `local`, +02:00 or a name such as Europe/Berlin.",
)
SINCE = click.option(
    "--since",
    metavar="TIME",
    help="Start of the range: ISO 8601, an age such as 15m, 6h or 2d, or today, yesterday, week or month.",
)
UNTIL = click.option("--until", metavar="TIME", help="End of the range, exclusive.")
LIMIT = click.option("--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="Maximum to show.")


def _text(option: str, name: str, what: str) -> Option:
    return click.option(option, name, metavar="TEXT", multiple=True, help=f"Only {what}; may be repeated.")


SESSION = click.option("--session", "session_id", metavar="ID", help="Only this session; a unique prefix is enough.")
CONVERSATION = _text("--conversation", "conversation_id", "this conversation")
TRACE = click.option("--trace", "trace_id", metavar="ID", help="Only this trace; a unique prefix is enough.")
USER = click.option("--user", "user_id", metavar="ID", help="Only this user.")
SERVICE = _text("--service", "service_name", "this service")
AGENT = _text("--agent", "agent_name", "this agent")
MODEL = _text("--model", "model", "this response or request model")
PROVIDER = _text("--provider", "provider", "this provider")
OPERATION = _text("--operation", "operation", "this operation, such as chat")
ALL = click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also those that do not count: other rows report the same, or nothing ran. The column `counted` shows which.",
)
KIND = _text("--kind", "kind", "this kind, such as CLIENT")
TOOL = _text("--tool", "tool_name", "this tool")
NAME = _text("--name", "name", "this name")
LABEL = _text("--label", "label", "this label")
EVENT = _text("--event", "event_name", "this event name")
SEVERITY = _text("--severity", "severity_text", "this severity text, such as ERROR; case does not matter")
MIN_SEVERITY = click.option(
    "--min-severity", "min_severity_number", type=int, help="Minimum severity number: 9 is INFO, 17 ERROR."
)
STATUS = click.option(
    "--status",
    type=click.Choice(("ok", "error", "running", "interrupted")),
    multiple=True,
    help="Only this status; may be repeated.",
)
PINNED = click.option("--pinned", is_flag=True, default=None, help="Only what is pinned.")
MIN_DURATION = click.option("--min-duration-ms", type=float, help="Minimum duration in milliseconds.")
MIN_TOKENS = click.option("--min-tokens", "min_total_tokens", type=int, help="Minimum number of tokens.")
MIN_COST = click.option("--min-cost-usd", type=float, help="Minimum cost in US dollars.")
ATTRIBUTE = click.option(
    "--attribute",
    "attributes",
    metavar="CONDITION",
    multiple=True,
    help="key, !key or key=value, also with != < <= > >=. May be repeated; all conditions must be met.",
)
FILTER = click.option(
    "--filter",
    metavar="TEXT",
    help="A filter such as 'status:error cost>0.05 -name:chat* \"some words\"'; all options must be met as well.",
)
FULL = click.option("--full", is_flag=True, help="Cut no text.")
REDACT_KEYS = click.option(
    "--redact-keys", metavar="GLOB", multiple=True, help="Mask values whose key matches; may be repeated."
)
REDACT_VALUES = click.option(
    "--redact-values", metavar="REGEX", multiple=True, help="Mask matches in any text; may be repeated."
)
NO_CONTENT = click.option("--no-content", is_flag=True, help="Leave out prompts, answers, and the content of tools.")
METADATA_ONLY = click.option(
    "--metadata-only",
    is_flag=True,
    help="Write numbers, models, names and ids alone: no log lines, messages of errors or addresses of clients.",
)
CURSOR = click.option("--cursor", help="Show the next page: the cursor that the previous page gave.")
OLDEST = click.option("--oldest-first", is_flag=True, help="Reverse the order.")


def _sort(*columns: str) -> Option:
    return click.option(
        "--sort",
        type=click.Choice(("start", *columns)),
        help="The largest first, instead of the newest. Reads the whole range; has one page, so no --cursor.",
    )


SORT = _sort("duration", "tokens", "cost")
SORT_BY_DURATION = _sort("duration")


def read_criteria(database: TelemetryDatabase | DatasetReports, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters that were given: with whole ids for prefixes, and conditions of attributes parsed."""
    criteria = {name: value for name, value in options.items() if value is not None and value != ()}
    if criteria.pop("everything", None) is False:
        criteria["counted"] = True
    if "session_id" in criteria:
        criteria["session_id"] = database.resolve_session_id(criteria["session_id"])
    if "trace_id" in criteria:
        criteria["trace_id"] = database.resolve_trace_id(criteria["trace_id"])
    if "attributes" in criteria:
        from otel_sqlite_exporter.query.filter_values import parse_attribute_text

        criteria["attributes"] = [parse_attribute_text("attributes", text) for text in criteria["attributes"]]
    return criteria
