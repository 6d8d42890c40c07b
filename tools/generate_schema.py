# SPDX-License-Identifier: Apache-2.0
"""Writes sql/schema.sql, the schema that all migrations together make. Run it with `make schema`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.migrations import migrate

SCHEMA = Path(__file__).parents[1] / "src/otel_sqlite_exporter/sql/schema.sql"
HEADER = """\
-- The schema after all migrations, written by `make schema`. To read: what counts is in migrations/.

PRAGMA application_id = {application_id:#x};
PRAGMA user_version = {user_version};
"""
# Tables by name, each with its indexes; then the views.
STATEMENTS = """
SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'view', tbl_name, type <> 'table', name
"""


def render_schema() -> str:
    """Return the text, made from a new file."""
    with TemporaryDirectory() as folder:
        path = f"{folder}/schema.db"
        migrate(path, busy_timeout_ms=5_000)
        with closing(open_writer(path, busy_timeout_ms=5_000)) as connection:
            header = HEADER.format(
                application_id=connection.execute("PRAGMA application_id").fetchone()[0],
                user_version=connection.execute("PRAGMA user_version").fetchone()[0],
            )
            statements = [f"{sql};\n" for (sql,) in connection.execute(STATEMENTS)]
    text = header
    for statement in statements:
        text += statement if statement.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX")) else f"\n{statement}"
    return text


if __name__ == "__main__":
    SCHEMA.write_text(render_schema(), encoding="utf-8")
    print(f"wrote {SCHEMA}")
