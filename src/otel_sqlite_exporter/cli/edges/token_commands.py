# SPDX-License-Identifier: Apache-2.0
"""The command `token`: who may send to a server, and who may read from it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.edges.access_options import TOKEN_FILE, find_token_file
from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.options import JSON, SETTINGS
from otel_sqlite_exporter.cli.tables import print_json

if TYPE_CHECKING:
    from otel_sqlite_exporter.server.access.tokens import TokenFile
    from otel_sqlite_exporter.settings import Settings

_NAME = click.argument("name", metavar="NAME")
_SERVER = "http://127.0.0.1:4318"


@click.group()
def token() -> None:
    """Create, list and revoke the tokens of a server.

    Their file holds no secrets, only digests. A server that runs reads it again when it changes.
    """


@token.command()
@_NAME
@SETTINGS
@click.option("--send", "may_send", is_flag=True, help="It may send telemetry.")
@click.option("--read", "may_read", is_flag=True, help="It may read telemetry.")
@TOKEN_FILE
@click.pass_obj
def create(settings: Settings, name: str, *, may_send: bool, may_read: bool, token_file: str | None) -> None:
    """Create a token and print its secret, which is shown only now.

    NAME is who uses it. Senders give it as `Authorization: Bearer SECRET`, or where they cannot set headers as part of
    the endpoint, http://HOST:4318/t/SECRET.
    """
    if not (may_send or may_read):
        raise click.UsageError("say what the token may do: --send, --read, or both")
    print_lines(_open(settings, token_file).create(name, may_send=may_send, may_read=may_read))


@token.command("list")
@SETTINGS
@TOKEN_FILE
@JSON
@click.pass_obj
def list_tokens(settings: Settings, *, token_file: str | None, as_json: bool) -> None:
    """List the tokens: their names, what they may do, and when they were created."""
    file = _open(settings, token_file)
    found = file.list_tokens()
    if as_json:
        rows = [
            {"name": row.name, "send": row.may_send, "read": row.may_read, "created": _show_time(row.created)}
            for row in found
        ]
        return print_json({"path": file.path, "tokens": rows})
    if not found:
        print_lines(f"{file.path} has no tokens", to_stderr=True)
    width = max((len(row.name) for row in found), default=0)
    for row in found:
        rights = " ".join(word for word, is_given in (("send", row.may_send), ("read", row.may_read)) if is_given)
        print_lines(f"{row.name:{width}}  {rights:9}  {_show_time(row.created)}")
    return None


@token.command()
@_NAME
@SETTINGS
@TOKEN_FILE
@click.pass_obj
def revoke(settings: Settings, name: str, *, token_file: str | None) -> None:
    """Revoke a token, and sign out the browsers that it let in.

    A server that runs refuses it from now on.
    """
    _open(settings, token_file).revoke(name)
    print_lines(f"revoked {name}")


@token.command()
@_NAME
@SETTINGS
@click.option("--url", default=_SERVER, show_default=True, help="Where the browser reaches the server.")
@TOKEN_FILE
@click.pass_context
def link(ctx: click.Context, name: str, *, url: str, token_file: str | None) -> None:
    """Print a link that lets one browser read, as the token NAME may.

    It works once, in the next five minutes. The browser gets a cookie; the token is not in the link.
    """
    from otel_sqlite_exporter.server.access.access_middleware import LINK_PATH

    code = _open(ctx.obj, token_file).create_link(name)
    print_lines(f"{url.rstrip('/')}{LINK_PATH}{code}")
    if ctx.get_parameter_source("url") is click.core.ParameterSource.DEFAULT:
        print_lines("this is where `serve` is by default: give --url if it is elsewhere", to_stderr=True)


def _open(settings: Settings, token_file: str | None) -> TokenFile:
    from otel_sqlite_exporter.server.access.tokens import TokenFile
    from otel_sqlite_exporter.storage.identity import refuse_folder

    refuse_folder(settings.path)
    return TokenFile(find_token_file(token_file, settings.path))


def _show_time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


COMMANDS = (token,)
