# SPDX-License-Identifier: Apache-2.0
"""The templates of the page, and what they may call.

Whatever a template prints is escaped, and characters that cannot be seen are written out, such as `\\u202e`, also
within attributes of HTML. So no template has to think of it. Only `markupsafe.Markup`, which macros and this package
make, is printed as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from otel_sqlite_exporter.server.page import page_links
from otel_sqlite_exporter.server.page.messages.message_html import render_messages, render_value
from otel_sqlite_exporter.server.page.static_files import link_static
from otel_sqlite_exporter.show.visible_text import escape
from otel_sqlite_exporter.version import __version__

_MACROS = "macros/"
"""The folder of templates whose macros all templates may call: those of `macros/ui.html` as `ui.NAME`."""
_KEPT = "\n\t\u200c\u200d\xa0\u2002\u2003\u2009\u200a\u202f\u3000"


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
        change_link=page_links.change_link,
        link_static=link_static,
        render_messages=render_messages,
        render_value=render_value,
        version=__version__,
    )
    for name in environment.list_templates(filter_func=lambda name: name.startswith(_MACROS)):
        module: Any = environment.get_template(name).module
        environment.globals[name.removeprefix(_MACROS).removesuffix(".html")] = module
    return environment


def _finalize(value: Any) -> Any:
    """Return what is printed for a value: nothing for None, and texts without hidden characters."""
    if value is None:
        return ""
    return escape(value, _KEPT) if type(value) is str else value


def render(environment: Environment, template: str, values: Mapping[str, Any], part: str | None = None) -> str:
    """Return the HTML of a template, or of one block of it."""
    loaded = environment.get_template(template)
    if part is None:
        return loaded.render(values)
    return "".join(loaded.blocks[part](loaded.new_context(dict(values))))
