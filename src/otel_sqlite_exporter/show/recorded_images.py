# SPDX-License-Identifier: Apache-2.0
"""Images that were recorded: bytes are an image only if they are what they are said to be."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

_MOST_BYTES = 1 << 20
_DATA = re.compile(r"data:([a-z0-9.+/-]*)(?:;[a-z0-9=.-]+)*?(;base64)?,", re.IGNORECASE)
_SPACES = str.maketrans("", "", " \n\r\t")


class RecordedImage(NamedTuple):
    """An image whose bytes were looked at."""

    media_type: str
    content: bytes


def read_data_url(url: str) -> tuple[str, str] | None:
    """Return the media type and the base64 of a `data:` URL; None: it is none, or is written in another way."""
    found = _DATA.match(url)
    return (found[1].lower(), url[found.end() :]) if found is not None and found[2] else None


def read_image(content: str) -> RecordedImage | None:
    """Return the image that base64 holds: PNG, JPEG, GIF or WebP of up to 1 MiB. None: it is no such image."""
    if len(content) > _MOST_BYTES * 3 // 2:
        return None
    try:
        decoded = base64.b64decode(content.translate(_SPACES), validate=True)
    except (binascii.Error, ValueError):
        return None
    media_type = _find_type(decoded)
    return RecordedImage(media_type, decoded) if media_type and len(decoded) <= _MOST_BYTES else None


def write_data_url(image: RecordedImage) -> str:
    """Return an image as a `data:` URL."""
    return f"data:{image.media_type};base64,{base64.b64encode(image.content).decode()}"


def _find_type(content: bytes) -> str | None:
    """Return the media type that the first bytes of a file tell."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None
