# SPDX-License-Identifier: Apache-2.0
from cpython.object cimport PyObject


cdef enum:
    MOST_ATTRIBUTES = 128


cdef str write_members(PyObject** keys, PyObject** values, Py_ssize_t count)
