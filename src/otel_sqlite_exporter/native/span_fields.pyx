# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Single fields of a span, as encode/spans.py encodes them."""

from cpython.object cimport PyObject

from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.values import (
    encode_integer,
    encode_member,
    encode_trace_state,
    last_empty_state,
    repair_text,
)
from otel_sqlite_exporter.native.layouts import (
    is_plain_integer,
    shows_context_fields,
    shows_span_fields,
    shows_status_fields,
)

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object)
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1

cdef list empty_state = last_empty_state


cdef bint is_list(object value):
    return type(value) is tuple or type(value) is list


cdef bint is_time(object value) except -1:
    """Return whether a value is an exact `int` of 64 bits that is not negative."""
    cdef int overflow = 0
    return type(value) is int and PyLong_AsLongLongAndOverflow(value, &overflow) >= 0


cdef object read_member(object member, int high):
    """Return what `encode_member` does."""
    cdef int overflow = 0
    number = getattr(member, "_value_", None)
    if type(number) is int and 0 <= PyLong_AsLongLongAndOverflow(number, &overflow) <= high:
        return number
    return encode_member(member, high=high)


cdef object read_text(object text, Py_ssize_t* repaired):
    """Return a text as `repair_text` does."""
    if type(text) is str and PyUnicode_IS_ASCII(text):
        return text
    text, bad = repair_text(text)
    repaired[0] += bad
    return text


cdef object read_trace_state(object context, Py_ssize_t* repaired):
    """Return what `encode_trace_state` does."""
    if (<tuple>context)[4] is empty_state[0]:
        return None
    state, bad = encode_trace_state(context)
    repaired[0] += bad
    return state


cdef class FieldReader:
    """Knows the classes whose private fields are what their public properties give: see native/layouts.py."""

    def __cinit__(self):
        self.known = {}

    cdef bint knows_span(self, object span, object attributes, object events, object links):
        if (
            type(span) is self.span_kind
            and type(attributes) is self.attributes_kind
            and type(events) is self.events_kind
            and type(links) is self.links_kind
        ):
            return True
        kinds = type(span), type(attributes), type(events), type(links)
        if not self._check(shows_span_fields, kinds):
            return False
        self.span_kind, self.attributes_kind, self.events_kind, self.links_kind = kinds
        return True

    cdef bint knows_context(self, object context):
        """Return whether this is a tuple whose first items are the fields of a context."""
        if type(context) is not self.context_kind:
            if not self._check(shows_context_fields, (type(context),)):
                return False
            self.context_kind = type(context)
        return len(<tuple>context) >= 5

    cdef bint knows_status(self, object status):
        if type(status) is not self.status_kind:
            if not self._check(shows_status_fields, (type(status),)):
                return False
            self.status_kind = type(status)
        return True

    cdef object read_flags(self, object flags):
        """Return what `encode_integer` does."""
        cdef int overflow = 0
        cdef long long number
        if type(flags) is not self.flags_kind:
            if not self._check(is_plain_integer, (type(flags),)):
                return encode_integer(flags, high=255)
            self.flags_kind = type(flags)
        number = PyLong_AsLongLongAndOverflow(flags, &overflow)
        return number if 0 <= number <= 255 else None

    cdef bint _check(self, object shows, tuple kinds):
        key = shows, kinds
        known = self.known.get(key)
        if known is None:
            known = shows(*kinds)
            remember(self.known, key, known)
        return known
