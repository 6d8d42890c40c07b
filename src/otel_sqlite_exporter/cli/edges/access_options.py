# SPDX-License-Identifier: Apache-2.0
"""The options of `serve` that say who may reach it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_CommandT = TypeVar("_CommandT", bound=Callable[..., Any])

TOKEN_FILE = click.option(
    "--token-file", metavar="FILE", type=click.Path(dir_okay=False), help="The file of tokens. Default: PATH-tokens."
)
_OPTIONS = (
    TOKEN_FILE,
    click.option("--require-token", is_flag=True, help="Ask for a token on loopback too."),
    click.option(
        "--allow-host",
        "allow_hosts",
        metavar="NAME",
        multiple=True,
        help="Also answer under this name, such as that of a container or a proxy. May be repeated.",
    ),
    click.option(
        "--allow-origin",
        "allow_origins",
        metavar="ORIGIN",
        multiple=True,
        help="Let web pages of this origin read and send, such as https://dash.example. May be repeated.",
    ),
    click.option(
        "--tls-cert",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="The certificate chain of the server, as PEM.",
    ),
    click.option(
        "--tls-key", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="The key of the certificate."
    ),
    click.option("--insecure", is_flag=True, help="Serve other machines without TLS, behind something that has it."),
)
ACCESS_ARGUMENTS = ("token_file", "require_token", "allow_hosts", "allow_origins", "tls_cert", "tls_key", "insecure")
"""The keywords that `add_access_options` gives a command, and that `make_policy` takes."""


def add_access_options(command: _CommandT) -> _CommandT:
    """Add the options that say who may reach a server: see `ACCESS_ARGUMENTS`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def find_token_file(given: str | None, path: str) -> str:
    """Return the file of tokens: the one that was given, else the one beside the database at `path`."""
    return f"{path}-tokens" if given is None else given
