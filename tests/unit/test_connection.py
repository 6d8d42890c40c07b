# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from otel_sqlite_exporter.errors import UnsupportedSQLiteError
from otel_sqlite_exporter.storage.connection import OLDEST_SQLITE, check_sqlite_version


def test_an_older_sqlite_is_one_clear_error() -> None:
    with pytest.raises(UnsupportedSQLiteError, match=r"uses SQLite 3\.37\.2, and 3\.38\.0 or newer is needed: use a"):
        check_sqlite_version((3, 37, 2))


def test_the_oldest_supported_sqlite_and_this_one_are_accepted() -> None:
    check_sqlite_version(OLDEST_SQLITE)
    check_sqlite_version()
