# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/dialects.md from the data of the dialects. Run it with `make dialects`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/otel_sqlite_exporter"
PAGE = ROOT / "docs/dialects.md"


def render_page(page: str) -> str:
    """Return the text of the page with new tables."""
    dialects = [json.loads(file.read_text(encoding="utf-8")) for file in PACKAGE.glob("genai/dialects/*.json")]
    dialects.sort(key=lambda dialect: (dialect["name"] != "gen_ai", dialect["title"].lower()))
    vocabulary = json.loads((PACKAGE / "genai" / "vocabulary.json").read_text(encoding="utf-8"))
    content = json.loads((PACKAGE / "redact" / "content.json").read_text(encoding="utf-8"))
    tables = {
        "dialects": render_dialects(dialects),
        "providers": render_providers(vocabulary),
        "content": render_content(content["conventions"]),
        "columns": "\n".join(map(render_dialect, dialects)),
    }
    for name, table in tables.items():
        beginning, end = f"<!-- {name}: written by `make dialects` -->", f"<!-- end of {name} -->"
        pattern = re.escape(beginning) + ".*?" + re.escape(end)
        text = f"{beginning}\n\n{table}\n{end}".replace("\\", r"\\")
        page = re.sub(pattern, text, page, flags=re.DOTALL)
    return page


def render_dialects(dialects: list[dict[str, Any]]) -> str:
    """Return a row for each dialect: its name, the versions that were read, and its markers."""
    rows = [
        (
            f"[`{one['name']}`](#{anchor(one)})",
            one["title"],
            one["read"],
            one["source"],
            quote(one["markers"]) or ("its scope" if "scopes" in one else "log records only"),
        )
        for one in dialects
    ]
    head = ("dialect", "instrumentation or convention", "versions", "source", "markers: a span has one of")
    return render_table(head, rows)


def render_dialect(one: dict[str, Any]) -> str:
    """Return a section on one dialect."""
    text = f"### {one['title'].replace('`', '')}\n\nIts name is `{one['name']}`, its rank {one['rank']}.\n\n"
    rows = [(f"`{column}`", ", ".join(map(show, sources))) for column, sources in one["attributes"].items()]
    text += render_table(("column", "attributes"), rows) if rows else "It only changes what others mean.\n"
    for scope, names in one.get("scopes", {}).items():
        said = [f"`{name}`: {render_meaning(meaning)}" for name, meaning in names.items()]
        by_name = f" The operation by the name of the span: {', '.join(said)}." if said else ""
        spans = "Spans of any scope" if scope == "*" else f"Spans of the scope `{scope}` use it"
        text += f"\n{spans}.{by_name}\n"
    if "events" in one:
        text += f"\nAttributes of these span events are read with those of the span: {quote(one['events'])}.\n"
    for name, values in one.get("operations", {}).items():
        said = [f"`{value}`: {render_meaning(meaning)}" for value, meaning in values.items() if value != "*"]
        if "*" in values:
            others = {"*": "any other: the value itself", None: "any other: not a call"}
            said.append(others.get(values["*"], f"any other: `{values['*']}`"))
        text += f"\nThe operation by `{name}`: {', '.join(said)}.\n"
    if "outside" in one:
        said = [
            f"`{name}` ({'always' if providers is True else 'for ' + quote(providers)})"
            for name, providers in one["outside"].items()
            if providers
        ]
        included = [name for name, providers in one["outside"].items() if providers == []]
        if said:
            text += f"\nTokens that are not included in input or output: {', '.join(said)}.\n"
        if included:
            text += f"\nTokens that are included for every provider: {quote(included)}.\n"
    if "first_token_events" in one:
        names = quote(one["first_token_events"])
        text += f"\nIf no attribute has the time of the first token, it is that of the first span event {names}.\n"
    if "records" in one:
        said = [f"`{name}`{render_conditions(record)}" for name, record in one["records"].items()]
        text += f"\nSpan events and log records that are calls: {', '.join(said)}.\n"
    return text


def render_meaning(operation: str | None) -> str:
    """Return an operation as the page shows it."""
    return f"`{operation}`" if operation else "not a call"


def render_conditions(record: dict[str, Any]) -> str:
    """Return what makes a record a call, and the columns that it fills differently."""
    said = [f"with {quote(record['requires'])}"] if "requires" in record else []
    said += [
        f"if `{name}` is {' or '.join(show(value) if value else 'missing' for value in values)}"
        for name, values in record.get("where", {}).items()
    ]
    said += [f"`{column}` is {', '.join(map(show, one))}" for column, one in record.get("attributes", {}).items()]
    return f" ({'; '.join(said)})" if said else ""


def render_providers(vocabulary: dict[str, Any]) -> str:
    """Return a row for each provider that has other names too."""
    return render_table(
        ("shown", "recorded"), [(f"`{name}`", quote(names)) for name, names in vocabulary["providers"].items() if names]
    )


def render_content(conventions: dict[str, Any]) -> str:
    """Return a row for each convention: its attributes that are content."""
    parts = ("names", "of_providers", "whole", "flattened", "prompts", "answers", "parameters", "texts")
    rows = [
        (name, quote([*dict.fromkeys(key for part in parts for key in one.get(part, ()))]), one["source"])
        for name, one in conventions.items()
    ]
    return render_table(("convention", "attributes", "source"), rows)


def render_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [f"| {' | '.join(row)} |\n" for row in (head, *rows)]
    return "".join((lines[0], "|" + "---|" * len(head) + "\n", *lines[1:]))


def show(source: Any) -> str:
    """Return a source of a column as the page shows it."""
    if isinstance(source, str):
        return f"`{source}`"
    if isinstance(source, list):
        return " + ".join(map(show, source))
    return "{" + ", ".join(f"{key}: `{name}`" for key, name in source.items()) + "}"


def quote(names: list[str]) -> str:
    """Return names as code."""
    return ", ".join(f"`{name}`" for name in names)


def anchor(one: dict[str, Any]) -> str:
    """Return the anchor of a dialect's section."""
    return re.sub(r"[^\w -]", "", one["title"].lower()).replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
