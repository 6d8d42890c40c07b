# SPDX-License-Identifier: Apache-2.0
"""Fields of protobuf messages as bytes, for the few messages that are written here without generated code. Pure."""

from __future__ import annotations

import struct

_VARINT, _FIXED64, _BYTES = 0, 1, 2
_UNSIGNED = 2**64
_SMALL = tuple(bytes((number,)) for number in range(128))


def encode_varint(number: int) -> bytes:
    """Return a number from -2^63 to 2^64 - 1 as a varint: a negative one in ten bytes."""
    if 0 <= number < 128:
        return _SMALL[number]
    number %= _UNSIGNED
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def number_field(field: int, number: int) -> bytes:
    """Return a field of an integer, an enumeration or a boolean."""
    return encode_varint(field << 3 | _VARINT) + encode_varint(number)


def fixed64_field(field: int, number: int) -> bytes:
    """Return a field of an integer in eight bytes."""
    return encode_varint(field << 3 | _FIXED64) + struct.pack("<Q", number)


def double_field(field: int, number: float) -> bytes:
    """Return a field of a floating-point number."""
    return encode_varint(field << 3 | _FIXED64) + struct.pack("<d", number)


def bytes_field(field: int, content: bytes) -> bytes:
    """Return a field of bytes, or of a message."""
    return encode_varint(field << 3 | _BYTES) + encode_varint(len(content)) + content


def text_field(field: int, text: str) -> bytes:
    """Return a field of text. Halves of surrogate pairs, which protobuf's text cannot hold, are question marks."""
    return bytes_field(field, text.encode(errors="replace"))
