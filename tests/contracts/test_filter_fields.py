# SPDX-License-Identifier: Apache-2.0
"""The filter language, which scripts and agents rely on: its fields are those of docs/filters.md, and stand for columns
of the views. Give a change a line in the changelog."""

from __future__ import annotations

import re
from typing import Any

import pytest

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS, LLM_INTERACTIONS, TOOL_INTERACTIONS, AskableView
from otel_sqlite_exporter.query.conditions.condition_writer import CONTENTS
from otel_sqlite_exporter.query.filter_language.filter_fields import FILTER_FIELDS, FilterField, fields_of
from otel_sqlite_exporter.query.filter_language.filter_parser import MOST_CHARACTERS, MOST_LEVELS, MOST_TERMS
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.sql_builder import build_page
from tests.conftest import ROOT
from tests.integration.test_docs import bare, find_tables

FIELDS = (
    *(
        "model",
        "answering_model",
        "provider",
        "operation",
        "agent",
        "tool",
        "tool_call",
        "status",
        "error",
        "error_message",
        "name",
    ),
    *("kind", "service", "scope", "session", "conversation", "user", "trace", "span", "parent", "event", "source"),
    *("phase", "link", "severity", "cost", "tokens", "input_tokens", "output_tokens", "cached_tokens"),
    *("reasoning_tokens", "duration", "first_token", "spans", "calls", "errors", "failed_calls", "failed_tools"),
    *("start", "end", "since", "until"),
    *("pinned", "pin", "note", "scores", "value", "label", "response", "counted", "has", "attr.KEY"),
)
TYPES: dict[str, set[type]] = {
    **{"text": {str}, "choice": {str}, "severity": {str}, "number": {int, float}, "duration": {float}},
    **{"time": {int}, "since": {int}, "until": {int}, "flag": {int}},
}
BY_LIST = {"llm": LLM_INTERACTIONS, "tools": TOOL_INTERACTIONS} | {view.name: view for view in ASKABLE_VIEWS}
OF_ALL = "all"


def render_row(field: FilterField) -> list[str]:
    """The row of a field in the document."""
    values = ", ".join(f"`{choice}`" for choice in field.choices) or field.type
    of = OF_ALL if field.views == ASKABLE_VIEWS else ", ".join(view.title for view in field.views)
    return [f"`{field.name}`", values, field.meaning, of]


def test_the_fields_are_these_and_those_of_the_document() -> None:
    assert tuple(field.name for field in FILTER_FIELDS) == FIELDS
    # The page and the API show meanings as they are.
    assert [field.name for field in FILTER_FIELDS if "](" in field.meaning] == []
    assert find_tables("docs/filters.md", "Fields") == [render_row(field) for field in FILTER_FIELDS]


@pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
def test_a_field_is_a_column_of_its_type(view: AskableView[Any]) -> None:
    of_records = {**field_types(TOOL_INTERACTIONS.row_type), **field_types(LLM_INTERACTIONS.row_type)}
    columns = {**(of_records if view.calls_key else {}), **field_types(view.row_type)}
    declared = {field.name: field for field in fields_of(view) if field.column}
    assert {name: columns[field.get_column(view)] in TYPES[field.type] for name, field in declared.items()} == (
        dict.fromkeys(declared, True)
    )


@pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
def test_every_keyword_has_a_field(view: AskableView[Any]) -> None:
    columns = {field.get_column(view) for field in fields_of(view)} | {"since", "until", "attributes", "filter"}
    columns |= {"severity_number"}
    assert {argument.removeprefix("min_") for argument in view.arguments} <= columns


def test_the_limits_are_those_of_the_document() -> None:
    text = (ROOT / "docs/filters.md").read_text(encoding="utf-8")
    assert f"{MOST_CHARACTERS:,} characters, {MOST_TERMS} terms and {MOST_LEVELS} levels" in text


def test_the_document_says_where_texts_are_looked_for_in_each_list() -> None:
    assert {BY_LIST[bare(row[0])].name for row in find_tables("docs/filters.md", "Text")} == {*CONTENTS}
    assert {*CONTENTS} == {view.name for view in ASKABLE_VIEWS}


@pytest.mark.parametrize(
    ("view", "filter"), [(bare(row[0]), bare(row[1])) for row in find_tables("docs/filters.md", "Examples")]
)
def test_an_example_is_a_filter(view: str, filter: str) -> None:
    assert "WHERE" in build_page(BY_LIST[view], {"filter": filter}, limit=1).sql


@pytest.mark.parametrize("row", find_tables("docs/filters.md", "Terms"), ids=lambda row: row[0])
def test_a_term_of_the_document_is_a_filter(row: list[str]) -> None:
    examples = [one for one in re.findall("`(.*?)`", row[0]) if one not in ("<", ">=", "<=")]
    assert examples
    for filter in examples:
        assert "WHERE" in build_page(LLM_INTERACTIONS, {"filter": filter}, limit=1).sql


def test_an_error_has_these_attributes() -> None:
    with pytest.raises(FilterError) as caught:
        build_page(LLM_INTERACTIONS, {"filter": "status:ok colour:red"}, limit=1)
    error = caught.value
    assert (error.argument, error.position, len(error.excerpt)) == ("filter", 10, 2)
    assert str(error) == "\n".join((f"filter: {error.message}", *error.excerpt))
