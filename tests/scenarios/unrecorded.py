# SPDX-License-Identifier: Apache-2.0
"""What packages do not record, or record otherwise than it was: there, a file cannot tell the truth.

By package, scenario (`*`: all) and field, what the file says instead; `ANY` is some value, of no use. Each entry is
checked as strictly as the truth elsewhere: it has to go when a package learns.
"""

from __future__ import annotations

from typing import Any

from tests.scenarios.comparison import ANY

_Fields = dict[str, Any]

_NOT_SEEN: _Fields = {"calls too many": -1}

_OPENAI_V2: dict[str, _Fields] = {
    "*": {"cached_input_tokens": None, "reasoning_tokens": None},
    "chat": {"parameters": [0.5]},
    "chat_stream": {"time_to_first_token_ms": None, "finish_reasons": None},
    "chat_stream_without_usage": {"time_to_first_token_ms": None, "finish_reasons": None},
    "chat_stream_tools": {"time_to_first_token_ms": None, "finish_reasons": None},
    "responses": _NOT_SEEN,
    "responses_stream": _NOT_SEEN,
    "responses_tools": {"calls too many": -2, "tools too many": -2},
}

_TRACELOOP_0_40: dict[str, _Fields] = {
    "*": {"reasoning_tokens": None},
    "chat": {"parameters": [0.5]},
    "chat_stream": {"input_tokens": None, "output_tokens": None, "cached_input_tokens": None},
    "chat_stream_tools": {"input_tokens": None, "output_tokens": None, "cached_input_tokens": None},
    "responses": _NOT_SEEN,
    "responses_stream": _NOT_SEEN,
    "responses_tools": {"calls too many": -2, "tools too many": -2},
    "rate_limited": {"error_type": None},
    "server_error": {"error_type": None},
}

# Tools that the Responses API asks for have the id of the output item, and their results that of the call.
_FC_IDS: _Fields = {"tool_calls": ANY, "tool.tool_call_id": ANY, "tool.result": None, "tool.status": None}

_TRACELOOP: dict[str, _Fields] = {
    "chat": {"parameters": [0.5]},
    "responses_stream": {"time_to_first_token_ms": None},
    "responses_tools": _FC_IDS,
}

_TRACELOOP_EVENTS: dict[str, _Fields] = _TRACELOOP | {
    # The answer's log record names no span.
    "chat_stream": {"completion": []},
    "chat_stream_without_usage": {"completion": []},
    "chat_stream_tools": {"tool_calls": [], "tools too many": -2},
}

_OPENINFERENCE_OPENAI: dict[str, _Fields] = {
    "embeddings": {"response_model": None},
}

_OPENINFERENCE_STREAM: _Fields = {"response_id": None, "time_to_first_token_ms": None}
_OPENINFERENCE_LANGCHAIN: dict[str, _Fields] = {
    # The graph of an agent is a chain like any other.
    "*": {"agent": None},
    "chat_stream": _OPENINFERENCE_STREAM,
    "chat_stream_without_usage": _OPENINFERENCE_STREAM,
    # The value of the one argument, without its name.
    "agent_tools": {"tool.arguments": ANY},
    "agent_stream": {**_OPENINFERENCE_STREAM, "tool.arguments": ANY},
    "tool_error": {"tool.arguments": ANY},
    "embeddings": _NOT_SEEN,
}

# LangChain's span and the client's are in two traces: they are found to be one call by model, tokens and time.
_OPENINFERENCE_LANGCHAIN_OPENAI: dict[str, _Fields] = {
    "*": {"agent": None},
    "embeddings": {"response_model": None},
}

_GENAI_LANGCHAIN: dict[str, _Fields] = {
    "chain": {"user_id": None},
    "chat_stream": {"response_id": None},
    "chat_stream_without_usage": {"response_id": None},
    "agent_stream": {"response_id": None},
    "embeddings": _NOT_SEEN,
}

_STREAMED_LANGCHAIN: _Fields = {"response_id": None, "response_model": "gpt-4o-mini", "time_to_first_token_ms": None}
_TRACELOOP_LANGCHAIN: dict[str, _Fields] = {
    "*": {"reasoning_tokens": None},
    "chat_stream": _STREAMED_LANGCHAIN,
    "chat_stream_without_usage": _STREAMED_LANGCHAIN,
    "agent_stream": _STREAMED_LANGCHAIN,
    "responses": {"reasoning_tokens": 7},
    "rate_limited": {"response_model": "overloaded"},
    "server_error": {"response_model": "broken"},
}

_PYDANTIC_AI: dict[str, _Fields] = {
    # A conversation that is given no name gets one.
    **{
        scenario: {"session_id": ANY}
        for scenario in (
            "chat_stream",
            "agent_tools",
            "agents_in_agents",
            "tool_error",
            "responses",
            "rate_limited",
            "server_error",
        )
    },
    # As it was set; a model that reasons is not sent it.
    "chat": {"session_id": ANY, "parameters": [99, 0.5]},
}

