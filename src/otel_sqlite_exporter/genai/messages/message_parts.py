# SPDX-License-Identifier: Apache-2.0
"""The parts of a message in the shape of OpenTelemetry's GenAI messages schema, from the content blocks of any provider
or framework. Pure.

A part that has that shape stays as it is. A block of an unknown type that names its type is a part of the schema's
generic kind, with all it holds; any other value becomes a text part that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.messages.json_texts import CLASS, decode_json, decode_text
from otel_sqlite_exporter.genai.messages.media_parts import MODALITIES, read_media
from otel_sqlite_exporter.genai.messages.message_names import NAMES, Message, Part, first, without_none
from otel_sqlite_exporter.model.values import encode_sure, encode_value, repair_text

_NAMES = NAMES["parts"]
# What each type of the schema must hold to be taken as it is.
_NATIVE: dict[str, str] = _NAMES["native"]
_TEXTS = frozenset(_NAMES["text"])
# Blocks of Bedrock and Gemini name their type by the key that holds them.
_KEYED: dict[str, str] = _NAMES["keyed"]
# What a block says beside its content, with the name that it has in a part.
_BESIDE: dict[str, str] = _NAMES["beside"]
_BESIDE_KEYS = frozenset(_BESIDE)
FUNCTION_KEYS, CALLING_KEYS = frozenset(("name", "arguments")), frozenset(("id", "type", "index", "function"))
"""The keys of what OpenAI's clients call, and of the call that holds it."""
CALL_KEYS = frozenset(("id", "type", "name", "arguments"))
"""The keys of OpenTelemetry's calls."""
_ARE_QUOTED = re.compile(r"(['\"]).*\1|\{'.*\}", re.DOTALL).fullmatch
_ARGUMENTS = ("arguments", "args", "input", "parameters", "tool_kwargs")
_BARE = frozenset(("type", "id"))


def as_text(value: Any) -> str:
    """Return any value as text: text as it is (lone surrogates replaced), bytes as base64, all else as JSON."""
    if isinstance(value, str):
        return repair_text(value)[0]
    if type(value) is dict and (plain := encode_sure(value)) is not None:
        return plain
    text = encode_value(value).text
    return str(decode_json(text)) if text.startswith('"') else text


def make_text(value: Any) -> Part:
    """Return a text part that holds `value`."""
    return {"type": "text", "content": as_text(value)}


def make_call(call: Mapping[str, Any]) -> Part:
    """Return the call of a tool as a part; arguments that are JSON text as what they say."""
    function = call.get("function")
    if function is None and CALL_KEYS.issuperset(call):
        return make_plain_call(call.get("id"), call.get("name"), call.get("arguments"))
    if type(function) is dict and FUNCTION_KEYS.issuperset(function) and CALLING_KEYS.issuperset(call):
        name = function.get("name")
        return make_plain_call(call.get("id"), name if isinstance(name, str) else None, function.get("arguments"))
    inner = first(call, "function", "custom", "toolCall", "tool_call")
    inner = inner if isinstance(inner, Mapping) else {}
    if inner.get("function") is not None:
        return make_call({**call, **inner, "tool_call": None} if len(call) > 1 else inner)
    arguments = first(call, *_ARGUMENTS)
    if arguments is None:
        arguments = first(inner, *_ARGUMENTS)
    call_id = first(call, "call_id", "toolCallId", "tool_call_id", "toolUseId", "id") or inner.get("id")
    part = {"type": "tool_call", "id": call_id, "name": first(call, "name", "toolName", "tool_name")}
    if not isinstance(call.get("name"), str) and isinstance(inner.get("name"), str):
        part["name"] = inner["name"]
    if isinstance(part["name"], str):
        part["name"] = _unquote(part["name"])
    return keep_beside(without_none({**part, "arguments": _decode_arguments(arguments)}), call)


def make_plain_call(call_id: Any, name: Any, arguments: Any) -> Part:
    """The same, of a call that says no more than these: in a third of the time."""
    part: Part = {"type": "tool_call"}
    if call_id:
        part["id"] = call_id
    if isinstance(name, str):
        part["name"] = _unquote(name)
    elif name is not None:
        part["name"] = name
    if isinstance(arguments, str):
        arguments = _decode_arguments(arguments)
    if arguments is not None:
        part["arguments"] = arguments
    return part


