# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The row of a model call or tool that attributes describe, as `find_interactions` of genai/recognition.py gives it.

Messages that have OpenTelemetry's form are read here. All others are read by genai/content.py.
"""

from cpython.object cimport PyObject, PyTypeObject

from orjson import loads

from otel_sqlite_exporter.genai.column_readers import FAILED
from otel_sqlite_exporter.genai.content import AS_RECORDED, find_content
from otel_sqlite_exporter.genai.content_sources import NATIVE
from otel_sqlite_exporter.genai.event_content import EXCEPTION, find_exception_type, find_first_token_ms
from otel_sqlite_exporter.genai.messages.tool_content import clean_call_id
from otel_sqlite_exporter.genai.messages.tool_mentions import find_all_results, find_tool_calls, find_tool_results
from otel_sqlite_exporter.genai.recognition import (
    Surroundings,
    choose_models,
    find_operation,
    find_own_name,
    is_answered,
    unify_usage,
)
from otel_sqlite_exporter.genai.rules import AGENTS, CALLS, TOOLS, WAITS
from otel_sqlite_exporter.genai.tool_attributes import find_tool_content
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, Interactions, LLMInteractionRow, ToolInteractionRow

from otel_sqlite_exporter.native.columns cimport RowReader, find_first, make_asks
from otel_sqlite_exporter.native.made_rows cimport make_row, untrack
from otel_sqlite_exporter.native.message_form cimport MessageForm, have_form
from otel_sqlite_exporter.native.shapes cimport Held, copy_held
from otel_sqlite_exporter.native.token_usage cimport Tokens, include_parts, read_number

cdef extern from "Python.h":
    PyTypeObject* Py_TYPE(PyObject*)
    PyTypeObject PyUnicode_Type
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)

cdef enum:
    MOST_MEANINGS = 256
    LONGEST_NAME = 256

_place = LLMInteractionRow._fields.index
cdef Py_ssize_t IS_AGGREGATE = _place("is_aggregate"), IS_HIDDEN = _place("is_hidden"), USER = _place("user_id")
cdef Py_ssize_t PROVIDER = _place("provider"), OPERATION = _place("operation"), AGENT = _place("agent_name")
cdef Py_ssize_t REQUEST_MODEL = _place("request_model"), RESPONSE_MODEL = _place("response_model")
cdef Py_ssize_t ERROR_TYPE = _place("error_type"), FIRST_TOKEN = _place("time_to_first_token_ms")
cdef Py_ssize_t INPUT = _place("input_tokens"), OUTPUT = _place("output_tokens"), TOTAL = _place("total_tokens")
cdef Py_ssize_t CACHED = _place("cached_input_tokens"), CREATION = _place("cache_creation_input_tokens")
cdef Py_ssize_t REASONING = _place("reasoning_tokens"), PARAMETERS = _place("request_parameters")
cdef Py_ssize_t COST = _place("cost_usd"), COST_STATUS = _place("cost_status")
cdef Py_ssize_t INSTRUCTIONS = _place("system_instructions"), PROMPT = _place("prompt")
cdef Py_ssize_t COMPLETION = _place("completion")
_place = ToolInteractionRow._fields.index
cdef Py_ssize_t TOOL_NAME = _place("tool_name"), TOOL_CALL_ID = _place("tool_call_id"), TOOL_USER = _place("user_id")
cdef Py_ssize_t TOOL_ERROR_TYPE = _place("error_type"), DURATION = _place("duration_ms")
cdef Py_ssize_t WAITING = _place("waiting_ms"), ARGUMENTS = _place("arguments"), RESULT = _place("result")
_place = Surroundings._fields.index
cdef Py_ssize_t NAME = _place("name"), IS_ERROR = _place("is_error"), EVENTS = _place("events")
cdef Py_ssize_t START = _place("start_time_unix_nano"), RECORDS = _place("records")


cdef class Meaning:
    """What the operation of a call means."""
    cdef object operation, own_name
    cdef bint is_nothing, is_tool, is_wait, is_agent, is_call

    def __cinit__(self, meaning, plan):
        self.is_nothing = meaning is None
        if meaning is None:
            return
        self.operation, self.own_name = operation, _ = meaning
        self.is_wait = operation in WAITS
        self.is_tool = self.is_wait or operation in TOOLS or (operation is None and plan.names_tool)
        self.is_agent = operation in AGENTS
        self.is_call = operation in CALLS


cdef class CallPlan:
    """How to read attributes of one shape, as an `InteractionPlan` says."""

    def __cinit__(self, plan, dict attributes):
        keys = list(attributes)
        self.plan = plan
        self.models = plan.llm.models
        self.has_documents = bool(plan.llm.documents or plan.tool.documents)
        self.names_matter = bool(plan.names)
        self.operation_places = tuple(keys.index(name) for name, _, _ in plan.operations)
        self.meanings = {}
        self.usage = make_asks(plan.usage, keys)
        self.llm, self.tool = RowReader(plan.llm, keys), RowReader(plan.tool, keys)
        self.has_tool_content = bool(plan.content["arguments"] or plan.content["result"])
        self.has_form = _has_form(plan.content)
        if self.has_form:
            self.prompt, self.completion, self.instructions = (
                keys.index(NATIVE[column]) if plan.content[column] else -1
                for column in ("prompt", "completion", "system_instructions")
            )

    cdef object find(self, Held* held, object user_id, tuple around, tuple event_rows):
        """Return the `Interactions`; None if many columns are in one JSON, or in attributes of events. `around` are the items of
        `Surroundings`; texts held have no surrogates, and integers 64 bits."""
        cdef Meaning meaning
        if self.has_documents:
            return None
        if self.plan.events:
            for row in event_rows:
                if row[1] in self.plan.events:
                    return None
        meaning = self._find_meaning(held, around[NAME])
        if meaning is None:
            return None
        if meaning.is_nothing:
            return NO_INTERACTIONS
        if meaning.is_tool:
            return self._find_tool(held, user_id, around, event_rows, meaning)
        return self._find_call(held, user_id, around, event_rows, meaning)

    cdef object _find_meaning(self, Held* held, object name):
        """Return the `Meaning`; None if what decides it is no short text."""
        cdef Py_ssize_t place
        cdef PyObject* value
        key = name if self.names_matter else None
        if key is not None and len(key) > LONGEST_NAME:
            return None
        for place in self.operation_places:
            value = held.values[place]
            if Py_TYPE(value) != &PyUnicode_Type or PyUnicode_GET_LENGTH(value) > LONGEST_NAME:
                return None
            key = <object>value if key is None else (key, <object>value)
        meaning = self.meanings.get(key)
        if meaning is None:
            meaning = Meaning(find_operation(self.plan, copy_held(held), Surroundings(name)), self.plan)
            if len(self.meanings) >= MOST_MEANINGS:
                self.meanings.clear()
            self.meanings[key] = meaning
        return meaning

    cdef object _find_call(self, Held* held, object user_id, tuple around, tuple event_rows, object found):
        cdef Meaning meaning = found
        cdef tuple tools = None
        cdef list row
        cdef bint is_error = around[IS_ERROR], has_usage
        if not (meaning.is_agent or meaning.operation is None or meaning.is_call):
            if find_first(self.usage, held) is None:
                return NO_INTERACTIONS
        row = self.llm.read(held)
        if self.models and (row[REQUEST_MODEL] is None or row[RESPONSE_MODEL] is None):
            choose_models(self.models, row, copy_held(held))
        has_usage = self._unify_usage(row, meaning.operation, held)
        if not (has_usage or meaning.is_agent or meaning.is_call):
            if meaning.operation is not None or row[REQUEST_MODEL] is None:
                return NO_INTERACTIONS
        row[OPERATION] = meaning.operation
        row[USER] = user_id
        row[IS_AGGREGATE] = 0 if meaning.operation is None or meaning.is_call else 1
        row[IS_HIDDEN] = 1 if meaning.is_agent and not has_usage else 0
        if meaning.is_agent and row[AGENT] is None:
            row[AGENT] = find_own_name(self.plan, copy_held(held), Surroundings(*around), meaning.own_name)
        if row[COST] is not None:
            row[COST_STATUS] = "reported"
        if is_error and row[ERROR_TYPE] is None:
            row[ERROR_TYPE] = _find_error(around, event_rows)
        if event_rows and self.plan.first_token_events and row[FIRST_TOKEN] is None:
            row[FIRST_TOKEN] = find_first_token_ms(around[EVENTS], self.plan.first_token_events, around[START])
        if row[IS_HIDDEN] and not is_error:
            return make_row(Interactions, (make_row(LLMInteractionRow, row), None, (), ()))
        has_answer = meaning.operation != "embeddings"
        if has_answer and self.has_form and not around[RECORDS]:
            tools = self._read_content(held, row)
        if tools is None:
            content = find_content(
                self.plan.content,
                copy_held(held),
                around[RECORDS],
                is_span=True,
                has_answer=has_answer,
                is_aggregate=bool(row[IS_AGGREGATE]),
            )
            row[PARAMETERS], row[INSTRUCTIONS], row[PROMPT], row[COMPLETION] = content[:4]
            tools = tuple(content.tool_calls), tuple(content.tool_results)
        if event_rows and row[ERROR_TYPE] is None and meaning.is_call and not (has_usage or is_answered(row)):
            row[ERROR_TYPE] = _find_error(around, event_rows)
        return make_row(Interactions, (make_row(LLMInteractionRow, row), None, untrack(tools[0]), untrack(tools[1])))

    cdef tuple _read_content(self, Held* held, list row):
        """Note which content has OpenTelemetry's form, and return the calls and results of tools in it; None if some
        has not."""
        cdef MessageForm form
        cdef tuple calls = (), results = ()
        if self.instructions >= 0:
            if not _has_this_form(held.values[self.instructions], True, &form):
                return None
            row[INSTRUCTIONS] = AS_RECORDED
        if self.prompt >= 0:
            if not _has_this_form(held.values[self.prompt], False, &form):
                return None
            row[PROMPT] = AS_RECORDED
            if form.has_results and not row[IS_AGGREGATE]:
                results = tuple(find_tool_results(loads(<object>held.values[self.prompt])))
        if self.completion >= 0:
            if not _has_this_form(held.values[self.completion], False, &form):
                return None
            row[COMPLETION] = AS_RECORDED
            if form.has_calls and not row[IS_AGGREGATE]:
                messages = loads(<object>held.values[self.completion])
                calls = tuple(find_tool_calls(messages))
                results += tuple(find_all_results(messages))
        return calls, results

    cdef bint _unify_usage(self, list row, object operation, Held* held):
        """Give the tokens their common meaning, and return whether there are any."""
        cdef Tokens tokens
        input, output, total = row[INPUT], row[OUTPUT], row[TOTAL]
        if input is None and output is None and total is None:
            return False
        try:
            tokens.input, tokens.output, tokens.total = read_number(input), read_number(output), read_number(total)
            tokens.cached, tokens.creation = read_number(row[CACHED]), read_number(row[CREATION])
            tokens.reasoning = read_number(row[REASONING])
        except OverflowError:
            return unify_usage(self.plan, row, operation, copy_held(held))
        if tokens.cached > 0 or tokens.creation > 0 or tokens.reasoning > 0:
            if self.plan.parts or not include_parts(&tokens, self.plan.outside, row[PROVIDER]):
                return unify_usage(self.plan, row, operation, copy_held(held))
            row[INPUT] = None if tokens.input < 0 else tokens.input
            row[OUTPUT] = None if tokens.output < 0 else tokens.output
            row[TOTAL] = None if tokens.total < 0 else tokens.total
        elif tokens.input >= 0 and tokens.output >= 0 and tokens.total > tokens.input + tokens.output:
            return unify_usage(self.plan, row, operation, copy_held(held))
        if tokens.total < 0 and tokens.input >= 0 and (tokens.output >= 0 or operation == "embeddings"):
            row[TOTAL] = tokens.input + max(tokens.output, 0)
        return True

    cdef object _find_tool(self, Held* held, object user_id, tuple around, tuple event_rows, object found):
        cdef Meaning meaning = found
        cdef list row = self.tool.read(held)
        if meaning.is_wait:
            row[WAITING] = row[DURATION] or 0.0
        elif row[TOOL_NAME] is None:
            row[TOOL_NAME] = find_own_name(self.plan, copy_held(held), Surroundings(*around), meaning.own_name)
        row[TOOL_USER] = user_id
        if around[IS_ERROR] and row[TOOL_ERROR_TYPE] is None:
            row[TOOL_ERROR_TYPE] = _find_error(around, event_rows)
        call_id = clean_call_id(row[TOOL_CALL_ID])
        if self.has_tool_content or around[RECORDS]:
            content = find_tool_content(
                self.plan.content, copy_held(held), around[RECORDS], row[TOOL_NAME], is_span=True
            )
            row[ARGUMENTS], row[RESULT] = content.arguments, content.result
            call_id = call_id or content.call_id
            if content.is_error and row[TOOL_ERROR_TYPE] is None:
                row[TOOL_ERROR_TYPE] = FAILED
        row[TOOL_CALL_ID] = call_id
        return make_row(Interactions, (None, make_row(ToolInteractionRow, row), (), ()))


cdef bint _has_this_form(PyObject* value, bint are_parts, MessageForm* form):
    return Py_TYPE(value) == &PyUnicode_Type and have_form(value, are_parts, form)


cdef object _find_error(tuple around, tuple event_rows):
    for row in event_rows:
        if row[1] == EXCEPTION:
            return find_exception_type(around[EVENTS])
    return None


cdef bint _has_form(content):
    """Return whether all content of calls may be in attributes of OpenTelemetry's names."""
    if content["conversation"] or content["request_parameters"]:
        return False
    for column in ("prompt", "completion", "system_instructions"):
        if len(content[column]) > 1:
            return False
        for source in content[column]:
            name = source.names[0]
            if source.is_prefix or source.keys or name.name != NATIVE[column] or name.path is not None:
                return False
    return True
