# SPDX-License-Identifier: Apache-2.0
"""The names, fields and relationships of the models. Their columns are in test_columns."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlalchemy

from otel_sqlite_exporter import orm
from tests.conftest import ROOT

CONTRACT = json.loads(Path(__file__).with_name("view_columns.json").read_text())
NAMES = [
    "Agent",
    "Event",
    "LLMInteraction",
    "Link",
    "Log",
    "Model",
    "Score",
    "Session",
    "Span",
    "ToolInteraction",
    "Trace",
]
RELATIONSHIPS = {
    "Agent": {"llm_interactions"},
    "Event": {"session", "trace", "span", "related", "log"},
    "LLMInteraction": {"session", "trace", "span", "start", "finish", "tool_interactions", "agent"},
    "Link": {"session", "trace", "span", "linked_span"},
    "Log": {"session", "trace", "span", "event"},
    "Score": {"session", "trace", "span", "call"},
    "Session": {"traces", "spans", "events", "logs", "scores", "llm_interactions", "tool_interactions"},
    "Span": {
        *("session", "trace", "parent", "children", "events", "start", "finish", "links", "linked_by", "logs"),
        *("llm_interactions", "tool_interactions"),
    },
    "ToolInteraction": {"session", "trace", "span", "start", "finish", "asked_by"},
    "Trace": {"session", "root", "spans", "events", "links", "logs", "scores", "llm_interactions", "tool_interactions"},
}
RENAMED = {
    "traces": "trace_count",
    "spans": "span_count",
    "logs": "log_count",
    "scores": "score_count",
    "sessions": "session_count",
}
_MAPPERS = {mapper.class_.__name__: mapper for mapper in orm.Model.registry.mappers}
MAPPERS = dict(sorted(_MAPPERS.items()))


def test_the_module_offers_these_names() -> None:
    assert sorted(orm.__all__) == [*NAMES, "open_engine"]
    assert set(MAPPERS) == set(NAMES) - {"Model"} == set(RELATIONSHIPS)


@pytest.mark.parametrize("name", MAPPERS)
def test_a_field_has_the_name_of_its_column_unless_a_relationship_has_it(name: str) -> None:
    assert {relationship.key for relationship in MAPPERS[name].relationships} == RELATIONSHIPS[name]
    renamed = {one.columns[0].name: one.key for one in MAPPERS[name].column_attrs if one.key != one.columns[0].name}
    assert renamed == {column: RENAMED[column] for column in renamed}
    assert set(RENAMED) & RELATIONSHIPS[name] <= set(renamed) | {
        key for key in RENAMED if key not in CONTRACT[str(MAPPERS[name].local_table)]
    }


@pytest.mark.parametrize("name", MAPPERS)
def test_a_model_says_what_it_is(name: str) -> None:
    model = MAPPERS[name].class_
    assert (model.__doc__ or "").startswith(f"One row of the view `{model.__tablename__}`")
    assert all(relationship.viewonly for relationship in sqlalchemy.inspect(model).relationships)


def test_the_document_has_every_model_and_relationship() -> None:
    text = (ROOT / "docs/orm.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    described = {model: (view, set(re.findall(r"`(\w+)`", names))) for model, view, names in rows}
    assert described == {name: (str(MAPPERS[name].local_table), RELATIONSHIPS[name]) for name in MAPPERS}
