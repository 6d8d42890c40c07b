# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Values of OTLP's protobuf encoding, as otlp/protobuf.py and otlp/otlp_decoder.py read them.

A function gives `ODD` or False for what is not usual: unknown fields, a key that is there twice, an id of another size,
bytes that are no protobuf. The Python code reads that.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy

from otel_sqlite_exporter.native.wire_format cimport Cursor, Field, read_big_endian, read_field, spend

cdef extern from "Python.h":
    object PyUnicode_DecodeUTF8(const char*, Py_ssize_t, const char*)
    bint PyUnicode_IS_ASCII(PyObject*)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)
    void* PyUnicode_DATA(PyObject*)

cdef enum:
    # Tags: the number of the field, and the type of its value.
    KEY = 1 << 3 | 2
    VALUE = 2 << 3 | 2
    ITEM = 1 << 3 | 2
    STRING_VALUE = 1 << 3 | 2
    BOOL_VALUE = 2 << 3
    INT_VALUE = 3 << 3
    DOUBLE_VALUE = 4 << 3 | 1
    ARRAY_VALUE = 5 << 3 | 2
    KVLIST_VALUE = 6 << 3 | 2
    BYTES_VALUE = 7 << 3 | 2

    # About what a member of a dict or an item of a list takes, with its value.
    MEMBER_BYTES = 200
    ITEM_BYTES = 60
    TEXTS = 1024
    LONGEST_TEXT = 64
    # Far less than the levels at which protobuf refuses a message, and than those that a stack holds.
    DEEPEST = 24

ODD = object()
# Keys and names, which come again and again. Each is ASCII.
cdef PyObject* texts[TEXTS]
cdef object last_trace_id = 0


cdef object read_text(Cursor* cursor):
    """Return a text; bytes that are not UTF-8 become lone surrogates."""
    return PyUnicode_DecodeUTF8(<const char*>cursor.place, cursor.end - cursor.place, "surrogateescape")


cdef object find_text(Cursor* cursor):
    """Return a text that is likely to come again."""
    cdef Py_ssize_t length = cursor.end - cursor.place, slot
    cdef PyObject* known
    if not 0 < length <= LONGEST_TEXT:
        return read_text(cursor)
    slot = _digest(cursor)
    known = texts[slot]
    if known != NULL and PyUnicode_GET_LENGTH(known) == length:
        if memcmp(PyUnicode_DATA(known), cursor.place, length) == 0:
            return <object>known
    text = read_text(cursor)
    if PyUnicode_IS_ASCII(<PyObject*>text):
        Py_INCREF(text)
        texts[slot] = <PyObject*>text
        Py_XDECREF(known)
    return text


cdef Py_ssize_t _digest(Cursor* cursor) noexcept:
    """Return the slot of a text by its length, its first eight bytes and its last eight."""
    cdef Py_ssize_t length = cursor.end - cursor.place, size = min(length, 8)
    cdef uint64_t first = 0, last = 0
    memcpy(&first, cursor.place, size)
    memcpy(&last, cursor.end - size, size)
    first = (first ^ <uint64_t>length) * <uint64_t>0x9E3779B97F4A7C15
    return <Py_ssize_t>(((first ^ last) * <uint64_t>0xD6E8FEB86659FD93) >> 54)


cdef object read_trace_id(Cursor* cursor):
    """Return the id, the same object for one that comes twice in a row; 0 if there is none."""
    global last_trace_id
    cdef Py_ssize_t size = cursor.end - cursor.place
    if size != 16:
        return ODD if size else 0
    cdef object high = read_big_endian(cursor.place), low = read_big_endian(cursor.place + 8)
    made = high << 64 | low
    if made == last_trace_id:
        return last_trace_id
    last_trace_id = made
    return made


cdef object read_span_id(Cursor* cursor):
    """Return the id; 0 if there is none."""
    cdef Py_ssize_t size = cursor.end - cursor.place
    if size != 8:
        return ODD if size else 0
    return read_big_endian(cursor.place)


cdef object read_time(Field* field):
    """Return a time that SQLite can hold; None if it is 0."""
    if field.number >> 63:
        return ODD
    return field.number if field.number else None


cdef bint add_attribute(Cursor* cursor, dict attributes, int depth) except -1:
    """Add a `KeyValue`; False if it is odd."""
    cdef Field field
    cdef bint has_value = False
    cdef Py_ssize_t before = len(attributes)
    key, value = "", None
    if not spend(cursor, MEMBER_BYTES):
        return False
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return False
        if field.tag == KEY:
            key = find_text(&field.content)
        elif field.tag == VALUE and not has_value:
            has_value = True
            value = read_value(&field.content, depth)
            if value is ODD:
                return False
        else:
            return False
    attributes[key] = value
    return len(attributes) != before


cdef object read_value(Cursor* cursor, int depth):
    """Return the value of an `AnyValue` that is in `depth` others."""
    cdef Field field
    cdef double number
    if cursor.place == cursor.end:
        return None
    if not read_field(cursor, &field) or cursor.place != cursor.end or depth > DEEPEST:
        return ODD
    if field.tag == STRING_VALUE:
        return read_text(&field.content)
    if field.tag == INT_VALUE:
        return <int64_t>field.number
    if field.tag == BOOL_VALUE:
        return ODD if field.number > 1 else field.number == 1
    if field.tag == DOUBLE_VALUE:
        memcpy(&number, &field.number, 8)
        return number
    if field.tag == ARRAY_VALUE:
        return _read_list(&field.content, depth + 1)
    if field.tag == KVLIST_VALUE:
        return _read_map(&field.content, depth + 1)
    if field.tag == BYTES_VALUE:
        return (<const char*>field.content.place)[: field.content.end - field.content.place]
    return ODD


cdef object _read_list(Cursor* cursor, int depth):
    cdef Field field
    cdef list values = []
    while cursor.place != cursor.end:
        if not read_field(cursor, &field) or field.tag != ITEM or not spend(cursor, ITEM_BYTES):
            return ODD
        value = read_value(&field.content, depth)
        if value is ODD:
            return ODD
        values.append(value)
    return values


cdef object _read_map(Cursor* cursor, int depth):
    cdef Field field
    cdef dict values = {}
    while cursor.place != cursor.end:
        if not read_field(cursor, &field) or field.tag != ITEM or not add_attribute(&field.content, values, depth):
            return ODD
    return values
