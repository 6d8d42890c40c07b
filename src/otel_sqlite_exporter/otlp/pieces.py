# SPDX-License-Identifier: Apache-2.0
"""The pieces of a source that is imported."""

from __future__ import annotations

from typing import Any, NamedTuple


class Piece(NamedTuple):
    """A line, a document or a message of a source: its bytes, which identify it; its parsed JSON, or why there is none;
    and its position. A last line without an end is not `is_finished`."""

    content: bytes
    value: Any
    refusal: str | None
    place: str
    is_finished: bool = True
