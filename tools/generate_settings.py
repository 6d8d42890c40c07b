# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/settings.md from the declared settings. Run it with `make settings`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.declarations import Setting, declared_settings, name_variable
from otel_sqlite_exporter.metric_settings import MetricSettings
from otel_sqlite_exporter.process_settings import EnvironmentSettings
from otel_sqlite_exporter.processor_settings import ProcessorSettings
from otel_sqlite_exporter.settings import Settings

PAGE = Path(__file__).parents[1] / "docs/settings.md"
TABLES: dict[str, type[Any]] = {
    "settings of all exporters": Settings,
    "settings of the metric exporter": MetricSettings,
    "settings of the span processor": ProcessorSettings,
    "settings of the environment": EnvironmentSettings,
}


def render_page(page: str) -> str:
    """Return the text of the page with its tables written from the declarations."""
    for name, kind in TABLES.items():
        beginning, end = f"<!-- {name}: written by `make settings` -->", f"<!-- end of {name} -->"
        before, _, rest = page.partition(beginning)
        _, _, after = rest.partition(end)
        page = f"{before}{beginning}\n\n{render_table(kind)}\n{end}{after}"
    return page


def render_table(kind: type[Any]) -> str:
    """Return a row for each setting of one class; those of the environment have no keyword."""
    first = int(kind is EnvironmentSettings)
    head = ["keyword", "environment variable", "default", "meaning"][first:]
    rows = [
        [f"`{name}`", f"`{name_variable(name)}`", render_default(setting), link_pages(setting.describe())]
        for name, setting in declared_settings(kind).items()
    ]
    lines = [f"| {' | '.join(row)} |\n" for row in (head, *(row[first:] for row in rows))]
    return "".join((lines[0], f"|{'---|' * len(head)}\n", *lines[1:]))


def render_default(setting: Setting) -> str:
    """Return a value as code, other words as they are."""
    text = setting.describe_default()
    return f"`{text}`" if text == str(setting.default) or isinstance(setting.default, bool) else text


def link_pages(text: str) -> str:
    """Return `text` with a link for each `docs/PAGE.md` in it."""
    return re.sub(r"docs/(\w+)\.md(#[\w-]+)?", lambda found: f"[{found[1]}]({found[1]}.md{found[2] or ''})", text)


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
