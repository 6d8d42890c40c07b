# SPDX-License-Identifier: Apache-2.0
from cpython.object cimport PyObject


cdef struct MessageForm:
    bint has_calls      # a part asks for a tool
    bint has_results    # a part is the result of a tool, after the last message of the assistant


cdef bint have_form(PyObject* text, bint are_parts, MessageForm* form) noexcept
