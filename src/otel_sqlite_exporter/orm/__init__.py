# SPDX-License-Identifier: Apache-2.0
"""The public views as read-only SQLAlchemy 2 models, read through `open_engine` (extra `sqlalchemy`)."""

from __future__ import annotations

from otel_sqlite_exporter.errors import MissingPackageError

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401
except ImportError as error:
    raise MissingPackageError(
        "otel_sqlite_exporter.orm needs SQLAlchemy 2: `pip install 'otel-sqlite-exporter[sqlalchemy]'`"
    ) from error

from otel_sqlite_exporter.orm.base import Model
from otel_sqlite_exporter.orm.engine import open_engine
from otel_sqlite_exporter.orm.models import (
    Agent,
    Event,
    Link,
    LLMInteraction,
    Log,
    Score,
    Session,
    Span,
    ToolInteraction,
    Trace,
)

__all__ = [
    "Agent",
    "Event",
    "LLMInteraction",
    "Link",
    "Log",
    "Model",
    "Score",
    "Session",
    "Span",
    "ToolInteraction",
    "Trace",
    "open_engine",
]
