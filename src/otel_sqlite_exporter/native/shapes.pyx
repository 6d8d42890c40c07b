# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Attributes while they are encoded, and the plan for attributes of their shape."""

from cpython.dict cimport PyDict_Next, PyDict_Size
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.unicode cimport PyUnicode_Compare
from libc.string cimport memchr, memset

from otel_sqlite_exporter.native.call_rows cimport CallPlan

from otel_sqlite_exporter.encode.sessions import EMPTY_NAMES, SYSTEM_THREAD, find_naming
from otel_sqlite_exporter.model.rows import Naming
from otel_sqlite_exporter.settings import REDACTED

from otel_sqlite_exporter.native.made_rows cimport make_row, untrack

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyBool_Type, PyFloat_Type, PyList_Type, PyLong_Type, PyTuple_Type, PyUnicode_Type
    PyObject* Py_None
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)
    bint PyUnicode_IS_ASCII(PyObject*)
    void* PyUnicode_DATA(PyObject*)
    Py_hash_t PyObject_Hash(PyObject*) except? -1

cdef enum:
    SLOTS = 1024
    MOST_SHAPES = 512

cdef frozenset empty_names = EMPTY_NAMES


cdef bint hold(dict attributes, Held* held):
    """Take references to all keys and values of a dict that another thread may change; False if there are too many."""
    cdef Py_ssize_t place = 0
    cdef PyObject* key
    cdef PyObject* value
    held.count = 0
    if PyDict_Size(attributes) > MOST_ATTRIBUTES:
        return False
    while PyDict_Next(attributes, &place, &key, &value):
        Py_INCREF(<object>key)
        Py_INCREF(<object>value)
        held.keys[held.count] = key
        held.values[held.count] = value
        held.count += 1
    return True


cdef void release(Held* held) noexcept:
    """Give the references back. This may run code of the values."""
    cdef Py_ssize_t place, count = held.count
    held.count = 0
    for place in range(count):
        Py_DECREF(<object>held.keys[place])
        Py_DECREF(<object>held.values[place])


cdef dict copy_held(Held* held):
    """Return the attributes that are held."""
    cdef Py_ssize_t place
    cdef dict attributes = {}
    for place in range(held.count):
        attributes[<object>held.keys[place]] = <object>held.values[place]
    return attributes


cdef class NameSource:
    """An attribute that may name a session or user, and the first key of its path in it, if it has one."""

    def __cinit__(self, rank, source, tuple keys):
        self.rank, self.text = rank, source.text
        self.place = keys.index(source.name)
        self.key = source.path[0] if source.path else None
        self.is_thread = source.name == SYSTEM_THREAD


cdef class NamePlan:
    """The sources of a session or user. A usual name is taken here, and `find_naming` reads every other."""

    def __cinit__(self, tuple sources, tuple keys):
        self.sources = sources
        self.known = [NameSource(rank, source, keys) for rank, source in sources]

    cdef object find(self, Held* held, bint is_child, object time):
        """Return the `Naming` that the attributes give, or None."""
        cdef NameSource source
        cdef PyObject* value
        for source in self.known:
            value = held.values[source.place]
            if value == Py_None or _names_nothing(source, value):
                continue
            if source.key is None and not source.is_thread and _is_usable(value):
                return make_row(Naming, (source.rank, 1 if is_child else 0, time, <object>value, source.text))
            found = find_naming(self.sources, copy_held(held), is_child, time)
            return None if found is None else untrack(found)
        return None


cdef bint _names_nothing(NameSource source, PyObject* value):
    """Return whether a value surely holds no name: a number of a thread, or a text without the key."""
    if source.is_thread and source.key is None:
        return Py_TYPE(value) != &PyUnicode_Type
    if source.key is None or Py_TYPE(value) != &PyUnicode_Type:
        return False
    return source.key not in <str>value and "\\" not in <str>value


