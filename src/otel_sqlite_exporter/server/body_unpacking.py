# SPDX-License-Identifier: Apache-2.0
"""Unpacks the body of a request with a bound while it is unpacked."""

from __future__ import annotations

import io
from collections.abc import Callable

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.imports.byte_streams import ByteStream
from otel_sqlite_exporter.imports.unpacking import Unpacker, find_encoding, make_zstd_decompressor
from otel_sqlite_exporter.server.request_refusals import BAD_REQUEST, TOO_LARGE, UNKNOWN_TYPE, RequestRefusedError

PLAIN = ("", "identity")
"""The content encodings of a body that is not packed."""
_STANDARD = ("gzip", "deflate")
_PIECE_BYTES = 1 << 20
_ANY_RATIO = 1 << 40  # what counts is the size


def list_encodings() -> tuple[str, ...]:
    """Return the content encodings that can be unpacked here."""
    try:
        make_zstd_decompressor()
    except MissingPackageError:
        return _STANDARD
    return (*_STANDARD, "zstd")


def check_encoding(encoding: str) -> None:
    """Raise RequestRefusedError if `encoding` cannot be unpacked here."""
    # Python looks for a package that is missing each time anew, which takes 0.1 ms.
    if encoding not in (*PLAIN, "x-gzip", *_STANDARD) and encoding not in list_encodings():
        known = ", ".join(list_encodings())
        raise RequestRefusedError(UNKNOWN_TYPE, f"the Content-Encoding is not known here: use one of {known}, or none")


def unpack_body(body: bytes, encoding: str, limit: int, reserve: Callable[[int], None]) -> bytes:
    """Return what `body` holds. `reserve` is called with the size of each piece before it is kept.

    Raises:
        RequestRefusedError: It is damaged, or holds more than `limit` bytes; or what `reserve` raises.
    """
    if encoding in PLAIN:
        return body
    packing = find_encoding(encoding, body[:2])
    if packing is None:
        raise RequestRefusedError(UNKNOWN_TYPE, "the Content-Encoding is not known here")
    unpacker = Unpacker(ByteStream(io.BytesIO(body).read), packing, _ANY_RATIO)
    content = io.BytesIO()
    while piece := unpacker.read(_PIECE_BYTES):
        reserve(len(piece))
        if content.tell() + len(piece) > limit:
            raise RequestRefusedError(TOO_LARGE, f"the body unpacks to more than {limit} bytes: send smaller batches")
        content.write(piece)
    if unpacker.damage is not None:
        raise RequestRefusedError(BAD_REQUEST, f"the body is not {packing.name}, or is damaged or cut short")
    return content.getvalue()
