# SPDX-License-Identifier: Apache-2.0
"""What a user's statement may name: the views of the file, and functions that only compute.

A statement is compiled twice. First beside the file, in an empty database in memory that has the public views and
nothing else: a statement that names a private table does not compile there. Then in the file, where the private tables
stand behind the views. SQLite's authorizer alone cannot tell the two apart: as the reader of a private table it names
the innermost view or common table expression, and a statement can give one of those the name of a view.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable
from functools import cache

_ACTIONS = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE))
READING_PRAGMAS = frozenset(
    (
        *("application_id", "auto_vacuum", "collation_list", "compile_options", "database_list", "encoding"),
        *("freelist_count", "function_list", "journal_mode", "page_count", "page_size", "query_only", "schema_version"),
        *("table_list", "user_version"),
    )
)
"""Pragmas that only read if they have no argument."""
DESCRIBING_PRAGMAS = frozenset(
    ("foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo")
)
"""Pragmas that only read, with a name as their argument."""
FUNCTIONS = frozenset(
    (
        *("->", "->>", "abs", "ceil", "ceiling", "changes", "char", "coalesce", "concat", "concat_ws", "exp", "floor"),
        *("format", "glob", "hex", "if", "ifnull", "iif", "instr", "length", "like", "likelihood", "likely", "ln"),
        *("log", "log10", "log2", "lower", "ltrim", "max", "min", "mod", "nullif", "octet_length", "pi", "pow"),
        *("power", "printf", "quote", "random", "randomblob", "regexp", "replace", "round", "rtrim", "sign", "soundex"),
        *("sqlite_version", "sqrt", "substr", "substring", "trim", "trunc", "typeof", "unhex", "unicode", "unistr"),
        *("unistr_quote", "unlikely", "upper", "zeroblob"),
        *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "degrees", "radians", "sin"),
        *("sinh", "tan", "tanh"),
        *("avg", "count", "group_concat", "median", "percentile", "percentile_cont", "percentile_disc", "string_agg"),
        *("sum", "total"),
        *("cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile"),
        *("percent_rank", "rank", "row_number"),
        *("current_date", "current_time", "current_timestamp", "date", "datetime", "julianday", "strftime", "time"),
        *("timediff", "unixepoch"),
        *("json", "json_array", "json_array_insert", "json_array_length", "json_error_position", "json_extract"),
        *("json_group_array", "json_group_object", "json_insert", "json_object", "json_patch", "json_pretty"),
        *("json_quote", "json_remove", "json_replace", "json_set", "json_type", "json_valid", "subtype"),
        *("jsonb", "jsonb_array", "jsonb_extract", "jsonb_group_array", "jsonb_group_object", "jsonb_insert"),
        *("jsonb_object", "jsonb_patch", "jsonb_remove", "jsonb_replace", "jsonb_set"),
    )
)
"""Functions of SQLite that compute from their arguments alone. Source: sqlite.org/lang.html. Not here are those that
load code, write to a log, or read what is not theirs: load_extension, sqlite_log, fts3_tokenizer and its kind."""
_JSON_TABLES = frozenset(("json_each", "json_tree"))
_PRAGMA_TABLES = frozenset(f"pragma_{name}" for name in READING_PRAGMAS | DESCRIBING_PRAGMAS)
_SCHEMA_TABLES = frozenset(("sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"))
_OTHER_TABLES = _JSON_TABLES | _PRAGMA_TABLES | _SCHEMA_TABLES
"""Tables that SQLite offers, and the schema, which describes the file."""
_VIEWS = "SELECT name, sql FROM main.sqlite_schema WHERE type = 'view' AND name NOT GLOB '_*' ORDER BY name"
_BLANK = re.compile(r"(?:\s|\ufeff|--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))*", re.DOTALL)
_EXPLAIN = re.compile(r"explain\b", re.IGNORECASE)

_JSON_IN_A_SCHEMA = "CREATE VIEW v AS SELECT e.value ->> '$', json_type(e.value) FROM json_each('[1]') AS e"

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def distrust_schema(connection: sqlite3.Connection) -> None:
    """Let no view, trigger or generated column call a function that is not known to be harmless. SQLite before 3.41
    does not know that of its JSON functions, which our tables and views use: there the authorizer alone sees to it, as
    it is asked about the functions of views too."""
    if _knows_json():
        connection.execute("PRAGMA trusted_schema = OFF")


@cache
def _knows_json() -> bool:
    with contextlib.closing(sqlite3.Connection(":memory:")) as tried:
        tried.execute("PRAGMA trusted_schema = OFF")
        tried.execute(_JSON_IN_A_SCHEMA)
        try:
            tried.execute("SELECT * FROM v").fetchall()
        except sqlite3.OperationalError:
            return False
        return True


def list_views(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the public views of a file."""
    return [name for name, _ in connection.execute(_VIEWS)]


