# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The fields of a span, of the SDK or as `SpanFields`, and single fields as encode/spans.py encodes them."""

cimport cython

from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.signals import SpanFields, StatusFields
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


cdef object span_fields = SpanFields, status_fields = StatusFields


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


@cython.freelist(8)
cdef class SpanParts:
    """What a span holds: its attributes as a dict, and how many attributes, events and links it dropped."""


cdef class FieldReader:
    """Knows the classes whose private fields are what their public properties give: see native/layouts.py."""

    def __cinit__(self):
        self.known = {}

    cdef SpanParts read_span(self, object span):
        """Return what a span holds; None if it is of a class that is not known, or a field is not as it should be."""
        cdef SpanParts parts = self._read_fields(span) if type(span) is span_fields else self._read_private_fields(span)
        if parts is None or type(parts.attributes) is not dict:
            return None
        if not self.knows_context(parts.context) or not (parts.parent is None or self.knows_context(parts.parent)):
            return None
        for number in parts.dropped:
            if type(number) is not int:
                return None
        return parts

    cdef SpanParts _read_fields(self, object span):
        cdef SpanParts parts = SpanParts.__new__(SpanParts)
        cdef tuple fields = <tuple>span
        status, events, links = fields[6], fields[8], fields[9]
        if type(status) is not status_fields or not _is_list(events) or not _is_list(links):
            return None
        parts.name, parts.context, parts.parent, parts.kind, parts.start, parts.end = fields[:6]
        parts.status_code, parts.description = <tuple>status
        parts.attributes, parts.events, parts.links = fields[7], tuple(events), tuple(links)
        parts.resource, parts.scope = fields[10], fields[11]
        parts.dropped = fields[12:]
        return parts

    cdef SpanParts _read_private_fields(self, object span):
        cdef SpanParts parts = SpanParts.__new__(SpanParts)
        attributes, events, links, status = span._attributes, span._events, span._links, span._status
        if not self._knows_span(span, attributes, events, links) or not self._knows_status(status):
            return None
        dropped_attributes = dropped_events = dropped_links = 0
        if attributes is None:
            attributes = {}
        elif type(attributes) is not dict:
            dropped_attributes, attributes = attributes.dropped, attributes._dict
        if not _is_list(events):
            dropped_events, events = events.dropped, events._dq
        if not _is_list(links):
            dropped_links, links = links.dropped, links._dq
        parts.dropped = dropped_attributes, dropped_events, dropped_links
        parts.attributes, parts.events, parts.links = attributes, tuple(events), tuple(links)
        parts.name, parts.context, parts.parent, parts.kind = span._name, span._context, span._parent, span._kind
        parts.start, parts.end = span._start_time, span._end_time
        parts.status_code, parts.description = status._status_code, status._description
        parts.resource, parts.scope = span._resource, span._instrumentation_scope
        return parts

    cdef bint _knows_span(self, object span, object attributes, object events, object links):
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

    cdef bint _knows_status(self, object status):
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


cdef bint _is_list(object value):
    return type(value) is tuple or type(value) is list
