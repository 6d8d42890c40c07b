# SPDX-License-Identifier: Apache-2.0
"""The command `connect`: lets a coding agent send its telemetry to `serve`, and `serve` run as a service."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from otel_sqlite_exporter.cli.edges.connect_outcomes import say_what_is_sent, say_who_may_read, wait_for_first
from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import REFUSED, resolve_path
from otel_sqlite_exporter.errors import ConfigurationFileError

if TYPE_CHECKING:
    from otel_sqlite_exporter.connect.agent_profiles import AgentProfile, Destination
    from otel_sqlite_exporter.connect.config_changes import ConfigChange, Target
    from otel_sqlite_exporter.settings import Settings

# A copy of the names in `connect.agent_profiles`, so that `--help` does not import it; a test compares them.
AGENTS = ("claude-code", "codex", "gemini-cli", "copilot", "otlp")
_SIGNAL_PATH = re.compile(r"/v1/(traces|logs|metrics)/*$")
_SECRET = re.compile(r"(Bearer(?: |%20)|/t/)[\w.~+/=-]+")


def _read_endpoint(ctx: click.Context, parameter: click.Parameter, endpoint: str) -> str:
    """Return an endpoint without a slash at its end, or refuse one that no agent can use."""
    try:
        parts = urlsplit(endpoint)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.username or not endpoint.isprintable() or set(endpoint) & set(" ?#"):
        raise click.BadParameter("give a URL such as http://127.0.0.1:4318, without a user name, a query or a fragment")
    if _SIGNAL_PATH.search(parts.path):
        raise click.BadParameter(f"give the address without {parts.path}: agents add the path of each signal")
    return endpoint.rstrip("/")


def _read_token(ctx: click.Context, parameter: click.Parameter, token: str | None) -> str | None:
    """Ask for the token if it is `-`: what stands on a command line, other users may see."""
    if token == "-":
        token = click.prompt("token", hide_input=True, err=True)
    if token is not None and not (token.isascii() and token.replace("-", "").replace("_", "").isalnum()):
        raise click.BadParameter("give what the command `token` printed")
    return token


@click.command()
@click.argument("agent", required=False)
@click.argument("path", required=False)
@click.option("--write", is_flag=True, help="Write it to the settings of the agent: shows the difference, and asks.")
@click.option("--undo", is_flag=True, help="Take back what --write has written, and nothing else.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--endpoint",
    metavar="URL",
    default="http://127.0.0.1:4318",
    show_default=True,
    callback=_read_endpoint,
    help="The address of `serve`.",
)
@click.option("--token", metavar="TOKEN", callback=_read_token, help="A token that may send; `-` asks for it.")
@click.option("--content", "with_content", is_flag=True, help="Also send prompts, answers and what tools did.")
@click.option("--file", metavar="FILE", help="The settings of the agent. Default: those of this user.")
@click.option("--wait", "wait_s", metavar="SECONDS", type=click.FloatRange(0), help="Wait so long for a first record.")
@click.option("--no-wait", is_flag=True, help="Do not wait for a first record.")
@click.option("--service", is_flag=True, help="A service of this user that runs `serve`, instead of an agent.")
@click.pass_context
def connect(
    ctx: click.Context,
    *,
    agent: str | None,
    path: str | None,
    write: bool,
    undo: bool,
    yes: bool,
    endpoint: str,
    token: str | None,
    with_content: bool,
    file: str | None,
    wait_s: float | None,
    no_wait: bool,
    service: bool,
) -> int:
    """Let a coding agent send its telemetry to `serve`.

    AGENT is claude-code, codex, gemini-cli, copilot, or otlp for any program with an OpenTelemetry SDK. The command
    prints what its settings are to hold. On a terminal, or with --wait, it then waits until the first records are in
    the file at PATH, and says what came; interrupt it to end that.

    What is said is sent only with --content; docs/agents.md has what each agent sends.

    --service prints a unit of systemd or launchd, which runs `serve` for the file at PATH whenever you are logged in.
    """
    if write and undo:
        raise click.UsageError("give only one of --write and --undo")
    if service:
        if path is not None or agent in AGENTS:
            raise click.UsageError("--service takes no AGENT, only PATH")
        is_given = ctx.get_parameter_source("endpoint") is not click.core.ParameterSource.DEFAULT
        if is_given or token or with_content or file or no_wait or wait_s is not None:
            raise click.UsageError("--service takes no option but --write, --undo and --yes")
        _resolve_file(ctx, agent)
        return _serve(ctx.obj, write=write, undo=undo, yes=yes)
    if agent not in AGENTS:
        wrong = "" if agent is None else f"{agent!r} is not an agent that is known: "
        raise click.UsageError(f"{wrong}give one of {', '.join(AGENTS)}")
    _resolve_file(ctx, path)
    from otel_sqlite_exporter.connect.agent_profiles import PROFILES, Destination
    from otel_sqlite_exporter.connect.settings_text import make_target

    profile, to = PROFILES[agent], Destination(endpoint, token, with_content)
    place = _find_file(profile, file)
    if undo or write:
        if place is None:
            _show_settings(agent, profile, to)
            print_lines("Error: the file that your shell reads is not known: give it with --file", to_stderr=True)
            return REFUSED
        target = make_target(agent, profile, to, place)
        if undo:
            return _undo(target, yes=yes)
        try:
            if not _write(target, yes=yes):
                return REFUSED
            if token:
                say_who_may_read(place)
        except ConfigurationFileError as error:
            _show_settings(agent, profile, to)
            print_lines(f"Error: {error}; it was left as it is: paste what is printed here", to_stderr=True)
            return REFUSED
    else:
        _show_settings(agent, profile, to)
        print_lines(f"this belongs in {place or 'the file that your shell reads'}", to_stderr=True)
    say_what_is_sent(profile, to, place)
    return wait_for_first(ctx.obj, profile, to, 0 if no_wait else wait_s)


def _resolve_file(ctx: click.Context, path: str | None) -> None:
    """Make the settings for the file at `path` the object of the context."""
    from otel_sqlite_exporter.storage.identity import refuse_folder

    resolve_path(ctx, ctx.command.params[1], path)
    refuse_folder(ctx.obj.path)


def _find_file(profile: AgentProfile, file: str | None) -> str | None:
    import os

    return profile.find_file() if file is None else os.path.abspath(file)


def _show_settings(agent: str, profile: AgentProfile, to: Destination) -> None:
    from otel_sqlite_exporter.connect.settings_text import write_settings

    print_lines(*write_settings(agent, profile, to).splitlines())


def _write(target: Target, *, yes: bool) -> bool:
    """Write the settings; return whether they are there."""
    from otel_sqlite_exporter.connect.config_changes import plan_write

    change = plan_write(target)
    if change.is_empty:
        _make(change, target.path)
        return True
    return _show_and_make(change, yes=yes)


def _undo(target: Target, *, yes: bool) -> int:
    """Take back what was written; return the exit code."""
    from otel_sqlite_exporter.connect.config_changes import plan_undo

    change = plan_undo(target)
    if change is None:
        print_lines(f"nothing to do: this command has written nothing to {target.path}")
        return 0
    if not _show_and_make(change, yes=yes):
        return REFUSED
    for path in change.changed:
        print_lines(f"{'.'.join(path)} stays: somebody else has changed it since", to_stderr=True)
    return 0


def _show_and_make(change: ConfigChange, *, yes: bool) -> bool:
    """Print a change without its tokens, ask, and make it; return whether it was made."""
    from otel_sqlite_exporter.connect.config_files import show_difference

    for line in show_difference(change.file, change.text):
        print_lines(_SECRET.sub(r"\1[token]", line))
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            print_lines("Error: nothing was changed: nobody can be asked here, so give --yes", to_stderr=True)
            return False
        if not _ask(f"Change {change.file.path}?"):
            print_lines("nothing was changed", to_stderr=True)
            return False
    _make(change, change.file.path)
    return True


def _ask(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False


def _make(change: ConfigChange, path: str) -> None:
    from otel_sqlite_exporter.connect.config_changes import make_change

    copy = make_change(change)
    if change.is_empty:
        print_lines(f"nothing to do: {path} holds it already" if change.new else f"nothing to do: {path} is as it was")
    else:
        print_lines(f"{'removed' if change.text is None else 'changed'} {path}")
    if copy is not None:
        print_lines(f"as it was before: {copy}; delete it when you do not need it any more")


def _serve(settings: Settings, *, write: bool, undo: bool, yes: bool) -> int:
    """Print, write or remove the unit that runs `serve`; return the exit code."""
    from otel_sqlite_exporter.connect.config_changes import LinesTarget
    from otel_sqlite_exporter.connect.service_units import find_unit, is_managed

    unit = find_unit(settings.path)
    if unit is None:
        print_lines("Error: no service manager is known for this system: start `serve` with its own", to_stderr=True)
        return REFUSED
    if not (undo or is_managed()):
        print_lines("systemd does not run here, so nothing reads such a unit: start `serve` otherwise", to_stderr=True)
    target = LinesTarget(unit.path, unit.text, is_whole=True)
    if undo:
        print_lines("if it runs, stop it first:", *(f"  {command}" for command in unit.stop), to_stderr=True)
        return _undo(target, yes=yes)
    if not write:
        print_lines(*unit.text.splitlines())
        print_lines(f"this belongs in {unit.path}", to_stderr=True)
    elif not _write(target, yes=yes):
        return REFUSED
    print_lines("then start it, now and with each of your sessions:", to_stderr=True)
    print_lines(*(f"  {command}" for command in unit.start), to_stderr=True)
    return 0


COMMANDS = (connect,)