def is_blank(text: str) -> bool:
    """Return whether a statement is white space and comments alone."""
    match = _BLANK.match(text)
    return match is not None and match.end() == len(text)


def compile_beside(
    connection: sqlite3.Connection, text: str, parameters: object, denied: list[int], abort: Callable[[], bool]
) -> None:
    """Compile a statement where there are the public views of the file and nothing else. `denied` gets what it may not
    do.

    Raises:
        sqlite3.Error: It does not compile there.
    """
    script = _find_script(connection)
    with contextlib.closing(sqlite3.Connection(":memory:", isolation_level=None)) as beside:
        beside.executescript(script)
        limit_sizes(connection, beside)
        views = frozenset(name.lower() for name, _ in beside.execute(_VIEWS))
        connect_tables(beside, text)
        beside.set_authorizer(authorize(views, denied))
        beside.set_progress_handler(abort, 100_000)
        blank = _BLANK.match(text)
        is_explained = _EXPLAIN.match(text, blank.end() if blank else 0)
        beside.execute(text if is_explained else f"EXPLAIN {text}", parameters)  # type: ignore[arg-type]


def connect_tables(connection: sqlite3.Connection, text: str) -> None:
    """Let a connection know the virtual tables that its views or this statement may use. With an authorizer it would
    not: SQLite asks it whether the schema may be changed."""
    words = frozenset(re.findall(r"\w+", text.lower()))
    for name in _JSON_TABLES | (_PRAGMA_TABLES & words):
        with contextlib.suppress(sqlite3.OperationalError):  # an older SQLite
            connection.execute(f"SELECT 1 FROM {name} LIMIT 0")


def limit_sizes(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Give `target` the limits of `source` (sqlite.org/c3ref/limit.html)."""
    for category in range(sqlite3.SQLITE_LIMIT_WORKER_THREADS):
        target.setlimit(category, source.getlimit(category))


def authorize(views: frozenset[str] | None, denied: list[int]) -> Authorizer:
    """Return an authorizer that allows reading. A statement itself may name these views (in small letters) alone; None:
    what it names was checked, and the private tables may be read by what it names. What was denied goes to `denied`."""

    def check(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
        if not _is_allowed(views, action, first, second):
            denied.append(action)
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    return check


def _is_allowed(views: frozenset[str] | None, action: int, first: str | None, second: str | None) -> bool:
    name = (first or "").lower()
    if action == sqlite3.SQLITE_READ:
        # Without a column it may be a common table expression; a virtual table that is not known here fails anyway.
        return views is None or not second or name in views or name in _OTHER_TABLES
    if action == sqlite3.SQLITE_FUNCTION:
        return (second or "").lower() in FUNCTIONS
    if action == sqlite3.SQLITE_PRAGMA:
        return name in (READING_PRAGMAS if second is None else DESCRIBING_PRAGMAS)
    return action in _ACTIONS


def _find_script(connection: sqlite3.Connection) -> str:
    """Return the statements that create views of the same names and columns as the public ones of the file."""
    key = tuple(connection.execute(_VIEWS).fetchall())
    known = _scripts.get(key)
    if known is None:
        known = "\n".join(filter(None, (_describe(connection, name) for name, _ in key)))
        if len(_scripts) >= _MOST_SCRIPTS:
            _scripts.clear()
        _scripts[key] = known
    return known


_MOST_SCRIPTS = 8
_scripts: dict[tuple[tuple[str, str], ...], str] = {}


def _describe(connection: sqlite3.Connection, view: str) -> str:
    try:
        columns = [column for column, *_ in connection.execute(f"SELECT * FROM {_quote(view)} LIMIT 0").description]
    except sqlite3.Error:
        return ""  # one of the user's, of what is gone
    return (
        f"CREATE VIEW {_quote(view)} ({', '.join(map(_quote, columns))}) AS SELECT {', '.join('0' for _ in columns)};"
    )


def _quote(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
