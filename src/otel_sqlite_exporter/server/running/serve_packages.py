# SPDX-License-Identifier: Apache-2.0
"""The packages that a server needs, which an installation without the extra `serve` lacks."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from otel_sqlite_exporter.errors import MissingPackageError

_PACKAGES = (
    *("starlette", "uvicorn", "jinja2", "sse_starlette", "prometheus_client", "lark"),
    *("markdown_it", "nh3", "pygments"),
)


def check_packages(extras: Iterable[str] = ()) -> None:
    """Raise MissingPackageError unless all packages of the extra `serve` are installed. The command in its message
    installs `extras` too."""
    for name in _PACKAGES:
        if find_spec(name) is None:
            raise MissingPackageError(f"`serve` needs {name.replace('_', '-')}: {name_pip_command(extras)}")


def name_pip_command(extras: Iterable[str]) -> str:
    """Return the command that installs what a server needs, and `extras`."""
    return f"`pip install 'otel-sqlite-exporter[{','.join(('serve', *extras))}]'`"
