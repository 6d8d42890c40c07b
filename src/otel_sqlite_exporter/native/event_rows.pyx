# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The rows of a span's own events, as `encode_events` of encode/events.py gives them."""

from cpython.dict cimport PyDict_Next, PyDict_Size
from cpython.object cimport PyObject, PyTypeObject

from otel_sqlite_exporter.encode.pairs import link_within_span, split_phase
from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.event_names import NAME_ATTRIBUTE, is_name
from otel_sqlite_exporter.model.rows import EventRow
from otel_sqlite_exporter.model.signals import EventFields
from otel_sqlite_exporter.native.layouts import shows_event_fields

from otel_sqlite_exporter.native.json_text cimport MOST_ATTRIBUTES, write_members
from otel_sqlite_exporter.native.made_rows cimport make_row, make_rows
from otel_sqlite_exporter.native.span_fields cimport is_time

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyUnicode_Type
    bint PyUnicode_IS_ASCII(object)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)
    int PyUnicode_CompareWithASCIIString(PyObject*, const char*)

cdef object event_fields = EventFields
cdef bytes name_attribute = NAME_ATTRIBUTE.encode()
_field = EventRow._fields.index
cdef Py_ssize_t PHASE = _field("phase"), TIME = _field("time_unix_nano")
cdef Py_ssize_t MATE = _field("mate"), STEM = _field("stem")


cdef class EventName:
    """What the name of an event tells."""
    cdef object stem, phase
    cdef bint is_shown, is_record, is_message

    def __cinit__(self, name, rules):
        self.stem, self.phase = split_phase(name)
        self.is_shown = is_name(name)
        self.is_record = rules.is_record(name)
        self.is_message = name in MESSAGE_RECORDS


cdef class EventEncoder:
    """Encodes events of the SDK, and `EventFields`, whose fields are as they should be."""

    def __cinit__(self, rules):
        self.rules = rules
        self.names, self.layouts = {}, {}

    cdef tuple encode(self, tuple events, EventFacts* facts):
        """Return the rows; None if an event is not as it should be."""
        cdef list rows = [], phased = []
        cdef list row
        for event in events:
            row = self._encode_event(event, facts)
            if row is None:
                return None
            if row[STEM] is not None:
                phased.append(len(rows))
            rows.append(row)
        if phased:
            _pair(rows, phased)
        return make_rows([make_row(EventRow, row) for row in rows])

    cdef list _encode_event(self, object event, EventFacts* facts):
        cdef EventName known
        cdef bint is_named = False
        if type(event) is event_fields:
            name, time, attributes, dropped = <tuple>event
        else:
            attributes = event._attributes
            if not self._is_known(event, attributes):
                return None
            name, time, dropped = event._name, event._timestamp, 0
            if attributes is None:
                attributes = {}
            elif type(attributes) is not dict:
                dropped, attributes = attributes.dropped, attributes._dict
        if type(name) is not str or not PyUnicode_IS_ASCII(name) or not is_time(time):
            return None
        if type(attributes) is not dict or type(dropped) is not int:
            return None
        text = _write_dict(attributes, &is_named)
        known = self._find_name(name)
        if text is None or is_named or not known.is_shown:
            return None
        facts.have_records |= known.is_record
        facts.have_messages |= known.is_message
        return [known.phase, name, time, None, None, known.stem, None, dropped, None, text]

    cdef object _find_name(self, object name):
        known = self.names.get(name)
        if known is None:
            known = EventName(name, self.rules)
            remember(self.names, name, known)
        return known

    cdef bint _is_known(self, object event, object attributes):
        """Return whether the private fields of an event are what its properties give."""
        if type(event) is self.event_kind and type(attributes) is self.attributes_kind:
            return True
        kinds = type(event), type(attributes)
        known = self.layouts.get(kinds)
        if known is None:
            known = shows_event_fields(*kinds)
            remember(self.layouts, kinds, known)
        if known:
            self.event_kind, self.attributes_kind = kinds
        return known


cdef int _pair(list rows, list phased) except -1:
    """Pair starts with finishes, as `link_within_span` does. `phased` are the places of their rows."""
    cdef list one, other
    if len(phased) == 2:
        one, other = rows[phased[0]], rows[phased[1]]
        if one[STEM] == other[STEM] and one[PHASE] == "start" and other[PHASE] == "finish" and one[TIME] <= other[TIME]:
            other[MATE], one[MATE] = phased
            one[STEM] = other[STEM] = None
            return 0
    named = [(row[STEM], row[PHASE], row[TIME]) for row in [rows[place] for place in phased]]
    for index, mate in link_within_span(named).items():
        one = rows[phased[index]]
        one[MATE], one[STEM] = phased[mate], None
    return 0


cdef object _write_dict(dict attributes, bint* is_named):
    """Return the text of attributes, or None; note whether one gives the event a name."""
    cdef PyObject* keys[MOST_ATTRIBUTES]
    cdef PyObject* values[MOST_ATTRIBUTES]
    cdef Py_ssize_t place = 0, count = 0
    if PyDict_Size(attributes) > MOST_ATTRIBUTES:
        return None
    while PyDict_Next(attributes, &place, &keys[count], &values[count]):
        if Py_TYPE(keys[count]) == &PyUnicode_Type and PyUnicode_GET_LENGTH(keys[count]) == len(name_attribute):
            is_named[0] |= PyUnicode_CompareWithASCIIString(keys[count], name_attribute) == 0
        count += 1
    return write_members(keys, values, count)
