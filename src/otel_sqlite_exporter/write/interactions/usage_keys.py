# SPDX-License-Identifier: Apache-2.0
"""Keys by which records that may report one usage are found, so that not each two records are compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

INPUT_PARTS = ("cached_input_tokens", "cache_creation_input_tokens")
OUTPUT_PARTS = ("reasoning_tokens",)

Key = int | str
_ALL, _ANY = "all", "any"


def find_usage_keys(facts: Mapping[str, Any]) -> set[Key]:
    """Return the keys under which a record is found: its input tokens, also without their parts, which another record
    may leave out."""
    tokens = facts["input_tokens"]
    return {_ALL, _ANY} if tokens is None else {_ALL, tokens, tokens - sum_parts(facts, INPUT_PARTS)}


def find_asked_keys(facts: Mapping[str, Any]) -> Sequence[Key]:
    """Return the keys under which all records are whose input tokens may be those of a record. One that has none may be
    of any call."""
    return (_ALL,) if facts["input_tokens"] is None else (*(find_usage_keys(facts) - {_ALL}), _ANY)


def sum_parts(facts: Mapping[str, Any], names: Iterable[str]) -> int:
    """Return the sum of the tokens that a record reports under these names."""
    return sum(facts[name] or 0 for name in names)
