# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Encodes spans of the SDK and `SpanFields` as rows: the values that `SpanEncoder` of encode/spans.py gives.

A span whose fields are not as they should be goes to that encoder whole, and a part that is not known here goes to the
function that encodes it there.
"""

from otel_sqlite_exporter.encode.events import encode_events, encode_links
from otel_sqlite_exporter.encode.open_spans import OPEN
from otel_sqlite_exporter.encode.sessions import find_naming
from otel_sqlite_exporter.genai.recognition import Surroundings, find_event_interactions, find_interactions
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, EncodedSpan, SpanRow
from otel_sqlite_exporter.model.stored_values import as_stored
from otel_sqlite_exporter.model.values import encode_attributes

from otel_sqlite_exporter.native.call_rows cimport CallPlan
from otel_sqlite_exporter.native.event_rows cimport EventEncoder, EventFacts
from otel_sqlite_exporter.native.identifiers cimport encode_span_id, encode_trace_id
from otel_sqlite_exporter.native.json_text cimport write_members
from otel_sqlite_exporter.native.made_rows cimport make_row, untrack
from otel_sqlite_exporter.native.shapes cimport Held, Shape, Shapes, copy_held, hold, release
from otel_sqlite_exporter.native.span_fields cimport (
    FieldReader,
    SpanParts,
    is_time,
    read_member,
    read_text,
    read_trace_state,
)

cdef enum:
    ERROR = 2
    HIGHEST_KIND = 4
    HIGHEST_STATUS = 2

_place = SpanRow._fields.index
cdef Py_ssize_t NAME = _place("name"), STATUS = _place("status_code"), IS_REMOTE = _place("parent_is_remote")


cdef class Encoded:
    """What the attributes of a span give."""
    cdef object text, types, own_session, user, user_id
    # As they are stored, if that is not what is held.
    cdef dict values
    # An `InteractionPlan`, or a `CallPlan` for what is held.
    cdef object plan


cdef class NativeSpanEncoder:
    """Encodes spans for one exporter as `python`, a `SpanEncoder`, does. Thread-safe.

    Attributes:
        handed_over: The number of spans that went to `python` whole.
    """
    cdef readonly Py_ssize_t handed_over
    cdef object python, origins, messages, rules
    cdef FieldReader fields
    cdef Shapes shapes
    cdef EventEncoder events
    # The scope of the last span, and its name if a dialect knows it. In one object, as several threads encode.
    cdef tuple scope
    cdef object trace_number, trace_id

    def __cinit__(self, python):
        self.python = python
        self.origins, self.messages, self.rules = python.origins, python.messages, python.rules
        self.scope = (None, None)
        self.fields = FieldReader()
        self.shapes = Shapes(python)
        self.events = EventEncoder(python.rules)

    def encode_span(self, span, arrival_time_unix_nano, *, bint is_open=False):
        """Return `span` as rows, as `SpanEncoder.encode_span` does."""
        try:
            encoded = self._encode(span, is_open)
        except MemoryError:
            raise
        except Exception:
            encoded = None  # the other encoder raises it, or does better
        if encoded is None:
            self.handed_over += 1
            return self.python.encode_span(span, arrival_time_unix_nano, is_open=is_open)
        return encoded

    cdef object _encode(self, object span, bint is_open):
        """Return the `EncodedSpan`; None if a field is not as it should be."""
        cdef Held held
        cdef SpanParts parts = self.fields.read_span(span)
        if parts is None or not hold(parts.attributes, &held):
            return None
        try:
            return self._encode_held(&held, parts, is_open)
        finally:
            release(&held)

    cdef object _encode_held(self, Held* held, SpanParts parts, bint is_open):
        cdef Py_ssize_t repaired = 0
        cdef EventFacts facts
        cdef tuple event_rows = (), link_rows = (), messages = (), record_interactions = ()
        cdef Encoded attributes
        parent, start = parts.parent, parts.start
        trace_id = self._encode_trace_id((<tuple>parts.context)[0])
        if trace_id is None or not is_time(start) or not (is_time(parts.end) or (is_open and parts.end is None)):
            return None
        is_child = parent is not None and not (<tuple>parent)[2]
        attributes = self._encode_attributes(held, self._find_scope(parts.scope), start, is_child, &repaired)
        row = self._make_row(parts, is_open, attributes, &repaired)
        if row is None:
            return None
        facts.are_plain = True
        facts.have_records = facts.have_messages = False
        if parts.events:
            event_rows = self._encode_events(parts.events, start, &facts, &repaired)
            if facts.have_messages:
                messages = tuple(self.messages.encode_events(event_rows))
            if facts.have_records:
                record_interactions = untrack(
                    tuple(find_event_interactions(event_rows, attributes.user_id, self.rules))
                )
        if parts.links:
            rows, bad = encode_links(parts.links)
            link_rows = untrack(tuple(rows))
            repaired += bad
        interactions = NO_INTERACTIONS
        if attributes.plan is not None:
            records = [record for _, (record, _) in messages] if messages else ()
            around = (<tuple>row)[NAME], (<tuple>row)[STATUS] == ERROR, parts.events, start, records
            interactions = self._find_interactions(held, attributes, around, event_rows, facts.are_plain)
        # The last, because the values that it repairs are counted only once.
        origin, bad = self.origins.encode(parts.resource, parts.scope)
        session = attributes.own_session
        if session is None and origin.session is not None:
            session = untrack(
                origin.session._replace(is_child=int((<tuple>row)[IS_REMOTE] == 0), time_unix_nano=start)
            )
        return make_row(
            EncodedSpan,
            (
                trace_id,
                row,
                origin.resource,
                origin.scope,
                attributes.own_session,
                session,
                attributes.user,
                event_rows,
                link_rows,
                repaired + bad,
                is_open,
                interactions,
                record_interactions,
                untrack(tuple([(place, one) for place, (_, one) in messages if one is not None])),
            ),
        )

    cdef object _encode_trace_id(self, object number):
        """Return the digits of a trace id, or None. The spans of a trace share the number, and come together."""
        if number is self.trace_number:
            return self.trace_id
        made = encode_trace_id(number)
        self.trace_id, self.trace_number = made, number
        return made

    cdef object _find_scope(self, object scope):
        """Return the name of a scope that a dialect knows, or None."""
        cdef tuple last = self.scope
        if last[0] is not scope:
            last = self.scope = (scope, self.rules.find_scope(scope))
        return last[1]

    cdef Encoded _encode_attributes(
        self, Held* held, object scope, object start, bint is_child, Py_ssize_t* repaired
    ):
        cdef Encoded made = Encoded.__new__(Encoded)
        cdef Shape shape = self.shapes.find(held, scope)
        if shape is not None:
            made.text = write_members(held.keys, held.values, held.count)
        if made.text is None:
            self._encode_doubtful(held, scope, start, is_child, made, repaired)
        else:
            made.plan = shape.calls
            if shape.sessions is not None:
                made.own_session = shape.sessions.find(held, is_child, start)
            if shape.users is not None:
                made.user = shape.users.find(held, is_child, start)
        if made.user is not None:
            made.user_id = made.user.name
        return made

    cdef int _encode_doubtful(
        self, Held* held, object scope, object start, bint is_child, Encoded made, Py_ssize_t* repaired
    ) except -1:
        """Encode attributes that have a value which is not plain, or a text with surrogates, or are large."""
        attributes = copy_held(held)
        plan = self.python.find_plan(attributes, scope)
        encoded = encode_attributes(attributes, plan.doubtful)
        made.text, made.types, bad = encoded
        repaired[0] += bad
        made.values = as_stored(attributes, encoded, plan.doubtful)
        made.plan = plan.interactions
        if made.values is not attributes:
            made.plan = self.python.find_plan(made.values, scope).interactions
        if plan.sessions:
            made.own_session = _untrack_some(find_naming(plan.sessions, attributes, is_child, start))
        if plan.users:
            made.user = _untrack_some(find_naming(plan.users, attributes, is_child, start))
        return 0

    cdef object _make_row(self, SpanParts parts, bint is_open, Encoded attributes, Py_ssize_t* repaired):
        """Return the `SpanRow`; None if a field is not as it should be."""
        cdef tuple context = <tuple>parts.context, parent = <tuple>parts.parent
        span_id = encode_span_id(context[1])
        if span_id is None:
            return None
        parent_span_id = parent_is_remote = None
        if parent is not None:
            parent_span_id = encode_span_id(parent[1])
            if parent_span_id is None:
                return None
            parent_is_remote = 1 if parent[2] else 0
        flags = self.fields.read_flags(context[3])
        kind = read_member(parts.kind, HIGHEST_KIND)
        status_code = read_member(parts.status_code, HIGHEST_STATUS)
        repaired[0] += (kind is None) + (status_code is None)
        description = parts.description
        if description is not None:
            description = read_text(description, repaired)
        return make_row(
            SpanRow,
            (
                span_id,
                parent_span_id,
                parent_is_remote,
                0 if flags is None else flags,
                read_trace_state(context, repaired),
                read_text(parts.name, repaired),
                0 if kind is None else kind,
                parts.start,
                parts.start if is_open else parts.end,
                None,
                OPEN if is_open else None,
                0 if status_code is None else status_code,
                description,
                parts.dropped[0],
                parts.dropped[1],
                parts.dropped[2],
                attributes.types,
                attributes.text,
            ),
        )

    cdef tuple _encode_events(self, tuple events, object start, EventFacts* facts, Py_ssize_t* repaired):
        cdef tuple rows = self.events.encode(events, facts)
        if rows is not None:
            return rows
        facts.are_plain = False
        facts.have_records = facts.have_messages = True  # or may
        made, bad = encode_events(events, start)
        repaired[0] += bad
        return untrack(tuple(made))

    cdef object _find_interactions(
        self, Held* held, Encoded attributes, tuple around, tuple event_rows, bint are_plain
    ):
        cdef CallPlan known
        plan, values = attributes.plan, attributes.values
        if values is None:
            known = plan
            if are_plain:
                found = known.find(held, attributes.user_id, around, event_rows)
                if found is not None:
                    return found
            plan, values = known.plan, copy_held(held)
        return untrack(find_interactions(plan, values, attributes.user_id, Surroundings(*around)))


cdef object _untrack_some(object row):
    return None if row is None else untrack(row)
