# SPDX-License-Identifier: Apache-2.0
"""docs/api.md, docs/page.md and openapi.json have every route and argument, and each says what it is for."""

from __future__ import annotations

import json
import runpy
from typing import Any

from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.server.api.openapi_document import make_document
from otel_sqlite_exporter.server.api.list_answers import LISTED
from otel_sqlite_exporter.server.api.route_table import ROUTES
from otel_sqlite_exporter.server.page.page_table import PAGES
from tests.conftest import ROOT

DOCUMENT: dict[str, Any] = json.loads(make_document())


def test_the_tables_of_the_page_are_those_of_the_routes() -> None:
    render = runpy.run_path(str(ROOT / "tools/generate_api.py"))["render_page"]
    page, other = ((ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("api", "page"))
    assert (render(page), render(other)) == (page, other), "run `make api`"
    assert all(f"| `{one.path}` | {one.about} |" in other for one in PAGES)
    assert all(f"`{route.path}`" in page or f"{route.method} {route.path}`" in page for route in ROUTES)


def test_the_document_has_every_route_once() -> None:
    described = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]
    assert described == [("GET", "/openapi.json"), *((route.method, route.path) for route in ROUTES)]
    operations = [one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()]
    assert len(operations) == len(set(operations))


def test_every_argument_and_route_says_what_it_is_for() -> None:
    for route in ROUTES:
        assert route.about.endswith("."), route.path
        for parameter in route.parameters:
            assert parameter.about.endswith("."), (route.path, parameter.name)
        names = [parameter.name for parameter in route.parameters]
        assert len(names) == len(set(names)), route.path


def test_every_list_of_the_reader_has_a_route() -> None:
    assert {view.name for view in LISTED.values()} == {view.name for view in ASKABLE_VIEWS}
    for name, view in LISTED.items():
        (route,) = (route for route in ROUTES if route.path == f"/{name}")
        assert {*view.arguments} <= {parameter.name for parameter in route.parameters}


def test_a_schema_that_is_referred_to_is_there() -> None:
    text = json.dumps(DOCUMENT)
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named == DOCUMENT["components"]["schemas"].keys()
    (report,) = (one for one in DOCUMENT["paths"]["/reports/{name}"]["get"]["parameters"] if one["name"] == "name")
    assert report["schema"]["enum"] == [*REPORTS]
