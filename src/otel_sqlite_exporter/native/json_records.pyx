# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Spans and log records of OTLP as parsed JSON, as otlp/otlp_decoder.py reads them.

A record that is not usual gives None: an old or unknown key, an id that is no hexadecimal text, a value of another type,
a key of an attribute that is there twice. The Python code reads it.
"""

from cpython.dict cimport PyDict_GetItem, PyDict_Next
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint8_t, uint64_t

from base64 import b64decode

from otel_sqlite_exporter.model.signals import (
    ContextFields,
    EventFields,
    LinkFields,
    LogFields,
    SpanFields,
    SpanKind,
    StatusCode,
    StatusFields,
    TraceStateFields,
)
from otel_sqlite_exporter.model.values import LARGEST

from otel_sqlite_exporter.native.made_rows cimport make_row

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyBool_Type, PyDict_Type, PyFloat_Type, PyList_Type, PyLong_Type, PyUnicode_Type
    PyObject* Py_None
    long long PyLong_AsLongLongAndOverflow(PyObject*, int*) except? -1
    bint PyUnicode_IS_ASCII(PyObject*)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)
    void* PyUnicode_DATA(PyObject*)

cdef enum:
    NAME, TRACE_ID, SPAN_ID, PARENT_ID, TRACE_STATE, FLAGS, KIND, START, END, ATTRIBUTES, EVENTS, LINKS, STATUS, TIME
    DROPPED_ATTRIBUTES, DROPPED_EVENTS, DROPPED_LINKS, CODE, MESSAGE, OBSERVED, SEVERITY, SEVERITY_TEXT, BODY, EVENT_NAME
    FIELDS

    STRING_VALUE, BOOL_VALUE, INT_VALUE, DOUBLE_VALUE, ARRAY_VALUE, KVLIST_VALUE, BYTES_VALUE

    IS_REMOTE = 0x200
    SAMPLED_FLAGS = 0xFF
    LARGEST_SEVERITY = 24
    MOST_DIGITS = 18
    DEEPEST = 24

ODD = object()
cdef object largest_time = LARGEST, largest_flags = 2**32 - 1
cdef object largest_whole = 2**53  # a float holds each whole number up to it
cdef dict span_places = {
    "name": NAME, "traceId": TRACE_ID, "spanId": SPAN_ID, "parentSpanId": PARENT_ID, "traceState": TRACE_STATE,
    "flags": FLAGS, "kind": KIND, "startTimeUnixNano": START, "endTimeUnixNano": END, "attributes": ATTRIBUTES,
    "events": EVENTS, "links": LINKS, "status": STATUS, "droppedAttributesCount": DROPPED_ATTRIBUTES,
    "droppedEventsCount": DROPPED_EVENTS, "droppedLinksCount": DROPPED_LINKS,
}
cdef dict event_places = {
    "name": NAME, "timeUnixNano": TIME, "attributes": ATTRIBUTES, "droppedAttributesCount": DROPPED_ATTRIBUTES,
}
cdef dict link_places = {
    "traceId": TRACE_ID, "spanId": SPAN_ID, "traceState": TRACE_STATE, "flags": FLAGS, "attributes": ATTRIBUTES,
    "droppedAttributesCount": DROPPED_ATTRIBUTES,
}
cdef dict status_places = {"code": CODE, "message": MESSAGE}
cdef dict log_places = {
    "timeUnixNano": TIME, "observedTimeUnixNano": OBSERVED, "severityNumber": SEVERITY, "severityText": SEVERITY_TEXT,
    "eventName": EVENT_NAME, "body": BODY, "attributes": ATTRIBUTES, "droppedAttributesCount": DROPPED_ATTRIBUTES,
    "flags": FLAGS, "traceId": TRACE_ID, "spanId": SPAN_ID,
}
cdef dict value_kinds = {
    "stringValue": STRING_VALUE, "boolValue": BOOL_VALUE, "intValue": INT_VALUE, "doubleValue": DOUBLE_VALUE,
    "arrayValue": ARRAY_VALUE, "kvlistValue": KVLIST_VALUE, "bytesValue": BYTES_VALUE,
}
# OTLP counts kinds from 1; 0 is read as INTERNAL.
cdef tuple KINDS = (SpanKind.INTERNAL, *SpanKind)
cdef dict kind_names = {f"SPAN_KIND_{kind.name}": kind for kind in SpanKind}
cdef tuple CODES = tuple(StatusCode)
cdef dict code_names = {f"STATUS_CODE_{code.name}": code for code in StatusCode}
cdef object UNSET = StatusFields(StatusCode.UNSET, None)
cdef object last_trace_id = 0


def read_span(values, resource, scope):
    """Return the `SpanFields` of a span, or None."""
    cdef PyObject* fields[FIELDS]
    if not _find_fields(<PyObject*>values, span_places, fields):
        return None
    name, header = _read_text(fields[NAME]), _read_text(fields[TRACE_STATE])
    trace_id, span_id = _read_trace_id(fields[TRACE_ID]), _read_span_id(fields[SPAN_ID])
    parent_id, flags = _read_span_id(fields[PARENT_ID]), _read_integer(fields[FLAGS], largest_flags)
    start, end = _read_integer(fields[START], largest_time), _read_integer(fields[END], largest_time)
    kind, status = _read_member(fields[KIND], KINDS, kind_names), _read_status(fields[STATUS])
    attributes = _read_attributes(fields[ATTRIBUTES], 0)
    events, links = _read_parts(fields[EVENTS], True), _read_parts(fields[LINKS], False)
    dropped_attributes = _read_integer(fields[DROPPED_ATTRIBUTES], largest_time)
    dropped_events = _read_integer(fields[DROPPED_EVENTS], largest_time)
    dropped_links = _read_integer(fields[DROPPED_LINKS], largest_time)
    if (
        name is ODD or header is ODD or trace_id is ODD or span_id is ODD or parent_id is ODD or flags is ODD
        or start is ODD or end is ODD or kind is ODD or status is ODD or attributes is ODD or events is ODD
        or links is ODD or dropped_attributes is ODD or dropped_events is ODD or dropped_links is ODD
        or not trace_id or not span_id
    ):
        return None
    flags = flags or 0
    parent = None
    if parent_id:
        parent = make_row(ContextFields, (trace_id, parent_id, flags & IS_REMOTE != 0, 0, None))
    return make_row(
        SpanFields,
        (
            name or "",
            _make_context(trace_id, span_id, flags & ~IS_REMOTE, header),
            parent,
            kind,
            start or None,
            end or None,
            status,
            attributes,
            events,
            links,
            resource,
            scope,
            dropped_attributes or 0,
            dropped_events or 0,
            dropped_links or 0,
        ),
    )


def read_log(values, resource, scope):
    """Return the `LogFields` of a log record, or None."""
    cdef PyObject* fields[FIELDS]
    if not _find_fields(<PyObject*>values, log_places, fields):
        return None
    time, observed = _read_integer(fields[TIME], largest_time), _read_integer(fields[OBSERVED], largest_time)
    trace_id, span_id = _read_trace_id(fields[TRACE_ID]), _read_span_id(fields[SPAN_ID])
    flags, severity = _read_integer(fields[FLAGS], largest_flags), _read_number(fields[SEVERITY], LARGEST_SEVERITY)
    severity_text, event_name = _read_text(fields[SEVERITY_TEXT]), _read_text(fields[EVENT_NAME])
    body = None if fields[BODY] == NULL else _read_value(fields[BODY], 0)
    attributes = _read_attributes(fields[ATTRIBUTES], 0)
    dropped = _read_integer(fields[DROPPED_ATTRIBUTES], largest_time)
    if (
        time is ODD or observed is ODD or trace_id is ODD or span_id is ODD or flags is ODD or severity is ODD
        or severity_text is ODD or event_name is ODD or body is ODD or attributes is ODD or dropped is ODD
    ):
        return None
    return make_row(
        LogFields,
        (
            *(time or None, observed or None, trace_id, span_id, None if flags is None else flags & SAMPLED_FLAGS),
            *(severity_text, severity, event_name, body, attributes, dropped or 0, resource, scope),
        ),
    )


cdef bint _find_fields(PyObject* values, dict places, PyObject** fields) except -1:
    """Find the fields of a message, borrowed from it. Null stands for one that is not set. False if a key is odd."""
    cdef Py_ssize_t position = 0
    cdef PyObject* key
    cdef PyObject* value
    cdef PyObject* place
    cdef int number
    if Py_TYPE(values) != &PyDict_Type:
        return False
    for number in range(FIELDS):
        fields[number] = NULL
    while PyDict_Next(<object>values, &position, &key, &value):
        place = PyDict_GetItem(places, <object>key)
        if place == NULL:
            return False
        if value != Py_None:
            fields[<int><object>place] = value
    return True


cdef object _read_text(PyObject* value):
    if value == NULL:
        return None
    return <object>value if Py_TYPE(value) == &PyUnicode_Type else ODD


cdef object _read_integer(PyObject* value, object high):
    """Return a whole number that is not negative, given as a number or its digits; None if there is none."""
    cdef Py_ssize_t length, place
    cdef const uint8_t* digits
    cdef uint64_t number = 0
    if value == NULL:
        return None
    if Py_TYPE(value) == &PyLong_Type:
        return <object>value if 0 <= <object>value <= high else ODD
    if Py_TYPE(value) != &PyUnicode_Type or not PyUnicode_IS_ASCII(value):
        return ODD
    length, digits = PyUnicode_GET_LENGTH(value), <const uint8_t*>PyUnicode_DATA(value)
    if not 0 < length <= MOST_DIGITS + 1:
        return ODD
    for place in range(length):
        if not c"0" <= digits[place] <= c"9":
            return ODD
        number = number * 10 + (digits[place] - c"0")
    return number if number <= high else ODD


cdef object _read_signed(PyObject* value):
    """Return the whole number of an `intValue`."""
    cdef Py_ssize_t length, place = 0
    cdef const uint8_t* digits
    cdef long long number = 0
    if Py_TYPE(value) == &PyLong_Type:
        return <object>value
    if Py_TYPE(value) != &PyUnicode_Type or not PyUnicode_IS_ASCII(value):
        return ODD
    length, digits = PyUnicode_GET_LENGTH(value), <const uint8_t*>PyUnicode_DATA(value)
    if length and digits[0] == c"-":
        place = 1
    if not 0 < length - place <= MOST_DIGITS:
        return ODD
    while place < length:
        if not c"0" <= digits[place] <= c"9":
            return ODD
        number = number * 10 + (digits[place] - c"0")
        place += 1
    return -number if digits[0] == c"-" else number


cdef bint _read_hexadecimal(const uint8_t* digits, uint64_t* number) noexcept:
    cdef int place
    cdef uint8_t digit
    cdef uint64_t found = 0
    for place in range(16):
        digit = digits[place]
        if c"0" <= digit <= c"9":
            digit -= c"0"
        elif c"a" <= digit <= c"f":
            digit -= c"a" - 10
        elif c"A" <= digit <= c"F":
            digit -= c"A" - 10
        else:
            return False
        found = found << 4 | digit
    number[0] = found
    return True


cdef object _read_trace_id(PyObject* value):
    """Return the id, the same object for one that comes twice in a row; 0 if there is none."""
    global last_trace_id
    cdef uint64_t high, low
    cdef const uint8_t* digits
    if value == NULL:
        return 0
    if Py_TYPE(value) != &PyUnicode_Type or not PyUnicode_IS_ASCII(value):
        return ODD
    if not PyUnicode_GET_LENGTH(value):
        return 0
    if PyUnicode_GET_LENGTH(value) != 32:
        return ODD
    digits = <const uint8_t*>PyUnicode_DATA(value)
    if not _read_hexadecimal(digits, &high) or not _read_hexadecimal(digits + 16, &low):
        return ODD
    made = <object>high << 64 | <object>low
    if made == last_trace_id:
        return last_trace_id
    last_trace_id = made
    return made


cdef object _read_span_id(PyObject* value):
    """Return the id; 0 if there is none."""
    cdef uint64_t number
    if value == NULL:
        return 0
    if Py_TYPE(value) != &PyUnicode_Type or not PyUnicode_IS_ASCII(value):
        return ODD
    if not PyUnicode_GET_LENGTH(value):
        return 0
    if PyUnicode_GET_LENGTH(value) != 16 or not _read_hexadecimal(<const uint8_t*>PyUnicode_DATA(value), &number):
        return ODD
    return number


cdef object _read_number(PyObject* value, int high):
    """Return a small number; None if there is none."""
    cdef int overflow = 0
    cdef long long number
    if value == NULL:
        return None
    if Py_TYPE(value) != &PyLong_Type:
        return ODD
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    return number if not overflow and 0 <= number <= high else ODD


cdef object _read_member(PyObject* value, tuple members, dict names):
    """Return a member of an enumeration, which is given by its number or name."""
    cdef object number
    if value != NULL and Py_TYPE(value) == &PyUnicode_Type:
        return names.get(<object>value, ODD)
    number = _read_number(value, <int>len(members) - 1)
    if number is None:
        return members[0]
    return ODD if number is ODD else members[<Py_ssize_t>number]


cdef object _read_status(PyObject* value):
    cdef PyObject* fields[FIELDS]
    if value == NULL:
        return UNSET
    if not _find_fields(value, status_places, fields):
        return ODD
    code, message = _read_member(fields[CODE], CODES, code_names), _read_text(fields[MESSAGE])
    return ODD if code is ODD or message is ODD else make_row(StatusFields, (code, message))


cdef object _make_context(object trace_id, object span_id, object flags, object header):
    state = TraceStateFields(header) if header else None
    return make_row(ContextFields, (trace_id, span_id, flags & IS_REMOTE != 0, flags & SAMPLED_FLAGS, state))


cdef object _read_parts(PyObject* values, bint are_events):
    """Return the events or links of a span."""
    cdef list made = []
    if values == NULL:
        return made
    if Py_TYPE(values) != &PyList_Type:
        return ODD
    for value in <list>values:
        part = _read_event(<PyObject*>value) if are_events else _read_link(<PyObject*>value)
        if part is ODD:
            return ODD
        made.append(part)
    return made


cdef object _read_event(PyObject* value):
    cdef PyObject* fields[FIELDS]
    if not _find_fields(value, event_places, fields):
        return ODD
    name, time = _read_text(fields[NAME]), _read_integer(fields[TIME], largest_time)
    attributes, dropped = _read_attributes(fields[ATTRIBUTES], 0), _read_integer(fields[DROPPED_ATTRIBUTES], largest_time)
    if name is ODD or time is ODD or attributes is ODD or dropped is ODD:
        return ODD
    return make_row(EventFields, (name or "", time or None, attributes, dropped or 0))


cdef object _read_link(PyObject* value):
    cdef PyObject* fields[FIELDS]
    if not _find_fields(value, link_places, fields):
        return ODD
    trace_id, span_id = _read_trace_id(fields[TRACE_ID]), _read_span_id(fields[SPAN_ID])
    header, flags = _read_text(fields[TRACE_STATE]), _read_integer(fields[FLAGS], largest_flags)
    attributes, dropped = _read_attributes(fields[ATTRIBUTES], 0), _read_integer(fields[DROPPED_ATTRIBUTES], largest_time)
    if trace_id is ODD or span_id is ODD or header is ODD or flags is ODD or attributes is ODD or dropped is ODD:
        return ODD
    context = _make_context(trace_id, span_id, flags or 0, header)
    return make_row(LinkFields, (context, attributes, dropped or 0))


cdef object _read_attributes(PyObject* items, int depth):
    """Return a list of `KeyValue` as a dict."""
    cdef dict attributes = {}
    cdef PyObject* key
    cdef PyObject* value
    if items == NULL or items == Py_None:
        return attributes
    if Py_TYPE(items) != &PyList_Type:
        return ODD
    for item in <list>items:
        if type(item) is not dict:
            return ODD
        key, value = PyDict_GetItem(item, "key"), PyDict_GetItem(item, "value")
        if key == NULL or Py_TYPE(key) != &PyUnicode_Type:
            return ODD
        read = None if value == NULL else _read_value(value, depth)
        if read is ODD:
            return ODD
        attributes[<object>key] = read
    return attributes if len(attributes) == len(<list>items) else ODD


cdef object _read_value(PyObject* value, int depth):
    """Return the value of an `AnyValue` that is in `depth` others."""
    cdef Py_ssize_t position = 0
    cdef PyObject* key
    cdef PyObject* content
    cdef PyObject* kind
    cdef PyTypeObject* held
    cdef int number
    if value == Py_None:
        return None
    if Py_TYPE(value) != &PyDict_Type or len(<dict>value) != 1 or depth > DEEPEST:
        return ODD
    PyDict_Next(<object>value, &position, &key, &content)
    kind = PyDict_GetItem(value_kinds, <object>key)
    if kind == NULL:
        return ODD
    number, held = <int><object>kind, Py_TYPE(content)
    if number == STRING_VALUE:
        return <object>content if held == &PyUnicode_Type else ODD
    if number == INT_VALUE:
        return _read_signed(content)
    if number == BOOL_VALUE:
        return <object>content if held == &PyBool_Type else ODD
    if number == DOUBLE_VALUE:
        if held == &PyLong_Type and -largest_whole <= <object>content <= largest_whole:
            return <double><object>content
        return <object>content if held == &PyFloat_Type else ODD
    if number == BYTES_VALUE:
        return _read_bytes(content)
    if held != &PyDict_Type or len(<dict>content) != 1:
        return ODD
    content = PyDict_GetItem(<object>content, "values")
    if content == NULL:
        return ODD
    return _read_attributes(content, depth + 1) if number == KVLIST_VALUE else _read_list(content, depth + 1)


cdef object _read_bytes(PyObject* value):
    if Py_TYPE(value) != &PyUnicode_Type:
        return ODD
    try:
        return b64decode(<object>value, validate=True)
    except ValueError:
        return ODD


cdef object _read_list(PyObject* items, int depth):
    cdef list values = []
    if Py_TYPE(items) != &PyList_Type:
        return ODD
    for item in <list>items:
        read = _read_value(<PyObject*>item, depth)
        if read is ODD:
            return ODD
        values.append(read)
    return values
