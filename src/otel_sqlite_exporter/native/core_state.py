# SPDX-License-Identifier: Apache-2.0
"""Whether this process uses the compiled core. It stays so until the process ends."""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from typing import Any

from otel_sqlite_exporter.process_settings import resolve_environment

_logger = logging.getLogger(__name__)
_ENTRIES = ("span_encoder", "protobuf_records", "json_records")
"""The modules that others import; these load the rest."""
IN_USE, NOT_BUILT, SWITCHED_OFF, FAILS_TO_LOAD = "in use", "not built", "switched off", "fails to load"


@cache
def find_core_state() -> str:
    """Return one of the four states above. The setting `native` switches the core off.

    Without the core, the Python stages do its work, with the same result.
    """
    if not resolve_environment().native:
        return SWITCHED_OFF
    try:
        import_module("otel_sqlite_exporter.native.built")
    except ModuleNotFoundError:
        return NOT_BUILT
    except ImportError as error:
        return _tell(error)
    try:
        for entry in _ENTRIES:
            import_module(f"otel_sqlite_exporter.native.{entry}")
    except Exception as error:  # modules that do not fit together raise others than ImportError
        return _tell(error)
    return IN_USE


def load_compiled(name: str) -> Any:
    """Return a compiled module, or None where the core is not in use."""
    return import_module(f"otel_sqlite_exporter.native.{name}") if find_core_state() == IN_USE else None


def _tell(error: Exception) -> str:
    _logger.warning("the compiled core cannot be loaded, the Python code is used: %s", error)
    return FAILS_TO_LOAD
