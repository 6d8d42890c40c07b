# SPDX-License-Identifier: Apache-2.0
"""The datasets that several modules ask: each is made once. A test that changes one takes a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every kind, with a dataset of all its days beside it."""
    return _make(tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="session")
def small_rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one capture, and few records after the second day."""
    return _make(tmp_path_factory.mktemp("small"), captures=("bedrock-botocore",), days=2)


def _make(folder: Path, **size: Any) -> Path:
    from tests.dataset_files import make_rich_file  # here: most tests do without what these import
    from tests.dataset_records import archive_all

    path = make_rich_file(folder / "rich.db", **size)
    archive_all(path, folder / "dataset")
    return path
