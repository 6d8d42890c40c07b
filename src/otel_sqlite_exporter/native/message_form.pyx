# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Whether a JSON text holds messages that have OpenTelemetry's form: where this says so, `are_native` of
genai/messages/plain_messages.py says so of the decoded text. What it does not know, it denies.

A text is read unit by unit. Behind its last character there is a NUL, which ends every loop, because JSON has none.
"""

from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport strlen

from otel_sqlite_exporter.genai.finish_reasons import REASONS

cdef extern from "Python.h":
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)
    int PyUnicode_KIND(PyObject*)
    void* PyUnicode_DATA(PyObject*)

ctypedef fused unit:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    DEEPEST = 32
    LONGEST_NUMBER = 30  # with more digits orjson may refuse it
    BLOCK = 16
    MOST_REASONS = 16

cdef enum:
    # The roles of messages.
    SYSTEM = 1, DEVELOPER, USER, ASSISTANT, TOOL

cdef enum:
    # The members of messages and parts that were seen.
    SEEN_ROLE = 1
    SEEN_PARTS = 2
    SEEN_REASON = 4
    SEEN_TYPE = 8
    SEEN_CONTENT = 16
    SEEN_ID = 32
    SEEN_NAME = 64
    SEEN_ARGUMENTS = 128
    SEEN_RESPONSE = 256

cdef enum:
    # The kinds of parts of a message.
    HAS_WORDS = 1
    HAS_CALL = 2
    HAS_RESULT = 4

_reasons = [reason.encode() for reason in sorted(REASONS)][:MOST_REASONS]
cdef const char* reasons[MOST_REASONS]
cdef int reason_count = 0
for _reason in _reasons:
    reasons[reason_count] = _reason
    reason_count += 1


cdef bint have_form(PyObject* text, bint are_parts, MessageForm* form) noexcept:
    """Return whether an exact `str` without surrogates holds messages of that form; with `are_parts`, the parts of one
    message of the system."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    cdef int kind = PyUnicode_KIND(text)
    cdef void* data = PyUnicode_DATA(text)
    form.has_calls = form.has_results = False
    if kind == 1:
        return _have_form(<const uint8_t*>data, length, are_parts, form)
    if kind == 2:
        return _have_form(<const uint16_t*>data, length, are_parts, form)
    return _have_form(<const uint32_t*>data, length, are_parts, form)


cdef bint _have_form(const unit* text, Py_ssize_t length, bint are_parts, MessageForm* form) noexcept:
    cdef const unit* end = text + length
    cdef int kinds = 0
    if text[0] != c"[":
        return False
    if are_parts:
        text = _read_parts(text, end, &kinds)
        return text != NULL and _skip_space(text) == end and not kinds & HAS_RESULT
    text = _read_messages(text, end, form)
    return text != NULL and _skip_space(text) == end


cdef const unit* _read_messages(const unit* text, const unit* end, MessageForm* form) noexcept:
    cdef int role, before = 0, kinds
    text = _skip_space(text + 1)
    if text[0] == c"]":
        return text + 1
    while True:
        role = kinds = 0
        text = _read_message(text, end, &role, &kinds)
        if text == NULL or (role == ASSISTANT and before == ASSISTANT):
            return NULL
        if (role == TOOL) != (kinds == HAS_RESULT) or (role != TOOL and kinds & HAS_RESULT):
            return NULL
        before = role
        form.has_calls |= (kinds & HAS_CALL) != 0
        form.has_results = role != ASSISTANT and (form.has_results or role == TOOL)
        text = _skip_space(text)
        if text[0] == c"]":
            return text + 1
        if text[0] != c",":
            return NULL
        text = _skip_space(text + 1)


cdef const unit* _read_message(const unit* text, const unit* end, int* role, int* kinds) noexcept:
    cdef int seen = 0, member
    cdef const unit* key
    cdef const unit* value
    if text[0] != c"{":
        return NULL
    while True:
        key = _skip_space(text + 1)
        text = _read_key(key, end)
        if text == NULL:
            return NULL
        value = text
        if _is_word(key, "role"):
            member = SEEN_ROLE
            role[0] = _find_role(value)
            text = _skip_string(value, end) if role[0] else NULL
        elif _is_word(key, "parts"):
            member = SEEN_PARTS
            text = _read_parts(value, end, kinds)
        elif _is_word(key, "finish_reason"):
            member = SEEN_REASON
            text = _skip_string(value, end) if _is_reason(value) else NULL
        else:
            return NULL
        if text == NULL or seen & member:
            return NULL
        seen |= member
        text = _skip_space(text)
        if text[0] == c"}":
            return text + 1 if seen & (SEEN_ROLE | SEEN_PARTS) == (SEEN_ROLE | SEEN_PARTS) else NULL
        if text[0] != c",":
            return NULL


