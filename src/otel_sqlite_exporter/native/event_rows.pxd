# SPDX-License-Identifier: Apache-2.0
cdef struct EventFacts:
    bint are_plain          # the rows have what the events have
    bint have_records       # one reports a call, or may
    bint have_messages      # one is of MESSAGE_RECORDS


cdef class EventEncoder:
    cdef object rules
    cdef dict names, layouts
    cdef object event_kind, attributes_kind

    cdef tuple encode(self, tuple events, EventFacts* facts)
    cdef object _find_name(self, object name)
    cdef bint _is_known(self, object event, object attributes)
    cdef list _encode_event(self, object event, EventFacts* facts)
