# SPDX-License-Identifier: Apache-2.0
"""The templates of the page, and what they may call.

Whatever a template prints is escaped, and characters that cannot be seen are written out, such as `\\u202e`, also
within attributes of HTML. So no template has to think of it. Only `markupsafe.Markup`, which macros and this package
make, is printed as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from otel_sqlite_exporter.server.page import page_links
from otel_sqlite_exporter.server.page.shown_content.message_html import render_value
from otel_sqlite_exporter.server.page.static_files import link_static
from otel_sqlite_exporter.show import units
from otel_sqlite_exporter.show.html_text import escape_html
from otel_sqlite_exporter.show.measures import format_measure
from otel_sqlite_exporter.show.score_texts import format_scores
from otel_sqlite_exporter.show.visible_text import write_visible
from otel_sqlite_exporter.version import __version__

_NUMBERS = (int, float)
_MACROS = "macros/"
"""The folder of templates whose macros all templates may call: those of `macros/ui.html` as `ui.NAME`."""


def make_environment() -> Environment:
    """Return the environment of all templates."""
    environment = Environment(
        loader=PackageLoader("otel_sqlite_exporter.server.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.globals.update(
        link_page=page_links.link_page,
        link_session=page_links.link_session,
        link_trace=page_links.link_trace,
        link_call=page_links.link_call,
        link_series=page_links.link_series,
        link_marks=page_links.link_marks,
        change_link=page_links.change_link,
        link_static=link_static,
        render_value=render_value,
        scored=format_scores,
        version=__version__,
    )
    environment.filters.update(
        ms=units.format_ms,
        cost=units.format_cost,
        bytes=units.format_bytes,
        count=units.format_count,
        tokens=units.format_tokens,
        number=units.format_number,
        measure=format_measure,
        visible=escape_html,
    )
    for name in environment.list_templates(filter_func=lambda name: name.startswith(_MACROS)):
        environment.globals[name.removeprefix(_MACROS).removesuffix(".html")] = _Macros(environment, name)
    return environment


class _Macros:
    """The macros of one template. It is loaded when it is first used, so macros may call those of each other file."""

    def __init__(self, environment: Environment, name: str) -> None:
        self._environment = environment
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment.get_template(self._name).module, name)


def _finalize(value: Any) -> Any:
    """Return what is printed for a value: nothing for None, HTML as it is, and any other without hidden characters:
    what is no text may hold some."""
    if value is None:
        return ""
    return value if hasattr(value, "__html__") or isinstance(value, _NUMBERS) else write_visible(str(value))


def render(environment: Environment, template: str, values: Mapping[str, Any], part: str | None = None) -> str:
    """Return the HTML of a template, or of one block of it."""
    loaded = environment.get_template(template)
    values = {"now": datetime.now(UTC).isoformat(), **values}
    if part is None:
        return loaded.render(values)
    return "".join(loaded.blocks[part](loaded.new_context(dict(values))))
