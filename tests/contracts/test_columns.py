# SPDX-License-Identifier: Apache-2.0
"""The columns of the public views: view_columns.json, a new file, docs/schema.md, the rows that the reader returns and
the models have the same columns in the same order, with the same types. Columns may be added at the end; any other
change breaks programs that read files: it needs a new view or column, and a line in the changelog."""

from __future__ import annotations

import json
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import orm
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS, TOOL_INTERACTIONS, AskableView
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary, MetricSummary
from otel_sqlite_exporter.query.pages import ViewRow
from otel_sqlite_exporter.storage.migrations import migrate
from tests.conftest import ROOT, read
from tests.integration.test_docs import bare, find_tables

COLUMNS: dict[str, list[str]] = json.loads(Path(__file__).with_name("view_columns.json").read_text())
ASKED = pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
OF_METRICS = (MetricSummary, ExemplarSummary)
MODELS = sorted((mapper.class_ for mapper in orm.Model.registry.mappers), key=lambda model: model.__name__)
PYTHON_TYPES = {"text": "str", "json": "str", "integer": "int", "real": "float", "any": "Any"}


def documented_types(view: str) -> dict[str, str]:
    """The Python type of each column, as docs/schema.md has it."""
    return {
        bare(name): PYTHON_TYPES[kind.rstrip("?")] + (" | None" if kind.endswith("?") else "")
        for name, kind, _ in find_tables("docs/schema.md", view)
    }


def test_the_views_have_these_columns_in_this_order(path: Path) -> None:
    migrate(str(path), busy_timeout_ms=5_000)
    columns: dict[str, list[str]] = {}
    for view, column in read(
        path,
        """
        SELECT v.name, c.name FROM sqlite_schema AS v, pragma_table_info(v.name) AS c
        WHERE v.type = 'view' AND v.name NOT GLOB '[_]*' ORDER BY v.name, c.cid""",
    ):
        columns.setdefault(view, []).append(column)
    assert columns == COLUMNS


@pytest.mark.parametrize("view", COLUMNS)
def test_the_document_has_the_columns_of_a_view(view: str) -> None:
    assert [*documented_types(view)] == COLUMNS[view]


@ASKED
def test_a_row_has_the_columns_of_its_view_with_their_types(view: AskableView[Any]) -> None:
    assert {field.name: field.type for field in fields(view.row_type)} == documented_types(view.name)
    assert [field.name for field in fields(view.row_type)] == COLUMNS[view.name]


@pytest.mark.parametrize("row_type", OF_METRICS, ids=lambda row_type: row_type.VIEW)
def test_a_row_of_a_list_of_metrics_has_the_columns_of_its_view(row_type: type[ViewRow]) -> None:
    """A value of any type is a number in data frames."""
    documented = {name: type_.replace("Any", "float") for name, type_ in documented_types(row_type.VIEW).items()}
    assert {field.name: field.type for field in fields(row_type)} == documented
    assert [field.name for field in fields(row_type)] == COLUMNS[row_type.VIEW]
    json_columns = {
        bare(name) for name, kind, _ in find_tables("docs/schema.md", row_type.VIEW) if kind.startswith("json")
    }
    assert json_columns == row_type.JSON


@ASKED
def test_the_json_columns_of_a_row_are_those_of_the_document(view: AskableView[Any]) -> None:
    rows = find_tables("docs/schema.md", view.name)
    json_columns = {bare(name) for name, kind, _ in rows if kind.startswith("json")}
    # What a tool was given and what it returned is JSON or other text.
    either = {"arguments", "result"} if view is TOOL_INTERACTIONS else set()
    assert json_columns | either == view.row_type.JSON


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_model_has_the_columns_of_its_view_with_their_types(model: Any) -> None:
    columns = model.__table__.columns.values()
    assert [column.name for column in columns] == COLUMNS[model.__tablename__]
    types = {column.name: column.type.python_type.__name__ for column in columns}
    documented = documented_types(model.__tablename__)
    assert types == {name: type_.removesuffix(" | None") for name, type_ in documented.items()}
    nullable = {name for name, type_ in documented.items() if type_.endswith("None")}
    assert {column.name for column in columns if column.nullable} == nullable


def test_the_types_of_the_columns_of_models_are_generated() -> None:
    generator = runpy.run_path(str(ROOT / "tools/generate_columns.py"))
    assert generator["STUB"].read_text() == generator["render_stub"](), "run `make columns`"
