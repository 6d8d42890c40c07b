# SPDX-License-Identifier: Apache-2.0
"""Turns a view in DuckDB's SQL into that of ClickHouse or Spark: sqlglot, and rules for what it gives another meaning.

Each rule keeps what SQLite says: NULL stays NULL, times are UTC, and integers do not overflow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlglot
from sqlglot import exp

_MICROSECONDS = 6
_CLICKHOUSE_CASTS = {"BIGINT": "toInt64", "DOUBLE": "toFloat64", "TEXT": "toString", "DECIMAL": "toDecimal128"}
_CLICKHOUSE_FORMATS = {"%M": "%i"}
"""Minutes; `%f` has six digits, as the times are of microseconds."""
_LOADED = "span_attributes"
"""A relation that views of ClickHouse do not join: its tables have these values, in the first column of `coalesce`."""
_SPARK_FORMATS = {
    "%Y-%m-%d": "yyyy-MM-dd",
    "%Y-%m-%dT%H:%M:%S.%fZ": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'",
}
_COMMENTS = re.compile(r"^CREATE OR REPLACE VIEW (\w+) AS\n((?:--.*\n)*)")


def rewrite_view(text: str, engine: str) -> str:
    """Return the text of a view for `clickhouse` or `spark`, with the comment below its first line.

    Raises:
        ValueError: The view has something for which there is no rule.
    """
    head = _COMMENTS.match(text)
    if head is None:
        raise ValueError("a view begins with CREATE OR REPLACE VIEW name AS, and its comment")
    view = sqlglot.parse_one(text, read="duckdb")
    query = _apply(_RULES[engine], view.expression)
    kind = "TEMPORARY VIEW" if engine == "spark" else "VIEW"
    body = query.sql(dialect=engine, pretty=True, comments=False, max_text_width=110)
    settings = "\nSETTINGS join_use_nulls = 1" if engine == "clickhouse" and _has_outer_join(query) else ""
    return f"CREATE OR REPLACE {kind} {head[1]} AS\n{head[2]}{body}{settings};\n"


def _apply(rule: Callable[[exp.Expr], exp.Expr], query: exp.Expr) -> exp.Expr:
    """Return `query` with each of its nodes as `rule` has it, those within before those around them."""
    for node in reversed(list(query.dfs())):
        new = rule(node)
        if new is not node:
            node.replace(new)
    return query


def _has_outer_join(query: exp.Expr) -> bool:
    return any(join.side for join in query.find_all(exp.Join))


def _for_clickhouse(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.TimeToStr):
        return _format_for_clickhouse(node)
    if isinstance(node, exp.Select) and node.args.get("joins"):
        return _name_columns(node) if _leave_loaded(node) else node
    if isinstance(node, exp.Coalesce) and any(other.text("table") == _LOADED for other in node.expressions):
        first: exp.Expr = node.this
        return first.copy()
    if isinstance(node, exp.Count) and not isinstance(node.parent, exp.Filter):
        return exp.func("toInt64", node.copy())
    if isinstance(node, exp.Filter) and isinstance(node.this, exp.Count):
        return exp.func("toInt64", node.copy())
    if isinstance(node, exp.IntDiv):
        return exp.func("intDiv", node.this, node.expression)
    if isinstance(node, exp.JSONExtractScalar):
        return exp.func("JSONExtract", node.this, exp.Literal.string(_find_key(node)), "'Nullable(String)'")
    if isinstance(node, exp.GroupConcat) and isinstance(node.this, exp.Order):
        return _join_for_clickhouse(node)
    if _is_call(node, "to_json"):
        return exp.func("toJSONString", *node.expressions)
    if isinstance(node, exp.Cast) and not isinstance(node.this, exp.Null):
        scale = [exp.Literal.number(0)] if node.to.this.name == "DECIMAL" else []
        return exp.func(_CLICKHOUSE_CASTS[node.to.this.name], node.this, *scale)
    return node


def _for_spark(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.TimeToStr):
        since = "TIMESTAMP_NTZ '1970-01-01 00:00:00'"  # has no time zone, unlike what TIMESTAMP_MICROS gives
        micros = _find_micros(node).sql(dialect="spark")
        return _raw(
            f'DATE_FORMAT(TIMESTAMPADD(MICROSECOND, {micros}, {since}), "{_SPARK_FORMATS[_find_format(node)]}")'
        )
    if _is_call(node, "to_json"):  # it takes no text, but an array of one
        array = exp.func("TO_JSON", exp.Anonymous(this="ARRAY", expressions=node.expressions))
        return exp.func("SUBSTRING", array, exp.Literal.number(2), exp.func("LENGTH", array.copy()) - 2)
    return node


def _leave_loaded(node: exp.Select) -> bool:
    """Take the join with what is loaded away, and return whether others are left."""
    node.set("joins", [join for join in node.args["joins"] if join.this.alias != _LOADED])
    return bool(node.args["joins"])


def _name_columns(node: exp.Select) -> exp.Select:
    """Name each column of a join, as ClickHouse may keep the name of its table in front of it."""
    columns = [exp.alias_(one, one.name) if isinstance(one, exp.Column) else one for one in node.expressions]
    node.set("expressions", columns)
    return node


def _join_for_clickhouse(node: exp.GroupConcat) -> exp.Expr:
    """Join texts in the order of one column."""
    text, (key,) = node.this.this, node.this.expressions
    pairs = f"groupArray(({key.this.sql('clickhouse')}, {text.sql('clickhouse')}))"
    separator = node.args["separator"].sql("clickhouse")
    return _raw(f"arrayStringConcat(arrayMap(pair -> pair.2, arraySort({pairs})), {separator})")


def _format_for_clickhouse(node: exp.TimeToStr) -> exp.Expr:
    micros = _find_micros(node)
    time = exp.func("fromUnixTimestamp64Micro", exp.func("toInt64", micros), exp.Literal.string("UTC"))
    pattern = _find_format(node)
    for theirs, ours in _CLICKHOUSE_FORMATS.items():
        pattern = pattern.replace(theirs, ours)
    return exp.func("formatDateTime", time, exp.Literal.string(pattern))


def _find_micros(node: exp.TimeToStr) -> exp.Expr:
    time = node.this
    if not isinstance(time, exp.UnixToTime) or int(time.args["scale"].name) != _MICROSECONDS:
        raise ValueError(f"a time is written as strftime(make_timestamp(...), ...), not as {node.sql()}")
    found: exp.Expr = time.this
    return found


def _find_format(node: exp.TimeToStr) -> str:
    return str(node.args["format"].name)


def _find_key(node: exp.JSONExtractScalar) -> str:
    path = node.expression
    keys = [part.name for part in path.expressions if isinstance(part, exp.JSONPathKey)]
    if len(keys) != 1 or len(path.expressions) != len(keys) + 1:
        raise ValueError(f"a path of JSON has one key: {node.sql()}")
    return keys[0]


def _is_call(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == name


def _raw(text: str) -> exp.Expr:
    """Return an expression that is written as it is."""
    return exp.Var(this=text)


_RULES: dict[str, Callable[[exp.Expr], exp.Expr]] = {"clickhouse": _for_clickhouse, "spark": _for_spark}
