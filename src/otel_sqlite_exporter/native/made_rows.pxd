# SPDX-License-Identifier: Apache-2.0
cdef extern from "Python.h":
    void PyObject_GC_UnTrack(object)


cdef inline object make_row(type kind, object values):
    """Return a NamedTuple of immutable values without cycles, which the garbage collector need not visit."""
    row = tuple.__new__(kind, values)
    PyObject_GC_UnTrack(row)
    return row


cdef inline object untrack(object row):
    """Return rows that Python code made, as `make_row` returns them."""
    for item in <tuple>row:
        if isinstance(item, tuple):
            untrack(item)
    PyObject_GC_UnTrack(row)
    return row


cdef inline tuple make_rows(list rows):
    """Return such rows as a tuple."""
    made = tuple(rows)
    if made:
        PyObject_GC_UnTrack(made)
    return made
