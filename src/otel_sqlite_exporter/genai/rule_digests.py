# SPDX-License-Identifier: Apache-2.0
"""Names the rules by which rows are derived from records, so that a file can tell which rules wrote it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.declarations import declared_settings
from otel_sqlite_exporter.genai.rules import read_dialects
from otel_sqlite_exporter.settings import Settings

RULES_NUMBER = 1
"""Raise it if the code of `genai` or `encode` derives other rows than before. A changed JSON file shows by itself."""
_DATA = ("vocabulary.json", "messages/message_names.json")


class RuleDigests(NamedTuple):
    """The rules that derived rows.

    Attributes:
        package: A digest of those of the package.
        settings: The settings that change them, as a JSON object; one that has its default is left out. A dialect has
            its name and a digest.
    """

    package: str
    settings: str


def digest_rules(settings: Settings) -> RuleDigests:
    """Return what names the rules that an exporter with these settings derives rows by."""
    dialects = [f"{one.name} ({_digest(orjson.dumps(_order(one)))[:8]})" for one in settings.dialects]
    chosen: dict[str, Any] = {"dialects": dialects} if dialects else {}
    for name, default in _read_defaults().items():
        if getattr(settings, name) != default:
            chosen[name] = getattr(settings, name)
    return RuleDigests(_digest_package(), orjson.dumps(chosen).decode())


@functools.cache
def _read_defaults() -> dict[str, Any]:
    declared = declared_settings(Settings)
    return {name: declared[name].parse(declared[name].default) for name in ("session_attributes", "pairing_window_ms")}


@functools.cache
def _digest_package() -> str:
    texts = [str(RULES_NUMBER).encode(), orjson.dumps(_read_defaults()), *sorted(read_dialects())]
    texts += [files(__package__).joinpath(name).read_bytes() for name in _DATA]
    return _digest(b"\0".join(texts))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _order(value: Any) -> Any:
    """Return `value` as JSON values that are the same in each process."""
    if isinstance(value, Mapping):
        return [[str(key), _order(one)] for key, one in sorted(value.items(), key=lambda item: str(item[0]))]
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return [_order(one) for one in value] if isinstance(value, (tuple, list)) else value
