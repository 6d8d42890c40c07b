# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Gives tokens one meaning, as genai/usage.py does. Numbers that could overflow are not taken."""

cdef enum:
    HIGHEST = 1 << 30


cdef long long read_number(object number) except -2:
    """Return a number of tokens, -1 if there is none.

    Raises:
        OverflowError: It is too high to be counted here.
    """
    if number is None:
        return -1
    if number > HIGHEST:
        raise OverflowError
    return number


cdef bint include_parts(Tokens* tokens, object outside, object provider) except -1:
    """Let input, output and total include their parts. `outside` is an `Outside`. Return False if the total then tells
    of more tokens than all others."""
    cdef long long cached = max(tokens.cached, 0), creation = max(tokens.creation, 0), rest
    cdef long long reasoning = max(tokens.reasoning, 0)
    cdef long long beside_input = _count(cached, outside[0], provider) + _count(creation, outside[1], provider)
    cdef long long beside_output = _count(reasoning, outside[2], provider)
    cdef long long in_question = 0 if beside_input else cached + creation
    reasoning = 0 if beside_output else reasoning
    if tokens.input >= 0 and in_question > tokens.input:
        beside_input, in_question = in_question, 0
    if tokens.output >= 0 and reasoning > tokens.output:
        beside_output, reasoning = reasoning, 0
    if tokens.total >= 0 and tokens.input >= 0 and tokens.output >= 0:
        rest = tokens.total - tokens.input - beside_input - tokens.output - beside_output
        if rest > 0 and rest == in_question + reasoning:
            beside_input += in_question
            beside_output += reasoning
        elif rest > 0 and rest == in_question:
            beside_input += in_question
        elif rest > 0 and rest == reasoning:
            beside_output += reasoning
        if tokens.total == tokens.input + tokens.output:
            tokens.total += beside_input + beside_output
    if tokens.input >= 0:
        tokens.input += beside_input
    if tokens.output >= 0:
        tokens.output += beside_output
    return tokens.input < 0 or tokens.output < 0 or tokens.total <= tokens.input + tokens.output


cdef long long _count(long long part, object providers, object provider) except -1:
    return part if part and (providers is None or provider in providers) else 0