cdef const unit* _read_parts(const unit* text, const unit* end, int* kinds) noexcept:
    """Read one or more parts."""
    if text[0] != c"[":
        return NULL
    while True:
        text = _read_part(_skip_space(text + 1), end, kinds)
        if text == NULL:
            return NULL
        text = _skip_space(text)
        if text[0] == c"]":
            return text + 1
        if text[0] != c",":
            return NULL


cdef const unit* _read_part(const unit* text, const unit* end, int* kinds) noexcept:
    cdef int seen = 0, member
    cdef bint has_id = False
    cdef const unit* key
    cdef const unit* kind = NULL
    if text[0] != c"{":
        return NULL
    while True:
        key = _skip_space(text + 1)
        text = _read_key(key, end)
        if text == NULL:
            return NULL
        member = _find_member(key)
        if member == SEEN_TYPE:
            kind = text
        elif member == SEEN_ID:
            has_id = text[0] == c'"' and text[1] != c'"'
        if member == SEEN_ARGUMENTS:
            text = _skip_value(text, end, 0) if text[0] == c"{" else NULL
        elif member == SEEN_ID:
            text = _skip_value(text, end, DEEPEST)
        else:
            text = _skip_string(text, end)
        if text == NULL or not member or seen & member:
            return NULL
        seen |= member
        text = _skip_space(text)
        if text[0] == c"}":
            break
        if text[0] != c",":
            return NULL
    if kind == NULL or not _note_kind(kind, seen, has_id, kinds):
        return NULL
    return text + 1


cdef bint _note_kind(const unit* kind, int seen, bint has_id, int* kinds) noexcept:
    """Note the kind of a part; False if its members are not those of its kind."""
    if _is_word(kind, "text") or _is_word(kind, "reasoning"):
        kinds[0] |= HAS_WORDS
        return seen == (SEEN_TYPE | SEEN_CONTENT)
    if _is_word(kind, "tool_call"):
        kinds[0] |= HAS_CALL
        return has_id and seen == (SEEN_TYPE | SEEN_ID | SEEN_NAME | SEEN_ARGUMENTS)
    kinds[0] |= HAS_RESULT
    return _is_word(kind, "tool_call_response") and seen == (SEEN_TYPE | SEEN_ID | SEEN_RESPONSE)


cdef int _find_member(const unit* key) noexcept:
    if _is_word(key, "type"):
        return SEEN_TYPE
    if _is_word(key, "content"):
        return SEEN_CONTENT
    if _is_word(key, "id"):
        return SEEN_ID
    if _is_word(key, "name"):
        return SEEN_NAME
    if _is_word(key, "arguments"):
        return SEEN_ARGUMENTS
    return SEEN_RESPONSE if _is_word(key, "response") else 0


cdef int _find_role(const unit* value) noexcept:
    if _is_word(value, "user"):
        return USER
    if _is_word(value, "assistant"):
        return ASSISTANT
    if _is_word(value, "tool"):
        return TOOL
    if _is_word(value, "system"):
        return SYSTEM
    return DEVELOPER if _is_word(value, "developer") else 0


cdef bint _is_reason(const unit* value) noexcept:
    cdef int place
    for place in range(reason_count):
        if _is_word(value, reasons[place]):
            return True
    return False


cdef bint _is_word(const unit* text, const char* word) noexcept:
    """Return whether a JSON string without escapes, which begins here, is `word`."""
    cdef Py_ssize_t length = strlen(word), place
    if text[0] != c'"':
        return False
    for place in range(length):
        if text[place + 1] != <unit>word[place]:
            return False
    return text[length + 1] == c'"'


cdef inline const unit* _skip_space(const unit* text) noexcept:
    while text[0] == c" " or text[0] == c"\n" or text[0] == c"\t" or text[0] == c"\r":
        text += 1
    return text


