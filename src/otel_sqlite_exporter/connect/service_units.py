# SPDX-License-Identifier: Apache-2.0
"""A unit of the user's service manager that runs `serve`: of systemd, or of launchd. Pure, but for `find_unit` and
`is_managed`."""

from __future__ import annotations

import os
import plistlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

_LABEL = "otel-sqlite-exporter"
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@")


class ServiceUnit(NamedTuple):
    """A unit.

    Attributes:
        path: Where the service manager looks for it.
        text: What it holds.
        start: The commands that start it, and let it start with the session of the user.
        stop: The commands that stop it, before its file goes.
    """

    path: str
    text: str
    start: tuple[str, ...]
    stop: tuple[str, ...]


def find_unit(database: str, platform: str = sys.platform) -> ServiceUnit | None:
    """Return the unit that serves the file at the absolute path `database`, with the Python that runs now; None: there
    is no such service manager on this platform."""
    command = [sys.executable, "-m", "otel_sqlite_exporter", "serve", database]
    home = os.path.expanduser("~")
    if platform == "darwin":
        path = os.path.join(home, "Library", "LaunchAgents", f"{_LABEL}.plist")
        domain = "gui/$(id -u)"
        return ServiceUnit(
            path,
            write_launchd(command),
            (f"launchctl bootstrap {domain} {path}",),
            (f"launchctl bootout {domain}/{_LABEL}",),
        )
    if platform.startswith("linux"):
        # A relative path is to be ignored: see the XDG Base Directory Specification.
        named = os.environ.get("XDG_CONFIG_HOME", "")
        folder = named if os.path.isabs(named) else os.path.join(home, ".config")
        return ServiceUnit(
            os.path.join(folder, "systemd", "user", f"{_LABEL}.service"),
            write_systemd(command, database),
            ("systemctl --user daemon-reload", f"systemctl --user enable --now {_LABEL}"),
            (f"systemctl --user disable --now {_LABEL}",),
        )
    return None


def is_managed(platform: str = sys.platform) -> bool:
    """Return whether the service manager of this platform runs. Source: sd_booted(3)."""
    return not platform.startswith("linux") or os.path.isdir("/run/systemd/system")


def write_systemd(command: Sequence[str], database: str) -> str:
    """Return a unit of systemd that runs `command`."""
    return f"""\
[Unit]
Description=Receives OpenTelemetry into {_escape(database)}

[Service]
ExecStart={" ".join(map(_quote, command))}
Restart=on-failure
RestartSec=5
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def write_launchd(command: Sequence[str]) -> str:
    """Return an agent of launchd that runs `command`."""
    agent = {
        "Label": _LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "Umask": 0o077,
        "ProcessType": "Background",
    }
    return plistlib.dumps(agent, sort_keys=False).decode("utf-8")


def _quote(argument: str) -> str:
    """Return an argument as systemd reads it: see systemd.service(5), "Command lines"."""
    if argument and _SAFE.issuperset(argument):
        return argument
    escaped = _escape(argument.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$"))
    return f'"{escaped}"'


def _escape(text: str) -> str:
    """Return a text without specifiers and line ends: see systemd.unit(5)."""
    return text.replace("%", "%%").replace("\n", "\\n")
