# SPDX-License-Identifier: Apache-2.0
cdef bint is_list(object value)
cdef bint is_time(object value) except -1
cdef object read_member(object member, int high)
cdef object read_text(object text, Py_ssize_t* repaired)
cdef object read_trace_state(object context, Py_ssize_t* repaired)


cdef class FieldReader:
    cdef dict known
    cdef object span_kind, attributes_kind, events_kind, links_kind, context_kind, status_kind, flags_kind

    cdef bint knows_span(self, object span, object attributes, object events, object links)
    cdef bint knows_context(self, object context)
    cdef bint knows_status(self, object status)
    cdef object read_flags(self, object flags)
    cdef bint _check(self, object shows, tuple kinds)