cdef const unit* _read_key(const unit* key, const unit* end) noexcept:
    """Return where the value of a key begins."""
    cdef const unit* text = _skip_string(key, end)
    if text == NULL:
        return NULL
    text = _skip_space(text)
    return _skip_space(text + 1) if text[0] == c":" else NULL


cdef const unit* _skip_string(const unit* text, const unit* end) noexcept:
    cdef uint8_t special
    cdef Py_ssize_t place
    if text[0] != c'"':
        return NULL
    text += 1
    while True:
        if unit is uint8_t:
            while end - text >= BLOCK:
                special = 0
                for place in range(BLOCK):
                    special |= (text[place] < 0x20) | (text[place] == c'"') | (text[place] == c"\\")
                if special:
                    break
                text += BLOCK
        while text[0] >= 0x20 and text[0] != c'"' and text[0] != c"\\":
            text += 1
        if text[0] == c'"':
            return text + 1
        if text[0] != c"\\":
            return NULL
        text = _skip_escape(text + 1)
        if text == NULL:
            return NULL


cdef const unit* _skip_escape(const unit* text) noexcept:
    cdef int code
    if text[0] != c"u":
        if text[0] > 0x7F:
            return NULL
        return text + 1 if text[0] in (c'"', c"\\", c"/", c"b", c"f", c"n", c"r", c"t") else NULL
    code = _read_hex(text + 1)
    if code < 0 or 0xDC00 <= code <= 0xDFFF:
        return NULL
    text += 5
    if 0xD800 <= code <= 0xDBFF:
        if text[0] != c"\\" or text[1] != c"u" or not 0xDC00 <= _read_hex(text + 2) <= 0xDFFF:
            return NULL
        text += 6
    return text


cdef int _read_hex(const unit* text) noexcept:
    cdef int code = 0, place
    cdef uint32_t character
    for place in range(4):
        character = text[place]
        if c"0" <= character <= c"9":
            code = code * 16 + character - c"0"
        elif c"a" <= character | 0x20 <= c"f":
            code = code * 16 + (character | 0x20) - c"a" + 10
        else:
            return -1
    return code


cdef const unit* _skip_value(const unit* text, const unit* end, int depth) noexcept:
    if text[0] == c'"':
        return _skip_string(text, end)
    if text[0] == c"{" or text[0] == c"[":
        return _skip_members(text, end, depth + 1) if depth < DEEPEST else NULL
    if text[0] == c"n":
        return _skip_word(text, "null")
    if text[0] == c"t":
        return _skip_word(text, "true")
    if text[0] == c"f":
        return _skip_word(text, "false")
    return _skip_number(text)


cdef const unit* _skip_members(const unit* text, const unit* end, int depth) noexcept:
    cdef bint is_map = text[0] == c"{"
    cdef unit closing = c"}" if is_map else c"]"
    text = _skip_space(text + 1)
    if text[0] == closing:
        return text + 1
    while True:
        if is_map:
            text = _read_key(text, end)
            if text == NULL:
                return NULL
        text = _skip_value(text, end, depth)
        if text == NULL:
            return NULL
        text = _skip_space(text)
        if text[0] == closing:
            return text + 1
        if text[0] != c",":
            return NULL
        text = _skip_space(text + 1)


cdef const unit* _skip_word(const unit* text, const char* word) noexcept:
    cdef Py_ssize_t place
    for place in range(<Py_ssize_t>strlen(word)):
        if text[place] != <unit>word[place]:
            return NULL
    return text + strlen(word)


cdef const unit* _skip_number(const unit* text) noexcept:
    """Skip a number without an exponent."""
    cdef const unit* begin = text
    cdef const unit* digits
    if text[0] == c"-":
        text += 1
    digits = text
    while c"0" <= text[0] <= c"9":
        text += 1
    if text == digits or (digits[0] == c"0" and text - digits > 1):
        return NULL
    if text[0] == c".":
        digits = text + 1
        text = digits
        while c"0" <= text[0] <= c"9":
            text += 1
        if text == digits:
            return NULL
    if text[0] == c"e" or text[0] == c"E" or text - begin > LONGEST_NUMBER:
        return NULL
    return text
