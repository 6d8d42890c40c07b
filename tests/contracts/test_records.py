# SPDX-License-Identifier: Apache-2.0
"""What TelemetryDatabase returns are the views: the same names, in the same order, and nothing that a row lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.query.askable_views import KINDS
from otel_sqlite_exporter.query.pages import field_types

CONTRACT = json.loads(Path(__file__).with_name("view_columns.json").read_text())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.record.VIEW)
def test_the_fields_of_a_record_are_the_columns_of_its_view(kind: Any) -> None:
    assert list(field_types(kind.record)) == CONTRACT[kind.record.VIEW]
    assert set(CONTRACT[kind.record.VIEW]) >= kind.record.JSON
    assert {kind.record.ATTRIBUTES, *kind.order, *kind.texts, *kind.minima} <= set(CONTRACT[kind.record.VIEW])
