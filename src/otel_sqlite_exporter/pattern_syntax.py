# SPDX-License-Identifier: Apache-2.0
r"""Writes a regular expression of Python's `re` as one of RE2 that finds at least the same. Pure.

RE2 takes `\w`, `\d`, `\s` and `\b` to mean ASCII, and `$` the very end. For a setting that hides data, a smaller match
is a leak. So the classes become Unicode's. RE2 has no Unicode `\b`: a pattern with `\b` has a second form, which is
matched in a copy of the text that has `_` for each letter beyond ASCII and `0` for each such digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LETTER, _DIGIT = "_", "0"
_TOKEN = re.compile(
    r"""
    \\(?: u(?P<four>[0-9a-fA-F]{4}) | U(?P<eight>[0-9a-fA-F]{8})
        | x(?P<two>[0-9a-fA-F]{2}) | x\{(?P<many>[0-9a-fA-F]+)\}
        | (?P<property>[pP](?:\{[^}]*\}|.)) | (?P<escaped>.) )
    | \{,(?P<most>\d*)\}
    | (?P<plain>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_CLASS = re.compile(r"\[(?P<not>\^?)(?P<items>\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*)\]", re.DOTALL)
_WIDE = {"w": r"_\p{L}\p{N}", "d": r"\p{Nd}", "s": r"\s\x0b\x1c-\x1f\x{85}\p{Z}"}
_ALONE = {
    **{name: f"[{items}]" for name, items in _WIDE.items()},
    **{name.upper(): f"[^{items}]" for name, items in _WIDE.items()},
    "Z": r"\z",
}
_IN_CLASS = _WIDE | {"b": r"\x08"}
# RE2 has no class without the letters of Unicode inside a class. There `\W` also has those beyond ASCII, and in a class
# of what does not match it lacks some characters that are neither letter nor mark.
_IN_NEGATED_CLASS = _IN_CLASS | {
    "W": r"\p{M}\p{S}\p{Z}\p{C}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}",
    "D": r"\p{L}\p{M}\p{Nl}\p{No}\p{P}\p{S}\p{Z}\p{C}",
    "S": r"\p{L}\p{M}\p{N}\p{P}\p{S}",
}
_LAST = r"(?:$|\n\z)"  # in Python, `$` is also before a last line feed
_LETTERS_BEYOND = re.compile(r"[^\W\dA-Za-z_]")
_DIGITS_BEYOND = re.compile(r"[^\D0-9]")
_CHUNK = 1 << 16  # characters


def translate(pattern: str) -> str:
    """Return the form for RE2 of `pattern`, for the text as it is. What RE2 cannot do stays, and RE2 refuses it."""
    return _translate(pattern, is_folded=False)


def translate_folded(pattern: str) -> str | None:
    r"""Return the form of `pattern` for the text that `fold_text` returns; None if `pattern` has no `\b` or `\B`."""
    tokens = (token for text, _ in _split(pattern) for token in _TOKEN.finditer(text))
    has_boundary = any(token["escaped"] in ("b", "B") for token in tokens)
    return _translate(pattern, is_folded=True) if has_boundary else None


def fold_text(text: str) -> str:
    """Return `text` with `_` for each letter beyond ASCII and `0` for each such digit, so of the same length. Other
    threads may run after each part of a long text."""
    parts = (text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK))
    return "".join([_DIGITS_BEYOND.sub(_DIGIT, _LETTERS_BEYOND.sub(_LETTER, part)) for part in parts])


def _translate(pattern: str, *, is_folded: bool) -> str:
    write_outside = _write_folded if is_folded else _write_outside
    parts: list[str] = []
    for text, match in _split(pattern):
        parts.append(_TOKEN.sub(write_outside, text))
        if match is not None:
            parts.append(_translate_class(match["items"], bool(match["not"]), is_folded))
    return "".join(parts)


def _split(pattern: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield what is before each `[...]`, with this class, and then the rest with None."""
    start = at = 0
    while at < len(pattern):
        if pattern[at] == "[" and (match := _CLASS.match(pattern, at)):
            yield pattern[start:at], match
            start = at = match.end()
        else:
            at += 2 if pattern[at] == "\\" else 1
    yield pattern[start:], None


def _write_outside(token: re.Match[str]) -> str:
    if token["most"] is not None:
        return f"{{0,{token['most']}}}"
    if token["plain"]:
        return _LAST if token["plain"] == "$" else token[0]
    code = _find_code(token)
    return _ALONE.get(token["escaped"], token[0]) if code is None else f"\\x{{{code:x}}}"


def _write_folded(token: re.Match[str]) -> str:
    if token["property"]:
        return f"[{token[0]}{_LETTER}{_DIGIT}]"
    code = ord(token["plain"]) if token["plain"] else _find_code(token)
    return _write_outside(token) if code is None or code < 128 else fold_text(chr(code))


def _translate_class(items: str, is_negated: bool, is_folded: bool) -> str:
    written = _TOKEN.sub(_write_in_negated_class if is_negated else _write_in_class, items)
    if is_negated:
        # What was no letter of ASCII has become one, which the class may exclude.
        return f"(?:[^{written}]|{_LETTER})" if is_folded and r"\w" not in items else f"[^{written}]"
    is_beyond = not written.isascii() or any(
        token["property"] or (_find_code(token) or 0) > 127 for token in _TOKEN.finditer(items)
    )
    return f"[{written}{_LETTER}{_DIGIT}]" if is_folded and is_beyond else f"[{written}]"


def _write_in_class(token: re.Match[str]) -> str:
    code = _find_code(token)
    return _IN_CLASS.get(token["escaped"], token[0]) if code is None else f"\\x{{{code:x}}}"


def _write_in_negated_class(token: re.Match[str]) -> str:
    return _IN_NEGATED_CLASS.get(token["escaped"]) or _write_in_class(token)


def _find_code(token: re.Match[str]) -> int | None:
    digits = token["four"] or token["eight"] or token["two"] or token["many"]
    if digits:
        return int(digits, 16)
    escaped = token["escaped"] or ""
    return ord(escaped) if escaped and not escaped.isascii() else None
