# SPDX-License-Identifier: Apache-2.0
"""What TelemetryDatabase returns are the views: the same names, in the same order, and nothing that a row lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.query.pages import field_types

CONTRACT = json.loads(Path(__file__).with_name("view_columns.json").read_text())


@pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
def test_the_fields_of_a_record_are_the_columns_of_its_view(view: Any) -> None:
    assert list(field_types(view.row_type)) == CONTRACT[view.name]
    assert set(CONTRACT[view.name]) >= view.row_type.JSON
    assert {view.row_type.ATTRIBUTES, *view.order} <= set(CONTRACT[view.name])
