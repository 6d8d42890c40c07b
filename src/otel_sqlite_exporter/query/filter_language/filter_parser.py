# SPDX-License-Identifier: Apache-2.0
"""Parses a filter text with lark, which is imported when the first text is."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.errors import FilterError, MissingPackageError
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.query.filter_language.filter_syntax import (
    WrittenGroup,
    WrittenNot,
    WrittenPart,
    WrittenTerm,
    WrittenText,
    WrittenValue,
    list_terms,
    make_error,
    read_value,
)

if TYPE_CHECKING:
    from lark import Lark, Token

MOST_CHARACTERS = 4_096
MOST_TERMS = 64
MOST_LEVELS = 16
_REMEMBERED = 64
_GRAMMAR = r"""
any: all (_OR all)*
all: part (_AND? part)*
?part: FIELD OPERATOR values -> term
    | (WORD | QUOTED)        -> text
    | (MINUS | NOT) part     -> negation
    | "(" any ")"
values: value (_COMMA value)*
    | "(" value ((_COMMA | _OR) value)* ")"
value: VALUE | QUOTED

FIELD.3: /(attr\."(\\.|[^"\\])*"|[^\W\d][^\s"():=<>!,\\]*)(?=\s*(:|!=|[<>=]))/s
OPERATOR.2: /:\s*(!=|[<>]=?|=)|:|!=|[<>]=?|=/
NOT.2: /NOT(?![^\s()"])/
_AND.2: /AND(?![^\s()"])/
_OR.2: /OR(?![^\s()"])/
_COMMA.2: ","
MINUS.2: /-(?=\S)/
QUOTED.1: /"(\\.|[^"\\])*"/s
VALUE: /(?:\\.|[^\s"(),\\])++(?!["(])/s
WORD: /(?!(AND|OR)(?![^\s()"]))(\\.|[^\s"()\\])+/s
%ignore /\s+/
"""
_VALUES = re.compile(r"[:=<>]\s*\([^()]*\Z")
_COMMAS = "commas separate the values in parentheses: give one here, or put the whole value in double quotes"
_UNFINISHED = re.compile(r"(?:(?<![^\s(])(-|NOT|AND|OR)|(\()|(,)|([:=<>]+))\s*\Z")


@lru_cache(_REMEMBERED)
def parse_filter(text: str) -> WrittenPart | None:
    """Return what a filter text consists of; None: it is empty. Values are not looked at yet, nor names of fields.

    Raises:
        FilterError: The text is too long, has too many terms, or cannot be parsed; the error has the `position`.
        MissingPackageError: lark is not installed.
    """
    if len(text) > MOST_CHARACTERS:
        raise FilterError("filter", f"it has more than {MOST_CHARACTERS:,} characters", MOST_CHARACTERS)
    text = repair_text(text)[0]
    if "\0" in text:
        raise make_error("text with a NUL character cannot be found", text, text.index("\0"))
    if not text.strip():
        return None
    parser = _load_parser()
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput

    try:
        part: Any = parser.parse(text)
    except _TooDeepError as error:
        raise make_error(f"groups and negations can be {MOST_LEVELS} levels deep", text, error.position) from None
    except UnexpectedInput as error:
        token: Any = getattr(error, "token", None)
        position = len(text) if token is not None and token.type == "$END" else error.pos_in_stream or 0
        is_character = isinstance(error, UnexpectedCharacters)
        raise make_error(_explain(text, position, is_character=is_character), text, position) from None
    for term in islice(list_terms(part), MOST_TERMS, None):
        raise make_error(f"there are more than {MOST_TERMS} terms", text, term.position)
    return part  # type: ignore[no-any-return]


def check_text(text: Any) -> str:
    """Return a filter text.

    Raises:
        FilterError: It is something else.
    """
    if not isinstance(text, str):
        raise FilterError("filter", f"{text!r} is not text: give a filter such as 'model:gpt-4o* cost>0.05 \"words\"'")
    return text


def _explain(text: str, position: int, *, is_character: bool) -> str:
    """Return why the text cannot go on at `position`."""
    found = text[position : position + 1]
    if is_character and found == '"':
        return 'this double quote is not closed: close it, or write \\" for the character'
    if is_character and found == "\\":
        return "nothing follows this backslash: write two for the character"
    before = _UNFINISHED.search(text[:position])
    if before is not None and (before[3] or before[4]) and found.strip("(),"):
        return "put this value in double quotes: it has parentheses or double quotes in it"
    if before is not None and (word := before[1]):
        return f"{word} needs a term after it"
    if before is not None and before[4]:
        return f"give a value after {before[4]}, in double quotes if it has parentheses"
    if before is not None and before[3]:
        return "give a value after this comma"
    if not found:
        return "a parenthesis is not closed"
    if found == ")":
        return "nothing is in these parentheses" if before is not None else "no parenthesis is open here"
    if _VALUES.search(text[:position]):
        return _COMMAS
    if word := next((word for word in ("AND", "OR") if text.startswith(word, position)), ""):
        return f"{word} needs a term before it"
    return _COMMAS


class _TooDeepError(Exception):
    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


class _Builder:
    """Makes the parts, each once all that it consists of is parsed: lark calls the method of a rule."""

    def any(self, parts: list[WrittenPart]) -> WrittenPart:
        return _group("OR", parts)

    def all(self, parts: list[WrittenPart]) -> WrittenPart:
        return _group("AND", parts)

    def term(self, children: list[Any]) -> WrittenPart:
        name, operator, values = children
        field, _, key = name.partition(".")
        key = read_value(key, 0).text if key.startswith('"') else key
        if field != "attr":
            field, key = str(name), ""
        return WrittenTerm(field, key, operator.lstrip(":").lstrip() or ":", tuple(values), name.start_pos)

    def text(self, children: list[Token]) -> WrittenPart:
        (token,) = children
        return WrittenText(read_value(token, token.start_pos or 0), token.start_pos or 0)

    def negation(self, children: list[Any]) -> WrittenPart:
        sign, part = children
        return WrittenNot(part, sign.start_pos, _check_depth(part.depth + 1, sign.start_pos))

    def values(self, values: list[WrittenValue]) -> list[WrittenValue]:
        return values

    def value(self, children: list[Token]) -> WrittenValue:
        (token,) = children
        return read_value(token, token.start_pos or 0)


def _group(joint: str, parts: list[WrittenPart]) -> WrittenPart:
    if len(parts) == 1:
        return parts[0]
    position = parts[0].position
    return WrittenGroup(joint, tuple(parts), position, _check_depth(1 + max(part.depth for part in parts), position))


def _check_depth(depth: int, position: int) -> int:
    if depth > MOST_LEVELS:
        raise _TooDeepError(position)
    return depth


@cache
def _load_parser() -> Lark:
    try:
        from lark import Lark
    except ImportError as error:
        raise MissingPackageError("a filter needs lark: `pip install 'otel-sqlite-exporter[serve]'`") from error
    return Lark(_GRAMMAR, start="any", parser="lalr", lexer="contextual", transformer=_Builder())
