# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/api.md and docs/page.md from the tables of routes and pages. Run it with `make api`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from otel_sqlite_exporter.server.api.api_problems import TITLES
from otel_sqlite_exporter.server.api.description.api_route import ApiRoute
from otel_sqlite_exporter.server.api.list_answers import LISTED
from otel_sqlite_exporter.server.api.metric_answers.metric_lists import METRIC_LISTS
from otel_sqlite_exporter.server.api.parameters import Parameter, make_filters
from otel_sqlite_exporter.server.api.route_table import ROUTES
from otel_sqlite_exporter.server.page.page_table import PAGES

PAGES_OF_DOCS = tuple(Path(__file__).parents[1] / "docs" / name for name in ("api.md", "page.md"))
_MOST_NAMED = 3
_FILTERS = {one.name for view in LISTED.values() for one in make_filters(view.filter_type)}
_FILTERS |= {one.name for listed in METRIC_LISTS.values() for one in listed.filters}


def render_page(page: str) -> str:
    """Return the text of the page with new tables."""
    tables = {"routes": render_routes(), "problems": render_problems(), "pages": render_pages()}
    for name, table in tables.items():
        beginning, end = f"<!-- {name}: written by `make api` -->", f"<!-- end of {name} -->"
        pattern = re.escape(beginning) + ".*?" + re.escape(end)
        text = f"{beginning}\n\n{table}\n{end}".replace("\\", r"\\")
        page = re.sub(pattern, text, page, flags=re.DOTALL)
    return page


def render_routes() -> str:
    """Return a row for each route."""
    rows = [(f"`{render_path(route)}`", route.about, render_arguments(route)) for route in ROUTES]
    return render_table(("route", "answers", "arguments"), rows)


def render_path(route: ApiRoute) -> str:
    """Return the path, with the method if it is not GET."""
    return route.path if route.method == "GET" else f"{route.method} {route.path}"


def render_arguments(route: ApiRoute) -> str:
    """Return the arguments: those that are needed first, and many filters as such."""
    given = [one for one in route.parameters if one.where != "path"]
    filters = [one for one in given if one.name in _FILTERS]
    shown = [one for one in given if one not in filters] if len(filters) > _MOST_NAMED else given
    names = [render_name(one) for one in sorted(shown, key=lambda one: not one.is_required)]
    if len(shown) < len(given):
        names.append("[filters](#arguments)")
    return ", ".join(names) or ("a JSON body" if route.method == "POST" else "-")


def render_name(parameter: Parameter) -> str:
    """Return the name of an argument, and whether it must be given."""
    return f"`{parameter.name}`{' (needed)' if parameter.is_required else ''}"


def render_pages() -> str:
    """Return a row for each page."""
    return render_table(("page", "shows"), [(f"`{page.path}`", page.about) for page in PAGES])


def render_problems() -> str:
    """Return a row for each type of problem."""
    return render_table(
        ("`type`", "`title`"), [(f"`urn:otel-sqlite-exporter:{name}`", title) for name, title in TITLES.items()]
    )


def render_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(line)} |\n" if line is not lines[1] else f"|{'---|' * len(head)}\n" for line in lines
    )


if __name__ == "__main__":
    for file in PAGES_OF_DOCS:
        file.write_text(render_page(file.read_text(encoding="utf-8")), encoding="utf-8")
