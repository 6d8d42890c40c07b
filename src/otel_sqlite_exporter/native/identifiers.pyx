# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Trace and span ids as hexadecimal digits."""

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint8_t, uint64_t

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyLong_Type
    unsigned long long PyLong_AsUnsignedLongLong(object) except? 0xFFFFFFFFFFFFFFFF
    unsigned long long PyLong_AsUnsignedLongLongMask(object) except? 0xFFFFFFFFFFFFFFFF
    object PyUnicode_New(Py_ssize_t, Py_UCS4)
    void* PyUnicode_DATA(object)

cdef const char* HEX = "0123456789abcdef"


cdef str encode_trace_id(object value):
    """Return 32 digits; None if `value` is no exact `int` that is a valid trace id."""
    cdef uint64_t high, low
    if Py_TYPE(<PyObject*>value) != &PyLong_Type:
        return None
    try:
        high = PyLong_AsUnsignedLongLong(value >> 64)
    except OverflowError:
        return None
    low = PyLong_AsUnsignedLongLongMask(value)
    if not high and not low:
        return None
    cdef object text = PyUnicode_New(32, 0x7F)
    cdef uint8_t* digits = <uint8_t*>PyUnicode_DATA(text)
    _write(digits, high)
    _write(digits + 16, low)
    return text


cdef str encode_span_id(object value):
    """Return 16 digits; None if `value` is no exact `int` that is a valid span id."""
    cdef uint64_t number
    if Py_TYPE(<PyObject*>value) != &PyLong_Type:
        return None
    try:
        number = PyLong_AsUnsignedLongLong(value)
    except OverflowError:
        return None
    if not number:
        return None
    cdef object text = PyUnicode_New(16, 0x7F)
    _write(<uint8_t*>PyUnicode_DATA(text), number)
    return text


cdef void _write(uint8_t* digits, uint64_t number) noexcept:
    cdef int place
    for place in range(15, -1, -1):
        digits[place] = HEX[number & 15]
        number >>= 4
