# SPDX-License-Identifier: Apache-2.0
"""Text that came from elsewhere, as it may be shown in one line. Pure."""

from __future__ import annotations


def escape(text: str, keep: str = "") -> str:
    """Return a text with escapes for all characters that cannot be seen, but those of `keep`: control characters (also
    those of 8 bits), characters that change the direction of text, and halves of surrogate pairs."""
    if text.isprintable():
        return text
    shown = (one if one.isprintable() or one in keep else one.encode("unicode_escape").decode() for one in text)
    return "".join(shown)
