# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The row of a model call whose content has OpenTelemetry's form, as `find_interactions` of genai/recognition.py gives
it. None stands for a call that it has to read."""

from cpython.object cimport PyObject, PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE

from orjson import loads

from otel_sqlite_exporter.genai.column_readers import read_count, read_number, read_reasons, read_text
from otel_sqlite_exporter.genai.content import AS_RECORDED
from otel_sqlite_exporter.genai.content_sources import NATIVE
from otel_sqlite_exporter.genai.event_content import EXCEPTION, find_exception_type, find_first_token_ms
from otel_sqlite_exporter.genai.messages.tool_mentions import find_all_results, find_tool_calls, find_tool_results
from otel_sqlite_exporter.genai.recognition import Surroundings, find_operation, find_own_name, unify_usage
from otel_sqlite_exporter.genai.rules import AGENTS, CALLS, TOOLS, WAITS
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, Interactions, LLMInteractionRow

from otel_sqlite_exporter.native.made_rows cimport make_row, untrack
from otel_sqlite_exporter.native.message_form cimport MessageForm, have_form
from otel_sqlite_exporter.native.shapes cimport Held, copy_held

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyFloat_Type, PyLong_Type, PyTuple_Type, PyUnicode_Type
    PyObject* Py_None
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)

cdef enum:
    MOST_MEANINGS = 256
    MOST_VALUES = 256
    LONGEST_NAME = 256
    LONGEST_KNOWN = 64  # characters of a value whose reading is remembered

cdef enum:
    READ_TEXT
    READ_COUNT
    READ_OTHER

_place = LLMInteractionRow._fields.index
cdef Py_ssize_t IS_AGGREGATE = _place("is_aggregate"), IS_HIDDEN = _place("is_hidden"), USER = _place("user_id")
cdef Py_ssize_t OPERATION = _place("operation"), AGENT = _place("agent_name")
cdef Py_ssize_t REQUEST_MODEL = _place("request_model"), RESPONSE_MODEL = _place("response_model")
cdef Py_ssize_t RESPONSE_ID = _place("response_id"), REASONS = _place("finish_reasons")
cdef Py_ssize_t ERROR_TYPE = _place("error_type"), FIRST_TOKEN = _place("time_to_first_token_ms")
cdef Py_ssize_t INPUT = _place("input_tokens"), OUTPUT = _place("output_tokens"), TOTAL = _place("total_tokens")
cdef Py_ssize_t CACHED = _place("cached_input_tokens"), CREATION = _place("cache_creation_input_tokens")
cdef Py_ssize_t REASONING = _place("reasoning_tokens")
cdef Py_ssize_t COST = _place("cost_usd"), COST_STATUS = _place("cost_status")
cdef Py_ssize_t INSTRUCTIONS = _place("system_instructions"), PROMPT = _place("prompt")
cdef Py_ssize_t COMPLETION = _place("completion")


cdef class Ask:
    """One attribute of a column, and how its value is read."""
    cdef Py_ssize_t place
    cdef int kind
    cdef object read
    cdef dict known

    def __cinit__(self, place, read):
        self.place = place
        self.kind = READ_TEXT if read is read_text else READ_COUNT if read is read_count else READ_OTHER
        self.read = read
        self.known = {}

    cdef object find(self, PyObject* value):
        cdef PyTypeObject* kind = Py_TYPE(value)
        if self.kind == READ_TEXT and kind == &PyUnicode_Type:
            return <object>value if PyUnicode_GET_LENGTH(value) else None
        if self.kind == READ_COUNT and kind == &PyLong_Type and <object>value >= 0:
            return <object>value
        if not _is_short(value):
            return self.read(<object>value)
        found = self.known.get(<object>value, self)
        if found is self:
            found = self.read(<object>value)
            if len(self.known) >= MOST_VALUES:
                self.known.clear()
            self.known[<object>value] = found
        return found


cdef bint _is_short(PyObject* value) noexcept:
    """Return whether a value is a short text, or a tuple of one."""
    if Py_TYPE(value) == &PyTuple_Type:
        if PyTuple_GET_SIZE(<object>value) != 1:
            return False
        value = PyTuple_GET_ITEM(<object>value, 0)
    return Py_TYPE(value) == &PyUnicode_Type and PyUnicode_GET_LENGTH(value) <= LONGEST_KNOWN


cdef class Column:
    cdef Py_ssize_t place
    cdef list asks

    def __cinit__(self, place, asks, keys):
        self.place = place
        self.asks = [Ask(keys.index(name), read) for name, read in asks]


cdef class Meaning:
    """What the operation of a call means."""
    cdef object operation, own_name
    cdef bint is_nothing, is_tool, is_agent, is_call

    def __cinit__(self, meaning, plan):
        self.is_nothing = meaning is None
        if meaning is None:
            return
        self.operation, self.own_name = operation, _ = meaning
        self.is_tool = operation in TOOLS or operation in WAITS or (operation is None and plan.names_tool)
        self.is_agent = operation in AGENTS
        self.is_call = operation in CALLS


cdef class CallPlan:
    """How to read attributes of one shape, as an `InteractionPlan` says."""

    def __cinit__(self, plan, dict attributes):
        keys = list(attributes)
        self.plan = plan
        self.is_known = _knows(plan, attributes)
        if not self.is_known:
            return
        self.names_matter = bool(plan.names)
        self.operation_places = tuple(keys.index(name) for name, _, _ in plan.operations)
        self.meanings = {}
        asked = [(column, asks) for column, _, asks in plan.llm.texts] + list(plan.llm.others)
        self.columns = [Column(column, asks, keys) for column, asks in asked]
        self.prompt, self.completion, self.instructions = (
            keys.index(NATIVE[column]) if plan.content[column] else -1
            for column in ("prompt", "completion", "system_instructions")
        )

    cdef object find(self, Held* held, object user_id, object surroundings, tuple event_rows):
        """Return the `Interactions`, or None. `surroundings` are those of `find_interactions`, and the values held have
        no surrogates."""
        cdef Meaning meaning
        cdef MessageForm form
        cdef bint has_usage, is_error = surroundings[1]
        cdef tuple calls = (), results = ()
        cdef list row
        if not self.is_known or not self._can_read(event_rows):
            return None
        meaning = self._find_meaning(held, surroundings[0])
        if meaning is None or meaning.is_tool:
            return None
        if meaning.is_nothing:
            return NO_INTERACTIONS
        if not (meaning.is_agent or meaning.operation is None or meaning.is_call):
            return None if self.plan.usage else NO_INTERACTIONS
        row = self._read(held)
        if self.plan.models and (row[REQUEST_MODEL] is None or row[RESPONSE_MODEL] is None):
            return None
        has_usage = self._unify_usage(row, meaning.operation, held)
        if not (has_usage or meaning.is_agent or meaning.is_call):
            if meaning.operation is not None or row[REQUEST_MODEL] is None:
                return NO_INTERACTIONS
        row[OPERATION] = meaning.operation
        row[USER] = user_id
        row[IS_AGGREGATE] = 0 if meaning.operation is None or meaning.is_call else 1
        row[IS_HIDDEN] = 1 if meaning.is_agent and not has_usage else 0
        if meaning.is_agent and row[AGENT] is None:
            row[AGENT] = find_own_name(self.plan, copy_held(held), Surroundings(*surroundings), meaning.own_name)
        if row[COST] is not None:
            row[COST_STATUS] = "reported"
        if is_error and row[ERROR_TYPE] is None:
            row[ERROR_TYPE] = _find_error(surroundings, event_rows)
        if self.plan.first_token_events and row[FIRST_TOKEN] is None and event_rows:
            row[FIRST_TOKEN] = find_first_token_ms(surroundings[2], self.plan.first_token_events, surroundings[3])
        if row[IS_HIDDEN] and not is_error:
            return make_row(Interactions, (make_row(LLMInteractionRow, row), None, (), ()))
        if surroundings[4] or meaning.operation == "embeddings":
            return None
        if self.instructions >= 0:
            if not _have_form(held.values[self.instructions], True, &form):
                return None
            row[INSTRUCTIONS] = AS_RECORDED
        if self.prompt >= 0:
            if not _have_form(held.values[self.prompt], False, &form):
                return None
            row[PROMPT] = AS_RECORDED
            if form.has_results and not row[IS_AGGREGATE]:
                results = untrack(tuple(find_tool_results(loads(<object>held.values[self.prompt]))))
        if self.completion >= 0:
            if not _have_form(held.values[self.completion], False, &form):
                return None
            row[COMPLETION] = AS_RECORDED
            if form.has_calls and not row[IS_AGGREGATE]:
                messages = loads(<object>held.values[self.completion])
                calls = untrack(tuple(find_tool_calls(messages)))
                results = untrack(results + tuple(find_all_results(messages)))
        if event_rows and row[ERROR_TYPE] is None and meaning.is_call and not (has_usage or _is_answered(row)):
            row[ERROR_TYPE] = _find_error(surroundings, event_rows)
        return make_row(Interactions, (make_row(LLMInteractionRow, row), None, calls, results))

    cdef bint _can_read(self, tuple event_rows):
        """Return whether no event has attributes that count as the span's."""
        if self.plan.events:
            for row in event_rows:
                if row[1] in self.plan.events:
                    return False
        return True

    cdef object _find_meaning(self, Held* held, object name):
        cdef Py_ssize_t place
        cdef PyObject* value
        key = name if self.names_matter else None
        if key is not None and len(key) > LONGEST_NAME:
            return None
        for place in self.operation_places:
            value = held.values[place]
            if Py_TYPE(value) != &PyUnicode_Type or PyUnicode_GET_LENGTH(value) > LONGEST_KNOWN:
                return None
            key = <object>value if key is None else (key, <object>value)
        meaning = self.meanings.get(key)
        if meaning is None:
            meaning = Meaning(find_operation(self.plan, copy_held(held), Surroundings(name)), self.plan)
            if len(self.meanings) >= MOST_MEANINGS:
                self.meanings.clear()
            self.meanings[key] = meaning
        return meaning

    cdef list _read(self, Held* held):
        cdef list row = self.plan.llm.row.copy()
        cdef Column column
        cdef Ask ask
        for column in self.columns:
            for ask in column.asks:
                if held.values[ask.place] != Py_None:
                    value = ask.find(held.values[ask.place])
                    if value is not None:
                        row[column.place] = value
                        break
        return row

    cdef bint _unify_usage(self, list row, object operation, Held* held):
        input, output, total = row[INPUT], row[OUTPUT], row[TOTAL]
        if input is None and output is None and total is None:
            return False
        if total is None and input is not None and output is not None:
            if not (row[CACHED] or row[CREATION] or row[REASONING]) and input < 1 << 62 and output < 1 << 62:
                row[TOTAL] = input + output
                return True
        return unify_usage(self.plan, row, operation, copy_held(held))


