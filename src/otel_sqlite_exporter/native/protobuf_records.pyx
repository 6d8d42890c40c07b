# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Spans and log records of OTLP's protobuf encoding, as otlp/protobuf.py and otlp/otlp_decoder.py read them.

What is not usual in a record, resource or scope is read by the Python code, and so is a message that is odd otherwise.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t

from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.signals import (
    ContextFields,
    EventFields,
    LinkFields,
    LogFields,
    ResourceFields,
    ScopeFields,
    SpanFields,
    SpanKind,
    StatusCode,
    StatusFields,
    TraceStateFields,
)

from otel_sqlite_exporter.native.made_rows cimport make_row
from otel_sqlite_exporter.native.protobuf_values cimport (
    ODD,
    add_attribute,
    find_text,
    read_span_id,
    read_text,
    read_time,
    read_trace_id,
    read_value,
)
from otel_sqlite_exporter.native.wire_format cimport Cursor, Field, read_field, spend

cdef enum:
    # Tags of groups, which spans and log records have alike: the number of the field, and the type of its value.
    GROUP = 1 << 3 | 2
    ORIGIN = 1 << 3 | 2
    MEMBER = 2 << 3 | 2
    SCHEMA_URL = 3 << 3 | 2

    IS_REMOTE = 0x200
    SAMPLED_FLAGS = 0xFF
    LARGEST_SEVERITY = 24
    # What is larger is rarely sent again.
    MOST_KEPT_BYTES = 4096
    # About what an event or link takes, and a span, log record or group, without their attributes.
    PART_BYTES = 250
    RECORD_BYTES = 600

cdef uint64_t LARGEST_COUNT = 0xFFFFFFFF
# OTLP counts kinds from 1; 0 is read as INTERNAL.
cdef tuple KINDS = (SpanKind.INTERNAL, *SpanKind)
cdef tuple CODES = tuple(StatusCode)
cdef object UNSET = StatusFields(StatusCode.UNSET, None)
# Resources and scopes by their bytes and those of their schema: the same objects, so that they are encoded once.
cdef dict kept_resources = {}, kept_scopes = {}


cdef class ReadMessage:
    """A message that was read.

    Attributes:
        groups: Its groups, as parsed JSON has them, with `SpanFields` or `LogFields` as records, `ResourceFields` and
            `ScopeFields`.
        odd: What is to be read otherwise: the holder, the key in it, and the numbers of group, scope and record as far
            as they are needed.
        are_told: Whether a record that was read has what tells its kind: a span a time; a log record a time, a body or
            attributes.
    """
    cdef readonly list groups, odd
    cdef readonly bint are_told, are_logs
    cdef bint has_records

    def __cinit__(self, are_logs):
        self.groups, self.odd = [], []
        self.are_logs = are_logs


def read_message(bytes content, bint are_logs, long long most_bytes):
    """Return the `ReadMessage` of a TracesData or LogsData; None if it has no record, something is odd outside of its
    records, resources and scopes, or it would take more than about `most_bytes` of memory."""
    cdef ReadMessage message = ReadMessage(are_logs)
    cdef Cursor cursor
    cdef Field field
    cursor.place = <const uint8_t*>PyBytes_AS_STRING(content)
    cursor.end = cursor.place + PyBytes_GET_SIZE(content)
    cursor.left = &most_bytes
    while cursor.place != cursor.end:
        if not read_field(&cursor, &field) or field.tag != GROUP or not _read_group(&field.content, message):
            return None
        if most_bytes < 0:
            return None
    return message if message.has_records and most_bytes >= 0 else None


cdef bint _read_group(Cursor* cursor, ReadMessage message) except -1:
    cdef Field field
    cdef Cursor origin, schema
    cdef list scoped = []
    cdef dict group = {"scopeLogs" if message.are_logs else "scopeSpans": scoped}
    cdef bint has_origin = False
    schema.place = schema.end = cursor.end
    schema.left = cursor.left
    number = len(message.groups)
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return False
        if field.tag == MEMBER:
            if not spend(cursor, RECORD_BYTES) or not _read_scoped(&field.content, message, scoped, number):
                return False
        elif field.tag == ORIGIN and not has_origin:
            has_origin, origin = True, field.content
        elif field.tag == SCHEMA_URL:
            schema = field.content
        else:
            return False
    made = None
    if has_origin:
        made = group["resource"] = _find_kept(kept_resources, &origin, &schema, is_scope=False)
        if made is None:
            message.odd.append((group, "resource", (number,)))
    if made is None:
        group["schemaUrl"] = read_text(&schema)
    message.groups.append(group)
    return True


