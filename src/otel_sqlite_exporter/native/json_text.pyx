# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The JSON text of attributes, as orjson writes it, made as a `str` at once.

Keys and values are borrowed: no function here runs Python code or allocates what the garbage collector knows, so that
no other code runs while they are read.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_AS_DOUBLE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from orjson import dumps

cdef extern from *:
    """
    #if PY_VERSION_HEX < 0x030C0000
    #define IS_READY(text) PyUnicode_IS_READY(text)
    #else
    #define IS_READY(text) 1
    #endif
    """
    bint IS_READY(PyObject* text)

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyBool_Type, PyFloat_Type, PyList_Type, PyLong_Type, PyTuple_Type, PyUnicode_Type
    PyObject* Py_None
    PyObject* Py_True
    long long PyLong_AsLongLongAndOverflow(PyObject*, int*) except? -1
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)
    uint32_t PyUnicode_MAX_CHAR_VALUE(PyObject*)
    int PyUnicode_KIND(PyObject*)
    void* PyUnicode_DATA(PyObject*)
    object PyUnicode_New(Py_ssize_t, Py_UCS4)

ctypedef fused unit:
    uint8_t
    uint16_t
    uint32_t

ctypedef fused source:
    uint8_t
    uint16_t
    uint32_t

cdef struct FloatText:
    uint64_t bits
    uint8_t length
    char text[31]

cdef enum:
    # Of the text of one mapping. A larger one is encoded by orjson, which needs no room for six times its size.
    MOST_CHARACTERS = 8 << 20
    MOST_KEPT_BYTES = 1 << 20
    BLOCK = 16
    FLOATS = 64
    # The most characters of a number, a constant or an escape, with what stands around it.
    LONGEST_SCALAR = 32

cdef void* buffer = NULL
cdef size_t buffer_bytes = 0
cdef FloatText float_texts[FLOATS]
cdef char SHORT_ESCAPES[256]
cdef const char* HEX = "0123456789abcdef"

for _place in range(256):
    SHORT_ESCAPES[_place] = 0
for _character, _short in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt'):
    SHORT_ESCAPES[_character] = _short


cdef str write_members(PyObject** keys, PyObject** values, Py_ssize_t count):
    """Return the text of an object with these members, each key an exact `str`; None if a value is not text, a finite
    float, an integer of 64 bits, a boolean, null, or a list or tuple of such, or if a text has a surrogate."""
    cdef uint32_t largest = 0x7F
    cdef Py_ssize_t room = 2, size, place
    for place in range(count):
        size = _measure(keys[place], &largest)
        if size < 0:
            return None
        room += size
        size = _measure_value(values[place], &largest)
        if size < 0:
            return None
        room += size
        if room > MOST_CHARACTERS:
            return None
    _reserve(room * (1 if largest <= 0xFF else 2 if largest <= 0xFFFF else 4))
    if largest <= 0xFF:
        return _write(<uint8_t*>buffer, keys, values, count, largest)
    if largest <= 0xFFFF:
        return _write(<uint16_t*>buffer, keys, values, count, largest)
    return _write(<uint32_t*>buffer, keys, values, count, largest)


cdef Py_ssize_t _measure(PyObject* text, uint32_t* largest) noexcept:
    """Return the most characters that a text needs with what stands around it, and note its characters; -1 if it is no
    exact `str`."""
    if Py_TYPE(text) != &PyUnicode_Type or not IS_READY(text):
        return -1
    largest[0] |= PyUnicode_MAX_CHAR_VALUE(text)
    return PyUnicode_GET_LENGTH(text) * 6 + LONGEST_SCALAR


cdef Py_ssize_t _measure_value(PyObject* value, uint32_t* largest) except -2:
    cdef PyTypeObject* kind = Py_TYPE(value)
    cdef Py_ssize_t count, room = LONGEST_SCALAR, size, place
    if kind == &PyUnicode_Type:
        return _measure(value, largest)
    if kind == &PyTuple_Type or kind == &PyList_Type:
        count = PyTuple_GET_SIZE(<object>value) if kind == &PyTuple_Type else PyList_GET_SIZE(<object>value)
        if count > MOST_CHARACTERS // LONGEST_SCALAR:
            return -1
        for place in range(count):
            size = _measure_item(_item(value, kind, place), largest)
            if size < 0:
                return -1
            room += size
        return room
    return _measure_item(value, largest)


cdef Py_ssize_t _measure_item(PyObject* value, uint32_t* largest) except -2:
    cdef PyTypeObject* kind = Py_TYPE(value)
    cdef int overflow = 0
    cdef double number
    if kind == &PyUnicode_Type:
        return _measure(value, largest)
    if kind == &PyLong_Type:
        PyLong_AsLongLongAndOverflow(value, &overflow)
        return -1 if overflow else LONGEST_SCALAR
    if kind == &PyFloat_Type:
        number = PyFloat_AS_DOUBLE(<object>value)
        return LONGEST_SCALAR if number - number == 0 else -1
    return LONGEST_SCALAR if kind == &PyBool_Type or value == Py_None else -1


cdef inline PyObject* _item(PyObject* values, PyTypeObject* kind, Py_ssize_t place) noexcept:
    if kind == &PyTuple_Type:
        return PyTuple_GET_ITEM(<object>values, place)
    return PyList_GET_ITEM(<object>values, place)


cdef str _write(unit* begin, PyObject** keys, PyObject** values, Py_ssize_t count, uint32_t largest):
    cdef unit* end = begin
    cdef Py_ssize_t place
    cdef object text
    for place in range(count):
        end[0] = c"," if place else c"{"
        end = _write_text(end + 1, keys[place])
        if end == NULL:
            return None
        end[0] = c":"
        end = _write_value(end + 1, values[place])
        if end == NULL:
            return None
    if not count:
        end[0] = c"{"
        end += 1
    end[0] = c"}"
    end += 1
    text = PyUnicode_New(end - begin, largest)
    memcpy(PyUnicode_DATA(<PyObject*>text), begin, (end - begin) * sizeof(unit))
    if buffer_bytes > MOST_KEPT_BYTES:
        _free()
    return text


