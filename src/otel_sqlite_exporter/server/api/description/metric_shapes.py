# SPDX-License-Identifier: Apache-2.0
"""The shapes of answers about metrics."""

from __future__ import annotations

from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
from otel_sqlite_exporter.server.api.description.json_shapes import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Schema,
    allow_null,
    refer,
    shape_list,
    shape_map,
    shape_object,
)

_NUMBER, _TEXT = allow_null(NUMBER), allow_null(TEXT)
_FACET = shape_object(
    {"field": TEXT, "values": shape_list(shape_object({"value": ANY, "count": INTEGER})), "others": INTEGER}
)
METRIC = shape_object(
    {
        **{"name": TEXT, "instruments": shape_list(refer(MetricSummary.__name__)), "series": INTEGER},
        **{"services": _FACET, "attributes": shape_list(_FACET), "is_whole": BOOLEAN},
    }
)
_BUCKET = shape_object({"lower": _NUMBER, "upper": _NUMBER, "count": NUMBER})
_POINT: Schema = shape_object({"time_unix_nano": INTEGER, "value": _NUMBER})
_POINT["properties"]["buckets"] = {
    **{"anyOf": [shape_list(_BUCKET), ANY]},
    "description": "Of the aggregate buckets; of points as they are stored: as in the view metric_points.",
}
_LINE = shape_object(
    {
        **{"labels": shape_map(ANY), "aggregate": TEXT, "unit": TEXT, "is_estimate": BOOLEAN, "series": INTEGER},
        "points": shape_list(_POINT),
    }
)
SERIES = shape_object(
    {
        **{"name": TEXT, "kind": TEXT, "unit": TEXT, "description": TEXT, "temporality": _TEXT},
        **{"is_monotonic": allow_null(BOOLEAN), "aggregate": TEXT, "step_s": _NUMBER},
        **{"since_unix_nano": INTEGER, "until_unix_nano": INTEGER, "is_estimate": BOOLEAN, "omitted": INTEGER},
        **{"notes": shape_list(TEXT), "series": shape_list(_LINE)},
    }
)
