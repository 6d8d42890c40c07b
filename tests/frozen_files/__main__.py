# SPDX-License-Identifier: Apache-2.0
"""Freezes a file with data of every kind as that of the present schema version."""

from __future__ import annotations

import tempfile
from pathlib import Path

from otel_sqlite_exporter.storage.steps import load_migrations
from tests.frozen_files.every_kind import write_every_kind
from tests.frozen_files.frozen_file import find_empty, pack

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        write_every_kind(path)
        for empty in find_empty(path):
            print("nothing in", empty)
        pack(load_migrations()[-1].version, path)
