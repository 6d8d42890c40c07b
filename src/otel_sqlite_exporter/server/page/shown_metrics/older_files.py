# SPDX-License-Identifier: Apache-2.0
"""Pages that show something of metrics beside other things also show files from before metrics."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from otel_sqlite_exporter.errors import MigrationRequiredError
from otel_sqlite_exporter.server.api.api_backend import ApiBackend

_P = ParamSpec("_P")
_T = TypeVar("_T")


def read_or_none(
    backend: ApiBackend,
    question: Callable[Concatenate[sqlite3.Connection, _P], _T],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T | None:
    """Return `question(connection, *args, **kwargs)`; None: the file is too old to have metrics."""
    try:
        return backend.file.read(question, *args, **kwargs)
    except MigrationRequiredError:
        return None