cdef bint _read_scoped(Cursor* cursor, ReadMessage message, list scoped, object group_number) except -1:
    cdef Field field
    cdef Cursor origin, schema
    cdef list records = []
    cdef dict inner = {"logRecords" if message.are_logs else "spans": records}
    cdef bint has_origin = False
    schema.place = schema.end = cursor.end
    schema.left = cursor.left
    number = len(scoped)
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return False
        if field.tag == MEMBER:
            if not spend(cursor, RECORD_BYTES):
                return False
            message.has_records = True
            record = _read_log(&field.content, message) if message.are_logs else _read_span(&field.content, message)
            if record is None:
                message.odd.append((records, len(records), (group_number, number, len(records))))
            records.append(record)
        elif field.tag == ORIGIN and not has_origin:
            has_origin, origin = True, field.content
        elif field.tag == SCHEMA_URL:
            schema = field.content
        else:
            return False
    made = None
    if has_origin:
        made = inner["scope"] = _find_kept(kept_scopes, &origin, &schema, is_scope=True)
        if made is None:
            message.odd.append((inner, "scope", (group_number, number)))
    if made is None:
        inner["schemaUrl"] = read_text(&schema)
    scoped.append(inner)
    return True


cdef object _find_kept(dict kept, Cursor* origin, Cursor* schema, bint is_scope):
    """Return a resource or scope, the same object for the same bytes; None if it is odd."""
    cdef Py_ssize_t size = origin.end - origin.place, schema_size = schema.end - schema.place
    cdef object key = None
    if size + schema_size <= MOST_KEPT_BYTES:
        key = (<const char*>origin.place)[:size], (<const char*>schema.place)[:schema_size]
        made = kept.get(key)
        if made is not None:
            return made
    made = _read_scope(origin, schema) if is_scope else _read_resource(origin, schema)
    if key is not None and made is not None:
        remember(kept, key, made)
    return made


cdef object _read_resource(Cursor* cursor, Cursor* schema):
    cdef Field field
    cdef dict attributes = {}
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return None
        if field.tag == (2 << 3) and not field.number:  # it dropped none
            continue
        if field.tag != (1 << 3 | 2) or not add_attribute(&field.content, attributes, 0):
            return None
    return _check_texts(ResourceFields(attributes, read_text(schema)))


cdef object _read_scope(Cursor* cursor, Cursor* schema):
    cdef Field field
    cdef dict attributes = {}
    name, version = "", None
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return None
        if field.tag == (1 << 3 | 2):
            name = read_text(&field.content)
        elif field.tag == (2 << 3 | 2):
            version = read_text(&field.content) or None
        elif field.tag == (4 << 3) and not field.number:  # it dropped none
            continue
        elif field.tag != (3 << 3 | 2) or not add_attribute(&field.content, attributes, 0):
            return None
    return _check_texts(ScopeFields(name, version, read_text(schema), attributes))


cdef object _check_texts(object made):
    """Return a resource or scope; None if a text of it has to be repaired, which counts for each message that has it."""
    return made if _is_clean(made) else None


cdef bint _is_clean(object value) except -1:
    if isinstance(value, str):
        try:
            (<str>value).encode()
        except UnicodeEncodeError:
            return False
    elif isinstance(value, dict):
        for key, item in value.items():
            if not _is_clean(key) or not _is_clean(item):
                return False
    elif isinstance(value, (list, tuple)):
        for item in value:
            if not _is_clean(item):
                return False
    return True


cdef object _read_span(Cursor* cursor, ReadMessage message):
    cdef Field field
    cdef dict attributes = {}
    cdef list events = [], links = []
    cdef uint64_t flags = 0
    cdef int kind = 0
    trace_id = span_id = parent_id = 0
    name, trace_state, start, end, status = "", None, None, None, None
    dropped_attributes = dropped_events = dropped_links = 0
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return None
        if field.tag == (9 << 3 | 2):
            if not add_attribute(&field.content, attributes, 0):
                return None
        elif field.tag == (1 << 3 | 2):
            trace_id = read_trace_id(&field.content)
        elif field.tag == (2 << 3 | 2):
            span_id = read_span_id(&field.content)
        elif field.tag == (3 << 3 | 2):
            trace_state = read_text(&field.content)
        elif field.tag == (4 << 3 | 2):
            parent_id = read_span_id(&field.content)
        elif field.tag == (5 << 3 | 2):
            name = find_text(&field.content)
        elif field.tag == (6 << 3):
            if field.number >= <uint64_t>len(KINDS):
                return None
            kind = <int>field.number
        elif field.tag == (7 << 3 | 1):
            start = read_time(&field)
        elif field.tag == (8 << 3 | 1):
            end = read_time(&field)
        elif field.tag == (11 << 3 | 2):
            event = _read_event(&field.content)
            if event is None:
                return None
            events.append(event)
        elif field.tag == (13 << 3 | 2):
            link = _read_link(&field.content)
            if link is None:
                return None
            links.append(link)
        elif field.tag == (15 << 3 | 2) and status is None:
            status = _read_status(&field.content)
            if status is None:
                return None
        elif field.tag == (16 << 3 | 5):
            flags = field.number
        elif field.number > LARGEST_COUNT:
            return None
        elif field.tag == (10 << 3):
            dropped_attributes = field.number
        elif field.tag == (12 << 3):
            dropped_events = field.number
        elif field.tag == (14 << 3):
            dropped_links = field.number
        else:
            return None
    if trace_id is ODD or span_id is ODD or parent_id is ODD or start is ODD or end is ODD:
        return None
    if not trace_id or not span_id:
        return None
    message.are_told |= start is not None or end is not None
    parent = None
    if parent_id:
        parent = make_row(ContextFields, (trace_id, parent_id, flags & IS_REMOTE != 0, 0, None))
    return make_row(
        SpanFields,
        (
            name,
            _make_context(trace_id, span_id, flags & ~<uint64_t>IS_REMOTE, trace_state),
            parent,
            KINDS[kind],
            start,
            end,
            UNSET if status is None else status,
            attributes,
            events,
            links,
            None,
            None,
            dropped_attributes,
            dropped_events,
            dropped_links,
        ),
    )


