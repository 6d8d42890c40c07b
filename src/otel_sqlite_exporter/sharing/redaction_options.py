# SPDX-License-Identifier: Apache-2.0
"""Adds what options ask to redact to what the settings redact."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.settings import Settings, resolve_settings


def add_redaction(
    settings: Settings,
    *,
    redact_keys: Sequence[str] = (),
    redact_values: Sequence[str] = (),
    no_content: bool = False,
    metadata_only: bool = False,
) -> Settings:
    """Return settings that redact what `settings` do, and what is given.

    Raises:
        ConfigurationError: A pattern cannot be used.
        MissingPackageError: There are patterns for values, and no package for them.
    """
    if redact_values and find_spec("re2") is None:
        raise MissingPackageError(
            "--redact-values needs google-re2: install it with `pip install 'otel-sqlite-exporter[redact]'`"
        )
    given = resolve_settings(settings.path, redact_keys=redact_keys, redact_values=redact_values)
    return settings._replace(
        redact_keys=settings.redact_keys + given.redact_keys,
        # None masks everything: the expressions of the environment are invalid.
        redact_values=None if settings.redact_values is None else settings.redact_values + (given.redact_values or ()),
        capture="metadata" if metadata_only else settings.capture,
        capture_content=settings.capture_content and not (no_content or metadata_only),
    )