_LITELLM: dict[str, _Fields] = {
    "chat": {"parameters": []},
    "session": {"session_id": None},
    "chat_stream": {"response_model": "gpt-4o-mini", "time_to_first_token_ms": None},
    # LiteLLM's own estimate: the server told none.
    "chat_stream_without_usage": {
        "response_model": "gpt-4o-mini",
        "time_to_first_token_ms": None,
        "input_tokens": 20,
        "output_tokens": 10,
    },
    "chat_tools": {"tool_calls": ANY},
    "embeddings": {"response_id": ANY, "provider": None},
    "responses": {"response_id": ANY, "provider": None},
    "messages": {"response_id": ANY, "response_model": ANY, "time_to_first_token_ms": None},
    "rate_limited": {"response_id": ANY},
    "server_error": {"response_id": ANY},
}

# What the Agents SDK hands to its instrumentation is the response: its model and parameters, not the request's.
_OF_RESPONSE: _Fields = {
    "request_model": ANY,
    "response_model": None,
    "parameters": [1.0],
}
_OF_CHAT: _Fields = {
    "response_model": None,
    "response_id": None,
    "finish_reasons": None,
    "cached_input_tokens": None,
    "reasoning_tokens": None,
}
_FAILED_AGENT: _Fields = {"request_model": None, "error_type": None, "prompt": []}
_OPENINFERENCE_AGENTS: dict[str, _Fields] = {
    "responses": _OF_RESPONSE,
    "session": _OF_RESPONSE | {"session_id": None},
    "responses_stream": _OF_RESPONSE | {"time_to_first_token_ms": None},
    "agent_tools": _OF_RESPONSE,
    "handoff": _OF_RESPONSE | {"tool.tool_call_id": ANY},
    "tool_error": _OF_RESPONSE,
    "chat": _OF_CHAT,
    "chat_tools": _OF_CHAT,
    "rate_limited": _FAILED_AGENT,
    "server_error": _FAILED_AGENT,
}

_STRANDS: dict[str, _Fields] = {
    "*": {
        "provider": None,
        "response_model": None,
        "response_id": None,
        "finish_reasons": None,
        "tool.result": ANY,  # as blocks of content
    }
}

_ADK: dict[str, _Fields] = {
    "*": {"request_model": ANY, "response_model": None, "response_id": None, "user_id": None},
}

_SMOLAGENTS: dict[str, _Fields] = {
    "*": {
        "response_model": None,
        "response_id": None,
        "finish_reasons": None,
        "cached_input_tokens": None,
        "agent_name": "guide.run",
        "agent": None,
        "prompt": ANY,
    }
}

_LANGFUSE: dict[str, _Fields] = {
    "*": {
        "provider": None,
        "request_model": ANY,  # the response's
        "response_model": None,
        "response_id": None,
        "finish_reasons": None,
        "parameters": ANY,  # with the API's defaults
        "time_to_first_token_ms": None,  # a point in time is recorded
    },
    "rate_limited": {"error_type": None},
    "server_error": {"error_type": None},
}

# A streamed call is two spans, the second of which begins when the stream is read; nothing ties them.
_LOGFIRE_STREAM: _Fields = {"calls too many": 1, "time_to_first_token_ms": None}
_LOGFIRE: dict[str, _Fields] = {
    "chat_stream": _LOGFIRE_STREAM,
    "chat_stream_without_usage": _LOGFIRE_STREAM,
    "chat_stream_tools": _LOGFIRE_STREAM,
    "responses_stream": _LOGFIRE_STREAM,
    "rate_limited": {"response_model": "overloaded"},
    "server_error": {"response_model": "broken"},
}

UNRECORDED: dict[str, dict[str, _Fields]] = {
    "openai-v2": _OPENAI_V2,
    "traceloop-openai-0.40": _TRACELOOP_0_40,
    "traceloop-openai": _TRACELOOP,
    "traceloop-openai-events": _TRACELOOP_EVENTS,
    "openinference-openai": _OPENINFERENCE_OPENAI,
    "openinference-langchain": _OPENINFERENCE_LANGCHAIN,
    "openinference-langchain-openai": _OPENINFERENCE_LANGCHAIN_OPENAI,
    "genai-langchain": _GENAI_LANGCHAIN,
    "traceloop-langchain": _TRACELOOP_LANGCHAIN,
    "pydantic-ai": _PYDANTIC_AI,
    "pydantic-ai-2": _PYDANTIC_AI,
    "litellm": _LITELLM,
    "openinference-openai-agents": _OPENINFERENCE_AGENTS,
    "genai-openai-agents": {"handoff": {"tool.tool_call_id": ANY}},
    "strands": _STRANDS,
    "google-adk": _ADK,
    "openinference-smolagents": _SMOLAGENTS,
    "langfuse-openai": _LANGFUSE,
    "logfire-openai": _LOGFIRE,
}


def find_unrecorded(package: str, scenario: str) -> _Fields:
    """What the file says of a scenario's fields instead of the truth."""
    of_package = UNRECORDED.get(package, {})
    return {**of_package.get("*", {}), **of_package.get(scenario, {})}
