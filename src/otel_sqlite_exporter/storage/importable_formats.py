# SPDX-License-Identifier: Apache-2.0
"""Formats of other programs whose files `migrate` brings over. Storage itself knows none of them: the package registers
each one as it is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

IMPORTABLE_FORMATS: dict[str, Callable[[sqlite3.Connection], bool]] = {}
"""By what such a file holds, in words for a message: returns whether an open file is one."""
