# SPDX-License-Identifier: Apache-2.0
cdef str encode_trace_id(object value)
cdef str encode_span_id(object value)
