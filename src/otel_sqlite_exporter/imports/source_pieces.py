# SPDX-License-Identifier: Apache-2.0
"""What a source is cut into."""

from __future__ import annotations

from typing import Any, NamedTuple


class SourcePiece(NamedTuple):
    """A line, document or message of a source.

    Attributes:
        content: Its bytes, by which it is recognised.
        value: Its parsed JSON, or its content as text if it cannot be parsed.
        refusal: The reason why it cannot be parsed; None: it was.
        location: Where it stands in the source, for messages.
        is_finished: False for the last piece of a source that may go on there.
        is_kept: False if it goes to no quarantine: it is only the beginning of what the source had.
    """

    content: bytes
    value: Any
    refusal: str | None
    location: str
    is_finished: bool = True
    is_kept: bool = True
