# SPDX-License-Identifier: Apache-2.0
from cpython.object cimport PyObject, PyTypeObject

from otel_sqlite_exporter.native.json_text cimport MOST_ATTRIBUTES


cdef struct Held:
    Py_ssize_t count
    PyObject* keys[MOST_ATTRIBUTES]
    PyObject* values[MOST_ATTRIBUTES]


cdef bint hold(dict attributes, Held* held)
cdef void release(Held* held) noexcept
cdef dict copy_held(Held* held)


cdef class NameSource:
    cdef Py_ssize_t place
    cdef object rank, text, key
    cdef bint is_thread


cdef class NamePlan:
    cdef tuple sources
    cdef list known

    cdef object find(self, Held* held, bint is_child, object time)


cdef class Shape:
    cdef tuple keys
    cdef PyTypeObject* types[MOST_ATTRIBUTES]
    cdef size_t digest
    cdef object scope
    cdef object plan
    cdef NamePlan sessions, users
    cdef object calls


cdef class Shapes:
    cdef object python
    cdef list known
    cdef PyObject* slots[1024]

    cdef Shape find(self, Held* held, object scope)
    cdef Shape _add(self, Held* held, size_t digest, object scope)
    cdef Shape _make(self, Held* held, size_t digest, object scope)