def _decode_arguments(arguments: Any) -> Any:
    """Return arguments as what their text says: JSON, JSON in a JSON text, or the Python `repr` of either."""
    if not isinstance(arguments, str):
        return arguments
    decoded = decode_json(arguments)
    if not isinstance(decoded, str):
        return decoded
    inner = decode_json(decoded)
    if isinstance(inner, str) and _ARE_QUOTED(inner):
        found = decode_text(f"[{inner}]")
        inner = found[0] if found else inner
        inner = decode_json(inner) if isinstance(inner, str) else inner
    return inner if isinstance(inner, dict) else decoded


def _unquote(text: str) -> str:
    """Return a text without the quotes that Python's `repr` puts around it."""
    return text[1:-1] if text[:1] == "'" and text[-1:] == "'" and len(text) > 1 else text


def keep_beside(part: Part, block: Mapping[str, Any]) -> Part:
    """Return `part` with what `block` says beside its content: citations, a signature, and their like."""
    if not _BESIDE_KEYS.isdisjoint(block):
        for key, name in _BESIDE.items():
            if block.get(key):
                part.setdefault(name, block[key])
    return part


def make_response(block: Mapping[str, Any], content: Any) -> Part:
    """Return the result of a tool as a part. `block` names the call, `content` is what the tool gave."""
    origin = block.get("origin")  # Haystack's results hold the call that they answer
    block = {**origin, **block} if isinstance(origin, Mapping) else block
    call_id = first(block, "tool_use_id", "toolUseId", "toolCallId", "tool_call_id", "call_id", "id")
    part = {"type": "tool_call_response", "id": call_id, "response": simplify(content)}
    name = first(block, "name", "toolName", "tool_name")
    held = block.get("additional_kwargs")  # LlamaIndex names the call in it
    if isinstance(held, Mapping):
        part["id"], name = part["id"] or first(held, "id", "tool_call_id"), name or held.get("tool_name")
    if isinstance(name, str) and name:
        part["name"] = name
    if block.get("is_error") or block.get("error") is True or block.get("status") == "error":
        part["is_error"] = True
    return keep_beside(without_none(part), block)


def is_bare(message: Message) -> bool:
    """Whether all that a message says is a role or the id of a call, as where content is not recorded."""
    return all(_BARE.issuperset(part) for part in message["parts"])


def is_part(block: Any) -> bool:
    """Whether `block` is a content block of a known kind."""
    if not isinstance(block, Mapping):
        return False
    kind = find_type(block)
    if kind in _KNOWN:
        return True
    return (
        not kind
        and (
            isinstance(block.get("text"), str)
            or any(key in _KEYED and isinstance(value, Mapping) for key, value in block.items())
        )
        and len(block) <= 3
    )


def find_type(block: Mapping[str, Any]) -> str:
    """Return the type that a block says it has, or an empty text."""
    kind = first(block, "part_kind", "block_type", "type", "kind", CLASS)
    if isinstance(kind, str):
        return kind
    if isinstance(block.get("toolName"), str):  # the AI SDK's own lists of calls and results
        return "tool-result" if "result" in block or "output" in block else "tool-call"
    return "function_call" if isinstance(block.get("function"), Mapping) else ""


