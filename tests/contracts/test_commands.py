# SPDX-License-Identifier: Apache-2.0
"""The commands and their arguments, which scripts rely on: give a change a line in the changelog."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import otel_sqlite_exporter
from otel_sqlite_exporter.cli.commands import cli
from tests.conftest import ROOT

LIST = {
    *("path", "--since", "--until", "--service", "--attribute", "--filter", "--limit", "--cursor", "--oldest-first"),
    "--json",
}
OF_CALLS = {"--agent", "--model", "--provider"}
COMMANDS = {
    "archive": {"path", "--to", "--before", "--prune", "--dry-run", "--json"},
    "backup": {"path", "--to", "--force", "--json"},
    "compact": {"dataset", "--dry-run", "--json"},
    "connect": {
        *("agent", "path", "--write", "--undo", "--yes", "--endpoint", "--token", "--content", "--file"),
        *("--wait", "--no-wait", "--service"),
    },
    "delete": {
        *("path", "--session", "--trace", "--user", "--service", "--since", "--until", "--where", "--dry-run"),
        *("--yes", "--backups", "--verify", "--json"),
    },
    "diff": {"session_a", "session_b", "path", "--allow", "--json"},
    "doctor": {"path", "--repair", "--assume-gone", "--json"},
    "engine-sql": {"engine", "--dataset", "--in-place", "--day"},
    "export": {
        *("path", "--session", "--trace", "--since", "--until", "--signal", "--output"),
        *("--redact-keys", "--redact-values", "--no-content", "--format", "--metadata-only"),
    },
    "import": {"files", "--into", "--timezone", "--largest-document", "--unpacking-ratio", "--json"},
    "index": {"path", "--rebuild", "--attribute", "--drop", "--list", "--json"},
    "info": {"path", "--json"},
    "llm": LIST
    | {
        "--session",
        "--conversation",
        "--trace",
        "--user",
        "--agent",
        "--model",
        "--provider",
        "--operation",
        "--status",
    }
    | {"--min-duration-ms", "--min-tokens", "--min-cost-usd", "--sort", "--all"},
    "logs": LIST | {"--session", "--trace", "--event", "--severity", "--min-severity"},
    "mcp": {"path"},
    "merge": {"files", "--into", "--json"},
    "metric": {
        *("name", "path", "--since", "--until", "--timezone", "--step", "--aggregate", "--group-by", "--attribute"),
        *("--kind", "--unit", "--session", "--user", "--service", "--limit", "--raw", "--buckets", "--exemplars"),
        *("--csv", "--json"),
    },
    "metrics": {
        *("path", "--since", "--until", "--name", "--kind", "--session", "--user", "--service", "--limit", "--cursor"),
        *("--csv", "--json"),
    },
    "migrate": {
        *("path", "--check", "--dry-run", "--no-backup", "--json"),
        *("--into", "--timezone", "--drop-legacy"),
    },
    "note": {"path", "--session", "--trace", "--text", "--remove"},
    "pin": {"path", "--session", "--trace", "--label"},
    "prune": {
        *(
            "path",
            "--older-than",
            "--max-size",
            "--max-sessions",
            "--service",
            "--keep-failed",
            "--keep-users",
            "--metrics-raw-days",
        ),
        *("--dry-run", "--limit", "--json"),
    },
    "recover": {"path", "--spool", "--json"},
    "reindex": {"path", "--json"},
    "reprice": {"path", "--all", "--json"},
    "report": {
        *("name", "path", "--since", "--until", "--group-by", "--limit", "--plan", "--csv", "--json"),
        *("--session", "--user", "--model", "--service", "--agent", "--status", "--tz", "--fail-above"),
    },
    "restore": {"dataset", "--session", "--trace", "--into", "--json"},
    "search": {
        *("text", "path", "--since", "--until", "--session", "--conversation", "--trace", "--service", "--agent"),
        *("--user", "--model", "--tool", "--filter", "--all", "--limit", "--json"),
    },
    "serve": {
        *(
            "path",
            "--host",
            "--port",
            "--grpc-port",
            "--grpc",
            "--no-receiver",
            "--no-api",
            "--no-page",
            "--no-metrics",
            "--tools",
        ),
        *("--largest-request", "--largest-unpacked", "--open"),
        *("--token-file", "--require-token", "--allow-host", "--allow-origin"),
        *("--tls-cert", "--tls-key", "--insecure"),
    },
    "session": {"session_id", "path", "--messages", "--full", "--all", "--limit", "--json"},
    "score": {
        *("path", "--session", "--trace", "--span", "--name", "--value", "--label", "--explanation", "--response"),
        "--evaluator",
    },
    "scores": LIST | {"--session", "--trace", "--name", "--label"},
    "sessions": LIST
    | {"--user", *OF_CALLS, "--status", "--pinned", "--min-duration-ms", "--min-tokens", "--min-cost-usd"},
    "share": {
        *("id", "path", "--format", "--output", "--force"),
        *("--redact-keys", "--redact-values", "--no-content", "--metadata-only"),
    },
    "show": {"id", "path", "--full", "--limit", "--json"},
    "spans": LIST
    | {"--session", "--conversation", "--trace", "--user", "--name", "--kind", "--status", "--min-duration-ms"}
    | {"--sort"},
    "sql": {"statement", "path", "--limit", "--timeout", "--csv", "--json"},
    "tail": {"path", "--follow", "--calls", "--limit", "--session", "--service", "--json"},
    "token": set(),
    "tools": LIST
    | {
        "--session",
        "--conversation",
        "--trace",
        "--user",
        "--agent",
        "--tool",
        "--status",
        "--min-duration-ms",
        "--sort",
        "--all",
    },
    "trace": {"trace_id", "path", "--all", "--json"},
    "vacuum": {"path", "--full", "--dry-run", "--json"},
    "traces": LIST
    | {
        "--session",
        "--user",
        *OF_CALLS,
        "--name",
        "--status",
        "--pinned",
        "--min-duration-ms",
        "--min-tokens",
        "--min-cost-usd",
    }
    | {"--sort"},
    "unpin": {"path", "--session", "--trace"},
}


def test_the_commands_are_these() -> None:
    assert set(cli.commands) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_these_arguments(command: str) -> None:
    parameters = cli.commands[command].params
    names = {one.opts[0] if isinstance(one, click.Option) else one.name for one in parameters}
    assert names == COMMANDS[command]


OF_TOKENS = {
    "create": {"name", "path", "--send", "--read", "--token-file"},
    "link": {"name", "path", "--url", "--token-file"},
    "list": {"path", "--token-file", "--json"},
    "revoke": {"name", "path", "--token-file"},
}


def test_the_commands_of_token_take_these_arguments() -> None:
    token = cli.commands["token"]
    assert isinstance(token, click.Group)
    found = {
        name: {one.opts[0] if isinstance(one, click.Option) else one.name for one in command.params}
        for name, command in token.commands.items()
    }
    assert found == OF_TOKENS


def test_the_documents_name_every_command_and_run_it() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"`{command}`" not in text] == []
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    shown = ("\npython -m otel_sqlite_exporter {} ", "`{} ID`")  # an id is different in each file
    assert [command for command in COMMANDS if not any(one.format(command) in pages for one in shown)] == []


def test_a_message_that_names_a_command_names_the_file_too() -> None:
    """`name_command` writes the command line. A pipe needs its own, and the last module is that of the program."""
    package = Path(otel_sqlite_exporter.__file__).parent
    by_hand = re.compile(r'^(?!""").*"[^"\n]*python -m otel_sqlite_exporter', re.MULTILINE)
    files = (file for file in package.rglob("*.py") if by_hand.search(file.read_text(encoding="utf-8")))
    names = {file.relative_to(package).as_posix() for file in files}
    assert names == {"storage/identity.py", "imports/sources.py", "cli/commands.py"}
