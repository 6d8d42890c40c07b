# SPDX-License-Identifier: Apache-2.0
"""How much of a source is read at once: what a file may cost in memory and time, whatever is in it."""

from __future__ import annotations

from typing import NamedTuple

MIB = 1 << 20


class ReadingLimits(NamedTuple):
    """Limits of one source.

    Attributes:
        document_bytes: The largest document, line or message that is read. A larger one is passed over.
        unpacking_ratio: A packed file is read up to so many times its own size. It has no effect below 64 MiB.
    """

    document_bytes: int = 64 * MIB
    unpacking_ratio: int = 500


FREELY_UNPACKED_BYTES = 64 * MIB
SHOWN_BYTES = 1_000
"""How much of a piece that was passed over is kept to be shown."""
