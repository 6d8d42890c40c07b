# SPDX-License-Identifier: Apache-2.0
"""The arguments and the result of a tool without the envelopes of decorators and frameworks. Pure, and nothing here
raises for any value.

A value is an envelope only if its keys say so: docs/content.md lists the shapes. What has any other key stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.genai.messages.json_texts import decode_json, decode_text
from otel_sqlite_exporter.genai.messages.message_parts import as_text

_DEEPEST = 4
_HEADING = re.compile(r"\[TOOL (?:INPUT|RESULT)(?:: [^\]\n]*)?\]\n")
_PLACEHOLDER = re.compile(r"<[^<>]*>|(?i:none|null|undefined|n/a)")
_NAMES = ("name", "tool_name", "toolName", "tool")
_ARGUMENTS = ("arguments", "args", "input", "parameters", "params", "kwargs")
_CALLED, _WITH_OPTIONS = "tools/call", {"input", "options"}
_RETURNED = frozenset(("result", "output", "text", "json"))
_FAILED = ("isError", "is_error")
# The fields of an object of Pydantic as text, as Agno's tools return them.
_STATUS = re.compile(r"status='\w+' result=")
_ERROR = re.compile(r" error=(?P<error>None|'.*?'|\".*?\")(?: \w+=.*)?", re.DOTALL)
_MOST_ERRORS = 8  # a result may hold the word too
_TOOL_ROLES = frozenset(("tool", "function"))
_CALL_TOOL_RESULT = frozenset(
    ("content", "isError", "is_error", "structuredContent", "structured_content", "meta", "_meta")
)


def clean_call_id(call_id: str | None) -> str | None:
    """Return the id of a tool call, or None for a placeholder such as `<not specified>`."""
    return None if call_id is None or _PLACEHOLDER.fullmatch(call_id) else call_id


def unwrap_arguments(value: Any, tool_name: str | None, *, is_native: bool = False) -> Any:
    """Return the arguments that `value` holds: an object or its JSON text. In the attribute of OpenTelemetry's
    conventions (`is_native`), `kwargs` alone is an argument."""
    for _ in range(_DEEPEST):
        inner = _unwrap_arguments(_decode(value), tool_name, is_native)
        if inner is None:
            break
        value = inner
    return value


def _unwrap_arguments(value: Any, tool_name: str | None, is_native: bool) -> Any:
    if not isinstance(value, dict) or not value:
        return None
    args, kwargs, keys = value.get("args"), value.get("kwargs"), value.keys()
    if type(kwargs) is dict and (type(args) is list if "args" in keys else not is_native and len(keys) == 1):
        return kwargs if not args else args if not kwargs and len(keys) == 2 else None
    if keys == _WITH_OPTIONS and type(value["input"]) is dict and value["options"] in (None, {}):
        return value["input"]
    if value.get("method") == _CALLED:
        return value.get("params")
    name = next((value[key] for key in _NAMES if type(value.get(key)) is str), None)
    arguments = next((key for key in _ARGUMENTS if isinstance(_decode(value.get(key)), dict)), None)
    if name is None or arguments is None or (name != tool_name if tool_name else len(value) != 2):
        return None
    return _decode(value[arguments])


def _open_result(value: Any) -> tuple[Any, bool]:
    """Return the result that `value` holds: a text, an object or its JSON text; and whether it is a failure's."""
    is_error = False
    for _ in range(_DEEPEST):
        outer = _decode(value)
        inner = _unwrap_result(outer)
        if inner is None:
            break
        value, is_error = inner, is_error or _tells_failure(outer)
    return value, is_error


def _tells_failure(envelope: Any) -> bool:
    if isinstance(envelope, dict):
        return any(envelope.get(key) is True for key in _FAILED)
    if type(envelope) is list:
        return envelope[0] is False
    fields = _read_fields(envelope)
    return fields is not None and fields[1] != "None"


