# SPDX-License-Identifier: Apache-2.0
from otel_sqlite_exporter.native.columns cimport RowReader
from otel_sqlite_exporter.native.shapes cimport Held


cdef class CallPlan:
    cdef object plan, models
    cdef bint has_documents, names_matter, has_form, has_tool_content
    cdef tuple operation_places
    cdef dict meanings
    cdef list usage
    cdef RowReader llm, tool
    cdef Py_ssize_t prompt, completion, instructions

    cdef object find(self, Held* held, object user_id, tuple around, tuple event_rows)
    cdef object _find_meaning(self, Held* held, object name)
    cdef object _find_call(self, Held* held, object user_id, tuple around, tuple event_rows, object meaning)
    cdef object _find_tool(self, Held* held, object user_id, tuple around, tuple event_rows, object meaning)
    cdef tuple _read_content(self, Held* held, list row)
    cdef bint _unify_usage(self, list row, object operation, Held* held)
