# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Fills the columns of a call or tool from the attributes held, as a `RowPlan` of genai/plans.py says.

What the functions of genai/column_readers.py read from a short text is remembered: models, providers and reasons are
few.
"""

from cpython.object cimport PyObject, PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE

from otel_sqlite_exporter.genai.column_readers import read_count, read_text
from otel_sqlite_exporter.model.values import LARGEST

from otel_sqlite_exporter.native.shapes cimport Held

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyLong_Type, PyTuple_Type, PyUnicode_Type
    PyObject* Py_None
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)

cdef enum:
    MOST_KNOWN = 256
    LONGEST_KNOWN = 64

cdef enum:
    READ_TEXT
    READ_COUNT
    READ_OTHER


cdef class Ask:
    """One attribute of a column, and how its value is read."""
    cdef Py_ssize_t place
    cdef int kind
    cdef object read
    cdef dict known

    def __cinit__(self, place, read):
        self.place = place
        self.kind = READ_TEXT if read is read_text else READ_COUNT if read is read_count else READ_OTHER
        self.read = read
        self.known = {}

    cdef object find(self, Held* held):
        """Return what the value gives, or None. Texts held have no surrogates, and integers 64 bits."""
        cdef PyObject* value = held.values[self.place]
        cdef PyTypeObject* kind = Py_TYPE(value)
        if value == Py_None:
            return None
        if self.kind == READ_TEXT and kind == &PyUnicode_Type:
            return <object>value if PyUnicode_GET_LENGTH(value) else None
        if self.kind == READ_COUNT and kind == &PyLong_Type and <object>value >= 0:
            return <object>value
        if not _is_short(value):
            return self.read(<object>value)
        found = self.known.get(<object>value, self)
        if found is self:
            found = self.read(<object>value)
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[<object>value] = found
        return found


cdef bint _is_short(PyObject* value) noexcept:
    """Return whether a value is a short text, or a tuple of one."""
    if Py_TYPE(value) == &PyTuple_Type:
        if PyTuple_GET_SIZE(<object>value) != 1:
            return False
        value = PyTuple_GET_ITEM(<object>value, 0)
    return Py_TYPE(value) == &PyUnicode_Type and PyUnicode_GET_LENGTH(value) <= LONGEST_KNOWN


cdef list make_asks(object asks, list keys):
    """Return the asks of a plan for attributes with these keys."""
    return [Ask(keys.index(name), read) for name, read in asks]


cdef object find_first(list asks, Held* held):
    """Return the first value that one of the attributes gives, or None."""
    cdef Ask ask
    for ask in asks:
        value = ask.find(held)
        if value is not None:
            return value
    return None


cdef class Column:
    cdef Py_ssize_t place
    cdef list asks

    def __cinit__(self, place, list asks):
        self.place = place
        self.asks = asks


cdef class RowReader:
    """Reads the columns of one kind of row."""

    def __cinit__(self, plan, list keys):
        asked = [(place, asks) for place, _, asks in plan.texts] + list(plan.others)
        self.empty = plan.row
        self.columns = [Column(place, make_asks(asks, keys)) for place, asks in asked]
        self.sums = [Column(place, make_asks(asks, keys)) for place, asks in plan.sums]

    cdef list read(self, Held* held):
        """Return a row with what the attributes give."""
        cdef list row = self.empty.copy()
        cdef Column column
        cdef Ask ask
        for column in self.columns:
            value = find_first(column.asks, held)
            if value is not None:
                row[column.place] = value
        for column in self.sums:
            if row[column.place] is None:
                parts = [ask.find(held) for ask in column.asks]
                row[column.place] = None if None in parts else min(sum(parts), LARGEST)
        return row
