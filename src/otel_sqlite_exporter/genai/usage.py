# SPDX-License-Identifier: Apache-2.0
"""Gives tokens one meaning in all dialects: input includes cached and cache-creation tokens, output includes reasoning.
Pure.

Dialects and providers differ in what their totals include. If a dialect states it, that counts. Otherwise the numbers
decide: a part cannot be larger than its whole, and if the reported total equals the sum of all parts, the parts do not
overlap.

A reported total that is still greater than input plus output tells a part that no attribute has, if only one part can
be missing. What that is depends on the model, or on the provider: see `hidden_tokens` in `vocabulary.json`.
"""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.genai.providers import VOCABULARY
from otel_sqlite_exporter.model.values import LARGEST

NOBODY: frozenset[str] = frozenset()
_HIDDEN: dict[str, dict[str, list[str]]] = VOCABULARY["hidden_tokens"]


class Outside(NamedTuple):
    """The parts that a dialect's totals do not include, each for these providers or for all (None)."""

    cached: frozenset[str] | None = NOBODY
    creation: frozenset[str] | None = NOBODY
    reasoning: frozenset[str] | None = NOBODY


class Usage(NamedTuple):
    """Numbers of tokens. None: unknown."""

    input: int | None
    output: int | None
    total: int | None
    cached: int | None
    creation: int | None
    reasoning: int | None


def include_parts(usage: Usage, outside: Outside, provider: str | None) -> tuple[int | None, int | None, int | None]:
    """Return input, output and total, each including its parts."""
    input, output, total, cached, creation, reasoning = usage
    beside_input = _count(cached, outside.cached, provider) + _count(creation, outside.creation, provider)
    beside_output = _count(reasoning, outside.reasoning, provider)
    in_question = 0 if beside_input else (cached or 0) + (creation or 0)
    reasoning_in_question = 0 if beside_output else reasoning or 0
    if in_question and input is not None and in_question > input:
        beside_input, in_question = in_question, 0
    if reasoning_in_question and output is not None and reasoning_in_question > output:
        beside_output, reasoning_in_question = reasoning_in_question, 0
    if total is not None and input is not None and output is not None:
        rest = total - (input + beside_input) - (output + beside_output)
        if rest > 0 and rest == in_question + reasoning_in_question:
            beside_input += in_question
            beside_output += reasoning_in_question
        elif rest > 0 and rest == in_question:
            beside_input += in_question
        elif rest > 0 and rest == reasoning_in_question:
            beside_output += reasoning_in_question
        if total == input + output:  # the dialect's own sum, without the parts
            total += beside_input + beside_output
    return _add(input, beside_input), _add(output, beside_output), _add(total, 0)


def add_hidden(usage: Usage, provider: str | None, model: str | None) -> tuple[int, int]:
    """Return input and output of `usage`, which are known, as its total is, with the tokens that only the total counts.
    They are of the cache, if the provider's input leaves that out and not all of it is reported; they are reasoning, if
    the provider's output leaves that out and it is not reported. Otherwise nothing is added."""
    input, output, total, cached, creation, reasoning = usage
    missing = (total or 0) - (input or 0) - (output or 0)
    side = _find_side(provider, model) if missing > 0 else None
    if side == "input" and (cached is None or creation is None):
        return (input or 0) + missing, output or 0
    if side == "output" and reasoning is None:
        return input or 0, (output or 0) + missing
    return input or 0, output or 0


def _find_side(provider: str | None, model: str | None) -> str | None:
    """Return the side from which totals of this model leave tokens out. The model is surer than the provider: many
    serve the models of others."""
    name = (model or "").lower()
    for side, hidden in _HIDDEN.items():
        if any(word in name for word in hidden["models"]):
            return side
    return next((side for side, hidden in _HIDDEN.items() if provider in hidden["providers"]), None)


def _count(part: int | None, providers: frozenset[str] | None, provider: str | None) -> int:
    return part if part and (providers is None or provider in providers) else 0


def _add(number: int | None, more: int) -> int | None:
    return None if number is None else min(number + more, LARGEST)
