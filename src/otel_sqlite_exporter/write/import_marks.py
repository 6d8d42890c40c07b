# SPDX-License-Identifier: Apache-2.0
"""What of a source was imported already.

Log records have no identity, so a source is known by its content: each piece has a digest of itself and of all that is
before it, and the transaction that writes a part (some pieces) notes the digest of its last piece. A source is known up
to the last digest that was noted, under whatever name it comes, packed or not, and also when it has grown.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from otel_sqlite_exporter.write.statements import run_query

BEGINNING = ""
"""The digest of what is before the first piece."""


class Part(NamedTuple):
    """Some pieces that are written together: the digest of the last one, which source they are of, and when they were
    read."""

    digest: str
    source: str
    time_unix_nano: int


def chain_digest(before: str, content: bytes) -> str:
    """Return the digest of a piece and of all that is before it, of which the digest is `before`."""
    return hashlib.blake2b(content, digest_size=16, key=before.encode()).hexdigest()


def count_known(connection: sqlite3.Connection, digests: Sequence[str]) -> int:
    """Return how many of the pieces with these digests, which follow each other, were imported already."""
    (known,) = run_query(connection, "count_imported_pieces", digests=digests).fetchone()
    return int(known)


def note_part(connection: sqlite3.Connection, part: Part) -> bool:
    """Note that a part is written, in the transaction that does so; False if it had been before."""
    noted = connection.execute(
        "INSERT INTO _imports (digest, source, time_unix_nano) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING", part
    )
    return noted.rowcount > 0
