# SPDX-License-Identifier: Apache-2.0
from otel_sqlite_exporter.native.shapes cimport Held


cdef class CallPlan:
    cdef object plan
    cdef bint is_known
    cdef bint names_matter
    cdef tuple operation_places
    cdef dict meanings
    cdef list columns
    cdef Py_ssize_t prompt, completion, instructions
    cdef object own_names

    cdef object find(self, Held* held, object user_id, object surroundings, tuple event_rows)
    cdef bint _can_read(self, tuple event_rows)
    cdef object _find_meaning(self, Held* held, object name)
    cdef list _read(self, Held* held)
    cdef bint _unify_usage(self, list row, object operation, Held* held)
