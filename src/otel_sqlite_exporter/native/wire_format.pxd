# SPDX-License-Identifier: Apache-2.0
"""The wire format of protobuf. Nothing is read beyond the end of a cursor, whatever the bytes say.

Source: protobuf.dev, "Encoding". Groups are not read: no message of OTLP has one.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5
    LONGEST_TAG = 5


cdef struct Cursor:
    const uint8_t* place
    const uint8_t* end
    long long* left     # how many bytes of memory what is read may still take, in all cursors of a message together


cdef struct Field:
    uint32_t tag        # its number in the message, shifted by three bits, and the type of its value
    uint64_t number     # the value of a number; the length of bytes
    Cursor content      # of bytes


cdef inline bint read_varint(Cursor* cursor, uint64_t* number) noexcept:
    """Read a number of at most ten bytes and 64 bits; False if there is none."""
    cdef uint64_t found = 0
    cdef int shift
    cdef uint8_t byte
    for shift in range(0, 64, 7):
        if cursor.place == cursor.end:
            return False
        byte = cursor.place[0]
        cursor.place += 1
        if shift == 63 and byte > 1:
            return False
        found |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            number[0] = found
            return True
    return False


cdef inline bint spend(Cursor* cursor, int size_bytes) noexcept:
    """Return whether there is memory left for something that takes so much."""
    cursor.left[0] -= size_bytes
    return cursor.left[0] >= 0


cdef inline uint64_t read_little_endian(const uint8_t* bytes, int count) noexcept:
    cdef uint64_t found = 0
    cdef int place
    for place in range(count):
        found |= <uint64_t>bytes[place] << (8 * place)
    return found


cdef inline uint64_t read_big_endian(const uint8_t* bytes) noexcept:
    cdef uint64_t found = 0
    cdef int place
    for place in range(8):
        found = found << 8 | bytes[place]
    return found


cdef inline bint read_field(Cursor* cursor, Field* field) noexcept:
    """Read the next field; False if there is none that is whole and of a type that is read."""
    cdef const uint8_t* began = cursor.place
    cdef uint64_t tag
    cdef int kind, size
    if not read_varint(cursor, &tag) or tag < 8 or tag > 0xFFFFFFFF or cursor.place - began > LONGEST_TAG:
        return False
    field.tag = <uint32_t>tag
    kind = field.tag & 7
    if kind == VARINT:
        return read_varint(cursor, &field.number)
    if kind == BYTES:
        if not read_varint(cursor, &field.number) or field.number > <uint64_t>(cursor.end - cursor.place):
            return False
        field.content.left = cursor.left
        field.content.place = cursor.place
        cursor.place += field.number
        field.content.end = cursor.place
        return True
    if kind != FIXED64 and kind != FIXED32:
        return False
    size = 8 if kind == FIXED64 else 4
    if cursor.end - cursor.place < size:
        return False
    field.number = read_little_endian(cursor.place, size)
    cursor.place += size
    return True
