# SPDX-License-Identifier: Apache-2.0
cdef bint is_time(object value) except -1
cdef object read_member(object member, int high)
cdef object read_text(object text, Py_ssize_t* repaired)
cdef object read_trace_state(object context, Py_ssize_t* repaired)


cdef class SpanParts:
    cdef object name, context, parent, kind, start, end, status_code, description, resource, scope, attributes
    cdef tuple events, links, dropped


cdef class FieldReader:
    cdef dict known
    cdef object span_kind, attributes_kind, events_kind, links_kind, context_kind, status_kind, flags_kind

    cdef SpanParts read_span(self, object span)
    cdef SpanParts _read_fields(self, object span)
    cdef SpanParts _read_private_fields(self, object span)
    cdef bint knows_context(self, object context)
    cdef object read_flags(self, object flags)
    cdef bint _knows_span(self, object span, object attributes, object events, object links)
    cdef bint _knows_status(self, object status)
    cdef bint _check(self, object shows, tuple kinds)
