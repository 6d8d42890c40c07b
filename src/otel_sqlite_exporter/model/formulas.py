# SPDX-License-Identifier: Apache-2.0
"""What spreadsheets take for a formula: a cell of a recorded text must not run in one."""

from __future__ import annotations

_FIRST = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def quote_formula(text: str) -> str:
    """Return the quote that keeps a spreadsheet from taking `text` for a formula; empty: it does not need one."""
    return "'" if text and text[0] in _FIRST else ""