cdef bint _have_form(PyObject* value, bint are_parts, MessageForm* form):
    return Py_TYPE(value) == &PyUnicode_Type and have_form(value, are_parts, form)


cdef bint _is_answered(list row):
    return row[COMPLETION] is not None or not (
        row[RESPONSE_MODEL] is None and row[RESPONSE_ID] is None and row[REASONS] is None
    )


cdef object _find_error(object surroundings, tuple event_rows):
    for row in event_rows:
        if row[1] == EXCEPTION:
            return find_exception_type(surroundings[2])
    return None


cdef bint _knows(object plan, dict attributes):
    """Return whether all content is in attributes of OpenTelemetry's names, and each column is in one attribute."""
    content = plan.content
    if plan.llm.sums or content["conversation"] or content["request_parameters"]:
        return False
    for column in ("prompt", "completion", "system_instructions"):
        for source in content[column]:
            name = source.names[0]
            if source.is_prefix or source.keys or (name.name, name.path) != (NATIVE[column], None):
                return False
        if len(content[column]) > 1:
            return False
    asks = [ask for _, _, asks in plan.llm.texts for ask in asks] + [ask for _, asks in plan.llm.others for ask in asks]
    return all(name in attributes for name, _ in asks) and all(name in attributes for name, _, _ in plan.operations)
