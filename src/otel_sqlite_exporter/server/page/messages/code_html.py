# SPDX-License-Identifier: Apache-2.0
"""Code with colours: spans with the classes of Pygments, which static/css/code.css colours. Every character of the code
is there, and hidden ones are made visible."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

from otel_sqlite_exporter.show.html_text import Html, element, escape_html, join_html

_MOST_CHARACTERS = 10_000
_LONGEST_S = 0.05
_LANGUAGES = frozenset(
    (
        *("bash", "c", "cpp", "css", "diff", "docker", "go", "html", "javascript", "json", "php", "python", "rust"),
        *("sql", "toml", "typescript", "xml", "yaml"),
    )
)
"""The languages whose lexers are quick with any text. Those of others take seconds for a line of brackets."""
_OTHER_NAMES = {
    **{"js": "javascript", "jsx": "javascript", "ts": "typescript", "tsx": "typescript", "py": "python"},
    **{"python3": "python", "sh": "bash", "shell": "bash", "zsh": "bash", "yml": "yaml", "c++": "cpp", "rs": "rust"},
    **{"golang": "go", "dockerfile": "docker", "svg": "xml", "sqlite": "sql", "patch": "diff", "jsonc": "json"},
}


def highlight(text: str, language: str) -> Html:
    """Return the HTML of a code, without an element around it. It has colours up to a bound of characters and of time,
    if the language is a known one."""
    lexer = _find_lexer(language.lower())
    if lexer is None or len(text) > _MOST_CHARACTERS:
        return escape_html(text)
    runs = groupby(_split(lexer, text), key=lambda token: token[0])
    return join_html(*(_color(kind, "".join(part for _, part in parts)) for kind, parts in runs))


def _split(lexer: Lexer, text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a code with their classes, all of its characters in their order."""
    end, last = 0, time.thread_time() + _LONGEST_S
    for start, kind, part in lexer.get_tokens_unprocessed(text):
        if start != end or time.thread_time() > last:
            break
        end = start + len(part)
        yield _find_class(kind), part
    if end < len(text):
        yield "", text[end:]


def _color(kind: str, text: str) -> Html:
    return element("span", text, class_=kind) if kind and text.strip() else escape_html(text)


def _find_class(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return str(STANDARD_TYPES.get(kind, ""))


@cache
def _load_lexer(name: str) -> Lexer:
    return get_lexer_by_name(name)


def _find_lexer(language: str) -> Lexer | None:
    name = _OTHER_NAMES.get(language, language)
    try:
        return _load_lexer(name) if name in _LANGUAGES else None
    except ClassNotFound:  # a version of Pygments without it
        return None
