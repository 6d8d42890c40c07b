# SPDX-License-Identifier: Apache-2.0
from otel_sqlite_exporter.native.wire_format cimport Cursor, Field

cdef object ODD

cdef object read_text(Cursor* cursor)
cdef object find_text(Cursor* cursor)
cdef object read_trace_id(Cursor* cursor)
cdef object read_span_id(Cursor* cursor)
cdef object read_time(Field* field)
cdef bint add_attribute(Cursor* cursor, dict attributes, int depth) except -1
cdef object read_value(Cursor* cursor, int depth)