cdef bint _is_usable(PyObject* value):
    """Return whether a value is ASCII that names something; False for a few that do."""
    cdef Py_ssize_t length
    cdef const char* text
    if Py_TYPE(value) != &PyUnicode_Type or not PyUnicode_IS_ASCII(value):
        return False
    length = PyUnicode_GET_LENGTH(value)
    text = <const char*>PyUnicode_DATA(value)
    if not length or text[0] <= c" " or memchr(text, 0, length) != NULL:
        return False
    if memchr(text, c"[", length) != NULL and REDACTED in <str>value:
        return False
    return <object>value not in empty_names


cdef class Shape:
    """What attributes of one shape hold: the same names and value types and, if a dialect names it, scope."""


cdef class Shapes:
    """The plans of shapes, each made by the Python encoder once."""

    def __cinit__(self, python):
        self.python = python
        self.known = []
        memset(self.slots, 0, sizeof(self.slots))

    cdef Shape find(self, Held* held, object scope):
        """Return the shape of attributes with exact texts as names; None if a name is none or a type is not plain."""
        cdef Py_ssize_t place
        cdef size_t digest = held.count
        cdef PyTypeObject* kind
        for place in range(held.count):
            if Py_TYPE(held.keys[place]) != &PyUnicode_Type:
                return None
            kind = Py_TYPE(held.values[place])
            digest = (digest ^ <size_t>PyObject_Hash(held.keys[place])) * 1000003 + (<size_t>kind >> 4)
        digest ^= digest >> 29
        cdef Py_ssize_t slot = digest & (SLOTS - 1)
        while self.slots[slot] != NULL:
            if _is_shape(<Shape>self.slots[slot], held, digest, scope):
                return <Shape>self.slots[slot]
            slot = (slot + 1) & (SLOTS - 1)
        return self._add(held, digest, scope)

    cdef Shape _add(self, Held* held, size_t digest, object scope):
        cdef Shape shape = self._make(held, digest, scope)
        if shape is None:
            return None
        if len(self.known) >= MOST_SHAPES:
            memset(self.slots, 0, sizeof(self.slots))
            self.known = []
        # The plan was made by Python code, which may have filled the slot.
        cdef Py_ssize_t slot = digest & (SLOTS - 1)
        while self.slots[slot] != NULL:
            slot = (slot + 1) & (SLOTS - 1)
        self.known.append(shape)
        self.slots[slot] = <PyObject*>shape
        return shape

    cdef Shape _make(self, Held* held, size_t digest, object scope):
        cdef Shape shape = Shape.__new__(Shape)
        cdef Py_ssize_t place
        for place in range(held.count):
            if not _is_plain_type(held.values[place]):
                return None
            shape.types[place] = Py_TYPE(held.values[place])
        attributes = copy_held(held)
        shape.keys = tuple(attributes)
        shape.digest = digest
        shape.scope = scope
        shape.plan = plan = self.python.find_plan(attributes, scope)
        shape.sessions = NamePlan(plan.sessions, shape.keys) if plan.sessions else None
        shape.users = NamePlan(plan.users, shape.keys) if plan.users else None
        shape.calls = None
        if plan.interactions is not None:
            shape.calls = CallPlan(plan.interactions, attributes)
        return shape


cdef bint _is_shape(Shape shape, Held* held, size_t digest, object scope):
    cdef Py_ssize_t place
    cdef tuple keys = shape.keys
    cdef PyObject* key
    if shape.digest != digest or len(keys) != held.count or shape.scope != scope:
        return False
    for place in range(held.count):
        key = <PyObject*>keys[place]
        if Py_TYPE(held.values[place]) != shape.types[place]:
            return False
        if key != held.keys[place] and PyUnicode_Compare(<object>key, <object>held.keys[place]) != 0:
            return False
    return True


cdef bint _is_plain_type(PyObject* value) noexcept:
    cdef PyTypeObject* kind = Py_TYPE(value)
    return (
        kind == &PyUnicode_Type
        or kind == &PyLong_Type
        or kind == &PyBool_Type
        or kind == &PyFloat_Type
        or kind == &PyTuple_Type
        or kind == &PyList_Type
        or value == Py_None
    )