cdef int _reserve(size_t needed) except -1:
    global buffer, buffer_bytes
    if needed <= buffer_bytes:
        return 0
    cdef void* larger = PyMem_Realloc(buffer, needed)
    if larger == NULL:
        raise MemoryError
    buffer, buffer_bytes = larger, needed
    return 0


cdef void _free() noexcept:
    global buffer, buffer_bytes
    PyMem_Free(buffer)
    buffer, buffer_bytes = NULL, 0


cdef unit* _write_value(unit* end, PyObject* value) except? NULL:
    cdef PyTypeObject* kind = Py_TYPE(value)
    cdef Py_ssize_t count, place
    if kind != &PyTuple_Type and kind != &PyList_Type:
        return _write_item(end, value)
    count = PyTuple_GET_SIZE(<object>value) if kind == &PyTuple_Type else PyList_GET_SIZE(<object>value)
    end[0] = c"["
    end += 1
    for place in range(count):
        if place:
            end[0] = c","
            end += 1
        end = _write_item(end, _item(value, kind, place))
        if end == NULL:
            return NULL
    end[0] = c"]"
    return end + 1


cdef unit* _write_item(unit* end, PyObject* value) except? NULL:
    cdef PyTypeObject* kind = Py_TYPE(value)
    cdef int overflow = 0
    cdef FloatText* number
    if kind == &PyUnicode_Type:
        return _write_text(end, value)
    if kind == &PyLong_Type:
        return _write_integer(end, PyLong_AsLongLongAndOverflow(value, &overflow))
    if kind == &PyFloat_Type:
        number = _find_float_text(value)
        return _write_ascii(end, number.text, number.length)
    if kind == &PyBool_Type:
        return _write_ascii(end, "true", 4) if value == Py_True else _write_ascii(end, "false", 5)
    return _write_ascii(end, "null", 4)


cdef unit* _write_ascii(unit* end, const char* text, Py_ssize_t length) noexcept:
    cdef Py_ssize_t place
    for place in range(length):
        end[place] = text[place]
    return end + length


cdef unit* _write_integer(unit* end, long long number) noexcept:
    cdef char digits[20]
    cdef int count = 0
    cdef uint64_t rest = <uint64_t>number
    if number < 0:
        rest = 0 - rest
        end[0] = c"-"
        end += 1
    while True:
        digits[count] = <char>(c"0" + rest % 10)
        count += 1
        rest //= 10
        if not rest:
            break
    while count:
        count -= 1
        end[0] = digits[count]
        end += 1
    return end


cdef FloatText* _find_float_text(PyObject* value) except NULL:
    """Return what orjson writes for a finite float: each of its versions has its own form."""
    cdef double number = PyFloat_AS_DOUBLE(<object>value)
    cdef uint64_t bits
    memcpy(&bits, &number, 8)
    cdef FloatText* found = &float_texts[(bits * <uint64_t>0x9E3779B97F4A7C15) >> 58]
    if not found.length or found.bits != bits:
        text = dumps(<object>value)
        if PyBytes_GET_SIZE(text) > 31:
            raise ValueError("a float of more than 31 characters")
        found.bits, found.length = bits, <uint8_t>PyBytes_GET_SIZE(text)
        memcpy(found.text, PyBytes_AS_STRING(text), found.length)
    return found


cdef unit* _write_text(unit* end, PyObject* text) noexcept:
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    cdef int kind = PyUnicode_KIND(text)
    cdef void* data = PyUnicode_DATA(text)
    if kind == 1:
        return _write_units(end, <const uint8_t*>data, length)
    if kind == 2:
        return _write_units(end, <const uint16_t*>data, length)
    return _write_units(end, <const uint32_t*>data, length)


cdef unit* _write_units(unit* end, const source* text, Py_ssize_t length) noexcept:
    """Write a text in quotes. Return the new end; NULL if it has a surrogate."""
    cdef Py_ssize_t place = 0, stop, inner
    cdef uint8_t special, character
    end[0] = c'"'
    end += 1
    while place < length:
        stop = length
        if source is uint8_t and unit is uint8_t:
            # Blocks without a character that is escaped are copied as a whole; there is room for six times as much.
            while length - place >= BLOCK:
                special = 0
                for inner in range(BLOCK):
                    character = text[place + inner]
                    special |= (character < 0x20) | (character == c'"') | (character == c"\\")
                if special:
                    break
                memcpy(end, text + place, BLOCK)
                end += BLOCK
                place += BLOCK
            stop = min(place + BLOCK, length)
        while place < stop:
            if source is not uint8_t:
                if text[place] > 0xFF:
                    if 0xD800 <= text[place] <= 0xDFFF:
                        return NULL
                    end[0] = <unit>text[place]
                    end += 1
                    place += 1
                    continue
            character = <uint8_t>text[place]
            place += 1
            if character >= 0x20 and character != c'"' and character != c"\\":
                end[0] = character
                end += 1
            else:
                end = _write_escaped(end, character)
    end[0] = c'"'
    return end + 1


cdef unit* _write_escaped(unit* end, uint8_t character) noexcept:
    end[0] = c"\\"
    if SHORT_ESCAPES[character]:
        end[1] = SHORT_ESCAPES[character]
        return end + 2
    end = _write_ascii(end + 1, "u00", 3)
    end[0] = HEX[character >> 4]
    end[1] = HEX[character & 15]
    return end + 2