def _read_fields(text: str) -> tuple[str, str] | None:
    """Return result and error of an object that was written as text, each as written; None if it is none."""
    status = _STATUS.match(text)
    if status is None:
        return None
    place = len(text)
    for _ in range(_MOST_ERRORS):
        place = text.rfind(" error=", status.end(), place)
        if place < 0:
            break
        if error := _ERROR.fullmatch(text, place):
            return text[status.end() : place], error["error"]
    return None


def _unwrap_result(value: Any) -> Any:
    if type(value) is str:
        fields = _read_fields(value) if value[:1] == "s" else None
        if fields is not None:
            result, error = fields
            return _read_field(result if error == "None" else error)
        return decoded if value[:1] == '"' and type(decoded := decode_json(value)) is str else None
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, inner),) = value.items()
            return inner if key in _RETURNED else None
        if "raw_output" in value and "tool_name" in value:
            return value["raw_output"]
        if value.get("role") in _TOOL_ROLES or (
            value.keys() <= _CALL_TOOL_RESULT and type(value.get("content")) is list
        ):
            return value.get("content")
        return value.get("text") if value.get("type") == "text" else None
    if type(value) is list and value:
        if len(value) == 2 and type(value[0]) is bool and isinstance(value[1], dict):
            return _unwrap_result(value[1])
        return _join_blocks(value)
    return None


def _read_field(text: str) -> Any:
    """Return the value whose `repr` is `text`; a text if there is no such value."""
    found = decode_text(f"[{text}]")
    return found[0] if isinstance(found, list) and len(found) == 1 and found[0] is not None else text


def _join_blocks(blocks: list[Any]) -> Any:
    if len(blocks) == 1 and isinstance(blocks[0], dict) and blocks[0].keys() == {"json"}:
        return blocks[0]["json"]
    texts = [
        one.get("text") if isinstance(one, dict) and (len(one) == 1 or one.get("type") == "text") else None
        for one in blocks
    ]
    return "\n".join(texts) if all(type(text) is str for text in texts) else None  # type: ignore[arg-type]


def _decode(value: Any) -> Any:
    """Return the object, list or text in quotes that a text holds as JSON, without a heading; any other value as it
    is."""
    if type(value) is not str:
        return value
    heading = _HEADING.match(value)
    text = value[heading.end() :] if heading else value
    decoded = decode_json(text) if text[:1] in ("{", "[", '"') else text
    return decoded if isinstance(decoded, (dict, list)) else text


def read_arguments(value: Any, tool_name: str | None, *, is_native: bool = False) -> str | None:
    """Return the arguments that `value` holds as JSON, or as the text that came."""
    return _read(value, unwrap_arguments(value, tool_name, is_native=is_native))


def read_result(value: Any) -> tuple[str | None, bool]:
    """Return the result that `value` holds as JSON, or as the text that came, and whether its envelope says that the
    tool failed."""
    result, is_error = _open_result(value)
    return _read(value, result), is_error


def _read(value: Any, unwrapped: Any) -> str | None:
    if type(unwrapped) is str:
        heading = _HEADING.match(unwrapped)
        if heading:
            unwrapped = unwrapped[heading.end() :]
        return unwrapped or None
    found = value if unwrapped is None else unwrapped
    return None if found is None else as_text(found) or None


def is_map(text: str | None) -> bool:
    """Whether `text` is a JSON object, as arguments with names are."""
    return text is not None and text[:1] == "{"


def do_arguments_agree(one: str | None, other: str | None) -> bool:
    """Whether two texts may be arguments of the same call: one may lack those that have a default, and what is no
    JSON object may be any."""
    if one is None or other is None or one == other or not (is_map(one) and is_map(other)):
        return True
    first, second = decode_json(one), decode_json(other)
    if not (isinstance(first, Mapping) and isinstance(second, Mapping)):
        return True
    fewer, more = sorted((first, second), key=len)
    return all(key in more and more[key] == value for key, value in fewer.items())