def read_parts(content: Any) -> list[Part]:
    """Return the content of a message (text, one block, or a list of either) as parts."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        blocks = decode_text(content) if content.startswith(("[{", "{", "[ {")) else None
        if isinstance(blocks, list) and blocks and all(map(is_part, blocks)):
            return [part for block in blocks for part in read_part(block)]
        return [make_text(content)]
    if isinstance(content, Mapping):
        parts = content.get("parts")
        return read_parts(parts) if isinstance(parts, (list, tuple)) else read_part(content)
    if isinstance(content, Sequence) and not isinstance(content, (bytes, bytearray)):
        return [part for block in content for part in read_part(block)]
    return [make_text(content)]


def read_part(block: Any) -> list[Part]:
    """Return one content block as parts: mostly one, none for an empty one."""
    if not isinstance(block, Mapping):
        return [] if block is None or block == "" else [make_text(block)]
    kind = find_type(block)
    if kind in _NATIVE and block.get("type") == kind:
        content = block.get(_NATIVE[kind])
        if isinstance(content, str) or (content is not None and kind not in ("text", "reasoning")):
            return [_copy_native(block)]
    if kind in _READERS:
        return _READERS[kind](block)
    if kind in MODALITIES:
        return [keep_beside(read_media(block, kind), block)]
    if kind:
        return [_copy_native(block) if block.get("type") == kind else {**block, "type": kind}]
    return _read_keyed(block)


def _copy_native(block: Mapping[str, Any]) -> Part:
    part = dict(block)
    if isinstance(part.get("arguments"), str):
        part["arguments"] = _decode_arguments(part["arguments"])
    if part["type"] == "tool_call_response":
        part["response"] = simplify(part["response"])
    return part


def _read_keyed(block: Mapping[str, Any]) -> list[Part]:
    for key in _KEYED if not _KEYED.keys().isdisjoint(block) else ():
        inner = block.get(key)
        if isinstance(inner, Mapping):
            # Bedrock nests, as in {"image": {"format": "png", "source": {"bytes": ...}}}.
            parts = read_part({**inner, "type": _KEYED[key] or inner.get("type")})
            if len(parts) == 1:
                keep_beside(parts[0], block)
            return parts
    text = block.get("text")
    if isinstance(text, str):
        return _read_text(block) if len(block) > 1 else read_parts(text)
    return [make_text(block)]


def _read_text(block: Mapping[str, Any]) -> list[Part]:
    if find_type(block) == "retry-prompt" and block.get("tool_name"):
        return [make_response(block, block.get("content"))]
    if block.get("thought") is True and isinstance(block.get("text"), str):
        return [keep_beside({"type": "reasoning", "content": repair_text(block["text"])[0]}, block)]
    content = first(block, "content", "text", "refusal")
    if isinstance(content, Mapping):
        content = first(content, "value", "text") or content
    if isinstance(content, (list, tuple)):
        return read_parts(content)
    if content is None or content == "":
        signed = keep_beside({"type": "text", "content": ""}, block)
        return [signed] if len(signed) > 2 else []
    part = keep_beside(make_text(content), block)
    return [{**part, "refusal": True} if block.get("refusal") else part]


def _read_reasoning(block: Mapping[str, Any]) -> list[Part]:
    content = first(block, "thinking", "content", "text", "reasoningText", "reasoning", "reasoning_text", "summary")
    if not isinstance(content, str):
        pieces = (block.get("summary"), block.get("content"), block.get("reasoningText"))
        content = "\n".join(_join_texts(piece) for piece in pieces if piece)
    part = keep_beside({"type": "reasoning", "content": repair_text(content)[0]}, block)
    inner = block.get("reasoningText")
    if isinstance(inner, Mapping):
        keep_beside(part, inner)
    if block.get("data"):  # what the provider keeps secret, as in `redacted_thinking`
        part.setdefault("encrypted_content", block["data"])
    return [part]


def _join_texts(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "\n".join(map(_join_texts, value))
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        return str(value["text"])
    return as_text(value)


def simplify(content: Any) -> Any:
    """One block of text as its text, and the values that Bedrock and the AI SDK wrap as what they hold."""
    if isinstance(content, (list, tuple)) and len(content) == 1:
        block = content[0]
        if isinstance(block, Mapping):
            kind = find_type(block)
            keys = ("text", "json", "content") if kind in _TEXTS else ("text", "json")
            values = [value for key, value in block.items() if key in keys]
            if len(values) == 1 and (kind in _TEXTS or len(block) == 1):
                return values[0]
            return simplify(block)
    if isinstance(content, Mapping) and "value" in content and content.get("type") in ("text", "json", "error-text"):
        return content["value"]
    return content


def _read_cited(block: Mapping[str, Any]) -> list[Part]:
    """Return a text of Bedrock; its citations are those of its first part."""
    parts = read_parts(block.get("content"))
    return [keep_beside(part, block) for part in parts[:1]] + parts[1:]


_READERS: dict[str, Callable[[Mapping[str, Any]], list[Part]]] = {
    **dict.fromkeys(_TEXTS, _read_text),
    **dict.fromkeys(_NAMES["reasoning"], _read_reasoning),
    "cited": _read_cited,
    **dict.fromkeys(_NAMES["call"], lambda block: [make_call(block)]),
    **dict.fromkeys(
        _NAMES["result"],
        lambda block: [make_response(block, first(block, "response", "content", "output", "result"))],
    ),
}
_KNOWN = frozenset({*_NATIVE, *_READERS, *MODALITIES})
