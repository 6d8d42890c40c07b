# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/dataset.md from the declared tables of a dataset. Run it with `make dataset`."""

from __future__ import annotations

from pathlib import Path

from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES, DatasetTable

PAGE = Path(__file__).parents[1] / "docs/dataset.md"
BEGINNING, END = "<!-- tables: written by `make dataset` -->", "<!-- end of tables -->"


def render_page(page: str) -> str:
    """Return the text of the page with its tables written from the declarations."""
    before, _, rest = page.partition(BEGINNING)
    _, _, after = rest.partition(END)
    return f"{before}{BEGINNING}\n{''.join(map(render_table, TABLES.values()))}\n{END}{after}"


def render_table(table: DatasetTable) -> str:
    """Return the columns of one table, by type."""
    rows = [
        f"| {type} | {', '.join(f'`{name}`' for name, of in table.columns.items() if of == type)} |\n"
        for type in ("text", "int", "real")
        if type in table.columns.values()
    ]
    order = ", ".join(f"`{name}`" for name in table.sort)
    return f"\n### {table.name}\n\nSorted by {order}.\n\n| type | columns |\n|---|---|\n{''.join(rows)}"


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
