# SPDX-License-Identifier: Apache-2.0
cdef struct Tokens:
    # Numbers of tokens; -1: unknown.
    long long input, output, total, cached, creation, reasoning


cdef long long read_number(object number) except -2
cdef bint include_parts(Tokens* tokens, object outside, object provider) except -1