cdef object _make_context(object trace_id, object span_id, uint64_t flags, object header):
    state = TraceStateFields(header) if header else None
    return make_row(ContextFields, (trace_id, span_id, flags & IS_REMOTE != 0, flags & SAMPLED_FLAGS, state))


cdef object _read_status(Cursor* cursor):
    cdef Field field
    cdef Py_ssize_t code = 0
    message = None
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return None
        if field.tag == (2 << 3 | 2):
            message = read_text(&field.content) or None
        elif field.tag == (3 << 3) and field.number < <uint64_t>len(CODES):
            code = <Py_ssize_t>field.number
        else:
            return None
    return make_row(StatusFields, (CODES[code], message))


cdef object _read_event(Cursor* cursor):
    cdef Field field
    cdef dict attributes = {}
    name, time, dropped = "", None, 0
    if not spend(cursor, PART_BYTES):
        return None
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return None
        if field.tag == (3 << 3 | 2):
            if not add_attribute(&field.content, attributes, 0):
                return None
        elif field.tag == (1 << 3 | 1):
            time = read_time(&field)
        elif field.tag == (2 << 3 | 2):
            name = find_text(&field.content)
        elif field.tag == (4 << 3) and field.number <= LARGEST_COUNT:
            dropped = field.number
        else:
            return None
    return None if time is ODD else make_row(EventFields, (name, time, attributes, dropped))


cdef object _read_link(Cursor* cursor):
    cdef Field field
    cdef dict attributes = {}
    cdef uint64_t flags = 0
    trace_id = span_id = dropped = 0
    trace_state = None
    if not spend(cursor, PART_BYTES):
        return None
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return None
        if field.tag == (1 << 3 | 2):
            trace_id = read_trace_id(&field.content)
        elif field.tag == (2 << 3 | 2):
            span_id = read_span_id(&field.content)
        elif field.tag == (3 << 3 | 2):
            trace_state = read_text(&field.content)
        elif field.tag == (4 << 3 | 2):
            if not add_attribute(&field.content, attributes, 0):
                return None
        elif field.tag == (5 << 3) and field.number <= LARGEST_COUNT:
            dropped = field.number
        elif field.tag == (6 << 3 | 5):
            flags = field.number
        else:
            return None
    if trace_id is ODD or span_id is ODD:
        return None
    return make_row(LinkFields, (_make_context(trace_id, span_id, flags, trace_state), attributes, dropped))


cdef object _read_log(Cursor* cursor, ReadMessage message):
    cdef Field field
    cdef dict attributes = {}
    cdef bint has_body = False
    trace_id = span_id = dropped = 0
    time = observed = flags = severity = severity_text = event_name = body = None
    while cursor.place != cursor.end:
        if not read_field(cursor, &field):
            return None
        if field.tag == (6 << 3 | 2):
            if not add_attribute(&field.content, attributes, 0):
                return None
        elif field.tag == (1 << 3 | 1):
            time = read_time(&field)
        elif field.tag == (11 << 3 | 1):
            observed = read_time(&field)
        elif field.tag == (2 << 3) and field.number <= LARGEST_SEVERITY:
            severity = field.number or None
        elif field.tag == (3 << 3 | 2):
            severity_text = find_text(&field.content) or None
        elif field.tag == (5 << 3 | 2) and not has_body:
            has_body = True
            body = read_value(&field.content, 0)
        elif field.tag == (7 << 3) and field.number <= LARGEST_COUNT:
            dropped = field.number
        elif field.tag == (8 << 3 | 5):
            flags = field.number & SAMPLED_FLAGS if field.number else None
        elif field.tag == (9 << 3 | 2):
            trace_id = read_trace_id(&field.content)
        elif field.tag == (10 << 3 | 2):
            span_id = read_span_id(&field.content)
        elif field.tag == (12 << 3 | 2):
            event_name = find_text(&field.content) or None
        else:
            return None
    if time is ODD or observed is ODD or body is ODD or trace_id is ODD or span_id is ODD:
        return None
    message.are_told |= time is not None or observed is not None or has_body or len(attributes) > 0
    return make_row(
        LogFields,
        (
            *(time, observed, trace_id, span_id, flags, severity_text, severity, event_name, body, attributes),
            *(dropped, None, None),
        ),
    )
